package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// ErrNoCatalog is wrapped by errors about a data directory that holds events whose catalog is lost or damaged.
var ErrNoCatalog = errors.New("the catalog of the data directory is lost")

// openCatalog opens the catalog of a data directory whose lock the caller holds, and makes it when the directory is new. The
// catalog says which parts count and which ids are taken: an empty one beside events of an earlier one would have the store
// remove every part, and would hand out ids that old events carry. So it is ErrNoCatalog, and nothing is changed.
func openCatalog(ctx context.Context, dir string) (*catalog.DB, error) {
	fsys := vfs.OS()
	events, err := holdsEvents(fsys, dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, catalogName)
	if events {
		if _, err := fsys.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s is missing and %s holds events", ErrNoCatalog, catalogName, dir)
		}
	}
	db, err := catalog.Open(ctx, path, catalog.Options{})
	if errors.Is(err, catalog.ErrDamaged) {
		return nil, fmt.Errorf("%w: %w", ErrNoCatalog, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	if !events {
		return db, nil
	}
	group, _, err := db.LastIDs(ctx)
	if err == nil && group == 0 {
		err = fmt.Errorf("%w: %s is new and %s holds events", ErrNoCatalog, catalogName, dir)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkIDs makes sure that the catalog has handed out the ids of the events: a copy from before would hand them out again, and new
// groups and streams would show old events.
func checkIDs(ctx context.Context, db *catalog.DB, s *store.Store) error {
	group, stream, err := db.LastIDs(ctx)
	if err != nil {
		return err
	}
	if g, st := s.LastIDs(); g > group || st > stream {
		return fmt.Errorf("%w: %s is older than the events beside it: it knows groups up to %d and streams up to %d, and there are events of group %d and stream %d",
			ErrNoCatalog, catalogName, group, stream, g, st)
	}
	return nil
}

// holdsEvents reports whether a data directory has parts or log files.
func holdsEvents(fsys vfs.FS, dir string) (bool, error) {
	for _, where := range []struct{ dir, suffix string }{{partsName, ".part"}, {walName, ".wal"}} {
		names, err := fsys.List(filepath.Join(dir, where.dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("looking for events: %w", err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, where.suffix) {
				return true, nil
			}
		}
	}
	return false, nil
}
