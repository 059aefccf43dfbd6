package wal_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// clock is a settable clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// TestFullDiskAtEveryWrite fails the nth write or allocation with ENOSPC, for each n,
// with any part written; the append after it succeeds.
func TestFullDiskAtEveryWrite(t *testing.T) {
	for nth := 1; nth <= 40; nth++ {
		for _, part := range []int{0, 100, 4096, 1 << 20} {
			disk := vfs.NewMem()
			n := 0
			fsys := vfs.NewFault(disk, &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
				if c.Op == vfs.OpWrite || c.Op == vfs.OpPreallocate {
					if n++; n == nth {
						return vfs.Failure{Err: syscall.ENOSPC, Short: part}
					}
				}
				return vfs.Failure{}
			}})
			o := options(fsys)
			h := open(t, o)
			rng := newRand(uint64(nth))
			var want []record
			refused := 0
			for range 25 {
				payload := message(rng, 9000)
				lsn, err := h.log.Append(context.Background(), 1, nil, []byte(payload))
				switch {
				case err == nil:
					want = append(want, record{lsn, 1, payload})
				case errors.Is(err, wal.ErrFull):
					refused++
				default:
					t.Fatalf("write %d: %v", nth, err)
				}
			}
			if refused > 1 {
				t.Fatalf("write %d: %d appends were refused", nth, refused)
			}
			// A kill, not a close: everything written is in the page cache.
			crashed := disk.CrashClone(newRand(0))
			h.close()
			again := open(t, options(disk))
			again.replays(want)
			again.close()
			again = open(t, options(crashed))
			again.replays(want)
			again.close()
		}
	}
}

// TestRefusedGroupStaysAway: a group that reached the disk in full, with an error, does
// not come back after a power cut.
func TestRefusedGroupStaysAway(t *testing.T) {
	disk := vfs.NewMem()
	fsys := vfs.NewFault(disk, nil)
	h := open(t, options(fsys))
	want := []record{h.put("before")}
	first := true
	fsys.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpWrite && first {
			first = false
			return vfs.Failure{Err: syscall.ENOSPC, Short: c.Size}
		}
		return vfs.Failure{}
	}})
	if _, err := h.log.Append(context.Background(), 1, nil, []byte("refused")); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("append: %v", err)
	}
	for seed := range uint64(50) {
		again := open(t, options(disk.CrashClone(newRand(seed))))
		again.replays(want)
		again.close()
	}
	want = append(want, h.put("after"))
	h.close()
	again := open(t, options(disk))
	again.replays(want)
	again.close()
}

func TestFullDiskThenSpace(t *testing.T) {
	disk := vfs.NewMem()
	disk.SetLimit(600 << 10)
	o := options(disk)
	o.Reserve = 64 << 10
	h := open(t, o)
	rng := newRand(5)
	var want []record
	fill := func() (err error) {
		for range 1000 {
			payload := message(rng, 5000)
			lsn, err := h.log.Append(context.Background(), 1, nil, []byte(payload))
			if err != nil {
				return err
			}
			want = append(want, record{lsn, 1, payload})
		}
		return nil
	}
	if err := fill(); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("filling the disk: %v", err)
	}
	if s := h.log.Stats(); s.Reserve == 0 || s.Refused == 0 {
		t.Fatalf("stats of a full log: %+v", s)
	}
	freed, err := h.log.ReleaseReserve()
	if err != nil || freed == 0 {
		t.Fatalf("reserve: %d, %v", freed, err)
	}
	// The log itself must not eat what it gave back.
	before, _ := disk.FreeSpace(dir)
	if err := fill(); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("with the reserve released: %v", err)
	}
	if after, _ := disk.FreeSpace(dir); after < before {
		t.Errorf("free space fell from %d to %d", before, after)
	}
	if err := h.log.RestoreReserve(); err != nil { // a flush that needed nothing
		t.Fatalf("restore with %d free: %v", before, err)
	}
	if err := fill(); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("still full: %v", err)
	}
	if _, err := h.log.ReleaseReserve(); err != nil {
		t.Fatal(err)
	}
	// The store flushes into the space: the reserve cannot be taken back.
	flushed, err := disk.Create("/part")
	if err != nil {
		t.Fatal(err)
	}
	free, _ := disk.FreeSpace(dir)
	if err := flushed.Preallocate(free); err != nil {
		t.Fatal(err)
	}
	if err := h.log.RestoreReserve(); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("restore without space: %v", err)
	}
	if err := fill(); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("still full: %v", err)
	}
	if err := flushed.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if err := h.log.Release(want[len(want)-1].lsn); err != nil {
		t.Fatal(err)
	}
	count := len(want)
	if err := fill(); !errors.Is(err, wal.ErrFull) || len(want) == count {
		t.Fatalf("no append succeeded after space was back: %v", err)
	}
	if s := h.log.Stats(); s.Reserve == 0 {
		t.Errorf("the reserve was not taken back: %+v", s)
	}
	if err := flushed.Close(); err != nil {
		t.Fatal(err)
	}
	h.close()
	o.Checkpoint = want[count-1].lsn
	h = open(t, o)
	h.replays(want[count:])
	h.close()
}

