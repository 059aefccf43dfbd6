package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/logs"
)

// Reader reads one part. It is safe for concurrent use; each concurrent user
// brings its own Buffer. It keeps the encoded block index in memory (about 25
// bytes a block) and nothing else. It does not close the file.
type Reader struct {
	f     Source
	name  string
	size  int64
	sum   Summary
	meta  []byte
	index *index
	table []section // empty after Salvage
	skip  skipIndex
	token *int64 // tells the readers of a Buffer apart without keeping them alive
}

// Open reads footer and index of a part with one read of its last 64 KiB (two
// when the index is larger). name stands in errors. A damaged file gives a
// *CorruptionError, a newer one ErrVersion.
func Open(f Source, name string) (*Reader, error) {
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("open part %s: %w", name, err)
	}
	r := &Reader{f: f, name: name, size: size, token: new(int64)}
	if size < headerSize+frameHeader+trailerSize {
		return nil, r.corrupt(0, "trailer", "the file has %d bytes; it is cut", size)
	}
	tail := make([]byte, min(size, tailRead))
	tailOff := size - int64(len(tail))
	if err := r.readAt(tail, tailOff); err != nil {
		return nil, err
	}
	t, err := parseTrailer(tail[len(tail)-trailerSize:], size)
	if err != nil {
		return nil, r.openError(size-trailerSize, "trailer", err)
	}
	// get returns [off, off+n) from the tail or the file.
	get := func(off, n int64) ([]byte, error) {
		if off >= tailOff {
			return tail[off-tailOff:][:n], nil
		}
		b := make([]byte, n)
		return b, r.readAt(b, off)
	}
	fb, err := get(t.footerOff, t.footerLen)
	if err != nil {
		return nil, err
	}
	payload, err := r.section(fb, t.footerOff, kindFooter, t.footerCRC)
	if err != nil {
		return nil, err
	}
	sum, table, err := parseFooter(payload, t.footerOff)
	if err != nil {
		return nil, r.openError(t.footerOff, "footer", err)
	}
	r.sum = sum
	r.sum.FileBytes = size
	r.table = table
	var blkx, grpd []byte
	for _, s := range table {
		switch s.kind {
		case kindIndex, kindGroups, kindMeta:
		case kindTokens, kindTrigrams:
			continue // read when a search asks for them
		default:
			if s.flags&sectionMandatory != 0 {
				return nil, fmt.Errorf("open part %s: %s: %w", name, sectionName(s.kind), ErrVersion)
			}
			continue
		}
		b, err := get(s.off, s.len)
		if err != nil {
			return nil, err
		}
		payload, err := r.section(b, s.off, s.kind, s.crc)
		if err != nil {
			return nil, err
		}
		// The tail is not kept: only the sections stay in memory.
		payload = append([]byte(nil), payload...)
		switch s.kind {
		case kindIndex:
			blkx = payload
		case kindGroups:
			grpd = payload
		case kindMeta:
			r.meta = payload
		}
	}
	if blkx == nil || grpd == nil {
		return nil, r.corrupt(t.footerOff, "footer", "the section table lacks the index")
	}
	if r.index, err = parseIndex(blkx, grpd, t.footerOff); err != nil {
		return nil, r.openError(t.footerOff, "index", err)
	}
	if r.index.blocks != r.sum.Blocks {
		return nil, r.corrupt(t.footerOff, "footer", "%d blocks, the index has %d", r.sum.Blocks, r.index.blocks)
	}
	return r, nil
}

func (r *Reader) openError(off int64, sec string, err error) error {
	if errors.Is(err, ErrVersion) {
		return fmt.Errorf("open part %s: %w", r.name, err)
	}
	return r.corrupt(off, sec, "%v", err)
}

