package store

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// fillIndexed stores blocks of events with an id of their own in parts.
func fillIndexed(t *testing.T, fsys vfs.FS, tune tuning) (*Store, *oracle) {
	t.Helper()
	c := &clock{ms: baseTime}
	s := openStore(t, fsys, newMemManifest(), c.now, tune)
	o := newOracle()
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range 40 {
		var events []logs.Event
		for j := range 40 {
			events = append(events, event(baseTime+int64(i*40+j), fmt.Sprintf(`{"level":"info","id":"%016x","number":%d,"text":"%s"}`,
				rng.Uint64(), i*40+j, strings.Repeat("words of every event ", 20))))
		}
		b := makeBatch(1, logs.StreamID(1+i%3), c.ms, events...)
		seq, err := s.Append(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		o.append(&b, seq)
		if i%10 == 9 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s, o
}

func TestIndexSkipsUnits(t *testing.T) {
	tune := manualTuning()
	tune.blockBytes, tune.memtableBytes = 96<<10, 8<<20
	s, o := fillIndexed(t, vfs.NewMem(), tune)
	defer s.Close()
	all := Query{Group: 1, End: math.MaxInt64}
	for _, state := range []string{"flushed", "merged"} {
		for i, e := range o.scan(all) {
			if i%97 > 0 {
				continue
			}
			id := e.Message[len(`{"level":"info","id":"`):][:16]
			for _, need := range []hint.Need{hint.Text(`"` + string(id) + `"`), hint.Text(string(id[2:14]))} {
				q := all
				q.Need = need
				var got []logs.Event
				st, err := s.Scan(t.Context(), q, func(e logs.Event) bool {
					e.Message = bytes.Clone(e.Message)
					got = append(got, e)
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				sameEvents(t, state, got, []logs.Event{e})
				if whole := need.Text[0] == '"'; whole && (st.Blocks > 2 || st.IndexSkipped.Blocks < 6 || st.Rows+st.IndexSkipped.Rows != 1600 || st.UnitsSkipped < 6) {
					t.Errorf("%s: found one event: %+v", state, st)
				}
				blocks, bst := collectBlocks(t, s, BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64, Need: need}, 2)
				sameEvents(t, state+", blocks", blocks, []logs.Event{e})
				if bst.IndexSkipped != st.IndexSkipped {
					t.Errorf("%s: blocks: %+v, scan: %+v", state, bst, st)
				}
			}
		}
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.pages.bytes() == 0 || s.Health().CacheBytes < s.pages.bytes() {
		t.Errorf("%d bytes of pages are cached", s.pages.bytes())
	}
}

func TestPageCacheKeepsItsBound(t *testing.T) {
	c := newPageCache(10 * (1000 + pageOverhead))
	a, b := partPages{c, new(part)}, partPages{c, new(part)}
	for i := range 12 {
		a.Put(i%2 == 0, i, make([]byte, 1000))
		b.Put(false, 0, make([]byte, 500))
		if b.Get(false, 0) == nil {
			t.Fatal("the page used last is gone")
		}
	}
	if c.bytes() > c.limit || a.Get(true, 0) != nil || a.Get(false, 11) == nil || a.Get(true, 11) != nil {
		t.Errorf("%d bytes of %d", c.bytes(), c.limit)
	}
	a.Put(true, 99, make([]byte, c.limit))
	if a.Get(true, 99) != nil {
		t.Error("a page larger than the cache was kept")
	}
	c.forget(a.p)
	c.forget(b.p)
	if c.bytes() != 0 || c.lru.Len() != 0 || len(c.pages) != 0 {
		t.Errorf("%d bytes are left", c.bytes())
	}
}

// TestDamagedIndexCostsSpeedOnly damages one byte after the other of a part.
// Whatever it hits, no wanted event may be missing without a word.
func TestDamagedIndexCostsSpeedOnly(t *testing.T) {
	mem := vfs.NewMem()
	tune := manualTuning()
	tune.blockBytes, tune.memtableBytes = 96<<10, 8<<20
	s, o := fillIndexed(t, mem, tune)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.cur.parts) != 1 {
		t.Fatalf("%d parts", len(s.cur.parts))
	}
	name, m := s.cur.parts[0].path, s.o.Manifest.(*memManifest)
	size := s.cur.parts[0].seg.FileBytes
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all := Query{Group: 1, End: math.MaxInt64}
	events := o.scan(all)
	q := all
	wanted := events[777]
	q.Need = hint.Text(string(wanted.Message[len(`{"level":"info","id":"`):][:16]))
	damaged, step := 0, size/150
	for off := size % step; off < size; off += step {
		damage(t, mem, name, int64(off))
		s := openStore(t, mem, m, (&clock{ms: baseTime}).now, tune)
		n := 0
		st, err := s.Scan(t.Context(), q, func(e logs.Event) bool { n++; return true })
		if err == nil && n != 1 && st.DamagedBlocks == 0 {
			t.Errorf("damage at %d: %d events, %+v", off, n, st)
		}
		if st.DamagedIndex > 0 {
			damaged++
			if n != 1 || st.IndexSkipped.Blocks != 0 || st.UnitsSkipped != 0 {
				t.Errorf("damage of the index at %d: %d events, %+v", off, n, st)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		damage(t, mem, name, int64(off)) // and back
	}
	if damaged == 0 {
		t.Error("no index was damaged")
	}
}
