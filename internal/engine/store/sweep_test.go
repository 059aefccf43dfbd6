package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// partFiles counts the part files.
func partFiles(t *testing.T, fsys vfs.FS) int {
	t.Helper()
	names, err := fsys.List("/data/parts")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// TestOldManifestRemovesNothing: a manifest from before a merge, as a copy of
// the catalog that was put back is, does not list the output, which holds all
// there is.
func TestOldManifestRemovesNothing(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	s := openStore(t, mem, m, time.Now, manualTuning())
	for range 3 {
		if _, err := appendUntil(t, s, 10, 50); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	old := m.clone()
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := Query{Group: 1, End: math.MaxInt64}
	want := collect(t, s, all, math.MaxInt, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openStore(t, mem, old, time.Now, manualTuning()).Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, mem, m, time.Now, manualTuning())
	sameEvents(t, "with the right manifest again", collect(t, s, all, math.MaxInt, nil), want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedStartRemovesNothing: a start that the log refuses has not removed
// parts before.
func TestRefusedStartRemovesNothing(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.walFile = 64 << 10
	s := openStore(t, mem, m, time.Now, tune)
	for range 8 {
		if _, err := appendUntil(t, s, 200, 200); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := partFiles(t, mem)
	_, err := Open(t.Context(), Options{FS: mem, Dir: "/data", Manifest: newMemManifest(), tune: tune})
	var damage *wal.CorruptionError
	if !errors.As(err, &damage) {
		t.Fatalf("open with an empty manifest: %v, want *wal.CorruptionError", err)
	}
	if after := partFiles(t, mem); before == 0 || after != before {
		t.Errorf("%d parts are left of %d", after, before)
	}
}

// latePublisher fails publications that come to light after a crash, as a SQLite
// transaction does whose last sync failed.
type latePublisher struct {
	*memManifest
	fail bool
	late catalog.Publication
}

func (l *latePublisher) Publish(ctx context.Context, p catalog.Publication) error {
	if l.fail {
		l.late = p
		return errors.New("the sync failed")
	}
	return l.memManifest.Publish(ctx, p)
}

// TestFailedMergeComesToLight is the same for a merge.
func TestFailedMergeComesToLight(t *testing.T) {
	for _, late := range []bool{false, true} {
		mem, m := vfs.NewMem(), &latePublisher{memManifest: newMemManifest()}
		s := openStore(t, mem, m, time.Now, manualTuning())
		for range 3 {
			if _, err := appendUntil(t, s, 10, 50); err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		all := Query{Group: 1, End: math.MaxInt64}
		want := collect(t, s, all, math.MaxInt, nil)
		m.fail = true
		for range 2 {
			if err := s.Merge(t.Context()); err == nil {
				t.Fatal("the merge succeeded")
			}
		}
		if n := partFiles(t, mem); n != 4 {
			t.Errorf("%d files, want three inputs and one output", n)
		}
		if err := mem.SyncDir("/data/parts"); err != nil {
			t.Fatal(err)
		}
		disk, after := mem.CrashClone(rand.New(rand.NewPCG(1, 1))), m.clone()
		if late {
			if err := after.Publish(t.Context(), m.late); err != nil {
				t.Fatal(err)
			}
		}
		crashed := openStore(t, disk, after, time.Now, manualTuning())
		sameEvents(t, fmt.Sprintf("after the crash, published %v", late), collect(t, crashed, all, math.MaxInt, nil), want)
		if err := crashed.Close(); err != nil {
			t.Fatal(err)
		}

		m.fail = false
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		sameEvents(t, "without a crash", collect(t, s, all, math.MaxInt, nil), want)
		if n := partFiles(t, mem); n != 1 {
			t.Errorf("%d files, want one part", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailedPublicationComesToLight: whether a flush whose publication failed was published
// after all shows at the next start; either way each event is there once.
func TestFailedPublicationComesToLight(t *testing.T) {
	for _, late := range []bool{false, true} {
		mem, m := vfs.NewMem(), &latePublisher{memManifest: newMemManifest()}
		s := openStore(t, mem, m, time.Now, manualTuning())
		if _, err := appendUntil(t, s, 10, 50); err != nil {
			t.Fatal(err)
		}
		all := Query{Group: 1, End: math.MaxInt64}
		want := collect(t, s, all, math.MaxInt, nil)
		m.fail = true
		for range 2 {
			if err := s.Flush(t.Context()); err == nil {
				t.Fatal("the flush succeeded")
			}
		}
		if err := mem.SyncDir("/data/parts"); err != nil { // nothing that was removed returns
			t.Fatal(err)
		}
		disk, after := mem.CrashClone(rand.New(rand.NewPCG(1, 1))), m.clone()
		if late {
			if err := after.Publish(t.Context(), m.late); err != nil {
				t.Fatal(err)
			}
		}
		crashed := openStore(t, disk, after, time.Now, manualTuning())
		sameEvents(t, fmt.Sprintf("after the crash, published %v", late), collect(t, crashed, all, math.MaxInt, nil), want)
		if err := crashed.Close(); err != nil {
			t.Fatal(err)
		}

		m.fail = false
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		sameEvents(t, "without a crash", collect(t, s, all, math.MaxInt, nil), want)
		if n := partFiles(t, mem); n != 1 {
			t.Errorf("%d files, want one part", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplayedOrphanIsRemoved: a part that was never published and whose events
// came back from the log goes even when another part is missing: a later
// rebuild would list its events twice.
func TestReplayedOrphanIsRemoved(t *testing.T) {
	mem, m := vfs.NewMem(), &latePublisher{memManifest: newMemManifest()}
	s := openStore(t, mem, m, time.Now, manualTuning())
	if _, err := appendUntil(t, s, 10, 50); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	missing := s.cur.parts[0].path
	if _, err := appendUntil(t, s, 10, 50); err != nil {
		t.Fatal(err)
	}
	m.fail = true
	if err := s.Flush(t.Context()); err == nil {
		t.Fatal("the flush succeeded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := partFiles(t, mem); n != 2 {
		t.Fatalf("%d files, want two", n)
	}
	if err := mem.Remove(missing); err != nil {
		t.Fatal(err)
	}
	m.fail = false
	s = openStore(t, mem, m, time.Now, manualTuning())
	defer s.Close()
	if n := partFiles(t, mem); n != 0 {
		t.Errorf("%d files, want none", n)
	}
	if got := collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil); len(got) != 10 {
		t.Errorf("%d events, want the 10 of the log", len(got))
	}
}

// TestLostLogKeepsAnUnpublishedPart: a part that was not published and whose
// events are not in the log is all there is of them.
func TestLostLogKeepsAnUnpublishedPart(t *testing.T) {
	mem, m := vfs.NewMem(), &latePublisher{memManifest: newMemManifest(), fail: true}
	s := openStore(t, mem, m, time.Now, manualTuning())
	if _, err := appendUntil(t, s, 10, 50); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err == nil {
		t.Fatal("the flush succeeded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mem.RemoveAll("/data/wal"); err != nil {
		t.Fatal(err)
	}
	if err := openStore(t, mem, m, time.Now, manualTuning()).Close(); err != nil {
		t.Fatal(err)
	}
	if n := partFiles(t, mem); n != 1 {
		t.Errorf("%d files, want the part", n)
	}
}
