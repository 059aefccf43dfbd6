package store

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
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
