package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// damagedInfix stands between the name of the catalog and a time in the name of one that was set aside.
const damagedInfix = ".damaged-"

// RebuildCatalog brings the catalog of a stopped server in line with the parts and the log, and makes a new one when it is lost
// or damaged; a damaged one is kept beside it. Groups and streams that it does not know are made in scope and named after their
// ids. Parts without an index are salvaged first. What was done goes to w.
func RebuildCatalog(ctx context.Context, dir string, scope logs.Scope, w io.Writer) (err error) {
	unlock, err := acquireExisting(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	fsys := vfs.OS()
	if events, err := holdsEvents(fsys, dir); err != nil || !events {
		return errors.Join(err, fmt.Errorf("%w: %s holds no events", ErrNoData, dir))
	}
	db, err := openOrReplaceCatalog(ctx, fsys, dir, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	checkpoint, err := db.Checkpoint(ctx)
	if err != nil {
		return err
	}
	found, err := store.RebuildManifest(ctx, fsys, dir, checkpoint)
	if err != nil {
		return err
	}
	for _, id := range found.Unreadable {
		got, err := store.SalvagePart(ctx, fsys, dir, id, nil, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		if err := setAside(fsys, dir, id, got, w); err != nil {
			return err
		}
	}
	if len(found.Unreadable) > 0 {
		if found, err = store.RebuildManifest(ctx, fsys, dir, checkpoint); err != nil {
			return err
		}
	}
	if found.Released > 0 {
		fmt.Fprintf(w, "note    events up to record %d that are in no part were deleted before, or are lost\n", found.Released)
	}
	made, err := db.Restore(ctx, catalog.Restoration{
		Manifest: found.Publication, Logged: found.Logged, Scope: scope, Class: "STANDARD",
	})
	if err != nil {
		return err
	}
	rows := int64(0)
	for _, s := range found.Publication.Add {
		rows += s.Rows
	}
	fmt.Fprintf(w, "the catalog lists %d parts with %d events; %d groups and %d streams were made for events of unknown ones\n",
		len(found.Publication.Add), rows, made.Groups, made.Streams)
	return nil
}

// openOrReplaceCatalog opens the catalog. One that is damaged is set aside, and the copy of it that the server kept, or without
// one a new catalog, takes its place.
func openOrReplaceCatalog(ctx context.Context, fsys vfs.FS, dir string, w io.Writer) (*catalog.DB, error) {
	path := filepath.Join(dir, catalogName)
	if _, err := fsys.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := takeCatalogCopy(ctx, fsys, dir, w); err != nil {
			return nil, err
		}
	}
	db, err := catalog.Open(ctx, path, catalog.Options{})
	if err == nil {
		found, err := db.Check(ctx)
		if err == nil && len(found) == 0 {
			return db, nil
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
		if err != nil && !errors.Is(err, catalog.ErrDamaged) {
			return nil, err
		}
	} else if !errors.Is(err, catalog.ErrDamaged) {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	aside := fmt.Sprintf("%s%s%d", path, damagedInfix, time.Now().UnixMilli())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := fsys.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("setting the damaged catalog aside: %w", err)
		}
	}
	fmt.Fprintf(w, "note    the damaged catalog is now %s\n", aside)
	if err := takeCatalogCopy(ctx, fsys, dir, w); err != nil {
		return nil, err
	}
	db, err = catalog.Open(ctx, path, catalog.Options{})
	if err != nil {
		return nil, fmt.Errorf("making a new catalog: %w", err)
	}
	return db, nil
}

func setAside(fsys vfs.FS, dir, id string, got store.Salvaged, w io.Writer) error {
	name, err := store.SetAside(fsys, dir, id)
	if err != nil {
		return err
	}
	into := "nothing of it could be read"
	if got.Segment.ID != "" {
		into = fmt.Sprintf("%d events of it are now in %s.part, %d blocks are lost", got.Segment.Rows, got.Segment.ID, got.Report.Lost)
	}
	fmt.Fprintf(w, "repaired part %s: %s; the damaged file is %s\n", id, into, name)
	return nil
}

// Repair writes what can be read of each damaged part of a stopped server to a new part, and keeps the damaged files under
// another name. Missing parts stay listed. What was done goes to w.
func Repair(ctx context.Context, dir string, w io.Writer) (err error) {
	o, err := openOffline(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	segments, err := o.catalog.Segments(ctx)
	if err != nil {
		return err
	}
	byFile := make(map[string]catalog.Segment, len(segments))
	for _, s := range segments {
		byFile[s.ID+".part"] = s
	}
	damaged := map[string]catalog.Segment{}
	err = store.Verify(ctx, o.fs, dir, o.catalog, func(r store.PartReport) error {
		if s, listed := byFile[filepath.Base(r.File)]; listed && !r.OK() && !r.Missing {
			damaged[s.ID] = s
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for id, s := range damaged {
		got, err := store.SalvagePart(ctx, o.fs, dir, id, &s, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		change := catalog.Publication{Remove: []string{id}}
		if got.Segment.ID != "" {
			change.Add = []catalog.Segment{got.Segment}
		}
		if err := o.catalog.Publish(ctx, change); err != nil {
			return err
		}
		if err := setAside(o.fs, dir, id, got, w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d of %d parts were repaired\n", len(damaged), len(segments))
	return nil
}
