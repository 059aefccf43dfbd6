package segment

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// Report is what Verify or Salvage found.
type Report struct {
	Frames   int // intact frames
	Blocks   int // blocks that can be read in full
	Rows     int64
	RawBytes int64
	Lost     int                // blocks that are known but cannot be read
	Sizes    Sizes              // zero when footer or index cannot be read
	Problems []*CorruptionError // in the order they were found, at most maxProblems
}

const maxProblems = 1000

// OK reports whether every byte is as written.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(e *CorruptionError) {
	for _, p := range r.Problems {
		if p.Offset == e.Offset {
			return
		}
	}
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, e)
	}
}

// Verify reads a whole part: every byte is checked against a checksum, every
// block is decoded, compared with its index entry and with the hash of its
// messages. Damage is in the Report; the error tells of a read that failed, a
// version that is not known, or the end of ctx.
func Verify(ctx context.Context, f Source, name string) (Report, error) {
	var rep Report
	size, err := f.Size()
	if err != nil {
		return rep, fmt.Errorf("verify part %s: %w", name, err)
	}
	raw := &Reader{f: f, name: name, size: size}
	var ce *CorruptionError
	head, err := raw.header()
	if errors.As(err, &ce) {
		rep.problem(ce)
	} else if err != nil {
		return rep, err
	}
	end := size
	r, err := Open(f, name)
	switch {
	case errors.As(err, &ce):
		rep.problem(ce)
	case err != nil:
		return rep, err
	default:
		end = size - trailerSize
		if head != nil && !bytes.Equal(head[8:24], r.sum.ID[:]) {
			rep.problem(raw.corrupt(8, "header", "the id is not the one of the footer"))
		}
	}
	if r != nil {
		// Before the frames, so that damage is told by what it means.
		rep.Sizes = r.Sizes()
		if err := r.checkSkip(ctx, new(Buffer)); errors.As(err, &ce) {
			rep.problem(ce)
		} else if err != nil {
			return rep, err
		}
	}
	err = raw.walkFrames(ctx, headerSize, end, func(int64, frame, []byte) error {
		rep.Frames++
		return nil
	}, func(off, n int64) {
		if r != nil || off+n < size {
			rep.problem(raw.corrupt(off, "frame", "%d bytes are no intact frame", n))
		}
	})
	if err != nil || r == nil {
		return rep, err
	}
	return rep, r.verifyBlocks(ctx, &rep)
}

func (r *Reader) verifyBlocks(ctx context.Context, rep *Report) error {
	var buf Buffer
	sum := Summary{}
	x, err := r.verifyIndex(ctx, rep)
	if err != nil {
		return err
	}
	for info := range r.All() {
		sum.Rows += int64(info.Rows)
		sum.RawBytes += info.RawBytes
		b, err := r.Read(ctx, info, &buf)
		if err == nil {
			err = b.Load(ctx)
		}
		if err == nil {
			err = r.compare(&info, &buf)
		}
		if err != nil {
			var ce *CorruptionError
			if !errors.As(err, &ce) {
				return err
			}
			rep.Lost++
			rep.problem(ce)
			continue
		}
		rep.Blocks++
		rep.Rows += int64(info.Rows)
		rep.RawBytes += info.RawBytes
		if x == nil {
			continue
		}
		var ce *CorruptionError
		if err := r.findable(ctx, x, b); errors.As(err, &ce) {
			rep.problem(ce)
		} else if err != nil {
			return err
		}
	}
	if sum.Rows != r.sum.Rows || sum.RawBytes != r.sum.RawBytes {
		rep.problem(r.corrupt(r.size-trailerSize, "footer", "%d rows of %d bytes, the index has %d of %d", r.sum.Rows, r.sum.RawBytes, sum.Rows, sum.RawBytes))
	}
	return nil
}

// verifyIndex reads the skip index; it is nil when there is none, or no use.
func (r *Reader) verifyIndex(ctx context.Context, rep *Report) (*skip.Index, error) {
	x, err := r.Index()
	if err == nil && x != nil {
		err = r.IndexError(x.Verify(ctx))
	}
	var ce *CorruptionError
	if errors.As(err, &ce) {
		rep.problem(ce)
		return nil, nil
	}
	return x, err
}

