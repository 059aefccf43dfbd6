package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// Units returns how many units the skip index of the part tells apart; see
// BlockInfo.Unit.
func (r *Reader) Units() int { return r.index.units }

// skipIndex is the skip index of an open part, opened when it is first asked for.
type skipIndex struct {
	mu     sync.Mutex
	opened bool
	x      *skip.Index
	err    error
}

// Index returns the skip index of the part: which units can hold a message that
// a query needs. It is nil when the part has none. The first call reads the
// tables of the index; its pages are read when a search needs them. Damage is a
// *CorruptionError and costs speed only: every unit has to be read then.
func (r *Reader) Index() (*skip.Index, error) {
	s := &r.skip
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened {
		return s.x, s.err
	}
	x, err := r.openSkip()
	var re *readError
	if errors.As(err, &re) {
		return nil, err // the next call tries again
	}
	s.opened, s.x, s.err = true, x, err
	return x, err
}

func (r *Reader) openSkip() (*skip.Index, error) {
	tix, tri := r.sectionOf(kindTokens), r.sectionOf(kindTrigrams)
	if tix == nil || tri == nil {
		return nil, nil
	}
	tokens, err := r.window(tix)
	if err != nil {
		return nil, err
	}
	trigrams, err := r.window(tri)
	if err != nil {
		return nil, err
	}
	x, err := skip.Open(tokens, trigrams, r.index.units)
	if err == nil {
		err = x.CheckBytes(r.sum.RawBytes)
	}
	if err != nil {
		return nil, r.IndexError(err)
	}
	return x, nil
}

// IndexError makes an error of the index one of this package: damage is a
// *CorruptionError, other errors stay what they are.
func (r *Reader) IndexError(err error) error {
	var de *skip.DamageError
	if !errors.As(err, &de) {
		return err
	}
	kind := byte(kindTokens)
	if de.Section == "TRI" {
		kind = kindTrigrams
	}
	off := int64(0)
	if s := r.sectionOf(kind); s != nil {
		off = s.off
	}
	return r.corrupt(off, sectionName(kind), "%v", de)
}

func (r *Reader) sectionOf(kind byte) *section {
	for i := range r.table {
		if r.table[i].kind == kind {
			return &r.table[i]
		}
	}
	return nil
}

// A section of the skip index is a run of frames of one kind. The payload of each
// but the last is sectionFrame bytes, so that they can be written as they are
// made, checked one by one, and found without a table.
const sectionFrame = 1 << 20

// window is the payload of such a section as package skip reads it.
type window struct {
	r    *Reader
	off  int64 // of the first frame
	size int64 // of the payload
}

// window returns nil when the length of the section cannot be.
func (r *Reader) window(s *section) (*window, error) {
	frames := (s.len + frameHeader + sectionFrame - 1) / (frameHeader + sectionFrame)
	size := s.len - frames*frameHeader
	if size < (frames-1)*sectionFrame {
		return nil, r.corrupt(s.off, sectionName(s.kind), "%d bytes are no run of frames", s.len)
	}
	return &window{r: r, off: s.off, size: size}, nil
}

func (w *window) Size() int64 { return w.size }

