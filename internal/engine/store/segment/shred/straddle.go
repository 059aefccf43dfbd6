package shred

import (
	"bytes"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Bounds of the search for needles that lie across the edges of holes. A
// template that passes one has all its rows rebuilt and searched.
const (
	maxSteps  = 1 << 22 // of one Find
	maxConds  = 32      // of one template
	maxEvals  = 64      // different conditions of one Find
	maxAcross = 64      // holes that a needle lies across
)

// straddles looks for the ways in which a needle can lie across the edges of
// the holes of templates. A way asks something of the texts of the holes: that
// the first ends with the beginning of the needle, that those in the middle are
// parts of it, that the last begins with the end of it. Of each way the
// condition with the most bytes is kept.
type straddles struct {
	needle []byte
	steps  int
	conds  []cond
	ranges []span // of conds, by template
	evals  []eval
}

// cond is a condition on the text of a hole; when it is exact, nothing else is
// needed for the message to contain the needle.
type cond struct {
	hole  uint16
	eval  uint16
	exact bool
}

// eval is a condition on the texts of a column.
type eval struct {
	column   uint16
	test     test
	from, to int           // the part of the needle
	bits     column.Bitmap // the texts of the column that fulfil it
}

type test uint8

const (
	hasPrefix test = iota
	hasSuffix
	isEqual
)

// way is what is known of a way so far.
type way struct {
	holes    int // that ask something of their texts
	hole     int // the one whose condition is kept
	test     test
	from, to int
}

// with returns w with one more condition.
func (w way) with(hole int, t test, from, to int) way {
	w.holes++
	if w.holes == 1 || to-from > w.to-w.from {
		w.hole, w.test, w.from, w.to = hole, t, from, to
	}
	return w
}

func (s *straddles) begin(b *Block, needle []byte) {
	s.needle, s.steps = needle, 0
	s.conds, s.evals = s.conds[:0], s.evals[:0]
	s.ranges = fit(s.ranges, len(b.templates))
}

// search adds the conditions of template t to s.conds, in the order of holes; not ok when
// there are too many.
func (s *straddles) search(b *Block, t *Template) (ok bool) {
	from := len(s.conds)
	n := len(s.needle)
	for h, c := range t.Columns {
		// The needle begins in the literal before hole h.
		lit := t.Piece(h)
		for p := min(len(lit), n-1); p > 0; p-- {
			if lit[len(lit)-p] == s.needle[0] && bytes.Equal(lit[len(lit)-p:], s.needle[:p]) {
				if !s.cross(b, t, h, p, way{}, from) {
					return false
				}
			}
		}
		s.steps += len(lit)
		// It begins in hole h and goes on after it.
		sum := &b.chunks[b.columns[c].chunk].sum
		lit = t.Piece(h + 1)
		for p := 1; p < n && p <= sum.MaxLen; p++ {
			if last := s.needle[p-1]; sum.Classes[last>>6]>>(last&63)&1 == 0 {
				break
			}
			s.steps++
			if len(lit) > 0 && lit[0] != s.needle[p] {
				continue
			}
			if !s.after(b, t, h, p, way{}.with(h, hasSuffix, 0, p), from) {
				return false
			}
		}
		if s.steps > maxSteps {
			return false
		}
	}
	slices.SortFunc(s.conds[from:], func(a, b cond) int { return int(a.hole) - int(b.hole) })
	return true
}

// after goes on with the literal after hole h, before which s.needle[:p] was.
func (s *straddles) after(b *Block, t *Template, h, p int, w way, from int) (ok bool) {
	lit := t.Piece(h + 1)
	n := min(len(lit), len(s.needle)-p)
	s.steps++
	switch {
	case !bytes.Equal(lit[:n], s.needle[p:p+n]):
		return true
	case p+n == len(s.needle):
		return s.add(t, w, from)
	case h+1 == len(t.Columns):
		return true
	}
	return s.cross(b, t, h+1, p+n, w, from)
}

// cross goes on with hole h, before which s.needle[:p] was.
func (s *straddles) cross(b *Block, t *Template, h, p int, w way, from int) (ok bool) {
	if w.holes == maxAcross || s.steps > maxSteps {
		return false
	}
	sum := &b.chunks[b.columns[t.Columns[h]].chunk].sum
	lit := t.Piece(h + 1)
	for q := p; q-p <= sum.MaxLen; q++ {
		if q > p {
			if last := s.needle[q-1]; sum.Classes[last>>6]>>(last&63)&1 == 0 {
				break
			}
		}
		if q == len(s.needle) {
			return s.add(t, w.with(h, hasPrefix, p, q), from)
		}
		s.steps++
		if q-p < sum.MinLen || len(lit) > 0 && lit[0] != s.needle[q] {
			continue
		}
		if !s.after(b, t, h, q, w.with(h, isEqual, p, q), from) {
			return false
		}
	}
	return true
}

// add adds the condition that is kept of a way.
func (s *straddles) add(t *Template, w way, from int) (ok bool) {
	e := eval{column: t.Columns[w.hole], test: w.test, from: w.from, to: w.to}
	i := slices.IndexFunc(s.evals, func(o eval) bool {
		return o.column == e.column && o.test == e.test && o.from == e.from && o.to == e.to
	})
	if i < 0 {
		if i = len(s.evals); i == maxEvals {
			return false
		}
		if i < cap(s.evals) {
			e.bits = s.evals[:i+1][i].bits
		}
		s.evals = append(s.evals, e)
	}
	if len(s.conds)-from == maxConds {
		return false
	}
	s.conds = append(s.conds, cond{hole: uint16(w.hole), eval: uint16(i), exact: w.holes == 1})
	return true
}

// evaluate tests the texts of columns.
func (s *straddles) evaluate(b *Block) error {
	for i := range s.evals {
		e := &s.evals[i]
		col := &b.columns[e.column]
		k, err := b.decode(int(col.chunk))
		if err != nil {
			return err
		}
		e.bits = e.bits.Fit(col.texts)
		part := s.needle[e.from:e.to]
		switch k.mode {
		case constant:
			if e.test.holds(k.texts.Data, part) {
				e.bits.Fill(col.texts)
			}
		case dictionary:
			b.holds = fit(b.holds, k.texts.Len())
			for v := range b.holds {
				b.holds[v] = e.test.holds(k.texts.At(v), part)
			}
			for n, id := range k.ids[col.first : col.first+col.texts] {
				if b.holds[id] {
					e.bits.Set(n)
				}
			}
		default:
			for n := range col.texts {
				if e.test.holds(k.texts.At(col.first+n), part) {
					e.bits.Set(n)
				}
			}
		}
	}
	return nil
}

func (t test) holds(text, part []byte) bool {
	switch t {
	case hasPrefix:
		return bytes.HasPrefix(text, part)
	case hasSuffix:
		return bytes.HasSuffix(text, part)
	}
	return bytes.Equal(text, part)
}
