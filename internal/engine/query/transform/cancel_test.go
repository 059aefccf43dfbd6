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
	check(transform.FillDown(nil))
	check(transform.Accum("n", ""))
	check(transform.AddTotals(transform.Totals{}))
	check(transform.FillMissing(transform.Missing{Time: "@timestamp", Keys: []string{"@timestamp"}, Next: func(t int64) int64 { return t + 1000 }}))
	check(transform.Outlier(transform.Outliers{}))
	check(transform.Sessionize(transform.Sessions{Fields: []string{"k"}}))
	check(transform.RelevantFields(transform.Relevance{Cond: "k"}))
	check(transform.Diff(table("@pattern @sampleCount")))
	check(transform.Anomaly(table("@pattern @sampleCount")))
}