func (r *Reader) corrupt(off int64, sec, format string, args ...any) *CorruptionError {
	hint := hintBlock
	switch sec {
	case "trailer", "footer", "index", "groups":
		hint = hintIndex
	case "tokens", "trigrams":
		hint = hintSkip
	}
	return &CorruptionError{File: r.name, Offset: off, Section: sec, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

func (r *Reader) readAt(b []byte, off int64) error {
	if off < 0 || off > r.size-int64(len(b)) {
		return r.corrupt(off, "file", "%d bytes are beyond the end", len(b))
	}
	n, err := r.f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.corrupt(off, "file", "%d bytes could be read of %d; the file was cut", n, len(b))
	}
	return &readError{name: r.name, off: off, err: err}
}

// readError tells a read that failed from damage.
type readError struct {
	name string
	off  int64
	err  error
}

func (e *readError) Error() string {
	return fmt.Sprintf("read part %s at %d: %v", e.name, e.off, e.err)
}
func (e *readError) Unwrap() error { return e.err }

// section checks the frame b of a section and returns its payload.
func (r *Reader) section(b []byte, off int64, kind byte, crc uint32) ([]byte, error) {
	h, ok := parseFrameHeader(b)
	switch {
	case !ok || h.kind != kind || h.size() != int64(len(b)):
		return nil, r.corrupt(off, sectionName(kind), "no such frame")
	case h.crc != crc || frameCRC(b) != crc:
		return nil, r.corrupt(off, sectionName(kind), "checksum differs")
	case h.codec != codecNone || h.dict != 0 || int64(h.raw) > maxRaw(kind):
		return nil, fmt.Errorf("open part %s: %s with codec %d: %w", r.name, sectionName(kind), h.codec, ErrVersion)
	}
	return b[frameHeader:], nil
}

// Summary describes the part; Groups is nil, see Reader.Groups.
func (r *Reader) Summary() Summary { return r.sum }

// Meta returns the bytes given as WriterOptions.Meta. They are not to be changed.
func (r *Reader) Meta() []byte { return r.meta }

// Name returns the name given to Open.
func (r *Reader) Name() string { return r.name }

// MemoryBytes returns about how much memory the Reader holds while idle.
func (r *Reader) MemoryBytes() int64 {
	x := r.index
	n := int64(cap(x.entries)+8*cap(x.pages)+cap(x.groups)+32*cap(x.sparse)+32*cap(x.shared)+cap(r.meta)) + 512
	r.skip.mu.Lock()
	defer r.skip.mu.Unlock()
	if r.skip.x != nil {
		n += r.skip.x.Size().Memory
	}
	return n
}

// Groups returns the groups of the part, ascending. It does no I/O but decodes
// the whole index.
func (r *Reader) Groups() []GroupEntry { return r.index.groupEntries() }

// HasGroup reports whether the part holds rows of the group.
func (r *Reader) HasGroup(group logs.GroupID) bool {
	from, to := r.index.find(group)
	return from < to
}

// Blocks appends the blocks of a group, sorted by their first key, to dst. It
// does no I/O. An unknown group has no blocks.
func (r *Reader) Blocks(group logs.GroupID, dst []BlockInfo) []BlockInfo {
	from, to := r.index.find(group)
	r.index.walk(from, to, func(b *BlockInfo) bool {
		b.Group = group
		dst = append(dst, *b)
		return true
	})
	return dst
}

// All yields every block in order of (group, first key) without I/O.
func (r *Reader) All() iter.Seq[BlockInfo] {
	return func(yield func(BlockInfo) bool) {
		for b := range r.index.all() {
			if !yield(*b) {
				return
			}
		}
	}
}

// Buffer holds the memory that reading needs, to be reused. The zero value is
// ready. It serves one Block at a time and is not safe for concurrent use. It
// grows to BufferMemory at most.
type Buffer struct {
	block   Block
	dec     *zstd.Decoder
	stored  []byte
	keysRaw []byte
	msgsRaw []byte

	// of a block that is taken apart
	headRaw   []byte
	shaped    []byte // head and body frames
	shape     shred.Block
	shapeEnds []uint32

	runs    []StreamRun
	batches []batchTime
	keys    []logs.Key
	batchOf []uint32
	ends    []uint32
	order   [2][]uint32

	shared      []byte // payload of the shared frame decoded last
	sharedFrame int64
	sharedOf    *int64
	sharedLens  []uint32 // keys and messages of each block, in turn
}

func (b *Buffer) decoder() (*zstd.Decoder, error) {
	if b.dec == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(4*MaxBlockBytes), zstd.WithDecoderMaxWindow(4*MaxBlockBytes))
		if err != nil {
			return nil, fmt.Errorf("open zstd decoder: %w", err)
		}
		b.dec = dec
	}
	return b.dec, nil
}

