package insightsql

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// MaxJoinKeys is the number of distinct keys that the right side of a join can have.
const MaxJoinKeys = 50_000

// Columns that a join needs for itself. No field can have these names, which
// begin with the only character that names cannot have.
const (
	joinMatches = "`join"
	joinRow     = "`row"
)

// join translates a join. The right side is read first; each row of the left
// side gets the list of its partners, which is unnested, and then their columns.
func (c *compiler) join(i int, x *Join) error {
	if c.joined {
		return refused(x.Span, "a query has at most one join")
	}
	c.joined = true
	alias := x.RightAlias.Text
	var keys, needed []string
	var left []plan.Expr
	for _, k := range x.On {
		e, err := c.expr(&Field{k.Left.Span, k.Left.Path[1:]})
		if err != nil {
			return err
		}
		left = append(left, e)
		keys = append(keys, strings.Join(k.Right.Path[1:], "."))
	}
	display := &Fields{Span: x.Span, Display: true, implied: true}
	want := func(f *Field) {
		if name := strings.Join(f.Path[1:], "."); len(f.Path) > 1 && f.Path[0] == alias && !contains(needed, name) {
			needed = append(needed, name)
			display.Items = append(display.Items, Item{Expr: &Field{f.Span, f.Path[1:]}, name: name, as: f.Span})
		}
	}
	for _, k := range x.On {
		want(k.Right)
	}
	for _, later := range c.tree.Commands[i+1:] {
		for _, e := range exprsOf(later) {
			walk(e, func(e Expr) bool {
				if f, ok := e.(*Field); ok {
					want(f)
				}
				return true
			})
		}
	}
	sub := &Query{Sources: x.Sub.Sources, Commands: append(x.Sub.Commands[:len(x.Sub.Commands):len(x.Sub.Commands)], display), text: x.Sub.text}
	if _, err := c.columnsOfSub(sub, x.Span); err != nil {
		return err
	}
	side := newJoinSide(x.Left)
	if !c.dry {
		start, end := c.subqueryRange(sub)
		rows, err := c.run(sub, start, end, MaxLimit, x.Span)
		if err != nil {
			return err
		}
		if rows.Len >= MaxLimit {
			return refused(x.Span, "the right side of join gives %d rows or more", MaxLimit)
		}
		if !side.load(rows, keys) {
			return refused(x.Span, "the right side of join has more than %d distinct keys", MaxJoinKeys)
		}
	}
	c.extend(joinMatches, plan.Call{Func: side.matches(len(left)), Args: left})
	c.step(plan.Unnest{X: plan.Field{Name: joinMatches}, As: joinRow})
	c.ordered, c.grew = true, c.capped
	for i, name := range needed {
		full := alias + "." + name
		if _, ok := c.scope.made[full]; ok {
			return defined(display.Items[i].as, full)
		}
		c.extend(full, plan.Call{Func: side.cell(name), Args: []plan.Expr{plan.Field{Name: joinRow}}})
		c.scope.made[full] = nil
	}
	c.scope.left = x.LeftAlias.Text
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// joinSide is the right side of a join: its rows, and the rows of each key.
type joinSide struct {
	outer bool // rows without a partner get one without values
	rows  *plan.Rows
	byKey map[string][]int
	lists map[string][]byte // JSON arrays of the rows of keys that have several
}

func newJoinSide(outer bool) *joinSide {
	return &joinSide{outer: outer, rows: &plan.Rows{}, byKey: map[string][]int{}, lists: map[string][]byte{}}
}

// load takes the rows; it reports whether there are not too many keys.
func (s *joinSide) load(rows *plan.Rows, keys []string) bool {
	s.rows = rows
	var key []byte
	vals := make([]plan.Value, len(keys))
	cols := make([][]plan.Value, len(keys))
	for i, k := range keys {
		cols[i] = rows.Column(k)
	}
	for r := range rows.Len {
		for i := range cols {
			if vals[i] = (plan.Value{}); cols[i] != nil {
				vals[i] = cols[i][r]
			}
		}
		var ok bool
		if key, ok = appendKey(key[:0], vals); !ok {
			continue
		}
		list, known := s.byKey[string(key)]
		if !known && len(s.byKey) == MaxJoinKeys {
			return false
		}
		s.byKey[string(key)] = append(list, r)
	}
	for k, list := range s.byKey {
		if len(list) < 2 {
			continue
		}
		text := []byte{'['}
		for i, r := range list {
			if i > 0 {
				text = append(text, ',')
			}
			text = strconv.AppendInt(text, int64(r), 10)
		}
		s.lists[k] = append(text, ']')
	}
	return true
}

// appendKey appends what tells combinations of values apart; ok is false when
// one of them is equal to nothing. Numbers and texts that are the same number as
// it is printed shortest are equal.
func appendKey(dst []byte, vals []plan.Value) (key []byte, ok bool) {
	for i := range vals {
		v := &vals[i]
		from := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		switch v.Kind {
		case plan.Null, plan.List:
			return dst, false
		case plan.Text:
			dst = append(dst, v.Text...)
		default:
			dst = plan.AppendNumber(dst, v.Num)
		}
		n := len(dst) - from - 4
		dst[from], dst[from+1], dst[from+2], dst[from+3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return dst, true
}

// matches is the function of the values of the keys to the rows that have them:
// Null for none, the number of the only one, or a list of numbers.
func (s *joinSide) matches(n int) *plan.Function {
	return &plan.Function{Name: "join", Min: n, Max: n, Absent: true, Bind: func([]*plan.Value) (plan.Eval, error) {
		var key []byte
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			var ok bool
			key, ok = appendKey(key[:0], args)
			list := s.byKey[string(key)]
			switch {
			case ok && len(list) == 1:
				return plan.NumberValue(float64(list[0]))
			case ok && len(list) > 1:
				return plan.Value{Kind: plan.List, Text: s.lists[string(key)]}
			case s.outer:
				return plan.NumberValue(-1)
			}
			return plan.Value{}
		}, nil
	}}
}

// cell is the function of the number of a row to its value in a column.
func (s *joinSide) cell(column string) *plan.Function {
	col := s.rows.Column(column)
	return &plan.Function{Name: "joined[" + strconv.Quote(column) + "]", Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		f, ok := args[0].Float()
		if !ok || f < 0 || int(f) >= len(col) {
			return plan.Value{}
		}
		return col[int(f)]
	}}
}
