package series

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// A file is a header, the chunks of its series in the order of their keys, an index,
// and a footer. docs/formats/series.md draws it.
const (
	formatVersion = 1
	headerSize    = 64
	footerSize    = 64
	headerMagic   = "CWM1"
	footerMagic   = "CWM1END\n"
	fileSuffix    = ".series"
	filesDir      = "files"

	maxIndexRaw = 1 << 30
	maxFileSize = 1<<32 - 1 // offsets are 32 bits
)

// CorruptionError says that a file of the store is damaged.
type CorruptionError struct {
	File    string
	Offset  int64  // where the damaged section begins
	Section string // header, chunk, index, footer or manifest
	Detail  string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("metrics file %s is damaged at offset %d (%s): %s; restore it from a copy, or start with salvage to go on without it",
		e.File, e.Offset, e.Section, e.Detail)
}

// extent is where a chunk is: chunkHeader and sums first, then sketches.
type extent struct {
	id             uint32 // of the series, while the program runs
	offset         uint32
	sums, sketches uint32
}

// file is a file with buckets of one partition.
type file struct {
	name  string // in the directory of files
	level int
	start int64 // of its partition
	// newest is the start of its last bucket; the end of the partition when that is not known.
	newest int64
	size   int64

	f       vfs.File
	extents []extent // by id
	damaged *CorruptionError
	refs    atomic.Int32 // the store, and readers
	gone    atomic.Bool  // to be removed with the last reference
}

func (f *file) end() int64 { return f.start + levels[f.level].partition }

// find returns where the chunk of a series is.
func (f *file) find(id uint32) (extent, bool) {
	at, ok := slices.BinarySearchFunc(f.extents, id, func(e extent, id uint32) int { return cmp.Compare(e.id, id) })
	if !ok {
		return extent{}, false
	}
	return f.extents[at], true
}

// read reads the buckets of a series. They are valid until the next use of u.
func (f *file) read(u *unpacker, x extent, withSketches bool) ([]Bucket, error) {
	n := int(x.sums)
	if withSketches {
		n += int(x.sketches)
	}
	u.chunk = slices.Grow(u.chunk[:0], n)[:n]
	if _, err := f.f.ReadAt(u.chunk, int64(x.offset)); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &CorruptionError{File: f.name, Offset: int64(x.offset), Section: "chunk", Detail: "the file is too short"}
		}
		return nil, fmt.Errorf("read metrics file %s: %w", f.name, err)
	}
	l := &levels[f.level]
	buckets, err := u.decodeChunk(u.chunk, f.start, l.resolution, l.partition, withSketches)
	if cap(u.chunk) > keptBuffer {
		u.chunk = nil
	}
	if err != nil {
		return nil, &CorruptionError{File: f.name, Offset: int64(x.offset), Section: "chunk", Detail: err.Error()}
	}
	return buckets, nil
}

// indexEntry is a series in the index of a file.
type indexEntry struct {
	key            string
	newest         int64 // start of its last bucket
	sums, sketches uint32
}

// appendIndex encodes the index.
func appendIndex(b []byte, entries []indexEntry, base, resolution int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	previous := ""
	for i := range entries {
		e := &entries[i]
		shared := 0
		for shared < min(len(previous), len(e.key)) && previous[shared] == e.key[shared] {
			shared++
		}
		b = binary.AppendUvarint(b, uint64(shared))
		b = appendBytes(b, e.key[shared:])
		b = binary.AppendUvarint(b, uint64((e.newest-base)/resolution))
		b = binary.AppendUvarint(b, uint64(e.sums))
		b = binary.AppendUvarint(b, uint64(e.sketches))
		previous = e.key
	}
	return b
}

// decodeIndex calls yield with the entries that appendIndex wrote. The key is valid during the
// call; that of the entry is not set.
func decodeIndex(b []byte, base, resolution, partition int64, yield func(key []byte, e *indexEntry) error) error {
	d := &decoder{b: b}
	n := d.count(maxSeries, 5)
	previous := []byte(nil)
	var e indexEntry
	for i := range n {
		shared := d.uvarint()
		rest := d.bytes(maxKeyBytes)
		newest := d.uvarint()
		sums, sketches := d.uvarint(), d.uvarint()
		if d.bad || shared > uint64(len(previous)) || newest >= uint64(partition/resolution) ||
			sums < chunkHeader || sums > maxFileSize || sketches > maxFileSize {
			return fmt.Errorf("entry %d of the index: %w", i, errFormat)
		}
		if i > 0 && bytes.Compare(previous[shared:], rest) >= 0 {
			return fmt.Errorf("order of entry %d of the index: %w", i, errFormat)
		}
		previous = append(previous[:shared], rest...)
		e = indexEntry{newest: base + int64(newest)*resolution, sums: uint32(sums), sketches: uint32(sketches)}
		if err := yield(previous, &e); err != nil {
			return err
		}
	}
	if !d.done() {
		return fmt.Errorf("index: %w", errFormat)
	}
	return nil
}

func encodeHeader(level int, start int64) []byte {
	h := make([]byte, headerSize)
	le := binary.LittleEndian
	copy(h[4:], headerMagic)
	le.PutUint32(h[8:], formatVersion)
	le.PutUint64(h[16:], uint64(levels[level].resolution))
	le.PutUint64(h[24:], uint64(start))
	le.PutUint64(h[32:], uint64(start+levels[level].partition))
	le.PutUint32(h, crc32.Checksum(h[4:], castagnoli))
	return h
}