// load reads n bytes at off into buf.stored and checks that they are one
// intact frame of that kind. A frame with a wrong checksum is read twice.
func (r *Reader) load(off, n int64, kind byte, buf *Buffer) (frame, error) {
	if int64(cap(buf.stored)) < n {
		buf.stored = make([]byte, n)
	}
	buf.stored = buf.stored[:n]
	for try := 0; ; try++ {
		if err := r.readAt(buf.stored, off); err != nil {
			return frame{}, err
		}
		h, err := r.checkFrame(buf.stored, off, kind)
		if err == nil || try > 0 || errors.Is(err, ErrVersion) {
			return h, err
		}
	}
}

func (r *Reader) checkFrame(b []byte, off int64, kind byte) (frame, error) {
	h, ok := parseFrameHeader(b)
	switch {
	case !ok:
		return h, r.corrupt(off, sectionName(kind), "no frame starts here")
	case h.kind != kind || h.size() != int64(len(b)):
		return h, r.corrupt(off, sectionName(kind), "frame of kind %d and %d bytes", h.kind, h.size())
	case frameCRC(b) != h.crc:
		return h, r.corrupt(off, sectionName(kind), "checksum differs")
	case h.codec > codecZstd || h.dict != 0:
		return h, fmt.Errorf("part %s at %d: codec %d, dictionary %d: %w", r.name, off, h.codec, h.dict, ErrVersion)
	case int64(h.raw) > maxRaw(kind) || h.codec == codecNone && h.raw != h.stored:
		return h, r.corrupt(off, sectionName(kind), "%d bytes when decoded", h.raw)
	}
	return h, nil
}

// unpack decodes the payload of a frame into dst.
func (r *Reader) unpack(h frame, payload []byte, off int64, dst []byte, buf *Buffer) ([]byte, error) {
	if int(h.raw) > cap(dst) {
		dst = make([]byte, 0, h.raw)
	}
	if h.codec == codecNone {
		return append(dst[:0], payload...), nil
	}
	dec, err := buf.decoder()
	if err != nil {
		return nil, err
	}
	out, err := dec.DecodeAll(payload, dst[:0:h.raw])
	if err != nil {
		return nil, r.corrupt(off, sectionName(h.kind), "decode: %v", err)
	}
	if len(out) != int(h.raw) {
		return nil, r.corrupt(off, sectionName(h.kind), "%d bytes when decoded, want %d", len(out), h.raw)
	}
	return out, nil
}

// Read reads the keys of a block that came from Blocks or All of this Reader.
// The Block lives in buf until the next Read with it. Damage is a
// *CorruptionError; other blocks are not affected by it.
func (r *Reader) Read(ctx context.Context, info BlockInfo, buf *Buffer) (*Block, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &buf.block
	shape := b.shape
	if b.r != r || b.info != info {
		shape = nil
	}
	*b = Block{r: r, buf: buf, info: info, shape: shape}
	off := info.off
	sec := "keys"
	switch info.Mode {
	case ModeRaw, ModeJSON, ModeTemplate:
		h, err := r.load(info.off, info.keysLen, kindKeys, buf)
		if err != nil {
			return nil, err
		}
		if buf.keysRaw, err = r.unpack(h, buf.stored[frameHeader:], info.off, buf.keysRaw, buf); err != nil {
			return nil, err
		}
		b.encodedKeys, b.check = buf.keysRaw, h.check
	case ModeShared:
		if info.off < 0 || info.off >= int64(len(r.index.shared)) {
			return nil, fmt.Errorf("block of another part: %w", ErrInvalid)
		}
		off, sec = r.index.shared[info.off].off, "shared"
		if err := r.readShared(b); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("part %s: block mode %d: %w", r.name, info.Mode, ErrVersion)
	}
	h, err := decodeKeys(b.encodedKeys, buf)
	if err != nil {
		return nil, r.corrupt(off, sec, "%v", err)
	}
	if h.group != info.Group || h.rows != info.Rows || int64(h.raw) != info.RawBytes || h.hash != info.Hash || h.runs != info.Streams {
		return nil, r.corrupt(off, sec, "the frame holds another block than the index says")
	}
	b.read = true
	return b, nil
}

