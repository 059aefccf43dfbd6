package explore

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

const (
	// MaxBuckets bounds the buckets of one answer.
	MaxBuckets = 2000
	// MaxTop bounds the values of one field in an answer.
	MaxTop = 100

	defaultBuckets = 60
	defaultTop     = 10
)

// CountsRequest asks how many events there are over time.
type CountsRequest struct {
	Selection
	Period  int64  // ms; 0: such that about Buckets fit into the range
	Buckets int    // wanted, when there is no Period; 0: 60
	By      string // JSON path; counts are told apart by its value; "": not
	Top     int    // values of By that are told apart, the most frequent ones; 0: 10
}

// Counts are numbers of events over time. Buckets begin at multiples of Period
// since the Unix epoch; the first one may begin before the range.
type Counts struct {
	Period  int64 // ms
	Start   int64 // ms, of the first bucket
	Total   int64
	Buckets []int64 // by bucket, also those with no events
	Values  []ValueCounts
	Stats   Stats
}

// ValueCounts are the counts of events whose field has one value.
type ValueCounts struct {
	Value   string // as text
	Missing bool   // the events without the field
	Other   bool   // the events with values that are not told apart
	Total   int64
	Buckets []int64
}

// periods are widths of buckets that people can read.
var periods = []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
	1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000, 31_536_000_000}

// Counts counts the events that match, over time and, when asked for, by the
// values of a field.
func (s *Service) Counts(ctx context.Context, scope logs.Scope, r CountsRequest) (Counts, error) {
	switch {
	case r.Start == nil || r.End == nil || *r.Start > *r.End || *r.Start < 0:
		return Counts{}, ErrTimeRange
	case r.Period < 0 || r.Buckets < 0 || r.Buckets > MaxBuckets:
		return Counts{}, ErrBuckets
	case r.Top < 0 || r.Top > MaxTop:
		return Counts{}, ErrTop
	case len(r.By) > maxFieldName:
		return Counts{}, ErrFields
	}
	if r.Buckets == 0 {
		r.Buckets = defaultBuckets
	}
	if r.Top == 0 {
		r.Top = defaultTop
	}
	out := Counts{Period: r.Period}
	span := *r.End - *r.Start
	if out.Period == 0 {
		i, _ := slices.BinarySearch(periods, span/int64(r.Buckets)+1)
		out.Period = periods[min(i, len(periods)-1)]
	}
	out.Start = *r.Start - *r.Start%out.Period
	n := (*r.End-out.Start)/out.Period + 1
	if n > MaxBuckets {
		return Counts{}, ErrBuckets
	}
	out.Buckets = make([]int64, n)
	scan, steps, err := s.scan(ctx, scope, &r.Selection)
	if err != nil {
		return Counts{}, err
	}
	by := []plan.Named{{Expr: plan.Bin{X: plan.Field{Name: plan.Timestamp}, Every: out.Period}, As: "bin"}}
	if r.By != "" {
		by = append(by, valueOf(r.By))
	}
	result, err := s.run(ctx, scan, append(steps, plan.Stats{By: by, Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}}))
	if err != nil {
		return Counts{}, err
	}
	out.Stats = statsOf(&result.Stats)
	values := map[string]*ValueCounts{}
	for _, row := range result.Rows {
		at, _ := row[0].Float()
		count, _ := row[len(row)-1].Float()
		i := (int64(at) - out.Start) / out.Period
		out.Buckets[i] += int64(count)
		out.Total += int64(count)
		if r.By == "" {
			continue
		}
		key, missing := string(row[1].AppendText(nil)), row[1].Kind == plan.Null
		if missing {
			key = "\x00"
		}
		v := values[key]
		if v == nil {
			v = &ValueCounts{Value: string(row[1].AppendText(nil)), Missing: missing, Buckets: make([]int64, n)}
			values[key] = v
		}
		v.Buckets[i] += int64(count)
		v.Total += int64(count)
	}
	out.Values = topValues(values, r.Top, int(n))
	return out, nil
}

// topValues returns the most frequent values, and then one for all others.
func topValues(values map[string]*ValueCounts, top, n int) []ValueCounts {
	var out []ValueCounts
	for _, v := range values {
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b ValueCounts) int {
		switch {
		case a.Total != b.Total:
			return int(b.Total - a.Total)
		case a.Value < b.Value:
			return -1
		}
		return 1
	})
	if len(out) <= top {
		return out
	}
	other := ValueCounts{Other: true, Buckets: make([]int64, n)}
	for _, v := range out[top:] {
		other.Total += v.Total
		for i, c := range v.Buckets {
			other.Buckets[i] += c
		}
	}
	return append(out[:top:top], other)
}
