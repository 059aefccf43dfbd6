package store

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestScanBlocksByTime: one worker gets blocks in the order of their times, from
// parts and memory alike, and none that are not wanted any more.
func TestScanBlocksByTime(t *testing.T) {
	c := &clock{ms: baseTime}
	s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, manualTuning())
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	const events = 1200
	for i := range events {
		if i%100 == 50 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		slot := int64(i*7%events) / 10 // parts overlap
		b := makeBatch(1, logs.StreamID(1+i%3), c.ms, event(baseTime+slot*100+int64(i), fmt.Sprintf("%d %s", i, strings.Repeat("x", 900))))
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range []BlockOrder{NewestFirst, OldestFirst} {
		q := BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64, Order: order}
		rows, blocks, before := 0, 0, int64(0)
		spans := map[int64]int64{}
		_, err := s.ScanBlocks(t.Context(), q, 1, func(_ int, b *BlockView) error {
			first, last := b.Span()
			at := first
			if order == NewestFirst {
				at = -last
			}
			if blocks > 0 && at < before {
				t.Errorf("order %d: a block from %d to %d comes too late", order, first, last)
			}
			before = at
			spans[first] = last
			blocks++
			rows += b.Len()
			return nil
		})
		if err != nil || rows != events || blocks < 10 {
			t.Fatalf("order %d: %d rows in %d blocks: %v", order, rows, blocks, err)
		}

		limit := baseTime + int64(events)/2*10
		q.Skip = func(first, last int64) bool {
			if order == NewestFirst {
				return last < limit
			}
			return first > limit
		}
		want, got := 0, 0
		for first, last := range spans {
			if !q.Skip(first, last) {
				want++
			}
		}
		st, err := s.ScanBlocks(t.Context(), q, 1, func(_ int, b *BlockView) error {
			got++
			if first, last := b.Span(); q.Skip(first, last) {
				t.Errorf("order %d: a block from %d to %d is not wanted", order, first, last)
			}
			return nil
		})
		if err != nil || got != want || st.BlocksSkipped != st.StopSkipped.Blocks {
			t.Errorf("order %d: %d blocks of %d, %+v, %v", order, got, want, st, err)
		}
		if want == 0 || want == len(spans) {
			t.Errorf("order %d: %d of %d blocks are wanted: the test shows nothing", order, want, len(spans))
		}
	}
}
