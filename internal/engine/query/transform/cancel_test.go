package transform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/transform"
)

// TestCancelled ends the context while a transform works.
func TestCancelled(t *testing.T) {
	const n = 20_000
	in := &plan.Rows{Names: []string{"@timestamp", "k", "n", "@pattern", "@sampleCount"}, Len: n}
	for range in.Names {
		in.Cols = append(in.Cols, make([]plan.Value, n))
	}
	for i := range n {
		in.Cols[0][i] = plan.Value{Kind: plan.Time, Num: float64(i * 1000)}
		in.Cols[1][i] = plan.NumberValue(float64(i % 7))
		in.Cols[2][i] = plan.NumberValue(float64(i * 7919 % n))
		in.Cols[3][i] = plan.NumberValue(float64(i))
		in.Cols[4][i] = plan.NumberValue(float64(i % 100))
	}
	check := func(s plan.Transform, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		rows := *in
		rows.Grow = func(int) error {
			cancel(errFull)
			return nil
		}
		if _, err := s.Apply(ctx, &rows); !errors.Is(err, errFull) {
			t.Errorf("%s does not look at the context: %v", s.Name, err)
		}
	}
	agg := transform.Aggregate{Func: plan.Sum, Field: "n", As: "s"}
	check(transform.FillDown(nil))
	check(transform.Accum("n", ""))
	check(transform.AddTotals(transform.Totals{}))
	check(transform.FillMissing(transform.Missing{Time: "@timestamp", Keys: []string{"@timestamp"}, Next: func(t int64) int64 { return t + 1000 }}))
	check(transform.FillNull([]transform.Fill{{}}))
	check(transform.Outlier(transform.Outliers{}))
	check(transform.Sessionize(transform.Sessions{Fields: []string{"k"}}))
	check(transform.RelevantFields(transform.Relevance{Cond: "k"}))
	check(transform.EventStats([]string{"k"}, []transform.Aggregate{agg}))
	check(transform.Trendline([]transform.Trend{{Field: "n", N: 9, As: "t"}}))
	check(transform.Set(transform.Except, true, []string{"k"}, table("k")))
	check(transform.Distinct([]string{"n"}))
	check(transform.Diff(table("@pattern @sampleCount")))
	check(transform.Anomaly(table("@pattern @sampleCount")))
	check(transform.Windows([]transform.Window{{Func: transform.Rank, OrderBy: []transform.Key{{Field: "n"}}, As: "r"}}))
	check(transform.Windows([]transform.Window{{Agg: agg, As: "r"}}))
}

func BenchmarkWindow(b *testing.B) {
	const n = 100_000
	in := &plan.Rows{Names: []string{"k", "n"}, Len: n, Cols: [][]plan.Value{make([]plan.Value, n), make([]plan.Value, n)}}
	for i := range n {
		in.Cols[0][i] = plan.NumberValue(float64(i % 100))
		in.Cols[1][i] = plan.NumberValue(float64(i * 7919 % n))
	}
	s, err := transform.Windows([]transform.Window{{
		Agg: transform.Aggregate{Func: plan.Sum, Field: "n"}, PartitionBy: []string{"k"}, OrderBy: []transform.Key{{Field: "n"}}, As: "r",
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Apply(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
