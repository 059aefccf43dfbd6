package transform

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Totals are the parameters of AddTotals.
type Totals struct {
	As     string   // column of the totals of rows, Total when it is empty
	NoRow  bool     // no totals of rows
	Col    bool     // a last row with the totals of columns
	Fields []string // the columns that count, all when there are none
}

// AddTotals adds up the numbers of each row in a new column, of each column in a
// new row, or both. Values that are no number add nothing; a total of nothing is
// Null. Times and system fields do not count unless they are named (ours). The
// row of totals also has the total of the totals.
func AddTotals(t Totals) (plan.Transform, error) {
	if t.As == "" {
		t.As = "Total"
	}
	if err := checkNames("addtotals", t.As); err != nil {
		return plan.Transform{}, err
	}
	if err := checkNames("addtotals", t.Fields...); err != nil {
		return plan.Transform{}, err
	}
	if t.NoRow && !t.Col {
		return plan.Transform{}, wrong("addtotals adds neither a column nor a row")
	}
	s := plan.Transform{Name: "addtotals", All: true, Columns: keep(), Events: !t.Col}
	if !t.NoRow {
		s.Columns = keep(t.As)
	}
	return made(s, t.apply), nil
}

func (t Totals) counts(name string) bool {
	if len(t.Fields) > 0 {
		return slices.Contains(t.Fields, name)
	}
	return name != t.As && !plan.IsSystem(name)
}

func (t Totals) apply(w *work) (*plan.Rows, error) {
	out, err := w.same()
	if err != nil {
		return nil, err
	}
	if !t.NoRow {
		total, err := w.column(w.in.Len)
		if err != nil {
			return nil, err
		}
		for i, name := range w.in.Names {
			if !t.counts(name) {
				continue
			}
			for k := range total {
				t.add(&total[k], &w.in.Cols[i][k])
				if err := w.step(); err != nil {
					return nil, err
				}
			}
		}
		if out, err = w.with([]string{t.As}, total); err != nil {
			return nil, err
		}
	}
	if !t.Col {
		return out, nil
	}
	for i, name := range out.Names {
		col, err := w.column(out.Len + 1)
		if err != nil {
			return nil, err
		}
		copy(col, out.Cols[i])
		if t.counts(name) || name == t.As && !t.NoRow {
			for k := range out.Len {
				t.add(&col[out.Len], &col[k])
				if err := w.step(); err != nil {
					return nil, err
				}
			}
		}
		out.Cols[i] = col
	}
	out.Len, out.From = out.Len+1, nil
	return out, nil
}

// add adds a value to a sum.
func (t Totals) add(sum, v *plan.Value) {
	if v.Kind == plan.Time && len(t.Fields) == 0 {
		return
	}
	if f, ok := v.Float(); ok {
		*sum = plan.NumberValue(sum.Num + f)
	}
}
