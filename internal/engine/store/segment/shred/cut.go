package shred

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// cutter is the scratch of Block.Cut, and what the last call of it found out.
type cutter struct {
	glob  *column.Glob // of the last call; nil: nothing is known
	parts []int        // likewise
	row   int          // up to which rows are counted

	of      []cutWay // by template
	pieces  []cutPiece
	ranges  []span // of pieces; those of a way are by part
	tracked []uint16
	track   []bool // by column: its texts are counted
	at      []int  // by column: its next text in its chunk
	left    []uint32
	steps   int // of the template
}

// cutWay is how the rows of a template are taken apart.
type cutWay struct {
	verdict cutVerdict
	ranges  int  // the first of the parts
	tracked span // the columns to count
}

type cutVerdict uint8

const (
	cutNone   cutVerdict = iota // no row has all literals
	cutPieces                   // every row, at the same places
	cutUnsure                   // by the message
)

// cutPiece is a piece of a part: bytes of the literals of the template or, for
// hole >= 0, the text of a hole.
type cutPiece struct {
	hole     int
	from, to uint32
}

// cutPlace is where a search goes on: in the literal before hole h.
type cutPlace struct {
	h   int
	off int
}

// maxCutSteps bounds the search for the places of the literals in one template.
const maxCutSteps = 1 << 16

// Cut takes the messages of rows (ascending) apart, as g.Cut does, and writes the
// parts that out asks for to out.Found, which has room for all rows; a row that lacks a literal
// has absent parts. It appends to out.Texts. The rows that it returns have to be
// cut by their messages; they are valid until the next call.
//
// Where the literals lie in the messages of a template is found out once, from
// the bytes that its holes can have. Only the texts of parts are read. A call
// that asks for the same parts of later rows goes on where the last one ended.
func (b *Block) Cut(g *column.Glob, rows []uint32, out *column.Cuts) (left []uint32, err error) {
	c := &b.cutter
	if c.left = c.left[:0]; len(rows) == 0 {
		return nil, nil
	}
	if c.glob != g || !slices.Equal(c.parts, out.Parts) || c.row > int(rows[0]) {
		c.begin(b, g, out.Parts)
	}
	next := 0
	for c.row < len(b.of) && next < len(rows) {
		row, of := c.row, b.of[c.row]
		c.row++
		w := &c.of[of]
		if rows[next] == uint32(row) {
			next++
			switch w.verdict {
			case cutPieces:
				if err := c.take(b, &b.templates[of], w, row, out); err != nil {
					return nil, err
				}
			case cutNone:
				for i := range out.Parts {
					out.Found[i][row] = column.Piece{From: column.Absent}
				}
			case cutUnsure:
				c.left = append(c.left, uint32(row))
			}
		}
		for _, n := range c.tracked[w.tracked.from:w.tracked.to] {
			c.at[n]++
		}
	}
	if next < len(rows) {
		return nil, fmt.Errorf("%w: row %d of %d, or not in order", ErrLimit, rows[next], len(b.of))
	}
	return c.left, nil
}

// begin finds out how the rows of each template are taken apart.
func (c *cutter) begin(b *Block, g *column.Glob, parts []int) {
	c.glob, c.parts, c.row = g, append(c.parts[:0], parts...), 0
	c.of = fit(c.of, len(b.templates))
	c.at = fit(c.at, len(b.columns))
	for i := range b.columns {
		c.at[i] = b.columns[i].first
	}
	c.track = fit(c.track, len(b.columns))
	clear(c.track)
	c.pieces, c.ranges, c.tracked = c.pieces[:0], c.ranges[:0], c.tracked[:0]
	for i := range b.templates {
		if b.rows[i] > 0 {
			c.locate(b, i)
		}
	}
	c.watch(b)
}

// locate finds out where the literals lie in the rows of template i.
func (c *cutter) locate(b *Block, i int) {
	g, t, w := c.glob, &b.templates[i], &c.of[i]
	*w = cutWay{verdict: cutUnsure, ranges: len(c.ranges)}
	for range c.parts {
		c.ranges = append(c.ranges, span{})
	}
	c.steps = 0
	_, to, found := c.search(b, t, cutPlace{}, g.Literals[0])
	if found != cutPieces {
		w.verdict = found
		return
	}
	last := len(g.Literals) - 1
	for n, lit := range g.Literals[1:] {
		begin := to
		var from cutPlace
		if n+1 == last && len(lit) == 0 {
			from = cutPlace{len(t.Columns), len(t.Piece(len(t.Columns)))}
		} else if from, to, found = c.search(b, t, begin, lit); found != cutPieces {
			w.verdict = found
			return
		}
		for k, part := range c.parts {
			if part == n {
				c.ranges[w.ranges+k] = c.between(t, begin, from)
			}
		}
	}
	w.verdict = cutPieces
}

