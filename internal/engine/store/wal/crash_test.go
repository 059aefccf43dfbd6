package wal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// ledger knows what clients of the log were told.
type ledger struct {
	mu         sync.Mutex
	attempted  map[string]bool
	acked      map[uint64]string
	refused    map[string]int // payload → acknowledgements before the refusal
	checkpoint uint64
	highest    uint64
}

func newLedger() *ledger {
	return &ledger{attempted: map[string]bool{}, acked: map[uint64]string{}, refused: map[string]int{}}
}

func (l *ledger) snapshot() *ledger {
	return &ledger{
		attempted: maps.Clone(l.attempted), acked: maps.Clone(l.acked), refused: maps.Clone(l.refused),
		checkpoint: l.checkpoint, highest: l.highest,
	}
}

// check compares a recovered log with what clients were told. A refused record may
// come back only if mayReturn and if nothing was acknowledged after it.
func (l *ledger) check(t *testing.T, where string, replayed []record, mayReturn bool) {
	t.Helper()
	got := map[uint64]bool{}
	seen := map[string]bool{}
	last := l.checkpoint
	for _, r := range replayed {
		if r.lsn <= last {
			t.Fatalf("%s: record %d after %d", where, r.lsn, last)
		}
		last = r.lsn
		got[r.lsn] = true
		if seen[r.payload] {
			t.Fatalf("%s: record %d twice", where, r.lsn)
		}
		seen[r.payload] = true
		if want, ok := l.acked[r.lsn]; ok {
			if want != r.payload {
				t.Fatalf("%s: record %d has other bytes", where, r.lsn)
			}
			continue
		}
		if !l.attempted[r.payload] {
			t.Fatalf("%s: record %d was never written", where, r.lsn)
		}
		if acks, ok := l.refused[r.payload]; ok && (!mayReturn || acks < len(l.acked)) {
			t.Fatalf("%s: record %d was refused and came back", where, r.lsn)
		}
	}
	for lsn := range l.acked {
		if lsn > l.checkpoint && !got[lsn] {
			t.Fatalf("%s: acknowledged record %d is lost", where, lsn)
		}
	}
}

// crashPoint is a clone of the disk and what clients knew when it was taken.
type crashPoint struct {
	where string
	disk  *vfs.Mem
	told  *ledger
}

// workload appends from several goroutines and releases now and then.
func workload(log *wal.Log, told *ledger, seed uint64, name string, workers, each int) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := range each {
				size := rng.IntN(3000)
				if rng.IntN(10) == 0 {
					size = rng.IntN(70_000)
				}
				payload := fmt.Sprintf("%s %d/%d %s", name, w, i, message(rng, size))
				told.mu.Lock()
				told.attempted[payload] = true
				told.mu.Unlock()
				lsn, err := log.Append(context.Background(), 1, nil, []byte(payload))
				told.mu.Lock()
				if err != nil {
					told.refused[payload] = len(told.acked)
				} else {
					told.acked[lsn] = payload
					told.highest = max(told.highest, lsn)
				}
				release := uint64(0)
				if rng.IntN(15) == 0 && told.highest > 20 {
					// All below is flushed, the store says.
					release = told.highest - 20
					told.checkpoint = max(told.checkpoint, release)
				}
				told.mu.Unlock()
				if release > 0 {
					_ = log.Release(release) // a crash test: its failing is fine
				}
			}
		})
	}
	wg.Wait()
}

