package transform

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Pasted are the parameters of AppendCols.
type Pasted struct {
	Rows     *plan.Rows // of the subquery; never changed
	Override bool       // replace columns of the same name
	Max      int        // rows that are pasted, 10,000 when it is 0
}

const defaultPasted = 10_000

// AppendCols pastes the columns of a subquery, its first row beside the first
// row and so on. Rows beyond those of the subquery get Nulls; rows of the subquery
// beyond all others are left out (ours).
func AppendCols(p Pasted) (plan.Transform, error) {
	if p.Rows == nil {
		return plan.Transform{}, wrong("appendcols has no subquery")
	}
	if p.Max == 0 {
		p.Max = defaultPasted
	}
	if p.Max < 1 || p.Max > MaxMade {
		return plan.Transform{}, wrong("appendcols pastes %d rows, not 1 to %d", p.Max, MaxMade)
	}
	t := plan.Transform{Name: "appendcols", All: !p.Override, Columns: keep(p.Rows.Names...), Events: true}
	return made(t, func(w *work) (*plan.Rows, error) {
		var names []string
		var cols [][]plan.Value
		for i, name := range p.Rows.Names {
			if !p.Override && slices.Contains(w.in.Names, name) {
				continue
			}
			col, err := w.column(w.in.Len)
			if err != nil {
				return nil, err
			}
			copy(col, p.Rows.Cols[i][:min(p.Rows.Len, p.Max)])
			names, cols = append(names, name), append(cols, col)
		}
		return w.with(names, cols...)
	}), nil
}
