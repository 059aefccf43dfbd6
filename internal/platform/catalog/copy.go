package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Changes counts the commits since Open. A caller that copies the catalog from
// time to time compares it with what it was at the last copy.
func (db *DB) Changes() uint64 { return db.changes.Load() }

// Copy writes the catalog as it is now to the file path, which is replaced as a
// whole: a crash leaves the old copy or the new one. Changes go on meanwhile.
// The copy is an ordinary catalog file that Open opens.
func (db *DB) Copy(ctx context.Context, path string) (err error) {
	temp := path + ".tmp"
	defer func() {
		if err != nil {
			if rerr := os.Remove(temp); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	// An empty file is a database to SQLite; making it first gives it its mode,
	// as it holds the secrets of access keys.
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("copy catalog: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := db.copies.ExecContext(ctx, `VACUUM INTO ?`, temp); err != nil {
		return wrap("copy catalog", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("copy catalog: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("copy catalog: %w", err)
	}
	if err := vfs.OS().SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("copy catalog: %w", err)
	}
	return nil
}
