package transform

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Outliers are the parameters of Outlier.
type Outliers struct {
	Fields []string // all but system fields when there are none
	Remove bool     // remove rows with an outlier, else move it to the bound
	Param  float64  // of the distance between the quartiles, 2.5 when it is 0
	Lower  bool     // low values count as well
	Mark   bool     // write 000 before values that were moved
}

// Outlier looks for numbers that are more than Param times the distance between
// the quartiles above the upper one, or with Lower below the lower one (ours).
// Quartiles are interpolated between the two nearest numbers. Values that are no
// number are never outliers.
func Outlier(o Outliers) (plan.Transform, error) {
	if err := checkNames("outlier", o.Fields...); err != nil {
		return plan.Transform{}, err
	}
	if o.Param == 0 {
		o.Param = 2.5
	}
	if !(o.Param > 0 && o.Param < 1e9) {
		return plan.Transform{}, wrong("outlier has the parameter %v, which is not positive", o.Param)
	}
	t := plan.Transform{Name: "outlier", Columns: keep(), Events: true, Reads: o.Fields, All: len(o.Fields) == 0}
	if !t.All {
		t.Name += " " + strings.Join(o.Fields, ", ")
	}
	return made(t, o.apply), nil
}

func (o Outliers) apply(w *work) (*plan.Rows, error) {
	var names []string
	var cols [][]plan.Value
	drop := make([]bool, w.in.Len)
	if err := w.grow(w.in.Len); err != nil {
		return nil, err
	}
	for i, name := range w.in.Names {
		if len(o.Fields) > 0 && !slices.Contains(o.Fields, name) || len(o.Fields) == 0 && plan.IsSystem(name) {
			continue
		}
		from := w.in.Cols[i]
		low, high, ok, err := o.bounds(w, from)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		var col []plan.Value
		for k := range from {
			if err := w.step(); err != nil {
				return nil, err
			}
			f, ok := from[k].Float()
			if !ok || f <= high && (!o.Lower || f >= low) {
				continue
			}
			drop[k] = true
			if o.Remove {
				continue
			}
			if col == nil {
				if col, err = w.column(len(from)); err != nil {
					return nil, err
				}
				copy(col, from)
			}
			bound := high
			if f < low && f <= high {
				bound = low
			}
			col[k] = plan.NumberValue(bound)
			if o.Mark {
				col[k] = plan.Value{Kind: plan.Text, Text: col[k].AppendText([]byte("000"))}
			}
		}
		if col != nil {
			names, cols = append(names, name), append(cols, col)
		}
	}
	if !o.Remove {
		return w.with(names, cols...)
	}
	rows, err := w.indexes(w.in.Len)
	if err != nil {
		return nil, err
	}
	return w.take(slices.DeleteFunc(rows, func(i int) bool { return drop[i] }))
}

// bounds returns between which numbers a column has no outliers. There are none
// without numbers.
func (o Outliers) bounds(w *work, col []plan.Value) (low, high float64, ok bool, err error) {
	n, err := w.numbers(col)
	if err != nil || len(n) == 0 {
		return 0, 0, false, err
	}
	q1, q3 := quantile(n, 0.25), quantile(n, 0.75)
	d := o.Param * (q3 - q1)
	return q1 - d, q3 + d, true, nil
}

// numbers returns the numbers of a column, sorted.
func (w *work) numbers(col []plan.Value) ([]float64, error) {
	if err := w.grow(len(col) * indexBytes); err != nil {
		return nil, err
	}
	n := make([]float64, 0, len(col))
	for i := range col {
		if f, ok := col[i].Float(); ok {
			n = append(n, f)
		}
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	slices.Sort(n)
	return n, nil
}

// quantile returns the quantile of sorted numbers, of which there is at least one.
func quantile(n []float64, q float64) float64 {
	at := q * float64(len(n)-1)
	i := int(at)
	if i+1 >= len(n) {
		return n[i]
	}
	return n[i] + (at-float64(i))*(n[i+1]-n[i])
}

// number returns the shortest text of a number.
func numberText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
