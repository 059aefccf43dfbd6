package metricfilters_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// altered is a Metrics some of whose calls are done by others.
type altered struct {
	*series.DB
	add  func(points []series.Point) error
	read func(m series.Metric, start int64) error
}

func (a *altered) Add(ctx context.Context, points []series.Point, reached map[string]uint64) error {
	if a.add != nil {
		if err := a.add(points); err != nil {
			return err
		}
	}
	return a.DB.Add(ctx, points, reached)
}

func (a *altered) ReadSums(ctx context.Context, m series.Metric, unit string, period time.Duration, start, end int64) ([]series.Bucket, error) {
	if a.read != nil {
		if err := a.read(m, start); err != nil {
			return nil, err
		}
	}
	return a.DB.ReadSums(ctx, m, unit, period, start, end)
}

func alteredWorld(t *testing.T) (*world, *altered) {
	a := &altered{}
	w := newWorld(t, func(w *world) {
		w.metrics = func(db *series.DB) metricfilters.Metrics {
			a.DB = db
			return a
		}
	})
	w.group("g")
	return w, a
}

// A filter that was put before its names were checked does not stop the others.
func TestStoredFilterOfABadName(t *testing.T) {
	for _, bad := range []string{`a\u0000b`, strings.Repeat("x", 4097)} {
		w, _ := alteredWorld(t)
		w.put("g", spec("n", "", "1"))
		w.put("g", spec("bad", "", "1"))
		docs, err := w.db.Documents(ctx, catalog.DocumentQuery{Kind: "metric-filter"})
		w.must(err)
		changed := false
		for _, d := range docs {
			if d.Name != "bad" {
				continue
			}
			changed = true
			d.Body = []byte(strings.ReplaceAll(string(d.Body), `"name":"bad"`, `"name":"`+bad+`"`))
			w.must(w.db.Apply(ctx, catalog.Changes{Put: []catalog.Document{d}}))
		}
		if !changed {
			t.Fatal("no filter was changed")
		}
		w.close()
		w.open()
		w.say("g", "a")
		w.consume()
		w.want("another filter", w.data("App", "n"), "0: 1 1 [1, 1]")
		if st := w.Stats(); st.Dropped != 0 || st.Behind != 0 {
			t.Errorf("stats %+v", st)
		}
		w.put("g", spec("bad", "", "1")) // with a name that can be kept
		w.say("g", "a")
		w.consume()
		w.want("the filter", w.data("App", "bad"), "0: 1 1 [1, 1]")
	}
}

// What the metrics never take is dropped, and the feed goes on.
func TestPointsThatAreRefused(t *testing.T) {
	w, a := alteredWorld(t)
	w.put("g", spec("n", "", "1"))
	w.put("g", spec("bad", "", "1"))
	dropped := int64(0)
	check := func(what string, drops int64, n string) {
		t.Helper()
		w.say("g", "a")
		w.consume()
		w.want(what, w.data("App", "n"), n)
		dropped += drops
		if st := w.Stats(); st.Dropped != dropped || st.Behind != 0 {
			t.Errorf("%s: stats %+v, want %d dropped", what, st, dropped)
		}
	}
	check("all is well", 0, "0: 1 1 [1, 1]")
	a.add = func(points []series.Point) error {
		for i := range points {
			if points[i].Metric.Name == "bad" {
				points[i].Metric.Name = "a\x00b"
			}
		}
		return nil
	}
	check("a point is refused", 1, "0: 2 2 [1, 1]")
	a.add = func(points []series.Point) error {
		if len(points) > 0 {
			return fmt.Errorf("whatever: %w", series.ErrInvalid)
		}
		return nil
	}
	check("all are refused", 6, "0: 2 2 [1, 1]")
	a.add = func(points []series.Point) error {
		if len(points) > 4 {
			return series.ErrTooLarge
		}
		return nil
	}
	w.say("g", "a")
	w.consume()
	if st := w.Stats(); st.Dropped != dropped+3 || st.Behind != 0 {
		t.Errorf("too many at once: stats %+v, want %d dropped", st, dropped+3)
	}
	a.add = func([]series.Point) error { return series.ErrTooLarge }
	w.say("g", "a")
	if _, err := w.Step(ctx); !errors.Is(err, series.ErrTooLarge) {
		t.Errorf("the position alone is refused: %v", err)
	}
}

