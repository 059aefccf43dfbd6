package shred

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"strconv"
)

const (
	afterFirst   = 250 // the hole of a context for what comes after the first line
	firstTable   = 256 // places of the table of templates at first, a power of two
	giveUpRows   = 256 // rows after which a block that repeats nothing is recognised
	contextBytes = 24  // bytes before a hole that say what is in it
	hashPrime    = 0x9E3779B97F4A7C15
)

// Text takes blocks of text messages apart: pieces that vary become holes of
// kind Token, the words around them are literal. Rows that differ in nothing but
// their holes share a template.
//
// Holes are, from left to right in the first line of a message: what is between
// brackets or quotes; a path that begins with a slash; and of any other run
// without white space, quotes, brackets and the like, what begins with the first
// token that has a digit. Further lines are two holes: the second line, which
// often names an error, and all others, which are a stack trace like others.
// Of a quoted request ("GET /path HTTP/1.1"), method, path and version are
// holes of their own.
//
// Holes of different templates that come after the same word share a column.
//
// A Text is used by one goroutine at a time and keeps its memory; the zero
// value is ready.
type Text struct {
	spans    []span
	further  int // spans of lines after the first
	unpaired int // quotes and brackets of the message that were not closed

	table   []int32 // templates by hash: number + 1; 0 is free
	seed    uint64  // of the hashes, that nobody can make them collide
	hashes  []uint64
	columns map[context]uint16
	uses    map[context]uint8 // of the template that is learned: its holes of each context
	names   []string
	isFull  bool // no template can be added
}

// context is what comes before a hole: the end of the literal and, when that
// says nothing, which hole it is. Lines after the first have contexts of their own.
type context struct {
	text  [contextBytes]byte
	n     uint8
	hole  uint8 // its number + 1; 0: the text says enough
	again uint8 // counts the holes of one template that have the same context
}

// Split takes the messages apart: message i is arena[ends[i-1]:ends[i]]. It
// reports whether the messages are repetitive enough for that to be worth a
// trial; if not, s holds nothing of use. s does not share memory with the arena.
func (x *Text) Split(arena []byte, ends []uint32, s *Shape) (ok bool) {
	if len(ends) == 0 || len(ends) > MaxRows || len(arena) > MaxRaw {
		return false
	}
	s.Reset(len(arena))
	x.begin()
	from, check := uint32(0), giveUpRows
	for i, end := range ends {
		m := arena[from:end:end]
		from = end
		if !x.add(m, s) {
			s.AddWhole(m)
		}
		if i+1 == check {
			if len(s.Templates) > i/2 || s.WholeBytes() > int(end)/giveUpDen*giveUpNum {
				return false
			}
			check *= 2
		}
	}
	return s.WholeBytes() <= len(arena)/2
}

func (x *Text) begin() {
	x.isFull = false
	x.hashes = x.hashes[:0]
	if x.table == nil {
		x.table = make([]int32, firstTable)
		x.seed = rand.Uint64()
		x.columns = make(map[context]uint16)
		x.uses = make(map[context]uint8)
	}
	clear(x.table)
	clear(x.columns)
}

// add adds the row of m; false: there is no template for it and no room.
func (x *Text) add(m []byte, s *Shape) bool {
	if !x.scan(m) {
		return false
	}
	hash := x.hash(m)
	mask := uint64(len(x.table) - 1)
	at := hash >> 32 & mask
	for ; x.table[at] != 0; at = (at + 1) & mask {
		n := x.table[at] - 1
		if x.hashes[n] == hash && x.fits(m, &s.Templates[n]) {
			x.append(m, int(n), s)
			return true
		}
	}
	if x.isFull {
		return false
	}
	n, ok := x.learn(m, s)
	if !ok {
		return false
	}
	for len(x.hashes) <= n {
		x.hashes = append(x.hashes, 0) // whole messages
	}
	x.hashes[n] = hash
	x.table[at] = int32(n) + 1
	if 2*len(s.Templates) > len(x.table) {
		x.grow(s)
	}
	x.append(m, n, s)
	return true
}

