package store

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// unequal stores parts that are small but for one, which is too large for a scan
// to hold whole and lies over those behind it.
func unequal(t *testing.T) (*Store, *oracle, *vfs.Fault) {
	t.Helper()
	tune := manualTuning()
	tune.blockBytes, tune.memtableBytes, tune.queryBytes, tune.cacheBytes = 1<<20, 8<<20, 3<<20, 1
	fault := vfs.NewFault(vfs.NewMem(), nil)
	s := openStore(t, fault, newMemManifest(), (&clock{ms: baseTime}).now, tune)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := newOracle()
	put := func(from, step int64, n, size int) {
		var events []logs.Event
		for i := range int64(n) {
			events = append(events, event(baseTime+from+i*step, strings.Repeat("x", size)))
		}
		b := makeBatch(1, 1, baseTime, events...)
		seq, err := s.Append(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		o.append(&b, seq)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	put(0, 1, 3, 100)
	put(10, 1, 3, 100)
	put(20, 1, 700, 1<<10) // to 719
	for i := range int64(4) {
		put(400+10*i, 1, 3, 100)
	}
	put(1000, 1, 3, 100)
	put(1010, 1, 3, 100)
	return s, o, fault
}

// TestScanOrderWhenMemoryIsShort: the rest of a block of which a slice was kept comes
// before blocks that were read ahead.
func TestScanOrderWhenMemoryIsShort(t *testing.T) {
	s, o, _ := unequal(t)
	for _, reverse := range []bool{false, true} {
		for _, need := range []string{"", "xxx"} {
			q := Query{Group: 1, End: math.MaxInt64, Reverse: reverse, Need: hint.Text(need)}
			sameEvents(t, "all", collect(t, s, q, math.MaxInt, nil), o.scan(q))
		}
	}
}

// TestFailingScansGiveMemoryBack: whatever a scan was doing when it failed.
func TestFailingScansGiveMemoryBack(t *testing.T) {
	for nth := range int64(9) {
		s, _, fault := unequal(t)
		var n atomic.Int64
		fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
			if c.Op == vfs.OpOpen && strings.Contains(c.Name, "/parts") && n.Add(1) == nth+1 {
				return vfs.Failure{Err: syscall.EIO}
			}
			return vfs.Failure{}
		}})
		q := Query{Group: 1, End: math.MaxInt64}
		if _, _, err := scanned(s, context.Background(), q); !errors.Is(err, syscall.EIO) {
			t.Errorf("open %d: %v", nth, err)
		}
		if used, _ := s.budget.bytes(); used != 0 {
			t.Errorf("open %d: %d bytes stay reserved", nth, used)
		}
	}
}
