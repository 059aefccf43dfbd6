package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestAccountsKeepShareAndTotal(t *testing.T) {
	b := newBudget(300, time.Millisecond)
	x, y := &account{b: b}, &account{b: b}
	if b.share != 200 || !x.try(200) || x.try(1) {
		t.Fatalf("a share of %d", b.share)
	}
	if err := x.reserve(t.Context(), 1); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "share is 200") {
		t.Errorf("beyond the share: %v", err)
	}
	if !y.try(100) || y.try(1) {
		t.Error("the total")
	}
	if err := y.reserve(t.Context(), 1); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "others hold 200") {
		t.Errorf("beyond the total: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.patience = time.Hour
	if err := y.reserve(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	done := make(chan error)
	go func() { done <- y.reserve(t.Context(), 50) }()
	x.release(200)
	if err := <-done; err != nil || y.used != 150 || b.used != 150 {
		t.Errorf("after a release: %v, %d", err, y.used)
	}
	// What memtables hold is taken from queries, but one that is alone goes on.
	b.pin(300)
	if x.try(1) || !y.try(50) || y.try(1) {
		t.Error("pinned")
	}
	b.pin(-300)
	if !x.try(100) {
		t.Error("unpinned")
	}
	x.release(100)
	y.release(200)
	if used, pinned := b.bytes(); used != 0 || pinned != 0 {
		t.Errorf("%d and %d bytes are left", used, pinned)
	}
}

func TestQueryMemoryIsAFixedShare(t *testing.T) {
	for memory, want := range map[int64]int64{8 << 20: 24 << 20, 64 << 20: 24 << 20, 80 << 20: 30 << 20, 1 << 30: 384 << 20} {
		if got := queryMemory(memory); got != want {
			t.Errorf("%d MiB: %d MiB for queries, want %d", memory>>20, got>>20, want>>20)
		}
	}
}

// overlapping stores n parts whose blocks all cover the same time.
func overlapping(t *testing.T, n int, queryBytes int64) (*Store, *oracle) {
	t.Helper()
	tune := manualTuning()
	tune.blockBytes, tune.memtableBytes, tune.queryBytes, tune.patience = 96<<10, 8<<20, queryBytes, time.Millisecond
	tune.cacheBytes = 1 << 20
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := newOracle()
	for i := range n {
		for j := range 9 {
			var events []logs.Event
			for k := range 20 {
				m := fmt.Sprintf(`{"part":%d,"event":%d,"text":"%s"}`, i, j*20+k, strings.Repeat("x y z ", 80+(i+k)%20))
				events = append(events, event(baseTime+int64(j*20+k)*10+int64(i*7%10), m))
			}
			b := makeBatch(1, logs.StreamID(1+j%3), baseTime, events...)
			seq, err := s.Append(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			o.append(&b, seq)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s, o
}

func scanned(s *Store, ctx context.Context, q Query) (out []logs.Event, st Stats, err error) {
	st, err = s.Scan(ctx, q, func(e logs.Event) bool {
		e.Message = bytes.Clone(e.Message)
		out = append(out, e)
		return true
	})
	return out, st, err
}

// TestScansLiveWithinTheirShare opens so many overlapping blocks that whole ones
// do not fit into the share of a scan.
func TestScansLiveWithinTheirShare(t *testing.T) {
	const parts, blocks = 16, 32
	s, o := overlapping(t, parts, 1536<<10)
	peak := int64(0)
	for _, reverse := range []bool{false, true} {
		for _, need := range []string{"", `"event":1`, "no such text", "x y"} {
			q := Query{Group: 1, End: math.MaxInt64, Reverse: reverse, Need: hint.Text(need)}
			if need != "" {
				q.Match = func(m []byte) bool {
					used, _ := s.budget.bytes()
					peak = max(peak, used) // one block at a time is read in this state
					return bytes.Contains(m, []byte(need))
				}
				s.o.tune.workers = 1
			}
			var got []logs.Event
			st, err := s.Scan(t.Context(), q, func(e logs.Event) bool {
				used, _ := s.budget.bytes()
				peak = max(peak, used)
				e.Message = bytes.Clone(e.Message)
				got = append(got, e)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			want := o.scan(q)
			sameEvents(t, fmt.Sprintf("need %q, reverse %v", need, reverse), got, want)
			if st.Blocks+st.BlocksSkipped != blocks || st.Matched != int64(len(want)) || st.Rows > parts*180 {
				t.Errorf("need %q: %+v", need, st)
			}
		}
	}
	if peak == 0 || peak > s.budget.share {
		t.Errorf("a scan held %d bytes of %d", peak, s.budget.share)
	}
	if used, _ := s.budget.bytes(); used != 0 {
		t.Errorf("%d bytes are left", used)
	}
	for _, workers := range []int{1, 4} {
		got, st := collectBlocks(t, s, BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, workers)
		sameEvents(t, "blocks", got, o.scan(Query{Group: 1, End: math.MaxInt64}))
		if used, _ := s.budget.bytes(); used != 0 || st.Blocks != blocks {
			t.Errorf("%d bytes are left; %+v", used, st)
		}
	}
}

func TestQueriesFailBeyondTheirShare(t *testing.T) {
	s, o := overlapping(t, 4, 256<<10)
	all := Query{Group: 1, End: math.MaxInt64}
	if _, _, err := scanned(s, t.Context(), all); !errors.Is(err, ErrMemory) {
		t.Errorf("scan: %v", err)
	}
	_, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, 3, func(int, *BlockView) error { return nil })
	if !errors.Is(err, ErrMemory) {
		t.Errorf("scan of blocks: %v", err)
	}
	if used, _ := s.budget.bytes(); used != 0 {
		t.Errorf("%d bytes are left", used)
	}
	// The store is not affected.
	b := makeBatch(2, 1, baseTime, event(baseTime, "after"))
	seq, err := s.Append(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	o.append(&b, seq)
	got, _, err := scanned(s, t.Context(), Query{Group: 2, End: math.MaxInt64})
	if err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "another group", got, o.scan(Query{Group: 2, End: math.MaxInt64}))
}
