package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// damagedSuffix is added to the name of a part that was salvaged or given up. The
// store leaves such files alone.
const damagedSuffix = ".damaged"

// Salvaged is what SalvagePart made of a part.
type Salvaged struct {
	Segment catalog.Segment // of the new part; without an ID when nothing could be read
	Report  segment.Report  // of the old one
}

// SalvagePart writes what can be read of a damaged part, even one whose index is
// lost, to a new part. The store in dir is closed. The caller replaces one by the
// other in the manifest and then calls SetAside. like is the manifest row of
// the damaged part; nil when there is none.
func SalvagePart(ctx context.Context, fsys vfs.FS, dir, id string, like *catalog.Segment, now int64) (out Salvaged, err error) {
	parts := filepath.Join(dir, "parts")
	path := partPath(parts, id)
	f, err := fsys.Open(path)
	if err != nil {
		return out, fmt.Errorf("salvage part: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, rep, err := segment.Salvage(ctx, f, path)
	out.Report = rep
	if err != nil || rep.Rows == 0 {
		return out, err
	}
	meta := partMeta{Class: -1, Day: -1}
	if like != nil {
		meta = partMeta{Level: like.Level, Class: like.Class, Day: like.Day, Tombstones: like.Tombstones}
	}
	w, err := newPartWriter(fsys, parts, meta, now, segment.WriterOptions{IndexShared: true})
	if err != nil {
		return out, fmt.Errorf("salvage part: %w", err)
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, w.abandon())
		}
	}()
	rows := 0
	for info := range r.All() {
		switch err := w.w.AddRaw(ctx, r, info); {
		case isDamage(err):
			out.Report.Lost++
			out.Report.Blocks--
			out.Report.Rows -= int64(info.Rows)
		case err != nil:
			return out, fmt.Errorf("salvage part %s: %w", path, err)
		default:
			rows += info.Rows
		}
	}
	if rows == 0 {
		return out, nil
	}
	seg, _, err := w.finish()
	if err == nil {
		err = fsys.SyncDir(parts)
	}
	if err != nil {
		return out, fmt.Errorf("salvage part %s: %w", path, err)
	}
	done, out.Segment = true, seg
	return out, nil
}

// SetAside renames a part that no manifest lists so that the store leaves it
// alone, and returns its new name.
func SetAside(fsys vfs.FS, dir, id string) (string, error) {
	parts := filepath.Join(dir, "parts")
	name := partPath(parts, id) + damagedSuffix
	err := fsys.Rename(partPath(parts, id), name)
	if err == nil {
		err = fsys.SyncDir(parts)
	}
	if err != nil {
		return "", fmt.Errorf("set a damaged part aside: %w", err)
	}
	return name, nil
}