func (w *window) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 || off > w.size {
		return 0, io.EOF
	}
	for n < len(p) && off < w.size {
		within := off % sectionFrame
		k := min(int64(len(p)-n), w.size-off, sectionFrame-within)
		at := w.off + off/sectionFrame*(frameHeader+sectionFrame) + frameHeader + within
		if err := w.r.readAt(p[n:n+int(k)], at); err != nil {
			return n, err
		}
		n += int(k)
		off += k
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// check reads all frames of the section.
func (w *window) check(ctx context.Context, kind byte, buf *Buffer) error {
	for off := int64(0); off < w.size; off += sectionFrame {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := w.off + off/sectionFrame*(frameHeader+sectionFrame)
		if _, err := w.r.load(at, frameHeader+min(sectionFrame, w.size-off), kind, buf); err != nil {
			return err
		}
	}
	return nil
}

// checkSkip reads every byte of the skip index.
func (r *Reader) checkSkip(ctx context.Context, buf *Buffer) error {
	for _, kind := range []byte{kindTokens, kindTrigrams} {
		s := r.sectionOf(kind)
		if s == nil {
			continue
		}
		w, err := r.window(s)
		if err == nil {
			err = w.check(ctx, kind, buf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unitWriter collects the evidence of a part while it is written. Units get
// numbers in the order in which they are written, and final ones at the end.
type unitWriter struct {
	b       *skip.Builder
	given   int
	indexed int // units with evidence
	moves   map[*Reader]*unitMove
	err     error
}

// unitMove says what the units of another part have become in this one.
type unitMove struct {
	x     *skip.Index // nil: there is none, or it is damaged
	units []int32     // by unit of the other part: the number given here, or -1
}

// add gives the next unit its number; e is nil when nothing is known of it.
func (w *unitWriter) add(e *skip.Evidence) (unit int) {
	unit = w.given
	w.given++
	if e != nil {
		w.indexed++
		w.note(w.b.AddUnit(unit, e))
	}
	return unit
}

func (w *unitWriter) note(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("collect the skip index: %w", err)
	}
}

// source returns what is moved from src, whose index it checks when it is first
// asked for it.
func (w *unitWriter) source(ctx context.Context, src *Reader, buf *Buffer) (*unitMove, error) {
	if m := w.moves[src]; m != nil {
		return m, nil
	}
	m := &unitMove{}
	x, err := src.Index()
	if err == nil && x != nil {
		err = src.checkSkip(ctx, buf)
	}
	var ce *CorruptionError
	switch {
	case errors.As(err, &ce):
	case err != nil:
		return nil, err
	case x != nil:
		m.x, m.units = x, make([]int32, src.index.units)
		for i := range m.units {
			m.units[i] = -1
		}
	}
	if w.moves == nil {
		w.moves = make(map[*Reader]*unitMove)
	}
	w.moves[src] = m
	return m, nil
}

// move gives a number to a unit whose evidence is taken over.
func (w *unitWriter) move(m *unitMove, from int) (unit int) {
	unit = w.given
	w.given++
	w.indexed++
	m.units[from] = int32(unit)
	return unit
}

// encode writes both sections, nothing when nothing is known of any unit.
func (w *unitWriter) encode(final []uint32, tix, tri io.Writer) error {
	if w.indexed == 0 || w.err != nil {
		return w.err
	}
	for src, m := range w.moves {
		if m.x == nil {
			continue
		}
		if err := w.b.AddMoved(m.x, m.units); err != nil {
			return fmt.Errorf("move the skip index of %s: %w", src.name, err)
		}
	}
	_, err := w.b.EncodeTo(final, tix, tri)
	var de *skip.DamageError
	if errors.As(err, &de) { // under good checksums: no writer of ours made it, and trying again will not help
		return fmt.Errorf("move a skip index: %w: %w", ErrInvalid, err)
	}
	if err != nil {
		return fmt.Errorf("write the skip index: %w", err)
	}
	return nil
}

// sectionWriter writes a section as a run of frames.
type sectionWriter struct {
	w     *Writer
	kind  byte
	after *sectionWriter // to be ended before this one begins
	s     section
	buf   []byte
	begun bool
}

func (s *sectionWriter) Write(p []byte) (int, error) {
	if !s.begun {
		if s.after != nil {
			s.after.end()
		}
		s.begun = true
		s.s = section{kind: s.kind, off: s.w.off}
	}
	for rest := p; len(rest) > 0; {
		if len(s.buf) == sectionFrame {
			s.frame()
		}
		k := min(len(rest), sectionFrame-len(s.buf))
		s.buf = append(s.buf, rest[:k]...)
		rest = rest[k:]
	}
	if s.w.err != nil {
		return 0, s.w.err
	}
	return len(p), nil
}

func (s *sectionWriter) frame() {
	_, crc := s.w.frame(s.kind, s.buf, false)
	if s.s.crc == 0 {
		s.s.crc = crc
	}
	s.buf = s.buf[:0]
}

// end writes what is left. It may be called again.
func (s *sectionWriter) end() {
	if len(s.buf) > 0 {
		s.frame()
		s.s.len = s.w.off - s.s.off
	}
}
