package series_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func openBench(b *testing.B, fsys vfs.FS, dir string) *series.DB {
	b.Helper()
	db, err := series.Open(context.Background(), series.Options{
		FS: fsys, Dir: dir, Memory: 256 << 20, Manual: true, Now: func() time.Time { return time.UnixMilli(noon) },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// reportCPU reports the CPU time of an iteration: on a busy machine it says more than the time that passed.
func reportCPU(b *testing.B, since time.Duration) {
	b.ReportMetric(float64((cpuTime()-since).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// BenchmarkAdd adds 10,000 points of 1,000 metrics in one call.
func BenchmarkAdd(b *testing.B) {
	db := openBench(b, vfs.OS(), b.TempDir())
	points := make([]series.Point, 10_000)
	for i := range points {
		m := metric(fmt.Sprint("m", i%100), "Host", fmt.Sprint("host-", i%1000), "Service", "checkout")
		points[i] = series.Value(m, "Count", noon-int64(i/1000)*minute, float64(i%17))
	}
	b.ReportAllocs()
	since := cpuTime()
	for b.Loop() {
		if err := db.Add(context.Background(), points, map[string]uint64{"c": 1}); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, since)
}

// BenchmarkReadDay reads a day of 100 metrics by the minute.
func BenchmarkReadDay(b *testing.B) {
	db := openBench(b, vfs.OS(), b.TempDir())
	for at := noon - day; at < noon; at += minute {
		var points []series.Point
		for i := range 100 {
			values := []float64{float64(at % 7), float64(i) + 0.25, float64(at%11) + float64(i)}
			p := point(values...)
			p.Metric, p.Unit, p.Timestamp = metric("m", "Host", fmt.Sprint("host-", i)), "Count", at
			points = append(points, p)
		}
		if err := db.Add(context.Background(), points, nil); err != nil {
			b.Fatal(err)
		}
		if at%(2*hour) == 0 {
			if err := db.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
			if err := db.Maintain(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	st := db.Stats()
	var buf []series.Bucket
	sums := func(ctx context.Context, m series.Metric, unit string, period time.Duration, start, end int64) (_ []series.Bucket, err error) {
		buf, err = db.ReadSumsInto(ctx, m, unit, period, start, end, buf)
		return buf, err
	}
	for _, c := range []struct {
		name string
		read func(context.Context, series.Metric, string, time.Duration, int64, int64) ([]series.Bucket, error)
	}{{"sums", sums}, {"percentiles", db.Read}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			since := cpuTime()
			for b.Loop() {
				for i := range 100 {
					got, err := c.read(context.Background(), metric("m", "Host", fmt.Sprint("host-", i)), "", time.Minute, noon-day, noon)
					if err != nil || len(got) != 1440 {
						b.Fatal(len(got), err)
					}
				}
			}
			reportCPU(b, since)
			b.ReportMetric(float64(st.Files), "files")
			b.ReportMetric(float64(st.Bytes)/144_000, "bytes/bucket")
		})
	}
}

// BenchmarkReadRecent reads the last five minutes of 1,000 metrics, as alarms do.
func BenchmarkReadRecent(b *testing.B) {
	db := openBench(b, vfs.OS(), b.TempDir())
	for at := noon - 2*hour; at < noon; at += minute {
		var points []series.Point
		for i := range 1000 {
			points = append(points, series.Value(metric("m", "Host", fmt.Sprint("host-", i)), "Count", at, float64(i)))
		}
		if err := db.Add(context.Background(), points, nil); err != nil {
			b.Fatal(err)
		}
		if at%(30*minute) == 0 && at < noon-10*minute {
			if err := db.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	since := cpuTime()
	for b.Loop() {
		for i := range 1000 {
			got, err := db.ReadSums(context.Background(), metric("m", "Host", fmt.Sprint("host-", i)), "", time.Minute, noon-5*minute, noon)
			if err != nil || len(got) != 5 {
				b.Fatal(len(got), err)
			}
		}
	}
	reportCPU(b, since)
}

// BenchmarkOpen opens a store of 20,000 metrics in eight files.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	db := openBench(b, vfs.OS(), dir)
	for d := range int64(8) {
		for from := 0; from < 20_000; from += 5000 {
			var points []series.Point
			for i := range 5000 {
				points = append(points, series.Value(metric(fmt.Sprint("m", (from+i)%20), "Host", fmt.Sprint("host-", from+i)), "Count", noon-d*day, 1))
			}
			if err := db.Add(context.Background(), points, nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	since := cpuTime()
	for b.Loop() {
		if err := openBench(b, vfs.OS(), dir).Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, since)
}
