package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestWaitersTakeTurns: whatever a group has lined up, another waits for at most
// one turn and one batch of it.
func TestWaitersTakeTurns(t *testing.T) {
	var q waitQueue
	for range 100 {
		q.push(1, 700<<10)
	}
	for range 3 {
		q.push(2, 100<<10)
	}
	q.push(3, 5<<20) // larger than a turn
	q.push(2, 100<<10)
	var order []string
	before := map[logs.GroupID]int64{} // bytes of group 1 let in before the first of each group
	noisy := int64(0)
	for w := q.first(); w != nil; w = q.first() {
		if _, ok := before[w.group]; !ok {
			before[w.group] = noisy
		}
		if w.group == 1 {
			noisy += w.bytes
		}
		order = append(order, fmt.Sprint(w.group))
		q.take()
	}
	if q.len() != 0 || len(q.groups) != 0 || len(order) != 105 {
		t.Errorf("%d were let in, %d are left in %d groups", len(order), q.len(), len(q.groups))
	}
	if before[2] > turnBytes+700<<10 {
		t.Errorf("group 2 waited for %d bytes", before[2])
	}
	// A batch of five turns waits for five turns of others.
	if before[3] > 5*turnBytes+700<<10 {
		t.Errorf("group 3 waited for %d bytes", before[3])
	}
	if got := strings.Join(order[:8], " "); !strings.HasPrefix(got, "1 2 2 2") {
		t.Errorf("order %s", got)
	}
	w := q.push(7, 1)
	if !q.drop(w) || q.drop(w) || q.first() != nil {
		t.Error("a waiter that gave up is still in line")
	}
}

// TestNoisyGroupCannotStarveOthers: memory is full and the disk stands still;
// many batches of one group wait, and one of another comes last. When there is
// room, that one is let in after a bounded number of bytes of the first.
func TestNoisyGroupCannotStarveOthers(t *testing.T) {
	gate := make(chan struct{})
	var once sync.Once
	open := func() { once.Do(func() { close(gate) }) }
	defer open()
	fault := vfs.NewFault(vfs.NewMem(), &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpCreate && strings.Contains(c.Name, "parts") {
			<-gate
		}
		return vfs.Failure{}
	}})
	tune := manualTuning()
	tune.manual, tune.memtableBytes, tune.walFile = false, 4<<20, 64<<20
	s := openStore(t, fault, newMemManifest(), time.Now, tune)
	defer s.Close()
	batch := func(g logs.GroupID) Batch {
		return makeBatch(g, logs.StreamID(g), 5, event(1000, strings.Repeat("n", 600<<10)))
	}
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.waiters.len()
	}
	full := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.fits(600 << 10)
	}
	for !full() {
		if _, err := s.Append(t.Context(), batch(1)); err != nil {
			t.Fatal(err)
		}
	}
	if head := s.headBytes(); head > s.headLimit() {
		t.Errorf("%d bytes in memory, more than %d", head, s.headLimit())
	}
	const noisy = 60
	var wg sync.WaitGroup
	seqs := make([]logs.Seq, noisy+1)
	start := func(i int, g logs.GroupID) {
		wg.Go(func() {
			seq, err := s.Append(t.Context(), batch(g))
			if err != nil {
				t.Error(err)
			}
			seqs[i] = seq
		})
		for waiting() != i+1 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	for i := range noisy {
		start(i, 1)
	}
	start(noisy, 2)
	// Who gives up leaves the line, and does not hold up those behind.
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { _, err := s.Append(ctx, batch(3)); gone <- err }()
	for waiting() != noisy+2 {
		time.Sleep(100 * time.Microsecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("an append that gave up returned %v", err)
	}
	if n := waiting(); n != noisy+1 {
		t.Errorf("%d wait, want %d", n, noisy+1)
	}
	// Room for three turns, as a flush makes it: the last in line is among the first.
	s.mu.Lock()
	s.head -= 3 * turnBytes
	s.letIn()
	left, small := s.waiters.len(), s.waiters.groups[2]
	s.head += 3 * turnBytes
	s.mu.Unlock()
	if small != nil || left < noisy+1-3*turnBytes/(600<<10) {
		t.Errorf("%d wait, the small group among them: %v", left, small != nil)
	}
	open()
	wg.Wait()
	if got := len(collect(t, s, Query{Group: 2, End: math.MaxInt64}, math.MaxInt, nil)); got != 1 {
		t.Errorf("%d events of the small group", got)
	}
	if head := s.headBytes(); head > s.headLimit() || head < 0 {
		t.Errorf("%d bytes in memory", head)
	}
	slices.Sort(seqs)
	if n := len(slices.Compact(seqs)); n != noisy+1 {
		t.Errorf("%d different numbers", n)
	}
}

// TestBatchLargerThanMemory: it waits until it is alone, and those behind it
// follow.
func TestBatchLargerThanMemory(t *testing.T) {
	tune := manualTuning()
	tune.manual, tune.memtableBytes, tune.walFile = false, 64<<10, 16<<20
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			size := 20 << 10
			if i%5 == 0 {
				size = 500 << 10
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if _, err := s.Append(ctx, makeBatch(logs.GroupID(1+i%3), 1, 5, event(1000, strings.Repeat("b", size)))); err != nil {
				t.Errorf("batch %d of %d bytes: %v", i, size, err)
			}
		})
	}
	wg.Wait()
}

// TestMemoryBound: exactly as much is let in as the memtables may hold.
func TestMemoryBound(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, manualTuning())
	defer s.Close()
	admit := func(n int64) error {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		err := s.admit(ctx, 1, n)
		if err == nil {
			s.using.Done()
		}
		return err
	}
	limit := s.headLimit()
	if err := admit(limit - 10); err != nil {
		t.Error(err)
	}
	if err := admit(10); err != nil {
		t.Errorf("up to the bound: %v", err)
	}
	if err := admit(1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beyond the bound: %v", err)
	}
	if s.headBytes() != limit || s.waiters.len() != 0 {
		t.Errorf("%d bytes of %d, %d wait", s.headBytes(), limit, s.waiters.len())
	}
	s.giveBack(limit)
	if err := admit(3 * limit); err != nil {
		t.Errorf("more than all memory, alone: %v", err)
	}
	if err := admit(1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beside it: %v", err)
	}
	s.giveBack(3 * limit)
}
