package transform

import "github.com/cumulog/cumulog/internal/engine/query/plan"

// Accum adds up the numbers of field from the first row on. The sum so far is the
// column as, or replaces field when as is empty. Rows whose value is no number
// get Null and add nothing (ours).
func Accum(field, as string) (plan.Transform, error) {
	if err := checkNames("accum", field); err != nil {
		return plan.Transform{}, err
	}
	name := "accum " + field
	if as == "" {
		as = field
	} else {
		name += " as " + as
	}
	if err := checkNames("accum", as); err != nil {
		return plan.Transform{}, err
	}
	return made(plan.Transform{Name: name, Reads: []string{field}, Columns: keep(as), Events: true}, func(w *work) (*plan.Rows, error) {
		col, err := w.column(w.in.Len)
		if err != nil {
			return nil, err
		}
		sum := 0.0
		from := w.in.Column(field)
		for i := range from {
			if f, ok := from[i].Float(); ok {
				sum += f
				col[i] = plan.NumberValue(sum)
			}
			if err := w.step(); err != nil {
				return nil, err
			}
		}
		return w.with([]string{as}, col)
	}), nil
}