// An addition that is tried again does not end minutes whose events were not read meanwhile.
func TestRetryBeforeDefaultValues(t *testing.T) {
	w, a := alteredWorld(t)
	w.now = w.now.Truncate(time.Minute).Add(30 * time.Second)
	zero := 0.0
	s := spec("errors", "ERROR", "1")
	s.Transformation.Default = &zero
	w.put("g", s)
	w.say("g", "fine")
	a.add = func([]series.Point) error { return errors.New("disk on fire") }
	if _, err := w.Step(ctx); err == nil {
		t.Fatal("no error")
	}
	a.add = nil
	w.say("g", "ERROR")
	w.now = w.now.Add(2 * time.Minute)
	w.consume()
	w.want("errors", w.data("App", "errors"), "2: 1 1 [1, 1]")
}

// What cannot be read for damage gets no default value, and stops nothing else.
func TestDefaultValuesOfDamagedMetrics(t *testing.T) {
	w, a := alteredWorld(t)
	w.now = w.now.Truncate(time.Minute).Add(30 * time.Second)
	zero := 0.0
	for _, name := range []string{"damaged", "whole"} {
		s := spec(name, "ERROR", "1")
		s.Transformation.Default = &zero
		w.put("g", s)
	}
	w.put("g", spec("n", "", "1"))
	w.say("g", "fine")
	w.put("g", spec("n", "", "2")) // the first one ends
	a.read = func(m series.Metric, _ int64) error {
		if m.Name == "damaged" {
			return fmt.Errorf("read: %w", &series.CorruptionError{File: "f", Section: "chunk"})
		}
		return nil
	}
	w.consume()
	w.now = w.now.Add(2 * time.Minute)
	w.consume()
	w.want("damaged", w.data("App", "damaged"), "")
	w.want("whole", w.data("App", "whole"), "2: 1 0 [0, 0]")
	ended, err := w.db.Documents(ctx, catalog.DocumentQuery{Kind: "metric-filter-ended"})
	w.must(err)
	if len(ended) != 0 {
		t.Errorf("%d filters that ended are left", len(ended))
	}
	a.read = func(series.Metric, int64) error { return errors.New("disk on fire") }
	w.say("g", "fine")
	w.consume()
	w.now = w.now.Add(2 * time.Minute)
	if _, err = w.Step(ctx); err == nil {
		t.Error("another error is taken for damage")
	}
}

// Values that alternate are counted exactly.
func TestPercentilesOfAlternatingValues(t *testing.T) {
	w, _ := alteredWorld(t)
	w.put("g", spec("n", "[v]", "$v"))
	var messages []string
	for range 300 {
		messages = append(messages, "0", "1")
	}
	w.say("g", append(messages, "2", "2")...)
	w.consume()
	w.want("n", w.data("App", "n"), "0: 602 304 [0, 2]")
	from := w.now.UnixMilli() - w.now.UnixMilli()%60_000
	buckets, err := w.series.Read(ctx, series.Metric{Scope: scope, Namespace: "App", Name: "n"}, "", time.Minute, from, from+60_000)
	w.must(err)
	b := &buckets[0]
	for q, want := range map[float64]float64{0.25: 0, 0.6: 1, 0.5: 1, 0.99: 1, 1: 2} {
		if v, ok := b.Percentile(q); !ok || v != want {
			t.Errorf("p%g is %v, want %v", 100*q, v, want)
		}
	}
	if n, _, ok := b.Trimmed(series.Range{HasHigh: true}); !ok || n != 300 {
		t.Errorf("%v values are 0, want 300", n)
	}
}
