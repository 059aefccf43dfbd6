package insightsql

import (
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Partners are the rows of the right side of a join, by their keys. The left side
// streams past them: each row gets the list of its partners, which is unnested.
type Partners struct {
	outer bool // rows without a partner get one without values
	byKey map[string][]int
	lists map[string][]byte // JSON arrays of the rows of keys that have several
}

// NewPartners returns the partners of no rows.
func NewPartners(outer bool) *Partners {
	return &Partners{outer: outer, byKey: map[string][]int{}, lists: map[string][]byte{}}
}

// Load takes n rows by the columns of their keys, where nil has no values. It
// reports whether there are at most so many distinct keys. It is called once.
func (p *Partners) Load(keys [][]plan.Value, n, most int) bool {
	var key []byte
	vals := make([]plan.Value, len(keys))
	for r := range n {
		for i, col := range keys {
			if vals[i] = (plan.Value{}); col != nil {
				vals[i] = col[r]
			}
		}
		var ok bool
		if key, ok = appendKey(key[:0], vals); !ok {
			continue
		}
		list, known := p.byKey[string(key)]
		if !known && len(p.byKey) == most {
			return false
		}
		p.byKey[string(key)] = append(list, r)
	}
	for k, list := range p.byKey {
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
		p.lists[k] = append(text, ']')
	}
	return true
}

// appendKey appends what tells combinations of values apart; ok is false when
// one of them is equal to nothing. Numbers and texts that are the same number as
// it is printed shortest are equal.
func appendKey(dst []byte, vals []plan.Value) (key []byte, ok bool) {
	for i := range vals {
		switch v := &vals[i]; v.Kind {
		case plan.Null, plan.List:
			return dst, false
		case plan.Text:
			dst = plan.AppendKey(dst, v)
		default:
			dst = plan.AppendKey(dst, &plan.Value{Kind: plan.Number, Num: v.Num})
		}
	}
	return dst, true
}

// Matches is the function of the values of n keys to the rows that have them:
// Null for none (-1 when the join is an outer one), the number of the only one, or
// a list of numbers.
func (p *Partners) Matches(n int) *plan.Function {
	return &plan.Function{Name: "join", Min: n, Max: n, Absent: true, Bind: func([]*plan.Value) (plan.Eval, error) {
		var key []byte
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			var ok bool
			key, ok = appendKey(key[:0], args)
			list := p.byKey[string(key)]
			switch {
			case ok && len(list) == 1:
				return plan.NumberValue(float64(list[0]))
			case ok && len(list) > 1:
				return plan.Value{Kind: plan.List, Text: p.lists[string(key)]}
			case p.outer:
				return plan.NumberValue(-1)
			}
			return plan.Value{}
		}, nil
	}}
}

// RowCell is the function of the number of a row to its value in a column.
func RowCell(name string, col []plan.Value) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		f, ok := args[0].Float()
		if !ok || f < 0 || int(f) >= len(col) {
			return plan.Value{}
		}
		return col[int(f)]
	}}
}
