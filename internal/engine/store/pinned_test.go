package store

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestMergesKeepNoMemtables: a merge may take minutes; memtables that are flushed
// meanwhile are let go.
func TestMergesKeepNoMemtables(t *testing.T) {
	tune := manualTuning()
	var s *Store
	rows, pinned := 0, int64(0)
	put := func() {
		if _, err := s.Append(t.Context(), makeBatch(1, 1, baseTime, event(baseTime, "message"))); err != nil {
			t.Error(err)
		}
	}
	tune.spoil = func(*segment.Row) bool {
		if rows++; rows == 1 {
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			_, pinned = s.budget.bytes()
		}
		return true
	}
	s = openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		put()
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	put() // stays in memory until the merge is under way
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows == 0 || pinned != 0 {
		t.Errorf("%d rows merged; %d bytes of memtables were kept", rows, pinned)
	}
}