// grow doubles the table.
func (x *Text) grow(s *Shape) {
	x.table = make([]int32, 2*len(x.table))
	mask := uint64(len(x.table) - 1)
	for n, hash := range x.hashes {
		if n+1 == s.whole {
			continue
		}
		at := hash >> 32 & mask
		for x.table[at] != 0 {
			at = (at + 1) & mask
		}
		x.table[at] = int32(n) + 1
	}
}

// hash hashes the literals of m and where they end.
func (x *Text) hash(m []byte) uint64 {
	h, from := x.seed^uint64(len(x.spans)), uint32(0)
	for _, sp := range x.spans {
		h = hashPiece(h, m[from:sp.from])
		from = sp.to
	}
	return hashPiece(h, m[from:])
}

func hashPiece(h uint64, b []byte) uint64 {
	h = (h ^ uint64(len(b))) * hashPrime
	for ; len(b) >= 8; b = b[8:] {
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(b), hashPrime)
		h = hi ^ lo
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	hi, lo := bits.Mul64(h^last, hashPrime)
	return hi ^ lo
}

// fits reports whether the literals of m are those of t.
func (x *Text) fits(m []byte, t *Template) bool {
	if len(t.Ends) != len(x.spans) {
		return false
	}
	from, lit := uint32(0), uint32(0)
	for i, sp := range x.spans {
		if string(m[from:sp.from]) != string(t.Literal[lit:t.Ends[i]]) {
			return false
		}
		from, lit = sp.to, t.Ends[i]
	}
	return string(m[from:]) == string(t.Literal[lit:])
}

// append adds the row of m to template n, which it fits.
func (x *Text) append(m []byte, n int, s *Shape) {
	s.Of = append(s.Of, uint16(n))
	columns := s.Templates[n].Columns
	for i, sp := range x.spans {
		t := &s.Columns[columns[i]].Texts
		t.Data = append(t.Data, m[sp.from:sp.to]...)
		t.Ends = append(t.Ends, uint32(len(t.Data)))
	}
}

// learn adds a template for m; not ok: there is no room for it.
func (x *Text) learn(m []byte, s *Shape) (n int, ok bool) {
	if !s.Room(0, 0) {
		x.isFull = true
		return 0, false
	}
	literals := len(m)
	for _, sp := range x.spans {
		literals -= int(sp.to - sp.from)
	}
	if !s.Room(literals, len(x.spans)) {
		return 0, false
	}
	n = s.NewTemplate(literals)
	from := uint32(0)
	t := &s.Templates[n]
	clear(x.uses)
	for i, sp := range x.spans {
		before := m[from:sp.from]
		t.Lit(before)
		if line := i + x.further - len(x.spans); line >= 0 {
			t.Hole(x.column(context{hole: uint8(afterFirst + line)}, s))
		} else {
			t.Hole(x.column(contextOf(before, i), s))
		}
		from = sp.to
	}
	t.Lit(m[from:])
	return n, true
}

// contextOf returns the context of hole i, which comes after a literal.
func contextOf(before []byte, i int) (c context) {
	from := len(before)
	for letters := false; from > 0 && len(before)-from < contextBytes; from-- {
		letter := class[before[from-1]]&isToken != 0
		if letters && !letter {
			break
		}
		letters = letters || letter
	}
	c.n = uint8(copy(c.text[:], before[from:]))
	if from == 0 || c.n < 3 {
		c.hole = uint8(i) + 1
	}
	return c
}

// column returns the column for the next hole of the template that is learned.
func (x *Text) column(c context, s *Shape) int {
	// Each column once in a template: no column can have more texts than there
	// are rows.
	again := x.uses[c]
	x.uses[c] = again + 1
	c.again = again
	if n, ok := x.columns[c]; ok {
		return int(n)
	}
	for len(x.names) <= len(s.Columns) {
		x.names = append(x.names, "#"+strconv.Itoa(len(x.names)))
	}
	n := s.NewColumn(x.names[len(s.Columns)], Token, 0)
	x.columns[c] = uint16(n)
	return n
}
