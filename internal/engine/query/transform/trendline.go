package transform

import (
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Trend is a moving average of a field over N rows: the row itself and those
// before it.
type Trend struct {
	Field    string
	N        int
	Weighted bool // the rows count 1, 2, … N, the row itself most
	As       string
}

// Trendline adds moving averages in the order of rows. The first N-1 rows, and
// rows with a value among the N that is no number, get Null (ours).
func Trendline(trends []Trend) (plan.Transform, error) {
	if len(trends) == 0 {
		return plan.Transform{}, wrong("trendline has no averages")
	}
	t := plan.Transform{Name: "trendline", Events: true}
	names := make([]string, len(trends))
	for i, x := range trends {
		if x.N < 1 || x.N > MaxLag {
			return plan.Transform{}, wrong("trendline is over %d rows, not 1 to %d", x.N, MaxLag)
		}
		if err := checkNames("trendline", x.Field); err != nil {
			return plan.Transform{}, err
		}
		names[i] = x.As
		t.Reads = distinctNames(t.Reads, []string{x.Field})
		kind := "sma"
		if x.Weighted {
			kind = "wma"
		}
		t.Name += fmt.Sprintf(" %s(%d, %s) as %s", kind, x.N, x.Field, x.As)
	}
	if err := checkNames("trendline", names...); err != nil {
		return plan.Transform{}, err
	}
	t.Columns = keep(names...)
	return made(t, func(w *work) (*plan.Rows, error) {
		cols := make([][]plan.Value, len(trends))
		for i, x := range trends {
			col, err := x.over(w)
			if err != nil {
				return nil, err
			}
			cols[i] = col
		}
		return w.with(names, cols...)
	}), nil
}

func (x Trend) over(w *work) ([]plan.Value, error) {
	from, err := w.source(x.Field)
	if err != nil {
		return nil, err
	}
	col, err := w.column(w.in.Len)
	if err != nil {
		return nil, err
	}
	numbers := 0 // without a gap, up to here
	for i := range from {
		if _, ok := from[i].Float(); !ok {
			numbers = 0
			continue
		}
		if numbers++; numbers < x.N {
			continue
		}
		sum, weights := 0.0, 0.0
		for k := range x.N {
			f, _ := from[i-x.N+1+k].Float()
			weight := 1.0
			if x.Weighted {
				weight = float64(k + 1)
			}
			sum += weight * f
			weights += weight
			if err := w.step(); err != nil {
				return nil, err
			}
		}
		col[i] = plan.NumberValue(sum / weights)
	}
	return col, nil
}
