package store

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestMergeWhoseFileIsDamaged: a merge that cannot read back what it wrote is given
// up; it is not repeated at once for ever.
func TestMergeWhoseFileIsDamaged(t *testing.T) {
	disk := vfs.NewMem()
	fault := vfs.NewFault(disk, nil)
	s := openStore(t, fault, newMemManifest(), time.Now, manualTuning())
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range 3 {
		flushed(t, s, 1, 1, 100)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var merges atomic.Int64
	fault.SetPlan(&vfs.Plan{After: func(c vfs.Call, _ error) {
		if c.Op == vfs.OpRename && strings.HasSuffix(c.Name, tempSuffix) {
			if merges.Add(1) > 10 {
				cancel()
			}
			damageEnd(t, disk, strings.TrimSuffix(c.Name, tempSuffix)+partSuffix)
		}
	}})
	if err := s.Merge(ctx); err != nil {
		t.Error(err)
	}
	fault.SetPlan(nil)
	if n := merges.Load(); n != 1 {
		t.Errorf("the merge was tried %d times", n)
	}
	if n := len(s.cur.parts); n != 3 {
		t.Errorf("%d parts, want the 3 that there were", n)
	}
}

// damageEnd flips a byte of the trailer of a part.
func damageEnd(t *testing.T, fsys vfs.FS, name string) {
	t.Helper()
	info, err := fsys.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, fsys, name, info.Size-10)
}
