package series_test

import (
	"context"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// noon is the present of most tests: 2026-03-01T12:00:00Z.
const noon = int64(1772366400000)

const minute = int64(60_000)

// store is a DB with a clock.
type store struct {
	*series.DB
	t   *testing.T
	o   series.Options
	now *int64
}

func open(t *testing.T, fsys vfs.FS, change func(*series.Options)) *store {
	t.Helper()
	now := noon
	s := &store{t: t, now: &now}
	s.o = series.Options{FS: fsys, Dir: "metrics", Manual: true, Now: func() time.Time { return time.UnixMilli(*s.now) }}
	if change != nil {
		change(&s.o)
	}
	db, err := series.Open(context.Background(), s.o)
	if err != nil {
		t.Fatal(err)
	}
	s.DB = db
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reopen closes the store and opens it again.
func (s *store) reopen() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	db, err := series.Open(context.Background(), s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.DB = db
}

func (s *store) add(points ...series.Point) {
	s.t.Helper()
	if err := s.Add(context.Background(), points, nil); err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) flush() {
	s.t.Helper()
	if err := s.Flush(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) maintain() {
	s.t.Helper()
	if err := s.Maintain(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) read(m series.Metric, period time.Duration, start, end int64) []series.Bucket {
	s.t.Helper()
	got, err := s.Read(context.Background(), m, "", period, start, end)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

var scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}

func metric(name string, dims ...string) series.Metric {
	m := series.Metric{Scope: scope, Namespace: "Test", Name: name}
	for i := 0; i < len(dims); i += 2 {
		m.Dimensions = append(m.Dimensions, series.Dimension{Name: dims[i], Value: dims[i+1]})
	}
	return m
}

func TestAddAndRead(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	m := metric("Latency", "Host", "a")
	for i := range int64(10) {
		s.add(series.Value(m, "Seconds", noon-10*minute+i*minute/2, float64(i)))
	}
	check := func(where string) {
		t.Helper()
		got := s.read(m, time.Minute, noon-10*minute, noon)
		if len(got) != 5 {
			t.Fatalf("%s: got %d buckets %+v", where, len(got), got)
		}
		for i, b := range got {
			lo := float64(2 * i)
			if b.Start != noon-10*minute+int64(i)*minute || b.Count != 2 || b.Sum != 2*lo+1 || b.Min != lo || b.Max != lo+1 {
				t.Errorf("%s: bucket %d is %+v", where, i, b)
			}
			if v, ok := b.Percentile(0.5); !ok || v != lo {
				t.Errorf("%s: median of bucket %d is %v %v", where, i, v, ok)
			}
		}
		if all := s.read(m, time.Hour, noon-hour, noon); len(all) != 1 || all[0].Count != 10 || all[0].Sum != 45 {
			t.Errorf("%s: an hour is %+v", where, all)
		}
	}
	check("memory")
	s.flush()
	check("file")
	s.reopen()
	check("reopened")
}

const hour = 60 * minute