// Columns opens the columns of a block that is taken apart, without its keys: of
// the Block it returns only Info, Shape and ShapeError may be used. A Read of the
// same block into buf adds the rest and keeps the columns. It returns nil for
// other blocks.
func (r *Reader) Columns(ctx context.Context, info BlockInfo, buf *Buffer) (*Block, error) {
	if !info.Mode.shaped() {
		return nil, nil
	}
	b := &buf.block
	*b = Block{r: r, buf: buf, info: info, check: uint32(info.Hash)}
	if _, err := b.Shape(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// readShared fills encodedKeys and the messages of a block in a shared frame,
// which buf keeps decoded for its neighbours.
func (r *Reader) readShared(b *Block) error {
	buf, info := b.buf, &b.info
	s := r.index.shared[info.off]
	if buf.sharedOf != r.token || buf.sharedFrame != info.off {
		buf.sharedOf = nil
		h, err := r.load(s.off, s.stored, kindShared, buf)
		if err != nil {
			return err
		}
		if buf.shared, err = r.unpack(h, buf.stored[frameHeader:], s.off, buf.shared, buf); err != nil {
			return err
		}
		if buf.sharedLens, err = sharedLens(buf.shared, buf.sharedLens[:0]); err != nil {
			return r.corrupt(s.off, "shared", "%v", err)
		}
		buf.sharedOf, buf.sharedFrame = r.token, info.off
	}
	lens := buf.sharedLens
	if info.ord >= len(lens)/2 {
		return r.corrupt(s.off, "shared", "block %d of %d", info.ord, len(lens)/2)
	}
	keysLen, msgsLen := int64(lens[2*info.ord]), int64(lens[2*info.ord+1])
	if keysLen != info.keysLen || msgsLen != info.RawBytes {
		return r.corrupt(s.off, "shared", "block %d has %d+%d bytes, want %d+%d", info.ord, keysLen, msgsLen, info.keysLen, info.RawBytes)
	}
	b.encodedKeys, b.pending = sharedSlices(buf.shared, lens, info.ord)
	return nil
}

// sharedLens decodes the head of a shared payload: the lengths of keys and
// messages of its blocks, which fill the rest exactly.
func sharedLens(raw []byte, dst []uint32) ([]uint32, error) {
	c := cursor{b: raw}
	n := c.uvarint()
	if c.bad || n > uint64(c.left())/2 {
		return dst, fmt.Errorf("%d blocks", n)
	}
	total := uint64(0)
	for range 2 * n {
		l := c.uvarint()
		if l > uint64(len(raw)) {
			return dst, fmt.Errorf("a part of %d bytes", l)
		}
		total += l
		dst = append(dst, uint32(l))
	}
	if c.bad || total != uint64(c.left()) {
		return dst, fmt.Errorf("blocks of %d bytes in %d", total, c.left())
	}
	return dst, nil
}

// sharedSlices returns keys and messages of block ord.
func sharedSlices(raw []byte, lens []uint32, ord int) (keys, msgs []byte) {
	keysAll := 0
	msgsAll := 0
	keysAt, msgsAt := 0, 0
	for i := 0; i < len(lens); i += 2 {
		if i == 2*ord {
			keysAt, msgsAt = keysAll, msgsAll
		}
		keysAll += int(lens[i])
		msgsAll += int(lens[i+1])
	}
	body := raw[len(raw)-keysAll-msgsAll:]
	k, m := int(lens[2*ord]), int(lens[2*ord+1])
	return body[keysAt : keysAt+k : keysAt+k], body[keysAll+msgsAt : keysAll+msgsAt+m : keysAll+msgsAt+m]
}

// frames returns the frames of a block with frames of its own, all checked.
func (r *Reader) frames(info BlockInfo, buf *Buffer) ([]byte, error) {
	n := int(info.keysLen + info.messageLen)
	buf.stored = slices.Grow(buf.stored[:0], n)[:n]
	if err := r.readAt(buf.stored, info.off); err != nil {
		return nil, err
	}
	k, err := r.checkFrame(buf.stored[:info.keysLen], info.off, kindKeys)
	if err != nil {
		return nil, err
	}
	rest := buf.stored[info.keysLen:]
	var m frame
	if info.Mode.shaped() {
		m, err = r.checkShapeFrames(&info, rest[:info.headLen], rest[info.headLen:])
	} else if m, err = r.checkFrame(rest, info.off+info.keysLen, kindMessages); err == nil && int64(m.raw) != info.RawBytes {
		err = r.corrupt(info.off, "messages", "%d bytes of messages, want %d", m.raw, info.RawBytes)
	}
	if err != nil {
		return nil, err
	}
	if k.check != m.check || k.check != uint32(info.Hash) {
		return nil, r.corrupt(info.off, "messages", "the messages belong to another block")
	}
	return buf.stored, nil
}