// decodeHeader returns what partition of which level the file holds.
func decodeHeader(h []byte) (level int, start int64, err error) {
	le := binary.LittleEndian
	if len(h) != headerSize || string(h[4:8]) != headerMagic || le.Uint32(h) != crc32.Checksum(h[4:], castagnoli) {
		return 0, 0, fmt.Errorf("header: %w", errFormat)
	}
	if v := le.Uint32(h[8:]); v != formatVersion {
		return 0, 0, fmt.Errorf("%w %d", ErrVersion, v)
	}
	level, ok := levelOf(int64(le.Uint64(h[16:])))
	start = int64(le.Uint64(h[24:]))
	if !ok || start < 0 || start > maxTimestamp || levels[level].start(start) != start || int64(le.Uint64(h[32:])) != start+levels[level].partition {
		return 0, 0, fmt.Errorf("partition of the header: %w", errFormat)
	}
	return level, start, nil
}

type footer struct {
	index       uint64 // offset
	stored, raw uint32
	checksum    uint32 // of the stored index
	series      uint32
	buckets     uint64
	codec       byte
}

func (t *footer) encode() []byte {
	b := make([]byte, footerSize)
	le := binary.LittleEndian
	copy(b[4:], footerMagic)
	le.PutUint32(b[12:], formatVersion)
	le.PutUint64(b[16:], t.index)
	le.PutUint32(b[24:], t.stored)
	le.PutUint32(b[28:], t.raw)
	le.PutUint32(b[32:], t.checksum)
	le.PutUint32(b[36:], t.series)
	le.PutUint64(b[40:], t.buckets)
	b[48] = t.codec
	le.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

func decodeFooter(b []byte, size int64) (footer, error) {
	le := binary.LittleEndian
	if len(b) != footerSize || string(b[4:12]) != footerMagic || le.Uint32(b) != crc32.Checksum(b[4:], castagnoli) || le.Uint32(b[12:]) != formatVersion {
		return footer{}, fmt.Errorf("footer: %w", errFormat)
	}
	t := footer{index: le.Uint64(b[16:]), stored: le.Uint32(b[24:]), raw: le.Uint32(b[28:]), checksum: le.Uint32(b[32:]), series: le.Uint32(b[36:]), buckets: le.Uint64(b[40:]), codec: b[48]}
	if t.index < headerSize || t.index > maxFileSize || int64(t.index)+int64(t.stored)+footerSize != size || t.raw > maxIndexRaw {
		return footer{}, fmt.Errorf("index of the footer: %w", errFormat)
	}
	return t, nil
}

// openFile reads the index of a file; see registers its series and returns their ids.
// Damage is a *CorruptionError.
func openFile(fsys vfs.FS, dir, name string, u *unpacker, see func([]byte, *indexEntry) (uint32, error)) (_ *file, err error) {
	damage := func(offset int64, section, detail string) error {
		return &CorruptionError{File: name, Offset: offset, Section: section, Detail: detail}
	}
	f := &file{name: name}
	f.f, err = fsys.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("metrics file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.f.Close())
		}
	}()
	if f.size, err = f.f.Size(); err != nil {
		return nil, fmt.Errorf("metrics file: %w", err)
	}
	if f.size < headerSize+footerSize {
		return nil, damage(0, "header", fmt.Sprintf("the file has %d bytes", f.size))
	}
	buf := make([]byte, headerSize)
	if _, err = f.f.ReadAt(buf, 0); err != nil {
		return nil, fmt.Errorf("read metrics file %s: %w", name, err)
	}
	if f.level, f.start, err = decodeHeader(buf); errors.Is(err, ErrVersion) {
		return nil, fmt.Errorf("metrics file %s: %w", name, err)
	} else if err != nil {
		return nil, damage(0, "header", err.Error())
	}
	buf = make([]byte, footerSize)
	if _, err = f.f.ReadAt(buf, f.size-footerSize); err != nil {
		return nil, fmt.Errorf("read metrics file %s: %w", name, err)
	}
	t, err := decodeFooter(buf, f.size)
	if err != nil {
		return nil, damage(f.size-footerSize, "footer", err.Error())
	}
	index := make([]byte, t.stored)
	if _, err = f.f.ReadAt(index, int64(t.index)); err != nil {
		return nil, fmt.Errorf("read metrics file %s: %w", name, err)
	}
	if crc32.Checksum(index, castagnoli) != t.checksum {
		return nil, damage(int64(t.index), "index", "checksum")
	}
	if index, err = u.unpack(nil, index, t.codec, t.raw, maxIndexRaw); err != nil {
		return nil, damage(int64(t.index), "index", err.Error())
	}
	l := &levels[f.level]
	offset := int64(headerSize)
	var seen error // of see, which is not damage
	err = decodeIndex(index, f.start, l.resolution, l.partition, func(key []byte, e *indexEntry) error {
		id, err := see(key, e)
		if err != nil {
			seen = err
			return err
		}
		f.newest = max(f.newest, e.newest)
		f.extents = append(f.extents, extent{id, uint32(offset), e.sums, e.sketches})
		offset += int64(e.sums) + int64(e.sketches)
		if offset > int64(t.index) {
			return fmt.Errorf("chunks end at %d: %w", offset, errFormat)
		}
		return nil
	})
	switch {
	case seen != nil && !errors.Is(seen, errFormat):
		return nil, seen
	case err == nil && (offset != int64(t.index) || len(f.extents) != int(t.series)):
		err = fmt.Errorf("%d series up to %d: %w", len(f.extents), offset, errFormat)
	}
	if err != nil {
		return nil, damage(int64(t.index), "index", err.Error())
	}
	slices.SortFunc(f.extents, func(a, b extent) int { return cmp.Compare(a.id, b.id) })
	f.refs.Store(1)
	return f, nil
}
