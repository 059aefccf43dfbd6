package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// ownNames are what a server makes in its data directory, the lock aside.
var ownNames = []string{catalogName, catalogName + "-wal", catalogName + "-shm", catalogName + "-reserve", catalogCopyName, catalogCopyName + ".tmp", catalogCopyName + "-wal", catalogCopyName + "-shm", catalogCopyName + "-reserve", walName, partsName, objectsName, lookupsName, queriesName, metricsName, anomaliesName, serverFileName, serverFileName + ".tmp"}

// acquireExisting takes the lock of a directory that a server has used before; ErrNoData when there is none.
func acquireExisting(dir string) (unlock func() error, err error) {
	fsys := vfs.OS()
	if err := used(fsys, dir); err != nil {
		return nil, err
	}
	lock, err := acquire(fsys, dir)
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}

// used reports ErrNoData for a directory that no server has used.
func used(fsys vfs.FS, dir string) error {
	if _, err := fsys.Stat(filepath.Join(dir, lockFileName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no server has used %s", ErrNoData, dir)
	}
	return nil // whatever else is wrong, taking the lock meets it
}

// Reset deletes everything that a server keeps in dir. It refuses while a process holds the directory (ErrBusy), and touches
// nothing that a server did not make.
func Reset(ctx context.Context, dir string) (err error) {
	unlock, err := acquireExisting(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	fsys := vfs.OS()
	names, err := fsys.List(dir)
	if err != nil {
		return fmt.Errorf("listing the data directory: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, catalogName+damagedInfix) })
	for _, name := range append(names, ownNames...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fsys.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("deleting %s: %w", name, err)
		}
	}
	if err := fsys.SyncDir(dir); err != nil {
		return fmt.Errorf("making the deletion durable: %w", err)
	}
	return nil
}
