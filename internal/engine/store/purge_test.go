package store

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// flushed appends to a group and flushes, n times.
func flushed(t *testing.T, s *Store, group logs.GroupID, n int, size int) {
	t.Helper()
	for i := range n {
		msg := string(make([]byte, size))
		if _, err := s.Append(t.Context(), makeBatch(group, logs.StreamID(group), 5, event(baseTime+int64(i), msg))); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBadSectorDoesNotStopMerging: a part whose file cannot be read is left out for
// a while; others are merged and purged.
func TestBadSectorDoesNotStopMerging(t *testing.T) {
	mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	bad := vfs.NewFault(mem, nil)
	s := openStore(t, bad, m, c.now, manualTuning())
	defer s.Close()
	flushed(t, s, 1, 4, 100)
	flushed(t, s, 2, 1, 100)
	name := s.cur.parts[0].path
	bad.SetPlan(&vfs.Plan{Inject: vfs.FailOn(vfs.OpRead, func(c vfs.Call) bool { return c.Name == name },
		&fs.PathError{Op: "read", Path: name, Err: syscall.EIO})})
	m.delete(2, 0, baseTime)
	// The first merge may still meet the part.
	if err := s.Merge(t.Context()); err != nil && !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Errorf("merge without the part: %v", err)
	}
	if n := len(s.cur.parts); n != 2 {
		t.Errorf("%d parts, want the bad one and one of the others", n)
	}
	bad.SetPlan(nil)
	c.advance(checkEvery)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cur.parts); n != 1 {
		t.Errorf("%d parts after the disk recovered, want 1", n)
	}
}

// TestDeadPartWithDamageIsDropped: damage does not keep events that were deleted
// or have expired.
func TestDeadPartWithDamageIsDropped(t *testing.T) {
	mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.blockBytes = 128 << 10
	s := openStore(t, mem, m, c.now, tune)
	defer s.Close()
	flushed(t, s, 1, 1, 100_000)
	flushed(t, s, 2, 1, 100_000)
	for _, p := range s.cur.parts {
		damage(t, mem, p.path, 60)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cur.parts); n != 2 || s.Health().DamagedBlocks != 2 {
		t.Fatalf("%d parts, %+v; want two with damage", n, s.Health())
	}
	m.delete(1, 0, c.now().UnixMilli())
	m.retain(2, 1)
	c.advance(72 * time.Hour)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cur.parts); n != 0 {
		t.Errorf("%d parts are left", n)
	}
}

// TestClockSetBack: retention goes on after the clock was set back.
func TestClockSetBack(t *testing.T) {
	mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, mem, m, c.now, manualTuning())
	defer s.Close()
	flushed(t, s, 1, 1, 100)
	c.advance(365 * 24 * time.Hour)
	if err := s.mergeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	c.advance(-363 * 24 * time.Hour)
	m.retain(1, 1)
	if err := s.mergeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cur.parts); n != 0 {
		t.Errorf("%d parts are left", n)
	}
}

// TestFlushOnAFullDisk: a flush gets the reserve of the log also when no append met
// the full disk, since the log had room left.
func TestFlushOnAFullDisk(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.walReserve, tune.memtableBytes = 1<<20, 8<<20
	mem.SetLimit(64 << 20)
	s := openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	if _, err := appendUntil(t, s, 20, 10<<10); err != nil {
		t.Fatal(err)
	}
	free, err := mem.FreeSpace("/data")
	if err != nil {
		t.Fatal(err)
	}
	mem.SetLimit(64<<20 - free)
	if err := s.Flush(t.Context()); !vfs.IsNoSpace(err) {
		t.Fatalf("flush: %v, want a full disk", err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Errorf("flush with the reserve: %v", err)
	}
}