// between notes the pieces from one place to another.
func (c *cutter) between(t *Template, from, to cutPlace) span {
	first := uint32(len(c.pieces))
	for h := from.h; h <= to.h; h++ {
		low, high := uint32(0), t.pieceEnd(h)
		if h > 0 {
			low = t.Ends[h-1]
		}
		start := low
		if h == from.h {
			low += uint32(from.off)
		}
		if h == to.h {
			high = start + uint32(to.off)
		}
		if low < high {
			c.pieces = append(c.pieces, cutPiece{hole: -1, from: low, to: high})
		}
		if h < to.h {
			c.pieces = append(c.pieces, cutPiece{hole: h})
		}
	}
	return span{first, uint32(len(c.pieces))}
}

// pieceEnd returns where in the literals the one before hole h ends.
func (t *Template) pieceEnd(h int) uint32 {
	if h < len(t.Ends) {
		return t.Ends[h]
	}
	return uint32(len(t.Literal))
}

// search finds where lit is first, from a place on, in every row of a template:
// it begins at from and ends at to. It is found only within a literal of the
// template, and only when it can begin nowhere before.
func (c *cutter) search(b *Block, t *Template, at cutPlace, lit []byte) (from, to cutPlace, found cutVerdict) {
	if len(lit) == 0 {
		return at, at, cutPieces
	}
	for h, off := at.h, at.off; ; h, off = h+1, 0 {
		piece := t.Piece(h)[off:]
		c.steps += len(piece) + 1
		n := bytes.Index(piece, lit)
		isLast := h == len(t.Columns)
		if n < 0 && !isLast {
			// It may begin at the end of the piece and go on in the hole.
			for p := max(0, len(piece)-len(lit)+1); p < len(piece); p++ {
				if bytes.HasPrefix(lit, piece[p:]) && c.goesOn(b, t, h, len(piece)-p, lit, false) {
					return from, to, cutUnsure
				}
			}
			if c.goesOn(b, t, h, 0, lit, true) {
				return from, to, cutUnsure
			}
		}
		switch {
		case c.steps > maxCutSteps:
			return from, to, cutUnsure
		case n >= 0:
			return cutPlace{h, off + n}, cutPlace{h, off + n + len(lit)}, cutPieces
		case isLast:
			return from, to, cutNone
		}
	}
}

// goesOn reports whether lit[j:] can stand from hole h on: at its begin or, when
// inside, from any byte of it on.
func (c *cutter) goesOn(b *Block, t *Template, h, j int, lit []byte, inside bool) bool {
	sum := &b.chunks[b.columns[t.Columns[h]].chunk].sum
	least := sum.MinLen
	if inside {
		least = 1
	}
	for q := j; q-j <= sum.MaxLen; q++ {
		if q > j {
			if last := lit[q-1]; sum.Classes[last>>6]>>(last&63)&1 == 0 {
				return false
			}
		}
		if q == len(lit) {
			return true
		}
		if c.steps++; c.steps > maxCutSteps {
			return true
		}
		if q-j < least {
			continue
		}
		piece := t.Piece(h + 1)
		n := min(len(piece), len(lit)-q)
		if !bytes.Equal(piece[:n], lit[q:q+n]) {
			continue
		}
		if q+n == len(lit) || h+1 < len(t.Columns) && c.goesOn(b, t, h+1, q+n, lit, false) {
			return true
		}
	}
	return false
}

// watch decides which columns are counted: those that parts have texts of.
func (c *cutter) watch(b *Block) {
	for i := range b.templates {
		w := &c.of[i]
		if b.rows[i] == 0 || w.verdict != cutPieces {
			continue
		}
		for _, r := range c.ranges[w.ranges : w.ranges+len(c.parts)] {
			for _, p := range c.pieces[r.from:r.to] {
				if p.hole >= 0 {
					c.track[b.templates[i].Columns[p.hole]] = true
				}
			}
		}
	}
	for i := range b.templates {
		from := uint32(len(c.tracked))
		if b.rows[i] > 0 {
			for _, n := range b.templates[i].Columns {
				if c.track[n] {
					c.tracked = append(c.tracked, n)
				}
			}
		}
		c.of[i].tracked = span{from, uint32(len(c.tracked))}
	}
}

// take writes the parts of a row.
func (c *cutter) take(b *Block, t *Template, w *cutWay, row int, out *column.Cuts) error {
	for i := range out.Parts {
		from := len(out.Texts)
		r := c.ranges[w.ranges+i]
		for _, p := range c.pieces[r.from:r.to] {
			if p.hole < 0 {
				out.Texts = append(out.Texts, t.Literal[p.from:p.to]...)
				continue
			}
			n := t.Columns[p.hole]
			k, err := b.decode(int(b.columns[n].chunk))
			if err != nil {
				return err
			}
			at := c.at[n]
			for _, earlier := range t.Columns[:p.hole] { // a column may fill several holes
				if earlier == n {
					at++
				}
			}
			out.Texts = append(out.Texts, k.at(at)...)
		}
		out.Found[i][row] = column.Piece{From: uint32(from), To: uint32(len(out.Texts))}
	}
	return nil
}
