package transform

import (
	"fmt"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// MaxLag bounds how far Autoregress looks back, in rows.
const MaxLag = 10_000

// Lags are the parameters of Autoregress: the values of Field From to To rows
// before.
type Lags struct {
	Field    string
	As       string // name of the column, Field_p1 and so on when it is empty
	From, To int    // both 1 when they are 0
}

// Autoregress adds the values that a field has in earlier rows. With several
// lags a name gets _p1 and so on as well (ours). The first rows have none before.
func Autoregress(l Lags) (plan.Transform, error) {
	if l.From == 0 && l.To == 0 {
		l.From, l.To = 1, 1
	}
	if l.From < 1 || l.To < l.From || l.To > MaxLag || l.To-l.From >= MaxFields {
		return plan.Transform{}, wrong("autoregress looks back %d to %d rows, not 1 to %d, or at more than %d", l.From, l.To, MaxLag, MaxFields)
	}
	base := l.As
	if base == "" {
		base = l.Field
	}
	var names []string
	for p := l.From; p <= l.To; p++ {
		if l.As != "" && l.From == l.To {
			names = append(names, l.As)
			continue
		}
		names = append(names, base+"_p"+strconv.Itoa(p))
	}
	if err := checkNames("autoregress", append(names, l.Field)...); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{
		Name:    fmt.Sprintf("autoregress %s p=%d-%d as %s", l.Field, l.From, l.To, base),
		Reads:   []string{l.Field},
		Columns: keep(names...),
		Events:  true,
	}
	return made(t, func(w *work) (*plan.Rows, error) {
		from, err := w.source(l.Field)
		if err != nil {
			return nil, err
		}
		cols := make([][]plan.Value, len(names))
		for i := range cols {
			col, err := w.column(w.in.Len)
			if err != nil {
				return nil, err
			}
			if p := l.From + i; p < len(col) {
				copy(col[p:], from)
			}
			cols[i] = col
			if err := w.step(); err != nil {
				return nil, err
			}
		}
		return w.with(names, cols...)
	}), nil
}
