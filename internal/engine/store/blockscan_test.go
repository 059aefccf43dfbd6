package store

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/logs"
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
