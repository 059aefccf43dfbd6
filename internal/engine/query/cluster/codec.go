package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrEncoding is wrapped by errors of DecodeTracker.
var ErrEncoding = errors.New("malformed patterns")

const trackerVersion = 1

// Append appends the state of the Tracker to dst. The samples of the window are
// left out.
func (t *Tracker) Append(dst []byte) []byte {
	c := t.c
	w := writer{append(dst, trackerVersion)}
	w.number(uint64(c.shapes), uint64(c.level), uint64(t.next), uint64(c.total))
	w.number(uint64(len(c.groups)))
	for _, shape := range slices.Sorted(maps.Keys(c.groups)) {
		g := c.groups[shape]
		w.text(shape)
		for _, m := range g.masked {
			w.flag(m)
		}
		w.number(uint64(g.checkAt), uint64(g.level), uint64(len(g.sample)))
		w.number(g.sample...)
		w.number(uint64(len(g.rows)))
		for _, key := range slices.Sorted(maps.Keys(g.rows)) {
			w.text(key)
			w.row(g.rows[key])
		}
	}
	return w.b
}

type writer struct{ b []byte }

func (w *writer) number(v ...uint64) {
	for _, x := range v {
		w.b = binary.AppendUvarint(w.b, x)
	}
}

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) flag(f bool) {
	if f {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *writer) row(r *row) {
	w.number(uint64(r.count), uint64(r.before), uint64(r.id), uint64(len(r.also)))
	for _, id := range r.also {
		w.number(uint64(id))
	}
	for _, v := range r.values {
		w.text(v)
	}
	for i := range r.sets {
		s := &r.sets[i]
		w.flag(s.many)
		if s.many {
			continue
		}
		w.number(uint64(s.seen), uint64(s.last), uint64(len(s.values)))
		for _, v := range s.values {
			w.text(v.text)
			w.number(uint64(v.count), uint64(v.before), uint64(v.quiet))
			w.flag(v.fresh)
		}
	}
}

// DecodeTracker returns the Tracker of a state. Errors wrap ErrEncoding.
func DecodeTracker(data []byte) (*Tracker, error) {
	r := reader{b: data}
	if v := r.byte(); v != trackerVersion && r.err == nil {
		return nil, fmt.Errorf("%w: version %d", ErrEncoding, v)
	}
	t := NewTracker(Options{Shapes: int(r.number(1 << 20))})
	c := t.c
	c.level, t.next, c.total = int(r.number(uint64(len(coarser)))), int32(r.number(1<<31-1)), int64(r.number(1<<62))
	for range r.number(uint64(len(data))) {
		r.group(c, t.next)
		if r.err != nil {
			break
		}
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes are left", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	c.edited = true
	return t, nil
}

// reader takes numbers and texts from bytes until something is wrong.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrEncoding}, args...)...)
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("cut off")
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *reader) flag() bool {
	b := r.byte()
	if b > 1 {
		r.fail("flag %d", b)
	}
	return b == 1
}

// number reads a number up to a limit.
func (r *reader) number(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.fail("number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.number(uint64(len(r.b)))
	if n > uint64(len(r.b)) {
		r.fail("text is cut off")
	}
	if r.err != nil {
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) group(c *Clusterer, next int32) {
	shape := r.text()
	if c.groups[shape] != nil {
		r.fail("shape twice")
	}
	for i := range len(shape) {
		if b := shape[i]; b < ' ' && b != '\n' && b != markRest && (b < markKind || b >= markKind+kinds) {
			r.fail("shape with byte %d", b)
		}
	}
	g := newGroup(shape)
	g.held = &c.held
	for i := range g.masked {
		g.masked[i] = r.flag()
	}
	g.checkAt, g.level = int(r.number(1<<40)), int(r.number(64))
	for range r.number(sampled) {
		x := r.number(1<<64 - 1)
		if g.level < 64 && x>>(64-g.level) != 0 || slices.Contains(g.sample, x) {
			r.fail("sample of hashes")
		}
		g.sample = append(g.sample, x)
	}
	for range r.number(uint64(len(r.b))) {
		key := r.text()
		words := 0
		for i := range len(key) {
			if key[i] == 0 {
				words++
			}
		}
		if words != len(g.masked) || g.rows[key] != nil || len(key) > 0 && key[len(key)-1] != 0 {
			r.fail("words of a row")
		}
		x := r.row(g, next)
		if r.err != nil {
			return
		}
		for i := range x.sets {
			c.held += x.sets[i].bytes()
		}
		g.put(key, x)
	}
	c.groups[shape] = g
	c.bytes += g.bytes
}

func (r *reader) row(g *group, next int32) *row {
	const most = 1 << 60
	x := &row{count: int64(r.number(most)), before: int64(r.number(most)), id: int32(r.number(uint64(next))), values: make([]string, g.values), sets: make([]valueSet, g.marks)}
	for range r.number(uint64(len(r.b))) {
		x.also = append(x.also, int32(r.number(uint64(next))))
	}
	for i := range x.values {
		x.values[i] = r.text()
	}
	for i := range x.sets {
		s := &x.sets[i]
		if s.many = r.flag(); s.many {
			continue
		}
		s.seen, s.last = int64(r.number(most)), int64(r.number(most))
		for range r.number(MaxValues) {
			v := valueCount{text: r.text(), count: int64(r.number(most)), before: int64(r.number(most)), quiet: int64(r.number(most)), fresh: r.flag()}
			if len(v.text) > MaxValueBytes || slices.ContainsFunc(s.values, func(o valueCount) bool { return o.text == v.text }) {
				r.fail("value of a token")
			}
			if r.err != nil {
				return x
			}
			s.values = append(s.values, v)
		}
	}
	return x
}
