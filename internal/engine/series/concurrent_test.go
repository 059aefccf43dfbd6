package series_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestConcurrent adds, reads, lists, flushes and merges at the same time. What a reader sees never
// shrinks, and nothing is lost or counted twice.
func TestConcurrent(t *testing.T) {
	s := open(t, vfs.NewMem(), func(o *series.Options) { smallLog(o); o.Manual = false })
	const workers, each = 4, 150
	var adders, others sync.WaitGroup
	done := make(chan struct{})
	fail := make(chan error, 16)
	report := func(err error) {
		select {
		case fail <- err:
		default:
		}
	}
	metrics := []series.Metric{metric("a"), metric("b", "H", "1")}
	for w := range workers {
		adders.Go(func() {
			for i := range each {
				var points []series.Point
				for _, m := range metrics {
					points = append(points, point(1, 2, float64(i)))
					p := &points[len(points)-1]
					p.Metric, p.Timestamp = m, noon-int64(i%50)*minute
				}
				points = append(points, series.Value(metric("only", "W", fmt.Sprint(w, i)), "", noon, 1))
				if err := s.Add(context.Background(), points, map[string]uint64{fmt.Sprint("w", w): uint64(i + 1)}); err != nil {
					report(err)
					return
				}
			}
		})
	}
	loop := func(fn func() error) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := fn(); err != nil {
					report(err)
					return
				}
			}
		})
	}
	for _, m := range metrics {
		last := 0.0
		loop(func() error {
			buckets, err := s.Read(context.Background(), m, "", time.Minute, noon-hour, noon+minute)
			n := 0.0
			for _, b := range buckets {
				n += b.Count
				if _, ok := b.Percentile(0.5); !ok {
					return errors.New("a bucket without percentiles")
				}
			}
			if n < last {
				return fmt.Errorf("%v values after %v", n, last)
			}
			last = n
			return err
		})
	}
	loop(func() error {
		s.List(series.ListQuery{Scope: scope})
		s.Stats()
		s.Reached("w0")
		return nil
	})
	loop(func() error { return s.Flush(context.Background()) })
	loop(func() error { return s.Maintain(context.Background()) })
	adders.Wait()
	close(done)
	others.Wait()
	select {
	case err := <-fail:
		t.Fatal(err)
	default:
	}
	s.reopen()
	for _, m := range metrics {
		n := 0.0
		for _, b := range s.read(m, time.Hour, noon-2*hour, noon+hour) {
			n += b.Count
		}
		if n != workers*each*3 {
			t.Errorf("%s: %v values", m.Name, n)
		}
	}
	if n := s.Stats().Series; n != workers*each+2 {
		t.Errorf("%d series", n)
	}
}
