package alarms_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// BenchmarkTick evaluates 1,000 alarms of 3 periods over metrics with an hour of data, when no state changes (same) and when
// all of them do (all), with what that writes.
func BenchmarkTick(b *testing.B) {
	for _, mode := range []string{"same", "all"} {
		b.Run(mode, func(b *testing.B) {
			dir := b.TempDir()
			now := time.UnixMilli(start).Add(5 * time.Second)
			clock := func() time.Time { return now }
			db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{Now: clock})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			data := filepath.Join(dir, "series")
			if err := vfs.OS().MkdirAll(data); err != nil {
				b.Fatal(err)
			}
			store, err := series.Open(ctx, series.Options{FS: vfs.OS(), Dir: data, Now: clock})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			m, err := metrics.New(metrics.Options{DB: store, Catalog: db, Now: clock})
			if err != nil {
				b.Fatal(err)
			}
			s, err := alarms.New(ctx, alarms.Options{Catalog: db, Metrics: alarms.FromMetrics(m), Now: clock})
			if err != nil {
				b.Fatal(err)
			}
			const count = 1000
			add := func(at time.Time, value float64) {
				var points []series.Point
				for i := range count {
					points = append(points, series.Point{
						Metric:    series.Metric{Scope: scope, Namespace: "app", Name: "errors", Dimensions: []series.Dimension{{Name: "host", Value: fmt.Sprint("h", i)}}},
						Timestamp: at.UnixMilli(), Count: 1, Sum: value, Min: value, Max: value,
					})
				}
				if err := m.Add(ctx, points, nil); err != nil {
					b.Fatal(err)
				}
			}
			for i := range 60 {
				add(time.UnixMilli(start).Add(time.Duration(i-60)*time.Minute), 1)
			}
			for i := range count {
				c := simple()
				c.Metric.Dimensions[0].Value = fmt.Sprint("h", i)
				c.Metric.EvaluationPeriods, c.Metric.DatapointsToAlarm = 3, 1
				if mode == "all" {
					c.Metric.EvaluationPeriods = 1
				}
				if err := s.Put(ctx, scope, fmt.Sprint("a", i), c, nil); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Tick(ctx); err != nil {
				b.Fatal(err)
			}
			value := 1.0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if mode == "all" {
					value = 10 - value
				}
				add(now.Truncate(time.Minute), value)
				now = now.Add(time.Minute)
				b.StartTimer()
				if err := s.Tick(ctx); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			p, err := s.Describe(ctx, scope, alarms.DescribeRequest{Names: []string{"a7"}})
			if want := map[bool]string{true: alarms.OK, false: alarms.Alarming}[value < 5]; err != nil || p.Alarms[0].State.Value != want {
				b.Fatalf("%v %v", p.Alarms[0].State, err)
			}
		})
	}
}
