package objstore_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/objstore/objstoretest"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func openLocal(t *testing.T, fsys vfs.FS, dir string) *objstore.Local {
	t.Helper()
	l, err := objstore.OpenLocal(t.Context(), objstore.LocalOptions{FS: fsys, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLocalOS(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return openLocal(t, vfs.OS(), t.TempDir()) })
}

func TestLocalMem(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return openLocal(t, vfs.NewMem(), "objects") })
}
