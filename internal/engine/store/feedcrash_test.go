package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestCommitsAfterACrash: a power cut at any moment leaves a consumer what it has
// seen: batches keep their numbers and events, those that were acknowledged and
// not consumed come once, and new ones get higher numbers.
func TestCommitsAfterACrash(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { feedCrash(t, seed) })
	}
}

func feedCrash(t *testing.T, seed uint64) {
	type point struct {
		what     string
		fs       *vfs.Mem
		manifest *memManifest
		acked    uint64 // newest batch that was acknowledged
		consumed uint64
	}
	rng := rand.New(rand.NewPCG(seed, 13))
	mem, manifest, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.mergeFanIn, tune.memtableBytes = 2, 4<<20
	var (
		mu       sync.Mutex
		points   []point
		acked    uint64
		consumed uint64
	)
	fault := vfs.NewFault(mem, &vfs.Plan{After: func(call vfs.Call, err error) {
		if err != nil || !call.Op.Syncs() && call.Op != vfs.OpRename && call.Op != vfs.OpRemove {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		points = append(points, point{
			what: fmt.Sprintf("%s %s", call.Op, call.Name), fs: mem.CrashClone(rng), manifest: manifest.clone(), acked: acked, consumed: consumed,
		})
	}})
	s := openStore(t, fault, manifest, c.now, tune)
	h := &history{}
	for i := range 40 {
		g := logs.GroupID(1 + i%2)
		lsn := h.append(t, s, randomBatch(rng, g, logs.StreamID(g), c.ms, 300))
		mu.Lock()
		acked = lsn
		mu.Unlock()
		if i%3 > 0 {
			next, err := s.Commits(t.Context(), CommitQuery{After: consumed, Bytes: 1 + rng.Int64N(9000)}, func(*Commit) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			consumed = next
			mu.Unlock()
		}
		switch {
		case i%8 == 7:
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.mergeAll(t.Context(), i%16 == 15); err != nil {
				t.Fatal(err)
			}
		case i%11 == 10:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, fault, manifest, c.now, tune)
		}
		c.advance(time.Minute)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(points) < 60 {
		t.Fatalf("only %d crash points", len(points))
	}
	for _, p := range points {
		s := openStore(t, p.fs, p.manifest, c.now, tune)
		if s.Applied() < p.acked || p.consumed > s.Applied() {
			t.Fatalf("crash at %q: applied %d, acknowledged %d, consumed %d", p.what, s.Applied(), p.acked, p.consumed)
		}
		// One that was under way may be there, whole.
		upTo := *h
		upTo.last = min(s.Applied(), h.last)
		for _, after := range []uint64{0, p.consumed} {
			sameCommits(t, fmt.Sprintf("crash at %q, after %d", p.what, after), follow(t, s, CommitQuery{After: after, Bytes: 5000}), upTo.want(after, nil, nil))
		}
		before := s.Applied()
		seq, err := s.Append(t.Context(), makeBatch(9, 9, c.ms, event(c.ms, "new")))
		if err != nil || seq.Batch() <= before {
			t.Fatalf("crash at %q: a new batch is %d behind %d: %v", p.what, seq.Batch(), before, err)
		}
		got := follow(t, s, CommitQuery{After: before})
		if !slices.Equal(got.lsns, []uint64{seq.Batch()}) {
			t.Fatalf("crash at %q: then %v, want %d", p.what, got.lsns, seq.Batch())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
