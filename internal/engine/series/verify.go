package series

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Verify reads all of a store that no one has open, and reports what is damaged, one call for each problem, and each file
// that was read (problem nil). It changes nothing. The error tells of a read that failed, or the end of ctx. A directory
// that never was a store has no problems.
func Verify(ctx context.Context, fsys vfs.FS, dir string, report func(file string, problem error)) error {
	m, err := readManifest(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if damage, ok := errors.AsType[*CorruptionError](err); ok {
		report(manifestName, damage)
		return nil
	}
	if err != nil {
		return err
	}
	report(manifestName, nil)
	db := &DB{o: Options{FS: fsys, Dir: dir}, registry: newRegistry()}
	if err := db.openCodecs(); err != nil {
		return err
	}
	defer db.zstd.Close()
	u := db.unpackers.Get().(*unpacker)
	for i := range m.Files {
		if err := db.verifyFile(ctx, m.Files[i].Name, u, report); err != nil {
			return err
		}
	}
	log, err := wal.Inspect(ctx, fsys, filepath.Join(dir, logDir), m.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log of metrics: %w", err)
	}
	for _, l := range log.Lost {
		report(filepath.Join(logDir, l.File), fmt.Errorf("damaged at %d, records %d to %d are lost", l.Offset, l.From, l.To))
	}
	return nil
}

func (db *DB) verifyFile(ctx context.Context, name string, u *unpacker, report func(string, error)) error {
	f, err := db.openFile(name, u)
	if damage, ok := errors.AsType[*CorruptionError](err); ok {
		report(name, damage)
		return nil
	}
	if err != nil {
		return err
	}
	defer f.f.Close()
	sound := true
	for _, x := range f.extents {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := f.read(u, x, true)
		if damage, ok := errors.AsType[*CorruptionError](err); ok {
			report(name, damage)
			sound = false
		} else if err != nil {
			return err
		}
	}
	if sound {
		report(name, nil)
	}
	return nil
}