// findable checks that the skip index does not exclude the unit of a block for a
// text that is in it.
func (r *Reader) findable(ctx context.Context, x *skip.Index, b *Block) error {
	const text = 24
	m := b.Message(b.Len() / 2)
	from := max(0, len(m)/2-text/2)
	units := make([]uint64, (r.index.units+63)/64)
	unit := b.info.unit
	units[unit>>6] = 1 << (unit & 63)
	if _, err := x.Units(ctx, hint.Text(string(m[from:min(len(m), from+text)])), units); err != nil {
		return r.IndexError(err)
	}
	if units[unit>>6] == 0 {
		return r.corrupt(r.sectionOf(kindTokens).off, "tokens", "a text of unit %d would not be found", unit)
	}
	return nil
}

// compare checks an index entry against the keys just decoded.
func (r *Reader) compare(info *BlockInfo, buf *Buffer) error {
	got := statistics(buf)
	if got.Min != info.Min || got.Max != info.Max || got.MinSeq != info.MinSeq || got.MaxSeq != info.MaxSeq ||
		got.MinStream != info.MinStream || got.MaxStream != info.MaxStream {
		return r.corrupt(r.offsetOf(info), "index", "the bounds of a block are not those of its rows")
	}
	return nil
}

func (r *Reader) offsetOf(info *BlockInfo) int64 {
	if info.Mode == ModeShared {
		return r.index.shared[info.off].off
	}
	return info.off
}

// statistics recomputes the bounds of the block in buf.
func statistics(buf *Buffer) BlockInfo {
	b := BlockInfo{Rows: len(buf.keys), Streams: len(buf.runs)}
	b.MinStream, b.MaxStream = buf.runs[0].Stream, buf.runs[len(buf.runs)-1].Stream
	b.Min, b.Max = buf.keys[0], buf.keys[0]
	b.MinSeq, b.MaxSeq = b.Min.Seq, b.Min.Seq
	for _, k := range buf.keys {
		if k.Less(b.Min) {
			b.Min = k
		}
		if b.Max.Less(k) {
			b.Max = k
		}
		b.MinSeq, b.MaxSeq = min(b.MinSeq, k.Seq), max(b.MaxSeq, k.Seq)
	}
	return b
}

// header reads and checks the first bytes of the file.
func (r *Reader) header() ([]byte, error) {
	b := make([]byte, headerSize)
	if err := r.readAt(b, 0); err != nil {
		return nil, err
	}
	if string(b[:4]) != headerMagic || crc32.Checksum(b[:36], castagnoli) != binary.LittleEndian.Uint32(b[36:]) {
		return nil, r.corrupt(0, "header", "checksum differs")
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v < oldestVersion || v > formatVersion {
		return nil, fmt.Errorf("part %s: version %d: %w", r.name, v, ErrVersion)
	}
	return b, nil
}

// walkFrames calls frame for every intact frame in [from, to) and gap for every
// stretch between them. A frame whose payload is damaged is passed over as a
// whole when another frame follows it, so that bytes inside of it are not
// taken for frames.
func (r *Reader) walkFrames(ctx context.Context, from, to int64, fn func(off int64, h frame, b []byte) error, gap func(off, n int64)) error {
	var b []byte
	bad := int64(-1) // start of the current gap
	head := make([]byte, frameHeader)
	for off := from; off < to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, ok := frame{}, false
		if to-off >= frameHeader {
			if err := r.readAt(head, off); err != nil {
				return err
			}
			h, ok = parseFrameHeader(head)
			ok = ok && h.size() <= to-off && (h.kind >= kindIndex || int64(h.stored) <= maxRaw(h.kind))
		}
		if ok {
			if int64(cap(b)) < h.size() {
				b = make([]byte, h.size())
			}
			b = b[:h.size()]
			if err := r.readAt(b, off); err != nil {
				return err
			}
			if frameCRC(b) == h.crc {
				if bad >= 0 {
					gap(bad, off-bad)
					bad = -1
				}
				if err := fn(off, h, b); err != nil {
					return err
				}
				off += h.size()
				continue
			}
		}
		if bad < 0 {
			bad = off
		}
		if ok {
			if follows, err := r.frameAt(off+h.size(), to); err != nil {
				return err
			} else if follows {
				off += h.size()
				continue
			}
		}
		next, err := r.nextMagic(off+1, to)
		if err != nil {
			return err
		}
		off = next
	}
	if bad >= 0 {
		gap(bad, to-bad)
	}
	return nil
}

// frameAt reports whether a frame starts at off, or the frames end there.
func (r *Reader) frameAt(off, to int64) (bool, error) {
	if off >= to {
		return off == to, nil
	}
	b := make([]byte, 4)
	if to-off < int64(len(b)) {
		return false, nil
	}
	if err := r.readAt(b, off); err != nil {
		return false, err
	}
	return string(b) == frameMagic, nil
}

