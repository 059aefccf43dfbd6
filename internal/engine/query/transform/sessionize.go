package transform

import (
	"cmp"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Sessions are the parameters of Sessionize.
type Sessions struct {
	Fields []string // what belongs together
	Gap    int64    // ms, 30 minutes when it is 0
	As     string   // session_id when it is empty
}

const defaultGap = 30 * 60 * 1000

// Sessionize numbers the sessions of rows: rows with the same fields of which
// none is later than Gap after the one before, by @timestamp. Sessions are counted
// from 1 in the order of their starts, those that start at the same time in the
// order of their rows. Rows without a time, or where a field is Null, are in no
// session (ours). Rows keep their order.
func Sessionize(s Sessions) (plan.Transform, error) {
	if s.As == "" {
		s.As = "session_id"
	}
	if s.Gap == 0 {
		s.Gap = defaultGap
	}
	if len(s.Fields) == 0 || s.Gap < 0 {
		return plan.Transform{}, wrong("sessionize needs fields and a gap, not %d ms", s.Gap)
	}
	if err := checkNames("sessionize", append([]string{s.As}, s.Fields...)...); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{
		Name:    "sessionize " + strings.Join(s.Fields, ", ") + " as " + s.As,
		Reads:   distinctNames(s.Fields, []string{plan.Timestamp}),
		Columns: keep(s.As),
		Events:  true,
	}
	return made(t, s.apply), nil
}

func (s Sessions) apply(w *work) (*plan.Rows, error) {
	cols, err := w.sources(s.Fields)
	if err != nil {
		return nil, err
	}
	times, err := w.source(plan.Timestamp)
	if err != nil {
		return nil, err
	}
	groups, _, err := w.groups(cols)
	if err != nil {
		return nil, err
	}
	rows, err := w.indexes(w.in.Len)
	if err != nil {
		return nil, err
	}
	rows = rows[:0]
	for i := range w.in.Len {
		ok := times[i].Kind != plan.Null
		for _, c := range cols {
			ok = ok && c[i].Kind != plan.Null
		}
		if _, timed := times[i].Float(); ok && timed {
			rows = append(rows, i)
		}
	}
	at := func(i int) float64 { f, _ := times[i].Float(); return f }
	err = w.sort(rows, func(a, b int) int { return cmp.Or(cmp.Compare(groups[a], groups[b]), cmp.Compare(at(a), at(b))) })
	if err != nil {
		return nil, err
	}
	// The sessions, each by its first row; then numbered in the order of those.
	start, err := w.indexes(w.in.Len)
	if err != nil {
		return nil, err
	}
	firsts, err := w.indexes(len(rows))
	if err != nil {
		return nil, err
	}
	firsts = firsts[:0]
	for k, i := range rows {
		if k > 0 && groups[rows[k-1]] == groups[i] && at(i)-at(rows[k-1]) <= float64(s.Gap) {
			start[i] = start[rows[k-1]]
			continue
		}
		start[i] = i
		firsts = append(firsts, i)
	}
	if err := w.sort(firsts, func(a, b int) int { return cmp.Compare(at(a), at(b)) }); err != nil {
		return nil, err
	}
	id, err := w.column(w.in.Len)
	if err != nil {
		return nil, err
	}
	for n, i := range firsts {
		id[i] = plan.NumberValue(float64(n + 1))
	}
	for _, i := range rows {
		id[i] = id[start[i]]
	}
	return w.with([]string{s.As}, id)
}
