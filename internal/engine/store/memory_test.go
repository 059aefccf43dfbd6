package store

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// heapWatch notes the most memory that is in use whenever a part is written to.
type heapWatch struct {
	mu   sync.Mutex
	most int64
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (w *heapWatch) plan() *vfs.Plan {
	return &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpWrite && strings.Contains(c.Name, "/parts/") {
			w.mu.Lock()
			w.most = max(w.most, liveHeap())
			w.mu.Unlock()
		}
		return vfs.Failure{}
	}}
}

// TestFlushAndMergeMemory measures what flushing and merging holds beside the
// memtables, with the defaults and messages that cost encoders most.
func TestFlushAndMergeMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes 100 MB")
	}
	fault := vfs.NewFault(vfs.OS(), nil)
	s, err := Open(t.Context(), Options{FS: fault, Dir: t.TempDir(), Manifest: newMemManifest(), tune: tuning{manual: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(8, 8))
	fill := func(lsn uint64, memory int64) *memtable {
		m := newMemtable()
		for ts := baseTime; m.memory < memory; lsn++ {
			b := benchBatch(rng, logs.StreamID(1+rng.IntN(50)), ts, 16<<10)
			ts += 40
			c, err := b.check()
			if err != nil {
				t.Fatal(err)
			}
			c.lsn = lsn
			m.add(c, time.Now())
		}
		return m
	}
	encoders := s.o.tune.encoders
	if encoders > 2 {
		t.Errorf("%d encoders for %d bytes of memory", encoders, s.o.Memory)
	}
	m := fill(1, maxMemtable)
	base, w := liveHeap(), &heapWatch{}
	fault.SetPlan(w.plan())
	if err := s.flush(t.Context(), m, func() int { return encoders }); err != nil {
		t.Fatal(err)
	}
	fault.SetPlan(nil)
	flush := w.most - base
	runtime.KeepAlive(m)
	m = nil
	// Eight parts of the same minutes, of which all blocks overlap.
	for i := range 8 {
		if err := s.flush(t.Context(), fill(uint64(1_000_000*(i+1)), 12<<20), func() int { return encoders }); err != nil {
			t.Fatal(err)
		}
	}
	base, w = liveHeap(), &heapWatch{}
	fault.SetPlan(w.plan())
	if err := s.mergeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	fault.SetPlan(nil)
	merge := w.most - base
	t.Logf("flush of %d MiB: %d MiB; merge of 8 blocks over one moment: %d MiB", maxMemtable>>20, flush>>20, merge>>20)
	if most := int64(encoders*encoderBytes + 16<<20); flush > most {
		t.Errorf("a flush holds %d bytes, more than %d", flush, most)
	}
	if most := int64(encoderBytes + 9*4<<20 + 24<<20); merge > most {
		t.Errorf("a merge holds %d bytes, more than %d", merge, most)
	}
}