// nextMagic returns where the next frame may start, or to.
func (r *Reader) nextMagic(off, to int64) (int64, error) {
	const window = 64 << 10
	b := make([]byte, window)
	for off < to {
		n := min(window, to-off)
		if err := r.readAt(b[:n], off); err != nil {
			return 0, err
		}
		if i := bytes.Index(b[:n], []byte(frameMagic)); i >= 0 {
			return off + int64(i), nil
		}
		if n < window {
			break
		}
		off += n - int64(len(frameMagic)) + 1
	}
	return to, nil
}

// Salvage opens a part without its footer: it looks at every frame of the file
// and builds the index anew from what the frames say about themselves. The
// Reader gives the blocks that are intact, to be read or moved to a new part by
// AddRaw; the Report tells what was lost. The error is about failing reads or
// the end of ctx, never about damage.
func Salvage(ctx context.Context, f Source, name string) (*Reader, Report, error) {
	var rep Report
	size, err := f.Size()
	if err != nil {
		return nil, rep, fmt.Errorf("salvage part %s: %w", name, err)
	}
	r := &Reader{f: f, name: name, size: size, token: new(int64), index: &index{}}
	s := salvager{r: r, rep: &rep}
	if b, err := r.header(); err == nil {
		copy(r.sum.ID[:], b[8:24])
		r.sum.Created = int64(binary.LittleEndian.Uint64(b[24:]))
	}
	if err := r.walkFrames(ctx, headerSize, max(size, headerSize), s.frame, s.gap); err != nil {
		return nil, rep, err
	}
	s.orphan()
	blkx, grpd := s.x.encode()
	if r.index, err = parseIndex(blkx, grpd, size); err != nil {
		return nil, rep, fmt.Errorf("salvage part %s: %w", name, err)
	}
	for info := range r.All() {
		if r.sum.Blocks == 0 {
			r.sum.MinTimestamp, r.sum.MinSeq = info.Min.Timestamp, info.MinSeq
		}
		r.sum.Blocks++
		r.sum.Rows += int64(info.Rows)
		r.sum.RawBytes += info.RawBytes
		r.sum.MinTimestamp, r.sum.MaxTimestamp = min(r.sum.MinTimestamp, info.Min.Timestamp), max(r.sum.MaxTimestamp, info.Max.Timestamp)
		r.sum.MinSeq, r.sum.MaxSeq = min(r.sum.MinSeq, info.MinSeq), max(r.sum.MaxSeq, info.MaxSeq)
	}
	r.sum.FileBytes = size
	r.sum.MinIngestion, r.sum.MaxIngestion = s.minIngestion, s.maxIngestion
	rep.Blocks, rep.Rows, rep.RawBytes = r.sum.Blocks, r.sum.Rows, r.sum.RawBytes
	return r, rep, nil
}

// salvager turns intact frames into index entries.
type salvager struct {
	r    *Reader
	rep  *Report
	x    indexBuilder
	buf  Buffer
	keys BlockInfo // a keys frame that waits for its messages, or for head and columns
	open bool
	next int64 // where they go on

	headless int64 // where the columns of a head without keys lie

	seen                       bool
	minIngestion, maxIngestion int64
}

func (s *salvager) gap(off, n int64) {
	if off+n == s.r.size && n <= trailerSize {
		return // the trailer
	}
	s.rep.problem(s.r.corrupt(off, "frame", "%d bytes are no intact frame", n))
}

// orphan counts a keys frame without messages as lost.
func (s *salvager) orphan() {
	if s.open {
		s.rep.Lost++
		s.rep.problem(s.r.corrupt(s.keys.off+s.keys.keysLen, "messages", "%d messages are lost", s.keys.Rows))
	}
	s.open = false
}

func (s *salvager) frame(off int64, h frame, b []byte) error {
	s.rep.Frames++
	switch h.kind {
	case kindMessages, kindHead, kindBody:
		if s.belongs(off, h) {
			s.keys.messageLen += h.size()
			s.next = off + h.size()
			if h.kind == kindHead {
				s.keys.headLen = h.size()
				var err error
				if s.keys.Mode, err = s.headMode(off, h, b); err != nil {
					s.open = false
					s.headless = off + h.size()
					s.damaged(off, err)
				}
				return nil
			}
			s.x.blocks = append(s.x.blocks, s.keys)
			s.open = false
			return nil
		}
		if h.kind == kindBody && s.headless == off {
			return nil // counted with its head
		}
		s.orphan()
		s.rep.Lost++
		if h.kind == kindHead {
			s.headless = off + h.size()
		}
		s.rep.problem(s.r.corrupt(off, sectionName(h.kind), "the keys of a block are lost"))
		return nil
	case kindKeys:
		s.orphan()
		info, err := s.decode(off, h, b)
		if err != nil {
			s.damaged(off, err)
			return nil
		}
		info.off, info.keysLen = off, h.size()
		s.keys, s.open, s.next = info, true, off+h.size()
	case kindShared:
		s.orphan()
		if err := s.shared(off, h, b); err != nil {
			s.damaged(off, err)
		}
	default:
		s.orphan()
	}
	return nil
}

