package store

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// openWarm returns a store with n blocks of columns and the search for one event
// in each of them.
func openWarm(t *testing.T, n int, cache int64) (*Store, *memManifest, Query) {
	t.Helper()
	c, m, tune := &clock{ms: baseTime}, newMemManifest(), manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.cacheBytes = 64<<20, 128<<10, cache
	s := openStore(t, vfs.NewMem(), m, c.now, tune)
	t.Cleanup(func() { _ = s.Close() })
	for block := range n {
		var events []logs.Event
		for i := range 1000 {
			word := "fine"
			if i == 500 {
				word = "broken"
			}
			events = append(events, event(baseTime+int64(block*1000+i), fmt.Sprintf(`{"level":%q,"number":%d,"service":"s%d","path":"/items/%d","agent":"a program of some kind, version %d"}`, word, i*block%977, i%7, i, i%9)))
		}
		if _, err := s.Append(t.Context(), makeBatch(1, 1, 1, events...)); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s, m, Query{Group: 1, End: math.MaxInt64, Need: hint.Text("broken"),
		Match: func(m []byte) bool { return bytes.Contains(m, []byte("broken")) }}
}

// search returns how many events a query finds and how many blocks it opened anew.
func search(t *testing.T, s *Store, q Query) (found, opened int64) {
	t.Helper()
	st, err := s.Scan(t.Context(), q, func(e logs.Event) bool {
		if !bytes.Contains(e.Message, []byte("broken")) {
			t.Fatalf("a wrong event: %s", e.Message)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return st.Matched, st.KeyBlocks
}

func TestABlockStaysOpenForTheNextQuestion(t *testing.T) {
	s, m, q := openWarm(t, 20, 64<<20)
	if found, opened := search(t, s, q); found != 20 || opened != 20 {
		t.Fatalf("%d events in %d blocks", found, opened)
	}
	if b := s.warm.bytes(); b == 0 || b > s.warm.limit || s.Health().CacheBytes < b {
		t.Fatalf("%d bytes are kept of at most %d", b, s.warm.limit)
	}
	if found, opened := search(t, s, q); found != 20 || opened != 0 {
		t.Errorf("again: %d events, %d blocks opened", found, opened)
	}
	// Another question about the same blocks, in which other columns are asked for.
	rows := 0
	st, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, 1, func(_ int, b *BlockView) error {
		v, err := b.Field("service")
		if err != nil {
			return err
		}
		if _, err := b.Keys(); err != nil {
			return err
		}
		if got := textOf(v, 8); got != `"s1"` && got != "s1" {
			t.Errorf("service is %q", got)
		}
		rows += b.Len()
		return nil
	})
	if err != nil || rows != 20_000 || st.DecodedBytes >= 24*20_000 {
		t.Errorf("%d rows, %d bytes decoded, %v", rows, st.DecodedBytes, err)
	}
	m.delete(1, 1, baseTime)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.warm.bytes(); b != 0 {
		t.Errorf("%d bytes are kept of parts that are gone", b)
	}
}

func TestOpenBlocksAreBounded(t *testing.T) {
	s, _, q := openWarm(t, 24, 64<<20)
	search(t, s, q)
	third := s.warm.bytes() / 3
	s.warm = newWarmBlocks(third)
	for round := range 6 {
		found, opened := search(t, s, q)
		if b := s.warm.bytes(); b > third {
			t.Fatalf("%d bytes are kept of at most %d", b, third)
		}
		// A scan of three times the bound keeps what fits instead of nothing.
		if found != 24 || round > 0 && opened > 20 {
			t.Errorf("round %d: %d events, %d blocks opened", round, found, opened)
		}
	}
	// What nobody asks for any more makes room.
	q.Start = baseTime + 16_000
	for range 12 {
		search(t, s, q)
	}
	if _, opened := search(t, s, q); opened > 3 {
		t.Errorf("%d of 8 blocks are opened each time", opened)
	}
	s.warm = newWarmBlocks(0)
	if found, opened := search(t, s, q); found != 8 || opened != 8 || s.warm.bytes() != 0 {
		t.Errorf("without memory: %d events, %d blocks opened, %d bytes kept", found, opened, s.warm.bytes())
	}
}
