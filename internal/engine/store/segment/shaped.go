package segment

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// shaper takes the messages of blocks apart. What it returns is valid until the
// next call.
type shaper struct {
	json  shred.JSON
	text  shred.Text
	shape shred.Shape
	enc   shred.Encoder
	pack  *packer

	again shred.Block // for rebuilding what was encoded
	arena []byte
	ends  []uint32

	packed []byte
	whole  []byte  // the block, compressed; empty when choose did not need it
	ratio  float64 // of the sample; 0: not known yet
}

// Choice of a mode. A shape is measured against the block as zstd would make
// it, which a sample tells well enough.
const (
	sampleBytes = 128 << 10
	sampleRows  = 32 // whose form says whether a block is JSON

	// Per cent of the raw block that a shape may have. Columns make queries on
	// JSON cheap, so that they may cost a little; templates must save.
	mostJSON     = 110
	mostTemplate = 92
)

// choose takes the messages of a block apart when that pays, or when the modes
// that are allowed leave no choice. ok is false when the block is to be raw.
func (s *shaper) choose(allowed ModeSet, msgs []byte, ends []uint32) (mode Mode, head, body []byte, ok bool) {
	must := !allowed.Has(ModeRaw)
	s.whole, s.ratio = s.whole[:0], 0
	if allowed.Has(ModeJSON) && (must || looksLikeJSON(msgs, ends)) && s.json.Split(msgs, ends, &s.shape) {
		if head, body, ok = s.encode(); ok && (must || s.pays(head, body, msgs, ends, mostJSON)) {
			return ModeJSON, head, body, true
		}
	}
	if !allowed.Has(ModeTemplate) {
		return ModeRaw, nil, nil, false
	}
	if !must {
		var part []byte
		part, s.ends = sample(msgs, ends, s.ends)
		if len(part) < len(msgs) {
			if !s.text.Split(part, s.ends, &s.shape) {
				return ModeRaw, nil, nil, false
			}
			head, body, ok = s.encode()
			// Templates weigh more in a sample than in the block.
			if !ok || float64(s.zstd(head)/2+len(body)) > s.rawRatio(msgs, ends)*float64(len(part)) {
				return ModeRaw, nil, nil, false
			}
		}
	}
	if !s.text.Split(msgs, ends, &s.shape) {
		return ModeRaw, nil, nil, false
	}
	if head, body, ok = s.encode(); ok && (must || s.pays(head, body, msgs, ends, mostTemplate)) {
		return ModeTemplate, head, body, true
	}
	return ModeRaw, nil, nil, false
}

// encode encodes the shape; ok is false when it passes a limit of the format.
func (s *shaper) encode() (head, body []byte, ok bool) {
	head, body = s.enc.Encode(&s.shape)
	return head, body, len(head) <= maxHeadBytes && len(body) <= maxBodyBytes
}

// zstd returns the size of b when compressed.
func (s *shaper) zstd(b []byte) int {
	s.packed = s.pack.enc.EncodeAll(b, s.packed[:0])
	return len(s.packed)
}

// pays reports whether head and body are at most so many per cent of the raw
// block. A sample compresses up to a third worse than the block, so that it
// settles clear cases only; otherwise the block is compressed, into s.whole.
func (s *shaper) pays(head, body, msgs []byte, ends []uint32, percent int) bool {
	size := s.zstd(head) + len(body)
	if float64(size) <= s.rawRatio(msgs, ends)*float64(len(msgs))*float64(percent)/100*0.6 {
		return true
	}
	if len(s.whole) == 0 {
		s.whole = s.pack.enc.EncodeAll(msgs, s.whole)
	}
	return size <= len(s.whole)*percent/100
}

// rawRatio returns how much of a sample zstd leaves.
func (s *shaper) rawRatio(msgs []byte, ends []uint32) float64 {
	if s.ratio == 0 {
		var part []byte
		part, s.ends = sample(msgs, ends, s.ends)
		s.ratio = float64(s.zstd(part)) / float64(max(len(part), 1))
	}
	return s.ratio
}

// rebuilds reports whether head and body give exactly these messages.
func (s *shaper) rebuilds(head, body, msgs []byte, ends []uint32) bool {
	if err := s.again.Open(head, len(ends), len(msgs), memoryBody(body)); err != nil {
		return false
	}
	var err error
	s.arena, s.ends, err = s.again.Messages(s.arena[:0], s.ends[:0])
	return err == nil && bytes.Equal(s.arena, msgs) && slices.Equal(s.ends, ends)
}

// memoryBody reads columns from memory.
func memoryBody(body []byte) shred.BodyReader {
	return func(off, n int, dst []byte) ([]byte, error) {
		if off < 0 || n < 0 || off > len(body) || n > len(body)-off {
			return nil, errBody
		}
		return body[off : off+n : off+n], nil
	}
}

var errBody = errors.New("a column lies outside the frame")

// sample returns consecutive rows from the middle of a block with about
// sampleBytes, and their ends in the memory of dst.
func sample(msgs []byte, ends, dst []uint32) ([]byte, []uint32) {
	from, to := 0, len(ends)
	if len(msgs) > sampleBytes {
		start := uint32(len(msgs)/2 - sampleBytes/2)
		from, _ = slices.BinarySearch(ends, start)
		for to = from + 1; to < len(ends) && ends[to]-start <= sampleBytes; to++ {
		}
	}
	base := uint32(0)
	if from > 0 {
		base = ends[from-1]
	}
	dst = dst[:0]
	for _, e := range ends[from:to] {
		dst = append(dst, e-base)
	}
	return msgs[base:ends[to-1]], dst
}

