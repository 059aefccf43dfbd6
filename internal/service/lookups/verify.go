package lookups

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Verify reads every table of a directory that nobody has open, and reports each file
// with what is wrong with it, nil when nothing is. A directory that does not exist has
// no tables. It changes nothing.
func Verify(ctx context.Context, fsys vfs.FS, dir string, report func(file string, problem error)) error {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list lookup tables: %w", err)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(name, suffix) {
			report(name, verify(fsys, dir, name))
		}
	}
	return nil
}

func verify(fsys vfs.FS, dir, name string) error {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, name), maxHead+MaxBody)
	if err != nil {
		return err
	}
	h, body, err := decode(data)
	if err != nil {
		return err
	}
	if fileName(h.scope(), h.Name) != name {
		return fmt.Errorf("%w: it is of %s in %s", errDamaged, h.Name, h.Region)
	}
	fields, records, err := checkBody(body)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case records != h.Records || len(fields) != len(h.Fields):
		return fmt.Errorf("%w: %d records of %d fields, want %d of %d", errDamaged, records, len(fields), h.Records, len(h.Fields))
	}
	return nil
}
