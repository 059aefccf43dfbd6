package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// collectBlocks returns the events that ScanBlocks hands out, sorted, and checks
// that every way to read a block gives the same.
func collectBlocks(t testing.TB, s *Store, q BlockQuery, workers int) ([]logs.Event, Stats) {
	t.Helper()
	var (
		mu  sync.Mutex
		out []logs.Event
	)
	busy := make([]sync.Mutex, workers)
	st, err := s.ScanBlocks(t.Context(), q, workers, func(worker int, b *BlockView) error {
		if !busy[worker].TryLock() {
			t.Errorf("worker %d is called twice at once", worker)
		}
		defer busy[worker].Unlock()
		keys, err1 := b.Keys()
		streams, err2 := b.Streams()
		ingests, err3 := b.Ingestions()
		texts, err4 := b.Messages()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		if n := b.Len(); len(keys) != n || len(streams) != n || len(ingests) != n || texts.Len() != n || int64(len(texts.Data)) != b.Bytes() {
			t.Errorf("a block of %d rows and %d bytes has %d keys, %d streams, %d ingestion times, %d messages of %d bytes",
				n, b.Bytes(), len(keys), len(streams), len(ingests), texts.Len(), len(texts.Data))
		}
		sel := b.Sel()
		if sel == nil {
			for i := range b.Len() {
				sel = append(sel, uint32(i))
			}
		}
		var rows column.Texts
		if err := b.Rows(sel, &rows); err != nil {
			return err
		}
		first, last := b.Span()
		mu.Lock()
		defer mu.Unlock()
		for i, row := range sel {
			if ts := keys[row].Timestamp; ts < first || ts > last {
				t.Errorf("row of %d outside of [%d, %d]", ts, first, last)
			}
			if !bytes.Equal(rows.At(i), texts.At(int(row))) {
				t.Errorf("row %d alone is %.40q, want %.40q", row, rows.At(i), texts.At(int(row)))
			}
			if q.Need.Meets(string(rows.At(i))) {
				out = append(out, logs.Event{Key: keys[row], Stream: streams[row], Ingestion: ingests[row], Message: bytes.Clone(rows.At(i))})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("scan blocks %+v: %v", q, err)
	}
	slices.SortFunc(out, func(a, b logs.Event) int { return a.Key.Compare(b.Key) })
	return out, st
}

func TestScanBlocksEndsAsAsked(t *testing.T) {
	s, o := fillStore(t, 800)
	all := BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}
	nothing := func(int, *BlockView) error { return nil }
	for name, q := range map[string]BlockQuery{
		"no group": {End: 5}, "no stream": {Groups: all.Groups, Streams: []logs.StreamID{}, End: math.MaxInt64},
		"no time": {Groups: all.Groups, Start: 5, End: 5}, "never": {Groups: all.Groups, End: math.MaxInt64, Need: hint.Or()},
		"other time": {Groups: all.Groups, Start: baseTime + 1e9, End: math.MaxInt64}, "other group": {Groups: []logs.GroupID{7}, End: math.MaxInt64},
	} {
		st, err := s.ScanBlocks(t.Context(), q, 1, func(int, *BlockView) error { return errors.New("called") })
		if err != nil || st.Rows != 0 {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
	for _, workers := range []int{0, MaxBlockWorkers + 1} {
		if _, err := s.ScanBlocks(t.Context(), all, workers, nothing); !errors.Is(err, ErrBadQuery) {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
	if _, err := s.ScanBlocks(t.Context(), all, MaxBlockWorkers, nothing); err != nil {
		t.Error(err)
	}
	if _, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1, 0}, End: 5}, 1, nothing); !errors.Is(err, ErrBadQuery) {
		t.Errorf("group 0: %v", err)
	}
	stop := errors.New("stop")
	var calls atomic.Int64
	_, err := s.ScanBlocks(t.Context(), all, 3, func(int, *BlockView) error { calls.Add(1); return stop })
	if err != stop || calls.Load() > 3 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls.Store(0)
	_, err = s.ScanBlocks(ctx, all, 2, func(_ int, b *BlockView) error {
		calls.Add(1)
		cancel()
		if _, err := b.Messages(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls.Load() > 2 {
		t.Errorf("cancelled: %v after %d calls", err, calls.Load())
	}

	// What is in memory is searched before it is handed out.
	need := all
	need.Need = hint.Text("event 77")
	got, st := collectBlocks(t, s, need, 2)
	sameEvents(t, "need", got, o.scan(Query{Group: 1, End: math.MaxInt64, Need: need.Need}))
	if st.Rows+st.RowsSkipped() != 800 || st.MemoryRows != 400 || st.Matched > st.Rows-389 {
		t.Errorf("need: %+v", st)
	}
	if used, _ := s.budget.bytes(); used != 0 {
		t.Errorf("%d bytes stay reserved", used)
	}
}

// TestScanBlocksLeavesOutDamage damages messages, which a method of the block
// then meets within fn.
func TestScanBlocksLeavesOutDamage(t *testing.T) {
	mem := vfs.NewMem()
	tune := manualTuning()
	tune.blockBytes, tune.memtableBytes = 96<<10, 8<<20
	s, o := fillIndexed(t, mem, tune)
	defer s.Close()
	total := len(o.scan(Query{Group: 1, End: math.MaxInt64}))
	var blocks []segment.BlockInfo
	r, err := s.cur.parts[0].open()
	if err != nil {
		t.Fatal(err)
	}
	blocks = r.Blocks(1, nil)
	damage(t, mem, s.cur.parts[0].path, 40+blocks[0].StoredBytes-20)
	for range 2 {
		rows := 0
		st, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, 1, func(_ int, b *BlockView) error {
			if _, err := b.Messages(); err != nil {
				return fmt.Errorf("as an operator does: %w", err)
			}
			rows += b.Len()
			return nil
		})
		if err != nil || st.DamagedBlocks != 1 || rows != total-blocks[0].Rows || st.Rows != int64(rows) {
			t.Errorf("%d rows of %d, %+v, %v", rows, total, st, err)
		}
	}
	if h := s.Health(); h.DamagedBlocks != 1 {
		t.Errorf("%+v", h)
	}
}
