package transform

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// EventStats adds to each row aggregates over all rows with the same By columns;
// without By, over all. Rows keep their order.
func EventStats(by []string, aggs []Aggregate) (plan.Transform, error) {
	if len(aggs) == 0 {
		return plan.Transform{}, wrong("eventstats has no aggregates")
	}
	if err := checkNames("eventstats", by...); err != nil {
		return plan.Transform{}, err
	}
	reads, names := by, make([]string, len(aggs))
	for i, a := range aggs {
		if err := a.check("eventstats"); err != nil {
			return plan.Transform{}, err
		}
		names[i] = a.As
		reads = distinctNames(reads, aggReads(a))
	}
	if err := checkNames("eventstats", names...); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{Name: "eventstats " + strings.Join(names, ", "), Reads: reads, Columns: keep(names...), Events: true}
	if len(by) > 0 {
		t.Name += " by " + strings.Join(by, ", ")
	}
	return made(t, func(w *work) (*plan.Rows, error) {
		cols, err := w.sources(by)
		if err != nil {
			return nil, err
		}
		groups, n, err := w.groups(cols)
		if err != nil {
			return nil, err
		}
		made := make([][]plan.Value, len(aggs))
		for i, a := range aggs {
			if made[i], err = a.perGroup(w, groups, n); err != nil {
				return nil, err
			}
		}
		return w.with(names, made...)
	}), nil
}

// aggReads lists the columns that an aggregate reads.
func aggReads(a Aggregate) []string {
	var r []string
	if a.Field != "" {
		r = append(r, a.Field)
	}
	if a.Func == plan.Earliest || a.Func == plan.Latest {
		r = append(r, plan.Timestamp)
	}
	return r
}

// inputs returns the values of an aggregate and the times of rows. Rows without
// times are as if in the order of time.
func (a Aggregate) inputs(w *work) (values []plan.Value, at func(i int) float64, err error) {
	if values, err = w.source(a.Field); err != nil {
		return nil, nil, err
	}
	times := w.in.Column(plan.Timestamp)
	return values, func(i int) float64 {
		if times == nil {
			return float64(i)
		}
		f, _ := times[i].Float()
		return f
	}, nil
}

// stateBytes is what a state takes.
const stateBytes = 256

// perGroup returns the aggregate of the group of each row.
func (a Aggregate) perGroup(w *work, groups []int, n int) ([]plan.Value, error) {
	values, at, err := a.inputs(w)
	if err != nil {
		return nil, err
	}
	if err := w.grow(n * (stateBytes + valueBytes)); err != nil {
		return nil, err
	}
	states := make([]*state, n)
	for i := range states {
		states[i] = newState(a)
	}
	for i, g := range groups {
		if grown := states[g].add(&values[i], at(i)); grown > 0 {
			if err := w.grow(grown); err != nil {
				return nil, err
			}
		}
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	results := make([]plan.Value, n)
	for i, s := range states {
		results[i] = s.value()
	}
	col, err := w.column(len(groups))
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		col[i] = results[g]
	}
	return col, nil
}
