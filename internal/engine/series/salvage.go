package series

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// salvage puts files aside that cannot be read, and replaces those with damaged
// chunks by files without these. What is lost is logged; the damaged files stay
// under another name.
func (db *DB) salvage(ctx context.Context) error {
	u := db.unpackers.Get().(*unpacker)
	defer db.unpackers.Put(u)
	for _, f := range slices.Clone(db.files) {
		if f.damaged != nil {
			if err := db.setAside(f, nil); err != nil {
				return err
			}
			continue
		}
		lost := 0
		var sound []*series
		for _, x := range f.extents {
			_, err := f.read(u, x, true)
			damage, damaged := errors.AsType[*CorruptionError](err)
			switch {
			case damaged:
				lost++
				db.o.Logger.Error("datapoints of a metric are lost", "series", db.byID[x.id].key, "error", damage)
			case err != nil:
				return err
			default:
				sound = append(sound, db.byID[x.id])
			}
		}
		if lost == 0 {
			continue
		}
		sortSeries(sound)
		added, err := db.writeFiles(ctx, f.level, f.start, sound, func(s *series) ([]Bucket, error) {
			x, _ := f.find(s.id)
			return f.read(u, x, true)
		})
		if err != nil {
			return err
		}
		if err := db.setAside(f, added); err != nil {
			return err
		}
	}
	return nil
}

// setAside replaces a file by others and keeps it under a name of damage.
func (db *DB) setAside(f *file, by []*file) error {
	keep := db.filePath(f.name) + damagedSuffix
	f.refs.Add(1) // so that publish does not remove it
	if err := db.publish(change{add: by, remove: []*file{f}}); err != nil {
		return fmt.Errorf("salvage metrics: %w", err)
	}
	f.gone.Store(false)
	if err := db.o.FS.Rename(db.filePath(f.name), keep); err != nil {
		db.o.Logger.Warn("a damaged file of metrics could not be kept", "file", f.name, "error", err)
	}
	return db.release(f)
}