// crashing runs a workload on a disk with faults and returns a crash point after
// every sync and some of the other calls that change the disk.
func crashing(t *testing.T, seed uint64, disk *vfs.Mem, told *ledger, name string, inject func(vfs.Call) vfs.Failure) []crashPoint {
	var points []crashPoint
	rng := newRand(seed)
	var mu sync.Mutex
	fsys := vfs.NewFault(disk, nil)
	o := options(fsys)
	o.Reserve = 16 << 10
	o.Checkpoint = told.checkpoint
	now := &clock{}
	o.Now = func() time.Time { // no pause after failures
		now.advance(time.Minute)
		return now.Now()
	}
	h := open(t, o)
	told.check(t, fmt.Sprintf("seed %d, opening", seed), h.replayed, true)
	// Records that were not acknowledged but are there now count as such.
	for _, r := range h.replayed {
		told.acked[r.lsn] = r.payload
		delete(told.refused, r.payload)
	}
	fsys.SetPlan(&vfs.Plan{Inject: inject, After: func(c vfs.Call, _ error) {
		if !c.Op.Mutates() {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !c.Op.Syncs() && rng.IntN(4) > 0 {
			return
		}
		told.mu.Lock()
		defer told.mu.Unlock()
		points = append(points, crashPoint{
			where: fmt.Sprintf("seed %d, %s: crash after %s %d of %s", seed, name, c.Op, c.Nth, c.Name),
			told:  told.snapshot(), // before the clone: its acknowledgements hold
			disk:  disk.CrashClone(rng),
		})
	}})
	workload(h.log, told, seed, name, 4, 25)
	if err := h.log.Close(); err != nil && inject == nil {
		t.Fatal(err)
	}
	return points
}

// recoverAt opens a crash point and checks it.
func recoverAt(t *testing.T, p crashPoint, mayReturn bool) {
	t.Helper()
	o := options(p.disk)
	o.Checkpoint = p.told.checkpoint
	h, err := tryOpen(t, o)
	if err != nil {
		t.Fatalf("%s: %v", p.where, err)
	}
	p.told.check(t, p.where, h.replayed, mayReturn)
	h.close()
}

func seeds(short, long uint64) uint64 {
	if testing.Short() {
		return short
	}
	return long
}

func TestCrashAtEveryPoint(t *testing.T) {
	points := 0
	for seed := range seeds(2, 5) {
		told := newLedger()
		first := crashing(t, seed, vfs.NewMem(), told, "first", nil)
		for _, p := range first {
			recoverAt(t, p, false)
		}
		points += len(first)
		// Go on from one of the crashes, and crash again.
		p := first[newRand(seed).IntN(len(first))]
		second := crashing(t, seed, p.disk, p.told, "second", nil)
		for _, p := range second {
			recoverAt(t, p, false)
		}
		points += len(second)
	}
	if points == 0 {
		t.Fatal("no crash was tried")
	}
	t.Logf("%d crash points", points)
}

// TestCrashWithFaults injects failures at random and crashes as well.
func TestCrashWithFaults(t *testing.T) {
	for _, c := range []struct {
		name      string
		inject    func(rng *rand.Rand, c vfs.Call) vfs.Failure
		mayReturn bool
	}{
		{"full disk", func(rng *rand.Rand, c vfs.Call) vfs.Failure {
			switch c.Op {
			case vfs.OpWrite, vfs.OpPreallocate, vfs.OpCreate:
				if c.Size != 4096 && rng.IntN(5) == 0 { // not the taking back of a group
					return vfs.Failure{Err: syscall.ENOSPC, Short: rng.IntN(c.Size + 1)}
				}
			}
			return vfs.Failure{}
		}, false},
		{"failing syncs", func(rng *rand.Rand, c vfs.Call) vfs.Failure {
			if c.Op == vfs.OpSync && rng.IntN(6) == 0 {
				return vfs.Failure{Err: syscall.EIO, DropDirty: true}
			}
			return vfs.Failure{}
		}, true},
		{"everything fails", func(rng *rand.Rand, c vfs.Call) vfs.Failure {
			if !c.Op.Mutates() || rng.IntN(12) > 0 {
				return vfs.Failure{}
			}
			err := syscall.EIO
			if rng.IntN(2) == 0 {
				err = syscall.ENOSPC
			}
			return vfs.Failure{Err: err, Short: rng.IntN(c.Size + 1), DropDirty: true}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := 0
			for seed := range seeds(2, 5) {
				rng := newRand(seed + 100)
				var mu sync.Mutex
				told := newLedger()
				points := crashing(t, seed, vfs.NewMem(), told, c.name, func(call vfs.Call) vfs.Failure {
					mu.Lock()
					defer mu.Unlock()
					return c.inject(rng, call)
				})
				for _, p := range points {
					recoverAt(t, p, c.mayReturn)
				}
				refused += len(told.refused)
			}
			t.Logf("%d appends were refused", refused)
		})
	}
}

// TestLostSyncs lets syncs report success and do nothing: acknowledged records can
// then be lost, but never in silence when anything after them survived, and
// what is there is right.
func TestLostSyncs(t *testing.T) {
	damaged, short := 0, 0
	for seed := range seeds(3, 12) {
		disk := vfs.NewMem()
		rng := newRand(seed)
		told := newLedger()
		var mu sync.Mutex
		points := crashing(t, seed, disk, told, "lost syncs", func(c vfs.Call) vfs.Failure {
			mu.Lock()
			defer mu.Unlock()
			return vfs.Failure{Lost: rng.IntN(4) == 0}
		})
		for _, p := range points {
			o := options(p.disk)
			o.Checkpoint = p.told.checkpoint
			h, err := tryOpen(t, o)
			var damage *wal.CorruptionError
			if errors.As(err, &damage) {
				damaged++
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", p.where, err)
			}
			h.close()
			last := o.Checkpoint
			for _, r := range h.replayed {
				if r.lsn <= last || p.told.acked[r.lsn] != r.payload && !p.told.attempted[r.payload] {
					t.Fatalf("%s: record %d after %d is wrong", p.where, r.lsn, last)
				}
				last = r.lsn
			}
			present := map[uint64]bool{}
			for _, r := range h.replayed {
				present[r.lsn] = true
			}
			for lsn := range p.told.acked {
				if lsn > o.Checkpoint && lsn < last && !present[lsn] {
					t.Fatalf("%s: record %d is missing before %d and nobody says so", p.where, lsn, last)
				}
				if lsn > last {
					short++
				}
			}
		}
	}
	t.Logf("%d damaged logs, %d records lost at the end", damaged, short)
}
