package metrics_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

const (
	noon   = int64(1772366400000) // 2026-03-01T12:00:00Z
	minute = int64(60_000)
	hour   = 60 * minute
	day    = 24 * hour
)

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}
)

// world is a service with a clock.
type world struct {
	*metrics.Service
	t   testing.TB
	db  *series.DB
	now int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: noon}
	clock := func() time.Time { return time.UnixMilli(w.now) }
	db, err := series.Open(ctx, series.Options{FS: vfs.NewMem(), Dir: "metrics", Manual: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := cat.Close(); err != nil {
			t.Error(err)
		}
	})
	w.db = db
	w.Service, err = metrics.New(metrics.Options{DB: db, Catalog: cat, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ref[T any](v T) *T { return &v }

// put publishes values, one a minute from start on.
func (w *world) put(name string, start int64, values ...float64) {
	w.t.Helper()
	for i, v := range values {
		at := start + int64(i)*minute
		if err := w.Put(ctx, scope, "App", []metrics.Datum{{Name: name, Timestamp: &at, Value: &v, Unit: "Count"}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func stat(id, name, statistic string) metrics.Query {
	return metrics.Query{ID: id, Stat: &metrics.MetricStat{Metric: metrics.Metric{Namespace: "App", Name: name}, Period: 60, Stat: statistic}}
}

func TestDataOfExpressions(t *testing.T) {
	w := newWorld(t)
	start := noon - 10*minute
	w.put("Errors", start, 1, 2, 3)
	w.put("Requests", start, 10, 20, 30, 40)
	got, err := w.Data(ctx, scope, metrics.DataRequest{
		Queries: []metrics.Query{
			{ID: "e1", Expression: "100 * errors / requests"},
			stat("errors", "Errors", "Sum"), stat("requests", "Requests", "Sum"),
		},
		Start: start, End: noon, Ascending: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	times := []int64{start, start + minute, start + 2*minute, start + 3*minute}
	want := []metrics.Result{
		{ID: "e1", Label: "e1", Timestamps: times, Values: []float64{10, 10, 10, 0}, Status: metrics.Complete},
		{ID: "errors", Label: "Errors", Timestamps: times[:3], Values: []float64{1, 2, 3}, Status: metrics.Complete},
		{ID: "requests", Label: "Requests", Timestamps: times, Values: []float64{10, 20, 30, 40}, Status: metrics.Complete},
	}
	if d := cmp.Diff(want, got.Results); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
}
