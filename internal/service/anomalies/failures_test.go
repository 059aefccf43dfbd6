package anomalies_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/anomalies"
)

// ready returns a world with a trained detector.
func ready(t *testing.T) (w *world, arn string) {
	w = newWorld(t)
	w.history(1)
	arn = w.create()
	w.must(w.Train(ctx))
	w.must(w.Analyze(ctx))
	w.live()
	return w, arn
}

// TestListing reads anomalies while they change: the race detector looks on.
func TestListing(t *testing.T) {
	w, _ := ready(t)
	done, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-done:
				return
			default:
			}
			page, err := w.Anomalies(ctx, scope, anomalies.AnomalyRequest{})
			if err != nil {
				failed <- err
				return
			}
			n := int64(0)
			for _, a := range page.Anomalies {
				for _, b := range a.Bars {
					n += b.Count
				}
				for _, s := range a.Samples {
					n += int64(len(s.Message))
				}
			}
			_ = n
		}
	}()
	for range 12 {
		w.live(lost(5)...)
	}
	close(done)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if n := len(w.list(anomalies.AnomalyRequest{})); n != 1 {
		t.Errorf("%d anomalies", n)
	}
}

// TestUpdateWhileTraining: what users say about an anomaly while a detector learns anew
// is not lost.
func TestUpdateWhileTraining(t *testing.T) {
	w, arn := ready(t)
	w.live(lost(5)...)
	w.live()
	a := w.list(anomalies.AnomalyRequest{})[0]
	hourly := "ONE_HOUR"
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn, Enabled: true, Frequency: &hourly}))
	updated := 0
	w.scan = func() error {
		if updated++; updated == 1 {
			return w.UpdateAnomaly(ctx, scope, anomalies.UpdateAnomalyRequest{Detector: arn, AnomalyID: a.ID, Type: anomalies.Infinite})
		}
		return nil
	}
	w.must(w.Train(ctx))
	if got := w.list(anomalies.AnomalyRequest{})[0].State; got != "Suppressed" || updated == 0 {
		t.Errorf("after the training it is %s", got)
	}
	w.crash()
	if got := w.list(anomalies.AnomalyRequest{})[0].State; got != "Suppressed" {
		t.Errorf("after a crash it is %s", got)
	}
}

// TestRetry lets trainings fail, and looks every second.
func TestRetry(t *testing.T) {
	w := newWorld(t)
	w.history(1)
	arn := w.create()
	broken := errors.New("broken")
	began, second := []int{}, 0
	w.scan = func() error {
		began = append(began, second)
		return broken
	}
	for ; second < 2700; second++ {
		n := len(began)
		if err := w.Train(ctx); (len(began) > n) != errors.Is(err, broken) {
			t.Fatalf("second %d: %v", second, err)
		}
		if got := w.status(arn); got != anomalies.Failed {
			t.Fatalf("second %d: it is %s", second, got)
		}
		w.sleep(time.Second)
	}
	if d := cmp.Diff([]int{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223}, began); d != "" {
		t.Errorf("trainings: %s", d)
	}
	// What is to be learned is something else: at once.
	hourly := "ONE_HOUR"
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn, Enabled: true, Frequency: &hourly}))
	if err := w.Train(ctx); !errors.Is(err, broken) {
		t.Errorf("after an update: %v", err)
	}
	w.sleep(-time.Hour) // nor does it wait for a clock that was set back
	if err := w.Train(ctx); !errors.Is(err, broken) {
		t.Errorf("with the clock set back: %v", err)
	}
	w.scan = nil
	w.sleep(2 * time.Second)
	w.must(w.Train(ctx))
	if got := w.status(arn); got != anomalies.Analyzing {
		t.Errorf("in the end it is %s", got)
	}
}

// TestEnd ends the context in the middle of a training and of a look.
func TestEnd(t *testing.T) {
	w := newWorld(t)
	w.history(1)
	arn := w.create()
	ending, end := context.WithCancel(ctx)
	w.scan = func() error {
		end()
		return nil
	}
	if err := w.Train(ending); !errors.Is(err, context.Canceled) {
		t.Errorf("training: %v", err)
	}
	if got := w.status(arn); got != anomalies.Training {
		t.Errorf("it is %s", got)
	}
	w.scan = nil
	w.must(w.Train(ctx))
	w.must(w.Analyze(ctx))
	w.live()

	w.write(w.now, lost(2)...)
	w.must(w.Analyze(ctx))
	w.sleep(5 * time.Minute)
	w.write(w.now, lost(3)...)
	ending, end = context.WithCancel(ctx)
	w.commit = end
	if err := w.Analyze(ending); !errors.Is(err, context.Canceled) {
		t.Errorf("look: %v", err)
	}
	w.commit = nil
	w.live()
	w.live()
	var counts []int64
	for _, b := range w.list(anomalies.AnomalyRequest{})[0].Bars {
		counts = append(counts, b.Count)
	}
	if d := cmp.Diff([]int64{2, 3}, counts); d != "" {
		t.Errorf("counts: %s", d)
	}
}

// TestCount lets the metric be unavailable for a while.
func TestCount(t *testing.T) {
	w, arn := ready(t)
	w.fails = errors.New("no metric")
	w.write(w.now, lost(3)...)
	for i := range 3 {
		w.write(w.now, fmt.Sprintf("2026-09-22T00:00:00Z WARN the disk %d is nearly full", i))
	}
	failed := 0
	for range 16 {
		w.sleep(30 * time.Second)
		if err := w.Analyze(ctx); errors.Is(err, w.fails) {
			failed++
		} else {
			w.must(err)
		}
	}
	all := map[string]int{}
	for _, a := range w.list(anomalies.AnomalyRequest{}) {
		all[a.Priority]++
	}
	if all["HIGH"] == 0 || all["MEDIUM"] == 0 {
		t.Fatalf("found %v", all)
	}
	if d := cmp.Diff(map[string]int{"MEDIUM": all["MEDIUM"]}, w.found); d != "" || failed < 2 {
		t.Errorf("while it fails (%d times): %s", failed, d)
	}
	// A training keeps them, too.
	hourly := "ONE_HOUR"
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn, Enabled: true, Frequency: &hourly}))
	w.must(w.Train(ctx))
	w.fails = nil
	for range 2 {
		w.must(w.Analyze(ctx))
	}
	if d := cmp.Diff(all, w.found); d != "" {
		t.Errorf("afterwards: %s", d)
	}
}