// TestFailedSync: the group goes to another file and is acknowledged from there,
// once.
func TestFailedSync(t *testing.T) {
	disk := vfs.NewMem()
	fsys := vfs.NewFault(disk, nil)
	h := open(t, options(fsys))
	want := []record{h.put("before")}
	failing := true
	fsys.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpSync && failing {
			failing = false
			return vfs.Failure{Err: syscall.EIO, DropDirty: true}
		}
		return vfs.Failure{}
	}})
	want = append(want, h.put("while the sync fails"), h.put("after"))
	if s := h.log.Stats(); s.Abandoned != 1 || s.Failures != 1 || s.Files != 2 || s.Refused != 0 {
		t.Errorf("stats %+v", s)
	}
	for seed := range uint64(50) {
		again := open(t, options(disk.CrashClone(newRand(seed))))
		again.replays(want)
		again.close()
	}
	h.close()
}

// TestFailedState: with no file writable appends fail, at once until a pause
// has passed, and then work again.
func TestFailedState(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpSync, vfs.OpWrite, vfs.OpRename, vfs.OpSyncDir, vfs.OpFreeSpace} {
		disk := vfs.NewMem()
		fsys := vfs.NewFault(disk, nil)
		now := &clock{now: time.Unix(1_700_000_000, 0)}
		o := options(fsys)
		o.Now = now.Now
		o.Reserve = 1 << 20
		h := open(t, o)
		want := []record{h.put("before")}
		big := strings.Repeat("needs another file", 5000)
		fsys.SetPlan(&vfs.Plan{Inject: vfs.FailOn(op, nil, syscall.EIO)})
		if _, err := h.log.Append(context.Background(), 1, nil, []byte(randomText(80_000))); !errors.Is(err, wal.ErrFailed) || !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s: %v", op, err)
		}
		tried := fsys.Count(op)
		if _, err := h.log.Append(context.Background(), 1, nil, []byte(big)); !errors.Is(err, wal.ErrFailed) {
			t.Fatalf("%s: %v", op, err)
		}
		if fsys.Count(op) != tried {
			t.Errorf("%s: the disk was tried again at once", op)
		}
		fsys.SetPlan(nil)
		now.advance(2 * time.Second)
		want = append(want, h.put("after"), h.put(big))
		if len(h.applied) != 3 {
			t.Errorf("%s: applied %v", op, h.applied)
		}
		for seed := range uint64(20) {
			again := open(t, options(disk.CrashClone(newRand(seed))))
			again.replays(want)
			again.close()
		}
		h.close()
	}
}

func randomText(n int) string {
	rng := newRand(9)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// TestRecycledFiles: what an earlier life of a file left never comes back.
func TestRecycledFiles(t *testing.T) {
	disk := vfs.NewMem()
	o := options(disk)
	h := open(t, o)
	rng := newRand(11)
	var last record
	for range 30 {
		last = h.put(message(rng, 9000))
	}
	if err := h.log.Release(last.lsn - 1); err != nil {
		t.Fatal(err)
	}
	var want []record
	for range 3 {
		want = append(want, h.put(message(rng, 40_000)))
	}
	o.Checkpoint = last.lsn
	for seed := range uint64(20) {
		o.FS = disk.CrashClone(newRand(seed))
		again := open(t, o)
		again.replays(want)
		again.close()
	}
	h.close()
}

// TestReleaseFails: a release that failed is done by the next one.
func TestReleaseFails(t *testing.T) {
	fsys := vfs.NewFault(vfs.NewMem(), nil)
	h := open(t, options(fsys))
	rng := newRand(12)
	var last record
	for range 60 {
		last = h.put(message(rng, 9000))
	}
	for _, op := range []vfs.Op{vfs.OpRename, vfs.OpSyncDir, vfs.OpRemove} {
		fsys.SetPlan(&vfs.Plan{Inject: vfs.FailOn(op, nil, syscall.EIO)})
		if err := h.log.Release(last.lsn); !errors.Is(err, syscall.EIO) {
			t.Errorf("release while %s fails: %v", op, err)
		}
	}
	fsys.SetPlan(nil)
	if err := h.log.Release(last.lsn); err != nil {
		t.Fatal(err)
	}
	if s := h.log.Stats(); s.Files != 1 {
		t.Errorf("stats %+v", s)
	}
	h.close()
}

// TestLeftovers: files of a start that was cut short are cleared.
func TestLeftovers(t *testing.T) {
	disk := vfs.NewMem()
	h := open(t, options(disk))
	want := []record{h.put("x")}
	h.close()
	for _, name := range []string{"new.tmp", "0000000000000001.free", "notes.txt", "zz00000000000001.wal"} {
		f, err := disk.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	h = open(t, options(disk))
	h.replays(want)
	h.close()
	names, _ := disk.List(dir)
	if got := strings.Join(names, " "); got != "0000000000000001.wal notes.txt zz00000000000001.wal" {
		t.Errorf("files: %s", got)
	}
}
