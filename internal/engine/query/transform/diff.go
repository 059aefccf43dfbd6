package transform

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// The columns of plan.Cluster that the comparisons of patterns read.
const (
	patternColumn  = "@pattern"
	countColumn    = "@sampleCount"
	severityColumn = "@severityLabel"
)

// DiffColumns are the columns that Diff makes.
func DiffColumns() []string {
	return []string{patternColumn, countColumn, "@diffEventCount", "@differenceDescription", severityColumn}
}

// LogCompareColumns are the columns that LogCompare makes.
func LogCompareColumns() []string {
	return []string{patternColumn, countColumn, "@previousSampleCount", "@diffEventCount", "@differenceDescription", severityColumn}
}

// compared is a pattern with its counts now and before.
type compared struct {
	pattern, severity string
	now, before       float64
	row               int // of the rows, -1 when there is none
}

func (c compared) difference() float64 { return c.now - c.before }

// describe says in words what changed.
func (c compared) describe() string {
	switch {
	case c.before == 0 && c.now > 0:
		return "New pattern"
	case c.now == 0:
		return "No longer seen"
	case c.now == c.before:
		return "No change"
	}
	d := numberText(math.Round(math.Abs(c.difference())/c.before*1000)/10) + "%"
	if c.now > c.before {
		return "Increased by " + d
	}
	return "Decreased by " + d
}

// Diff compares patterns (the rows of plan.Cluster) with those of an earlier
// range: one row for each pattern of either, the greatest differences first.
// Patterns are the same when one covers the other (cluster.Covers).
func Diff(previous *plan.Rows) (plan.Transform, error) {
	return compare("diff", DiffColumns(), previous, func(c compared) []plan.Value {
		return []plan.Value{plan.TextValue(c.pattern), plan.NumberValue(c.now), plan.NumberValue(c.difference()),
			plan.TextValue(c.describe()), plan.TextValue(c.severity)}
	})
}

// LogCompare is Diff with the earlier count as a column of its own.
func LogCompare(previous *plan.Rows) (plan.Transform, error) {
	return compare("logcompare", LogCompareColumns(), previous, func(c compared) []plan.Value {
		return []plan.Value{plan.TextValue(c.pattern), plan.NumberValue(c.now), plan.NumberValue(c.before), plan.NumberValue(c.difference()),
			plan.TextValue(c.describe()), plan.TextValue(c.severity)}
	})
}

func compare(name string, cols []string, previous *plan.Rows, row func(compared) []plan.Value) (plan.Transform, error) {
	if previous == nil {
		return plan.Transform{}, wrong("%s has nothing to compare with", name)
	}
	t := plan.Transform{Name: name, Reads: []string{patternColumn, countColumn, severityColumn}, Columns: columns(cols...)}
	return made(t, func(w *work) (*plan.Rows, error) {
		all, err := pairs(w, previous)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b compared) int {
			return cmp.Or(cmp.Compare(math.Abs(b.difference()), math.Abs(a.difference())), cmp.Compare(b.now, a.now), cmp.Compare(a.pattern, b.pattern))
		})
		out := &plan.Rows{Names: cols, Len: len(all)}
		for range cols {
			c, err := w.column(len(all))
			if err != nil {
				return nil, err
			}
			out.Cols = append(out.Cols, c)
		}
		for i, c := range all {
			for k, v := range row(c) {
				out.Cols[k][i] = v
			}
		}
		return out, nil
	}), nil
}

// maxCovered bounds how many patterns of each range are compared token by token.
const maxCovered = 2000

// pairs finds for each pattern its counts in both ranges.
func pairs(w *work, previous *plan.Rows) ([]compared, error) {
	now, err := patternRows(w, w.in)
	if err != nil {
		return nil, err
	}
	before, err := patternRows(w, previous)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(now))
	for i, c := range now {
		at[c.pattern] = i
	}
	var single []compared
	for _, c := range before {
		if i, ok := at[c.pattern]; ok {
			now[i].before += c.now
			continue
		}
		single = append(single, c)
	}
	var gone []compared
	candidates := min(len(now), maxCovered)
	for n, c := range single {
		found := -1
		for i := 0; i < candidates && n < maxCovered && found < 0; i++ {
			if cluster.Covers(now[i].pattern, c.pattern) || cluster.Covers(c.pattern, now[i].pattern) {
				found = i
			}
			if err := w.step(); err != nil {
				return nil, err
			}
		}
		if found >= 0 {
			now[found].before += c.now
			continue
		}
		gone = append(gone, compared{pattern: c.pattern, severity: c.severity, before: c.now, row: -1})
	}
	return append(now, gone...), nil
}

// patternRows reads rows of patterns, the most frequent first. Rows without a
// pattern are left out.
func patternRows(w *work, r *plan.Rows) ([]compared, error) {
	pattern, count, severity := r.Column(patternColumn), r.Column(countColumn), r.Column(severityColumn)
	if r.Len > 0 && (pattern == nil || count == nil) {
		return nil, fmt.Errorf("%w: rows without %s and %s are no patterns", ErrParameter, patternColumn, countColumn)
	}
	if err := w.grow(r.Len * keyBytes); err != nil {
		return nil, err
	}
	out := make([]compared, 0, r.Len)
	for i := range r.Len {
		if pattern[i].Kind == plan.Null {
			continue
		}
		n, _ := count[i].Float()
		c := compared{pattern: string(pattern[i].AppendText(nil)), now: n, row: i}
		if severity != nil {
			c.severity = string(severity[i].AppendText(nil))
		}
		out = append(out, c)
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b compared) int {
		return cmp.Or(cmp.Compare(b.now, a.now), cmp.Compare(a.pattern, b.pattern))
	})
	return out, nil
}
