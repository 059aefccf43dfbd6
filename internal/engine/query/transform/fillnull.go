package transform

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// FillNull replaces Nulls by values, in the columns that fills name; a name that
// no column has becomes one. A fill without a name is for all other columns that
// there are.
func FillNull(fills []Fill) (plan.Transform, error) {
	if len(fills) == 0 {
		return plan.Transform{}, wrong("fillnull has no values")
	}
	var names []string
	all := -1
	for i, f := range fills {
		switch {
		case f.Field != "":
			names = append(names, f.Field)
		case all >= 0:
			return plan.Transform{}, wrong("fillnull has two values for all fields")
		default:
			all = i
		}
	}
	if err := checkNames("fillnull", names...); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{Name: "fillnull", Reads: names, All: all >= 0, Columns: keep(names...), Events: true}
	return made(t, func(w *work) (*plan.Rows, error) {
		targets := names
		if all >= 0 {
			targets = distinctNames(w.in.Names, names)
		}
		cols := make([][]plan.Value, len(targets))
		for i, n := range targets {
			k := slices.IndexFunc(fills, func(f Fill) bool { return f.Field == n })
			if k < 0 {
				k = all
			}
			col, err := w.column(w.in.Len)
			if err != nil {
				return nil, err
			}
			copy(col, w.in.Column(n))
			for j := range col {
				if col[j].Kind == plan.Null {
					col[j] = fills[k].Value
				}
				if err := w.step(); err != nil {
					return nil, err
				}
			}
			cols[i] = col
		}
		return w.with(targets, cols...)
	}), nil
}
