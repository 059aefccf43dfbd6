package alarms_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// TestFromMetrics watches metrics of the real service.
func TestFromMetrics(t *testing.T) {
	dir := t.TempDir()
	now := time.UnixMilli(start).Add(5 * time.Second)
	clock := func() time.Time { return now }
	db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := vfs.OS().MkdirAll(filepath.Join(dir, "series")); err != nil {
		t.Fatal(err)
	}
	store, err := series.Open(ctx, series.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "series"), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	service, err := metrics.New(metrics.Options{DB: store, Catalog: db, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	m := alarms.FromMetrics(service)

	add := func(name string, minutesAgo int, values ...float64) {
		t.Helper()
		var points []series.Point
		for _, v := range values {
			points = append(points, series.Point{
				Metric: series.Metric{Scope: scope, Namespace: "app", Name: name}, Timestamp: start - int64(minutesAgo)*60_000, Count: 1, Sum: v, Min: v, Max: v,
			})
		}
		if err := service.Add(ctx, points, nil); err != nil {
			t.Fatal(err)
		}
	}
	add("errors", 1, 3, 4)
	add("errors", 3, 1)
	add("requests", 1, 70)
	add("requests", 2, 50)
	add("requests", 3, 10)
	add("errors", 61, 5)

	stat := func(id, name, stat string, period int64, shown bool) alarms.Query {
		return alarms.Query{ID: id, ReturnData: shown, Stat: &alarms.Stat{Namespace: "app", MetricName: name, Stat: stat, Period: period}}
	}
	is := func(period int64, windows int64, queries []alarms.Query, want ...alarms.Datapoint) {
		t.Helper()
		if err := m.Check(ctx, scope, queries); err != nil {
			t.Errorf("check: %v", err)
		}
		got, err := m.Datapoints(ctx, scope, queries, period, start-windows*period*1000, start)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%+v (-want +got):\n%s", queries, d)
		}
	}
	minute := func(ago int64, v float64) alarms.Datapoint {
		return alarms.Datapoint{StartMS: start - ago*60_000, Value: v}
	}
	is(60, 5, []alarms.Query{stat("a", "errors", "Sum", 60, true)}, minute(3, 1), minute(1, 7))
	is(60, 5, []alarms.Query{stat("a", "errors", "SampleCount", 60, true)}, minute(3, 1), minute(1, 2))
	is(60, 5, []alarms.Query{stat("a", "errors", "Sum", 60, false), stat("b", "requests", "Sum", 60, false), {ID: "e", Expression: "100*a/b", ReturnData: true}},
		minute(3, 10), minute(2, 0), minute(1, 10)) // what is missing counts as 0, as documented
	is(60, 3, []alarms.Query{stat("a", "errors", "Sum", 60, false), {ID: "e", Expression: "FILL(a, 0)", ReturnData: true}},
		minute(3, 1), minute(2, 0), minute(1, 7))
	// Windows of an hour that end at 14:14.
	is(3600, 2, []alarms.Query{stat("a", "errors", "Sum", 3600, true)}, minute(120, 5), minute(60, 8))

	bad := func(want string, queries ...alarms.Query) {
		t.Helper()
		if err := m.Check(ctx, scope, queries); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", queries, err, want)
		}
	}
	bad("Stat is not supported", stat("a", "errors", "Median", 60, true))
	bad("NOPE", stat("a", "errors", "Sum", 60, false), alarms.Query{ID: "e", Expression: "NOPE(a)", ReturnData: true})
	bad("SEARCH", alarms.Query{ID: "e", Expression: `SEARCH('{app} errors', 'Sum', 60)`, Period: 60, ReturnData: true})
	bad("zz", alarms.Query{ID: "e", Expression: "zz + 1", Period: 60, ReturnData: true})
	bad("", alarms.Query{ID: "e", Expression: "ANOMALY_DETECTION_BAND(a)", ReturnData: true}, stat("a", "errors", "Sum", 60, false))
	bad("", stat("a", "errors", "Sum", 60, false), stat("b", "errors", "Sum", 60, false), alarms.Query{ID: "e", Expression: "METRICS()", ReturnData: true})
}
