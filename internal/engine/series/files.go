package series

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const damagedSuffix = ".damaged"

// openCodecs makes what encodes and decodes.
func (db *DB) openCodecs() (err error) {
	if db.packer, err = newPacker(); err != nil {
		return err
	}
	db.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxIndexRaw))
	if err != nil {
		return fmt.Errorf("decompressor: %w", err)
	}
	db.unpackers.New = func() any { return &unpacker{zstd: db.zstd} }
	return nil
}

// openFiles reads the manifest and the indexes of all files.
func (db *DB) openFiles(ctx context.Context) error {
	if err := db.openCodecs(); err != nil {
		return err
	}
	var err error
	if err := db.o.FS.MkdirAll(db.o.Dir); err != nil {
		return err
	}
	db.manifest, err = readManifest(db.o.FS, db.o.Dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	if err := db.o.FS.MkdirAll(filepath.Join(db.o.Dir, filesDir)); err != nil {
		return err
	}
	if fresh {
		db.manifest = manifest{Version: manifestVersion, Next: 1, Files: []manifestFile{}}
		return writeManifest(db.o.FS, db.o.Dir, &db.manifest)
	}
	u := db.unpackers.Get().(*unpacker)
	defer db.unpackers.Put(u)
	for i := range db.manifest.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		named := &db.manifest.Files[i]
		level, err := named.level()
		if err != nil {
			return err
		}
		f, err := db.openFile(named.Name, u)
		if err == nil && (f.level != level || f.start != named.Start) {
			db.disuse(f)
			err = errors.Join(&CorruptionError{File: f.name, Section: "header", Detail: "the manifest says something else"}, f.f.Close())
		}
		damage, damaged := errors.AsType[*CorruptionError](err)
		if err != nil && !damaged {
			return err
		}
		if damaged {
			db.o.Logger.Error("a file of metrics is damaged", "error", damage)
			f = &file{name: named.Name, level: level, start: named.Start, damaged: damage}
			f.newest = f.end()
			f.refs.Store(1)
		}
		db.files = append(db.files, f)
	}
	if db.o.Salvage {
		if err := db.salvage(ctx); err != nil {
			return err
		}
	}
	return db.sweep()
}

// openFile opens a file and notes a use of all its series.
func (db *DB) openFile(name string, u *unpacker) (*file, error) {
	f, err := openFile(db.o.FS, filepath.Join(db.o.Dir, filesDir), name, u, func(key []byte, e *indexEntry) (uint32, error) {
		s := db.known(key)
		if s == nil {
			var err error
			if s, err = db.seriesOf(string(key)); err != nil {
				return 0, err
			}
		}
		s.newest = max(s.newest, e.newest)
		return s.id, nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &CorruptionError{File: name, Section: "header", Detail: "the file is missing"}
	}
	if err != nil {
		return nil, err
	}
	db.use(f)
	return f, nil
}

// use notes that the series of a file are used.
func (r *registry) use(f *file) {
	for _, x := range f.extents {
		r.byID[x.id].uses++
	}
}

// disuse takes use back.
func (r *registry) disuse(f *file) {
	for _, x := range f.extents {
		s := r.byID[x.id]
		if s.uses--; s.uses == 0 {
			r.remove(s)
		}
	}
}

// removeUnused forgets the series of indexes that turned out to be damaged, and of points
// of the log that are too old by now.
func (r *registry) removeUnused() {
	for _, s := range r.byID {
		if s != nil && s.uses == 0 {
			r.remove(s)
		}
	}
}

// sweep removes the files that the manifest does not name: those of flushes and merges
// that did not get that far, and those that were merged and not yet removed.
func (db *DB) sweep() error {
	names, err := db.o.FS.List(filepath.Join(db.o.Dir, filesDir))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, fileSuffix) && !slices.ContainsFunc(db.manifest.Files, func(f manifestFile) bool { return f.Name == name }) {
			if err := db.o.FS.Remove(db.filePath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				db.o.Logger.Warn("a file that is not needed could not be removed", "file", name, "error", err)
			}
		}
	}
	return nil
}

// release gives a reference back; the last one closes the file and removes it when
// the store does not have it any more.
func (db *DB) release(f *file) error {
	if f.refs.Add(-1) > 0 {
		return nil
	}
	var err error
	if f.f != nil {
		err = f.f.Close()
	}
	if f.gone.Load() {
		if rerr := db.o.FS.Remove(db.filePath(f.name)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			db.o.Logger.Warn("a file that is not needed could not be removed", "file", f.name, "error", rerr)
		}
	}
	return err
}

func (db *DB) closeFiles() error {
	var errs []error
	for _, f := range db.files {
		errs = append(errs, db.release(f))
	}
	db.files = nil
	if db.zstd != nil {
		db.zstd.Close()
	}
	return errors.Join(errs...)
}

// change is what publish does to the store.
type change struct {
	add, remove []*file
	flushed     *memtable // which is in add now
}

// publish makes a change durable and visible. flushMu is held. After an error the store is as before,
// but the files to add may be in the manifest on disk, so they stay there until a
// later manifest is written.
func (db *DB) publish(c change) error {
	m := db.manifest
	m.Files = make([]manifestFile, 0, len(db.manifest.Files)+len(c.add))
	for _, named := range db.manifest.Files {
		if !slices.ContainsFunc(c.remove, func(f *file) bool { return f.name == named.Name }) {
			m.Files = append(m.Files, named)
		}
	}
	for _, f := range c.add {
		m.Files = append(m.Files, manifestFile{Name: f.name, Resolution: levels[f.level].resolution, Start: f.start})
	}
	if c.flushed != nil {
		m.Checkpoint, m.Reached = c.flushed.last, maps.Clone(c.flushed.reached)
	}
	err := db.o.FS.SyncDir(filepath.Join(db.o.Dir, filesDir))
	if err == nil {
		err = writeManifest(db.o.FS, db.o.Dir, &m)
	}
	if err != nil {
		for _, f := range c.add {
			db.leftover = append(db.leftover, f.name)
			err = errors.Join(err, f.f.Close())
		}
		return err
	}
	db.manifest = m
	db.mu.Lock()
	files := slices.DeleteFunc(slices.Clone(db.files), func(f *file) bool { return slices.Contains(c.remove, f) })
	db.files = append(files, c.add...)
	for _, f := range c.add {
		db.use(f)
	}
	for _, f := range c.remove {
		db.disuse(f)
		delete(db.health.damaged, f.name)
	}
	if c.flushed != nil {
		for s := range c.flushed.series {
			if s.uses--; s.uses == 0 {
				db.registry.remove(s)
			}
		}
		db.sealed = nil
	}
	db.mu.Unlock()
	for _, f := range c.remove {
		f.gone.Store(true)
		if err := db.release(f); err != nil {
			db.o.Logger.Warn("a file of metrics does not close", "file", f.name, "error", err)
		}
	}
	for _, name := range db.leftover {
		if err := db.o.FS.Remove(db.filePath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			db.o.Logger.Warn("a file that is not needed could not be removed", "file", name, "error", err)
		}
	}
	db.leftover = nil
	return nil
}
