package explore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
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
	Top     int    // values of By that are told apart, the most frequent ones; 0: 10. Missing is none of them.
}

// Counts are numbers of events over time. Buckets begin at multiples of Period
// since the Unix epoch; the first one may begin before the range.
type Counts struct {
	Period  int64 // ms
	Start   int64 // ms, of the first bucket
	Total   int64
	Buckets []int64       // by bucket, also those with no events
	Values  []ValueCounts // the most frequent ones first, then Missing and Other when there are such events
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
	1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000, year}

const year = 31_536_000_000 // ms, of 365 days

// readablePeriod returns the first of the periods that is not below ms; years are counted
// in whole ones.
func readablePeriod(ms int64) int64 {
	if ms > year {
		return (ms-1)/year*year + year
	}
	i, _ := slices.BinarySearch(periods, ms)
	return periods[i]
}

// buckets returns how many multiples of period begin a bucket that reaches into the
// range.
func buckets(start, end, period int64) int64 { return end/period - start/period + 1 }

// check fills what is not asked for and returns the number of buckets.
func (r *CountsRequest) check() (n int64, err error) {
	switch {
	case r.Start == nil || r.End == nil || *r.Start > *r.End || *r.Start < 0:
		return 0, ErrTimeRange
	case r.Period < 0 || r.Buckets < 0 || r.Buckets > MaxBuckets:
		return 0, ErrBuckets
	case r.Top < 0 || r.Top > MaxTop:
		return 0, ErrTop
	}
	if r.By != "" {
		if err := checkField(r.By); err != nil {
			return 0, err
		}
	}
	r.Buckets, r.Top = cmp.Or(r.Buckets, defaultBuckets), cmp.Or(r.Top, defaultTop)
	if r.Period > 0 {
		if n = buckets(*r.Start, *r.End, r.Period); n > MaxBuckets {
			return 0, ErrBuckets
		}
		return n, nil
	}
	r.Period = readablePeriod(min((*r.End-*r.Start)/int64(r.Buckets), math.MaxInt64-2*year) + 1)
	for {
		// Multiples of the period may cut the range into one more than were wanted.
		if n = buckets(*r.Start, *r.End, r.Period); n <= MaxBuckets {
			return n, nil
		}
		r.Period = readablePeriod(r.Period + 1)
	}
}

// Counts counts the events that match, over time and, when asked for, by the
// values of a field.
func (s *Service) Counts(ctx context.Context, scope logs.Scope, r CountsRequest) (Counts, error) {
	n, err := r.check()
	if err != nil {
		return Counts{}, err
	}
	q, err := s.resolve(ctx, scope, &r.Selection)
	if err != nil {
		return Counts{}, err
	}
	by := []plan.Named{{Expr: plan.Bin{X: plan.Field{Name: plan.Timestamp}, Every: r.Period}, As: "bin"}}
	if r.By != "" {
		by = append(by, valueOf(r.By))
	}
	result, err := s.run(ctx, q, plan.Stats{By: by, Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}})
	if err != nil {
		return Counts{}, err
	}
	out := Counts{Period: r.Period, Start: *r.Start - *r.Start%r.Period, Buckets: make([]int64, n), Stats: statsOf(&result.Stats)}
	for _, row := range result.Rows {
		i, count := out.cell(row)
		out.Buckets[i] += count
		out.Total += count
	}
	if r.By != "" {
		out.Values = out.byValue(result, r.Top)
	}
	return out, nil
}

// cell returns the bucket of a row and its count.
func (c *Counts) cell(row []plan.Value) (bucket, count int64) {
	at, _ := row[0].Float()
	n, _ := row[len(row)-1].Float()
	return (int64(at) - c.Start) / c.Period, int64(n)
}

// byValue tells the counts of rows of (bucket, value, count) apart. There may be
// as many values as rows, so only those of the answer get buckets.
func (c *Counts) byValue(r *exec.Result, top int) []ValueCounts {
	totals := map[string]int64{}
	var text []byte
	for _, row := range r.Rows {
		if row[1].Kind != plan.Null {
			_, count := c.cell(row)
			text = row[1].AppendText(text[:0])
			totals[string(text)] += count
		}
	}
	out := make([]ValueCounts, 0, top+2)
	index := map[string]int{}
	for i, value := range mostFrequent(totals, top) {
		out = append(out, ValueCounts{Value: value, Buckets: make([]int64, len(c.Buckets))})
		index[value] = i
	}
	missing := ValueCounts{Missing: true, Buckets: make([]int64, len(c.Buckets))}
	other := ValueCounts{Other: true, Buckets: make([]int64, len(c.Buckets))}
	for _, row := range r.Rows {
		v := &other
		if row[1].Kind == plan.Null {
			v = &missing
		} else {
			text = row[1].AppendText(text[:0])
			if i, told := index[string(text)]; told {
				v = &out[i]
			}
		}
		i, count := c.cell(row)
		v.Buckets[i] += count
		v.Total += count
	}
	for _, v := range []ValueCounts{missing, other} {
		if v.Total > 0 {
			out = append(out, v)
		}
	}
	return out
}

// mostFrequent returns the keys with the greatest totals, at most top, equal ones in
// byte order.
func mostFrequent(totals map[string]int64, top int) []string {
	keys := make([]string, 0, len(totals))
	for k := range totals {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(totals[b], totals[a]), strings.Compare(a, b))
	})
	return keys[:min(top, len(keys))]
}