// looksLikeJSON reports whether most of some messages begin or end like an
// object.
func looksLikeJSON(msgs []byte, ends []uint32) bool {
	step := max(1, len(ends)/sampleRows)
	seen, yes := 0, 0
	for i := 0; i < len(ends); i += step {
		from := uint32(0)
		if i > 0 {
			from = ends[i-1]
		}
		m := bytes.TrimSpace(msgs[from:ends[i]])
		seen++
		if len(m) > 1 && (m[0] == '{' || m[len(m)-1] == '}' && bytes.Contains(m, []byte(`{"`))) {
			yes++
		}
	}
	return 2*yes >= seen
}

// Shape returns the columns of a block that is taken apart (ModeJSON,
// ModeTemplate), nil for other blocks. It reads the directory of the columns;
// each column is read and checked when it is first asked for. The result lives
// in the Buffer until the next Read, and Load does not disturb it. Errors of its
// methods are about damage or failing reads; see ShapeError.
func (b *Block) Shape(ctx context.Context) (*shred.Block, error) {
	if !b.info.Mode.shaped() || b.shape != nil {
		return b.shape, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, info, buf := b.r, &b.info, b.buf
	off := info.off + info.keysLen
	h, err := r.load(off, info.headLen, kindHead, buf)
	if err != nil {
		return nil, err
	}
	bodyOff, bodyLen := off+info.headLen+frameHeader, info.messageLen-info.headLen-frameHeader
	read := func(at, n int, dst []byte) ([]byte, error) {
		if at < 0 || n < 0 || int64(at)+int64(n) > bodyLen {
			return nil, r.corrupt(off, "head", "%v", errBody)
		}
		dst = slices.Grow(dst[:0], n)[:n]
		return dst, r.readAt(dst, bodyOff+int64(at))
	}
	return b.openShape(h, buf.stored[frameHeader:], read)
}

// openShape opens the columns that a checked head frame describes.
func (b *Block) openShape(h frame, payload []byte, read shred.BodyReader) (*shred.Block, error) {
	r, info, buf := b.r, &b.info, b.buf
	off := info.off + info.keysLen
	if h.check != b.check {
		return nil, r.corrupt(off, "head", "the columns belong to another block")
	}
	var err error
	if buf.headRaw, err = r.unpack(h, payload, off, buf.headRaw, buf); err != nil {
		return nil, err
	}
	if err := buf.shape.Open(buf.headRaw, info.Rows, int(info.RawBytes), read); err != nil {
		return nil, b.ShapeError(err)
	}
	b.shape = &buf.shape
	return b.shape, nil
}

// ShapeError makes an error of a method of Shape one of this package: damage is
// a *CorruptionError. Errors of reading stay what they are.
func (b *Block) ShapeError(err error) error {
	if err == nil {
		return nil
	}
	var ce *CorruptionError
	if errors.As(err, &ce) {
		return ce
	}
	var re *readError
	if errors.As(err, &re) {
		return re
	}
	return b.r.corrupt(b.info.off+b.info.keysLen+b.info.headLen, "columns", "%v", err)
}

// loadShaped rebuilds the messages of a block that is taken apart. Columns that
// Shape has read are not read again.
func (b *Block) loadShaped() ([]byte, error) {
	r, info, buf := b.r, &b.info, b.buf
	off := info.off + info.keysLen
	if b.shape == nil {
		head, body, h, err := r.shapeFrames(info, buf)
		if err != nil {
			return nil, err
		}
		if _, err := b.openShape(h, head[frameHeader:], memoryBody(body[frameHeader:])); err != nil {
			return nil, err
		}
	}
	var err error
	buf.msgsRaw, buf.shapeEnds, err = b.shape.Messages(buf.msgsRaw[:0], buf.shapeEnds[:0])
	if err != nil {
		return nil, b.ShapeError(err)
	}
	if !slices.Equal(buf.shapeEnds, buf.ends) {
		return nil, r.corrupt(off, "columns", "the lengths of the messages differ")
	}
	return buf.msgsRaw, nil
}

// shapeFrames reads and checks the two frames that follow the keys.
func (r *Reader) shapeFrames(info *BlockInfo, buf *Buffer) (head, body []byte, h frame, err error) {
	off := info.off + info.keysLen
	for try := 0; try < 2; try++ {
		buf.shaped = slices.Grow(buf.shaped[:0], int(info.messageLen))[:info.messageLen]
		if err = r.readAt(buf.shaped, off); err != nil {
			return nil, nil, h, err
		}
		head, body = buf.shaped[:info.headLen], buf.shaped[info.headLen:]
		if h, err = r.checkShapeFrames(info, head, body); err == nil || errors.Is(err, ErrVersion) {
			break
		}
	}
	return head, body, h, err
}

func (r *Reader) checkShapeFrames(info *BlockInfo, head, body []byte) (frame, error) {
	off := info.off + info.keysLen
	h, err := r.checkFrame(head, off, kindHead)
	if err != nil {
		return h, err
	}
	c, err := r.checkFrame(body, off+info.headLen, kindBody)
	if err != nil {
		return h, err
	}
	if h.check != c.check || h.check != uint32(info.Hash) || c.codec != codecNone {
		return h, r.corrupt(off, "head", "the columns belong to another block")
	}
	return h, nil
}
