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
	c.extend(joinMatches, plan.Call{Func: side.Matches(len(left)), Args: left})
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
	*Partners
	rows *plan.Rows
}

func newJoinSide(outer bool) *joinSide { return &joinSide{NewPartners(outer), &plan.Rows{}} }

// load takes the rows; it reports whether there are not too many keys.
func (s *joinSide) load(rows *plan.Rows, keys []string) bool {
	s.rows = rows
	cols := make([][]plan.Value, len(keys))
	for i, k := range keys {
		cols[i] = rows.Column(k)
	}
	return s.Load(cols, rows.Len, MaxJoinKeys)
}

// cell is the function of the number of a row to its value in a column.
func (s *joinSide) cell(column string) *plan.Function {
	return RowCell("joined["+strconv.Quote(column)+"]", s.rows.Column(column))
}
