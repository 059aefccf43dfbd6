package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestMergesYieldToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var debt atomic.Int64
		p := pacer{floor: 8 << 20, fanIn: 8, busy: busy.Load, debt: func() int { return int(debt.Load()) }}
		took := func(bytes int64) time.Duration {
			t.Helper()
			start := time.Now()
			if err := p.wait(t.Context(), bytes); err != nil {
				t.Fatal(err)
			}
			return time.Since(start).Round(paceStep)
		}
		check := func(what string, got, want time.Duration) {
			t.Helper()
			if got != want {
				t.Errorf("%s: waited %v, want %v", what, got, want)
			}
		}
		check("nobody waits", took(1<<30), 0)
		busy.Store(true)
		check("somebody waits", took(16<<20), 2*time.Second)
		for i, want := range []time.Duration{2 * time.Second, time.Second, time.Second / 2, time.Second / 4, 0, 0} {
			debt.Store(int64(8 * i))
			check("flushed parts wait", took(16<<20), want)
		}
		debt.Store(0)
		go func() {
			time.Sleep(295 * time.Millisecond)
			busy.Store(false)
		}()
		check("those who wait go away", took(1<<30), 300*time.Millisecond)
		busy.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.wait(ctx, 1<<30); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// TestFlushesWaitForMerges: with more flushed parts than merging keeps up with,
// background flushes are delayed, by a bounded time, and not while merging fails.
func TestFlushesWaitForMerges(t *testing.T) {
	tune := manualTuning()
	tune.slowParts = 5
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	for i, want := range []time.Duration{0, 0, 0, 0, 0, 0, slowStep, 2 * slowStep} {
		if got := s.slowDown(); got != want {
			t.Errorf("%d flushed parts: %v, want %v", i, got, want)
		}
		flushed(t, s, 1, 1, 100)
	}
	for range 120 {
		flushed(t, s, 1, 1, 10)
	}
	if got := s.slowDown(); got != slowMost {
		t.Errorf("%d flushed parts: %v, want %v", len(s.cur.parts), got, slowMost)
	}
	s.mu.Lock()
	s.mergeErr = errors.New("no space")
	s.mu.Unlock()
	if got := s.slowDown(); got != 0 {
		t.Errorf("while merges fail: %v", got)
	}
	if err := s.mergeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := s.slowDown(); got != 0 || s.mergeDebt() >= s.o.tune.mergeFanIn {
		t.Errorf("after merging %v with %d flushed parts", got, s.mergeDebt())
	}
	// Parts that cannot be merged do not count.
	for range 10 {
		flushed(t, s, 1, 1, 10)
	}
	for _, p := range s.cur.parts {
		p.avoid = true
	}
	if err := s.mergeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if s.mergeDebt() != 0 {
		t.Errorf("%d parts that cannot be merged count", s.mergeDebt())
	}
}