// belongs reports whether a frame goes on with the block whose keys came before.
func (s *salvager) belongs(off int64, h frame) bool {
	if !s.open || s.next != off || h.check != uint32(s.keys.Hash) {
		return false
	}
	switch h.kind {
	case kindMessages:
		return !s.keys.Mode.shaped() && int64(h.raw) == s.keys.RawBytes
	case kindHead:
		return !s.keys.Mode.shaped()
	}
	return s.keys.Mode.shaped()
}

// headMode tells the mode of a block from its columns.
func (s *salvager) headMode(off int64, h frame, b []byte) (Mode, error) {
	if _, err := s.r.checkFrame(b, off, kindHead); err != nil {
		return 0, err
	}
	var err error
	if s.buf.headRaw, err = s.r.unpack(h, b[frameHeader:], off, s.buf.headRaw, &s.buf); err != nil {
		return 0, err
	}
	if err := s.buf.shape.Open(s.buf.headRaw, s.keys.Rows, int(s.keys.RawBytes), memoryBody(nil)); err != nil {
		return 0, err
	}
	mode := ModeTemplate
	s.buf.shape.Paths(func(string, shred.PathKind, int) { mode = ModeJSON })
	return mode, nil
}

// damaged notes a frame that is intact but does not decode.
func (s *salvager) damaged(off int64, err error) {
	s.rep.Lost++
	var ce *CorruptionError
	if errors.As(err, &ce) {
		s.rep.problem(ce)
	} else {
		s.rep.problem(s.r.corrupt(off, "frame", "%v", err))
	}
}

func (s *salvager) decode(off int64, h frame, b []byte) (BlockInfo, error) {
	h, err := s.r.checkFrame(b, off, h.kind)
	if err != nil {
		return BlockInfo{}, err
	}
	s.buf.keysRaw, err = s.r.unpack(h, b[frameHeader:], off, s.buf.keysRaw, &s.buf)
	if err != nil {
		return BlockInfo{}, err
	}
	return s.info(s.buf.keysRaw)
}

func (s *salvager) info(keys []byte) (BlockInfo, error) {
	k, err := decodeKeys(keys, &s.buf)
	if err != nil {
		return BlockInfo{}, err
	}
	info := statistics(&s.buf)
	info.Group, info.RawBytes, info.Hash = k.group, int64(k.raw), k.hash
	for _, b := range s.buf.batches {
		if !s.seen {
			s.seen, s.minIngestion, s.maxIngestion = true, b.ingestion, b.ingestion
		}
		s.minIngestion, s.maxIngestion = min(s.minIngestion, b.ingestion), max(s.maxIngestion, b.ingestion)
	}
	return info, nil
}

func (s *salvager) shared(off int64, h frame, b []byte) error {
	h, err := s.r.checkFrame(b, off, h.kind)
	if err != nil {
		return err
	}
	if s.buf.shared, err = s.r.unpack(h, b[frameHeader:], off, s.buf.shared, &s.buf); err != nil {
		return err
	}
	lens, err := sharedLens(s.buf.shared, s.buf.sharedLens[:0])
	s.buf.sharedLens = lens
	if err != nil {
		return err
	}
	if len(lens) == 0 {
		return nil
	}
	number := int64(len(s.x.shared))
	s.x.shared = append(s.x.shared, sharedFrame{off: off, stored: h.size(), raw: h.raw, blocks: uint32(len(lens) / 2)})
	for ord := range len(lens) / 2 {
		keys, msgs := sharedSlices(s.buf.shared, lens, ord)
		info, err := s.info(keys)
		if err == nil && info.RawBytes != int64(len(msgs)) {
			err = errKeys
		}
		if err != nil {
			s.damaged(off, err)
			continue
		}
		info.Mode, info.off, info.ord, info.keysLen = ModeShared, number, ord, int64(len(keys))
		s.x.blocks = append(s.x.blocks, info)
	}
	return nil
}
