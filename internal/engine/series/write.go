package series

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	writeBuffer = 1 << 20
	// fileTarget is the size at which a file ends and another begins.
	fileTarget = 1 << 30
)

// fileWriter writes one file.
type fileWriter struct {
	f       *file
	buf     []byte
	offset  int64 // in the file, of the end of buf
	entries []indexEntry
	buckets uint64
}

// writeFiles writes what get returns for each series, which are sorted by key, to new files of a
// partition, synced but for their names. The buckets of get are sorted and of the
// partition; they may be none. After an error nothing is left.
func (db *DB) writeFiles(ctx context.Context, level int, start int64, all []*series, get func(*series) ([]Bucket, error)) (files []*file, err error) {
	var w *fileWriter
	defer func() {
		if err == nil {
			return
		}
		if w != nil {
			files = append(files, w.f)
		}
		for _, f := range files {
			err = errors.Join(err, f.f.Close(), db.o.FS.Remove(db.filePath(f.name)))
		}
		files = nil
	}()
	for i, s := range all {
		if i%256 == 0 && ctx.Err() != nil {
			return files, ctx.Err()
		}
		buckets, err := get(s)
		if err != nil {
			return files, err
		}
		if len(buckets) == 0 {
			continue
		}
		if w == nil {
			if w, err = db.createFile(level, start); err != nil {
				return files, err
			}
		}
		if err := w.add(db.packer, s, buckets); err != nil {
			return files, err
		}
		if w.offset >= fileTarget {
			if err := w.finish(db.packer); err != nil {
				return files, err
			}
			files = append(files, w.f)
			w = nil
		}
	}
	if w != nil {
		if err := w.finish(db.packer); err != nil {
			return files, err
		}
		files = append(files, w.f)
		w = nil
	}
	return files, nil
}

func (db *DB) filePath(name string) string { return filepath.Join(db.o.Dir, filesDir, name) }

// createFile begins a file. Its number is never used again.
func (db *DB) createFile(level int, start int64) (*fileWriter, error) {
	name := fmt.Sprintf("%016x%s", db.manifest.Next, fileSuffix)
	db.manifest.Next++
	h, err := db.o.FS.Create(db.filePath(name))
	if err != nil {
		return nil, fmt.Errorf("create metrics file: %w", err)
	}
	return &fileWriter{
		f:   &file{name: name, level: level, start: start, f: h},
		buf: encodeHeader(level, start), offset: headerSize,
	}, nil
}

func (w *fileWriter) add(p *packer, s *series, buckets []Bucket) error {
	before := len(w.buf)
	l := &levels[w.f.level]
	var sums int
	var err error
	if w.buf, sums, err = p.appendChunk(w.buf, buckets, w.f.start, l.resolution); err != nil {
		return err
	}
	n := len(w.buf) - before
	w.f.extents = append(w.f.extents, extent{s.id, uint32(w.offset), uint32(sums), uint32(n - sums)})
	newest := buckets[len(buckets)-1].Start
	w.f.newest = max(w.f.newest, newest)
	w.entries = append(w.entries, indexEntry{key: s.key, newest: newest, sums: uint32(sums), sketches: uint32(n - sums)})
	w.buckets += uint64(len(buckets))
	w.offset += int64(n)
	if len(w.buf) < writeBuffer {
		return nil
	}
	return w.flush()
}

func (w *fileWriter) flush() error {
	if _, err := w.f.f.Write(w.buf); err != nil {
		return fmt.Errorf("write metrics file %s: %w", w.f.name, err)
	}
	w.buf = w.buf[:0]
	return nil
}

// finish writes index and footer and syncs the file.
func (w *fileWriter) finish(p *packer) error {
	raw := appendIndex(nil, w.entries, w.f.start, levels[w.f.level].resolution)
	if len(raw) > maxIndexRaw || w.offset > maxFileSize {
		return fmt.Errorf("metrics file %s of %d bytes with an index of %d is too large", w.f.name, w.offset, len(raw))
	}
	stored, _, codec := p.pack(nil, raw)
	t := footer{
		index: uint64(w.offset), stored: uint32(len(stored)), raw: uint32(len(raw)), checksum: crc32.Checksum(stored, castagnoli),
		series: uint32(len(w.entries)), buckets: w.buckets, codec: codec,
	}
	w.buf = append(append(w.buf, stored...), t.encode()...)
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.f.f.Sync(); err != nil {
		return fmt.Errorf("sync metrics file %s: %w", w.f.name, err)
	}
	w.f.size = w.offset + int64(len(stored)) + footerSize
	slices.SortFunc(w.f.extents, func(a, b extent) int { return int(int64(a.id) - int64(b.id)) })
	w.f.refs.Store(1)
	return nil
}

func sortSeries(all []*series) {
	slices.SortFunc(all, func(a, b *series) int { return strings.Compare(a.key, b.key) })
}

// asFull marks errors of a full disk.
func asFull(err error) error {
	if vfs.IsNoSpace(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
