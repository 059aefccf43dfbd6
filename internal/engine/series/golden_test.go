package series_test

import (
	"context"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var update = flag.Bool("update", false, "write the sample of the format again")

// golden are the points of the sample.
func golden() []series.Point {
	var points []series.Point
	for i := range int64(5) {
		points = append(points, series.Value(metric("Requests", "Host", "web-1"), "Count", noon+i*minute, float64(10+i)))
	}
	many := series.Point{Metric: metric("Latency"), Unit: "Seconds", Timestamp: noon, Min: math.Inf(1)}
	for i := range 100 {
		v := 0.01 * float64(i+1)
		many.Values = append(many.Values, v)
		many.Count++
		many.Sum += v
		many.Min, many.Max = min(many.Min, v), max(many.Max, v)
	}
	set := series.Point{Metric: metric("Latency"), Unit: "Seconds", Timestamp: noon + 2*minute, Count: 4, Sum: 6, Min: 0.5, Max: 2.5}
	return append(points, many, set)
}

// TestGolden opens a store that a program of version 1 wrote. It must open for ever.
func TestGolden(t *testing.T) {
	names := []string{"MANIFEST", filepath.Join("files", "0000000000000001.series")}
	disk := vfs.NewMem()
	sample := func(name string) string { return filepath.Join("testdata", "v1", name) }
	if *update {
		s := open(t, disk, smallLog)
		if err := s.Add(context.Background(), golden(), map[string]uint64{"metric-filters": 42}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := vfs.ReadFile(disk, filepath.Join("metrics", name), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(sample(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(sample(name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		disk = vfs.NewMem()
	}
	if err := disk.MkdirAll(filepath.Join("metrics", "files")); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(sample(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := vfs.CreateFile(disk, filepath.Join("metrics", name), b); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, disk, smallLog)
	if lsn, ok := s.Reached("metric-filters"); !ok || lsn != 42 {
		t.Errorf("position %d %v", lsn, ok)
	}
	requests := s.read(metric("Requests", "Host", "web-1"), time.Minute, noon, noon+hour)
	if len(requests) != 5 || requests[4].Start != noon+4*minute || requests[4].Sum != 14 || requests[4].Count != 1 {
		t.Errorf("requests: %+v", requests)
	}
	latency := s.read(metric("Latency"), time.Minute, noon, noon+hour)
	if len(latency) != 2 || latency[0].Count != 100 || math.Abs(latency[0].Sum-50.5) > 1e-9 || latency[1].Max != 2.5 || latency[1].HasValues() {
		t.Fatalf("latency: %+v", latency)
	}
	if v, ok := latency[0].Percentile(0.9); !ok || math.Abs(v-0.9) > 0.009 {
		t.Errorf("p90 %v %v", v, ok)
	}
}
