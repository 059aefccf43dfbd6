package shred

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Limits of a shape. A row that would pass one of them becomes one hole: the
// whole message.
const (
	MaxTemplates = 1024
	MaxColumns   = 2000
	MaxDepth     = 64             // of JSON objects and arrays
	MaxHoles     = 4096           // of one template
	MaxPath      = 4096           // bytes of the path of a column
	MaxRows      = column.MaxRows // rows of a shape, and texts of one column
	MaxRaw       = 8 << 20        // bytes of all messages

	minLiterals = 64 << 10  // bytes of template literals that every shape may have
	maxLiterals = 256 << 10 // ... and that no shape may have more of
	maxPaths    = 256 << 10 // bytes of the paths of all columns
)

// MaxLiterals returns how many bytes the literals of all templates of a block
// of raw bytes may have together.
func MaxLiterals(raw int) int { return min(max(minLiterals, raw/20), maxLiterals) }

// ErrLimit is wrapped by the errors about a shape or a block that is larger
// than allowed or inconsistent in itself.
var ErrLimit = errors.New("shape not allowed")

// PathKind says what the texts of a column are. The numbers are stored and
// never change.
type PathKind uint8

// The kinds.
const (
	String PathKind = 0 // JSON strings: the bytes between the quotes, still escaped
	Number PathKind = 1 // JSON numbers, true, false and null, as written
	Array  PathKind = 2 // JSON arrays, as written, with their brackets
	Whole  PathKind = 3 // whole messages
	Token  PathKind = 4 // variable pieces of text; also the text before a JSON object

	kinds = 5
)

var kindNames = [kinds]string{"string", "number", "array", "whole", "token"}

func (k PathKind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Template is a message with holes: literal, hole, literal, hole, ..., literal.
type Template struct {
	Literal []byte   // all literals, one after the other
	Ends    []uint32 // where the literal before each hole ends in Literal; the last literal ends with it
	Columns []uint16 // the column that fills each hole
}

// Lit adds bytes to the literal at the end of t.
func (t *Template) Lit(b []byte) { t.Literal = append(t.Literal, b...) }

// Hole ends the literal and adds a hole that column c fills.
func (t *Template) Hole(c int) {
	t.Ends = append(t.Ends, uint32(len(t.Literal)))
	t.Columns = append(t.Columns, uint16(c))
}

// Piece returns literal i: 0 is before the first hole, len(t.Columns) after
// the last one. It shares the memory of t.
func (t *Template) Piece(i int) []byte {
	from, to := uint32(0), uint32(len(t.Literal))
	if i > 0 {
		from = t.Ends[i-1]
	}
	if i < len(t.Ends) {
		to = t.Ends[i]
	}
	return t.Literal[from:to:to]
}

// Column holds the texts that fill holes. There is at most one column for each
// Path, Kind and Nth. The texts are in the order of rows, and within a row in
// the order of the holes of its template, which may name a Token column more
// than once and the others at most once.
type Column struct {
	Path  string // of a JSON value: keys joined by '.', see JoinPath; Token: the splitter's own
	Kind  PathKind
	Nth   int // counts the columns of one path and kind: a key that is repeated within a row
	Texts column.Texts
}

// Shape is a block of messages taken apart: row i is template Of[i] with its
// holes filled by the next text of each column. The zero Shape is empty and
// ready for use; Reset keeps the memory. Splitters fill it through Reset,
// NewTemplate, NewColumn and AddWhole and by appending to Of and to the texts
// of columns.
//
// A splitter puts holes where tokens (runs of [A-Za-z0-9_] and bytes from 0x80)
// begin and end, so that no token lies across the edge of a hole.
type Shape struct {
	Templates []Template
	Of        []uint16 // the template of each row
	Columns   []Column

	fields   bool // the fields of all rows but whole ones are columns: made by JSON
	raw      int  // bytes of messages that it was made for
	literals int  // bytes of literals that are still allowed
	whole    int  // template of whole messages + 1; 0: none
}

// What is kept of a block for the next one: so many times its messages, and so
// many bytes. Memory belongs to a column or chunk by its number, and that which is
// large in one block is small in another: all together would grow for ever.
const (
	keepTimes = 4
	keepBytes = 8 << 20
)

// kept returns the bytes that s holds.
func (s *Shape) kept() (n int) {
	columns, templates := s.Columns[:cap(s.Columns)], s.Templates[:cap(s.Templates)]
	for i := range columns {
		n += textsMemory(&columns[i].Texts)
	}
	for i := range templates {
		t := &templates[i]
		n += cap(t.Literal) + 4*cap(t.Ends) + 2*cap(t.Columns)
	}
	return n
}

// Memory returns about how many bytes the shape holds.
func (s *Shape) Memory() int64 {
	return int64(s.kept() + 2*cap(s.Of) + 96*cap(s.Columns) + 80*cap(s.Templates))
}

func textsMemory(t *column.Texts) int { return cap(t.Data) + 4*cap(t.Ends) }

// Reset empties s for a block of raw bytes of messages.
func (s *Shape) Reset(raw int) {
	if s.kept() > keepTimes*max(raw, s.raw)+keepBytes {
		s.Templates, s.Columns = nil, nil
	}
	s.raw = raw
	s.Templates, s.Of, s.Columns = s.Templates[:0], s.Of[:0], s.Columns[:0]
	s.literals, s.whole, s.fields = MaxLiterals(raw), 0, false
}

// Room reports whether s may get one more template of so many bytes of
// literals and so many new columns. It keeps one template and one column for
// whole messages.
func (s *Shape) Room(literals, columns int) bool {
	reserve := 1
	if s.whole > 0 {
		reserve = 0
	}
	return len(s.Templates)+1+reserve <= MaxTemplates &&
		len(s.Columns)+columns+reserve <= MaxColumns && literals <= s.literals
}

// NewTemplate adds an empty template that is to get so many bytes of literals,
// after Room agreed, and returns its number. The pointer to it
// (&s.Templates[i]) is good until the next NewTemplate.
func (s *Shape) NewTemplate(literals int) int {
	s.literals -= literals
	i := len(s.Templates)
	if i < cap(s.Templates) {
		s.Templates = s.Templates[:i+1]
		t := &s.Templates[i]
		t.Literal, t.Ends, t.Columns = t.Literal[:0], t.Ends[:0], t.Columns[:0]
	} else {
		s.Templates = append(s.Templates, Template{})
	}
	return i
}

// NewColumn adds an empty column, after Room agreed, and returns its number.
func (s *Shape) NewColumn(path string, kind PathKind, nth int) int {
	i := len(s.Columns)
	if i < cap(s.Columns) {
		s.Columns = s.Columns[:i+1]
	} else {
		s.Columns = append(s.Columns, Column{})
	}
	c := &s.Columns[i]
	c.Path, c.Kind, c.Nth = path, kind, nth
	c.Texts.Reset()
	return i
}

// AddWhole adds a row that is not taken apart.
func (s *Shape) AddWhole(message []byte) {
	if s.whole == 0 {
		s.whole = s.NewTemplate(0) + 1
		s.Templates[s.whole-1].Hole(s.NewColumn("", Whole, 0))
	}
	t := s.whole - 1
	s.Of = append(s.Of, uint16(t))
	s.Columns[s.Templates[t].Columns[0]].Texts.Append(message)
}

// WholeBytes returns how many bytes are in rows that were not taken apart.
func (s *Shape) WholeBytes() int {
	if s.whole == 0 {
		return 0
	}
	return len(s.Columns[s.Templates[s.whole-1].Columns[0]].Texts.Data)
}

// Pieces yields every piece of the messages once for each template and text it
// is in: the tokens of all pieces are the tokens of all messages. The texts
// are yielded as they are, equal ones again and again; Encoder.Pieces does better.
func (s *Shape) Pieces(yield func(piece []byte)) { s.pieces(yield, nil) }

// pieces leaves out the texts of columns that are listed.
func (s *Shape) pieces(yield func(piece []byte), listed []bool) {
	for i := range s.Templates {
		t := &s.Templates[i]
		for p := range len(t.Columns) + 1 {
			if lit := t.Piece(p); len(lit) > 0 {
				yield(lit)
			}
		}
	}
	for i := range s.Columns {
		if listed != nil && listed[i] {
			continue
		}
		t := &s.Columns[i].Texts
		for j := range t.Len() {
			yield(t.At(j))
		}
	}
}

// Messages appends all messages to dst and the end of each one in dst to ends.
func (s *Shape) Messages(dst []byte, ends []uint32) ([]byte, []uint32) {
	next := make([]int, len(s.Columns))
	ends = slices.Grow(ends, len(s.Of))
	for _, of := range s.Of {
		t := &s.Templates[of]
		from := uint32(0)
		for h, c := range t.Columns {
			dst = append(dst, t.Literal[from:t.Ends[h]]...)
			from = t.Ends[h]
			dst = append(dst, s.Columns[c].Texts.At(next[c])...)
			next[c]++
		}
		dst = append(dst, t.Literal[from:]...)
		ends = append(ends, uint32(len(dst)))
	}
	return dst, ends
}

// Check reports whether s keeps the limits and is consistent: every template
// and column that is named exists, and each column has as many texts as its
// holes need. Errors wrap ErrLimit.
func (s *Shape) Check() error {
	switch {
	case len(s.Templates) > MaxTemplates:
		return fmt.Errorf("%w: %d templates, at most %d", ErrLimit, len(s.Templates), MaxTemplates)
	case len(s.Columns) > MaxColumns:
		return fmt.Errorf("%w: %d columns, at most %d", ErrLimit, len(s.Columns), MaxColumns)
	case len(s.Of) > MaxRows:
		return fmt.Errorf("%w: %d rows, at most %d", ErrLimit, len(s.Of), MaxRows)
	}
	rows := make([]int, len(s.Templates))
	for i, t := range s.Of {
		if int(t) >= len(rows) {
			return fmt.Errorf("%w: row %d has template %d of %d", ErrLimit, i, t, len(rows))
		}
		rows[t]++
	}
	literals, paths, raw, texts := 0, 0, 0, 0
	need := make([]int, len(s.Columns))
	last := make([]int, len(s.Columns))
	for i := range s.Templates {
		t := &s.Templates[i]
		if len(t.Ends) != len(t.Columns) || len(t.Columns) > MaxHoles {
			return fmt.Errorf("%w: template %d has %d holes and %d ends of literals", ErrLimit, i, len(t.Columns), len(t.Ends))
		}
		literals += len(t.Literal)
		raw += len(t.Literal) * rows[i]
		from := uint32(0)
		for h, c := range t.Columns {
			if t.Ends[h] < from || int(t.Ends[h]) > len(t.Literal) {
				return fmt.Errorf("%w: template %d: literal %d ends at %d", ErrLimit, i, h, t.Ends[h])
			}
			from = t.Ends[h]
			if int(c) >= len(s.Columns) {
				return fmt.Errorf("%w: template %d has column %d of %d", ErrLimit, i, c, len(s.Columns))
			}
			if last[c] == i+1 && s.Columns[c].Kind != Token {
				return fmt.Errorf("%w: template %d has column %d twice", ErrLimit, i, c)
			}
			last[c] = i + 1
			need[c] += rows[i]
		}
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Texts.Len() != need[i] || need[i] > MaxRows {
			return fmt.Errorf("%w: column %d has %d texts for %d holes", ErrLimit, i, c.Texts.Len(), need[i])
		}
		if c.Kind >= kinds || len(c.Path) > MaxPath || c.Nth < 0 || c.Nth > MaxHoles {
			return fmt.Errorf("%w: column %d: %s, number %d, path of %d bytes", ErrLimit, i, c.Kind, c.Nth, len(c.Path))
		}
		if !inOrder(&c.Texts) {
			return fmt.Errorf("%w: column %d: its texts do not fill their memory in order", ErrLimit, i)
		}
		paths += len(c.Path)
		raw += len(c.Texts.Data)
		texts += c.Texts.Len()
	}
	switch {
	case raw > MaxRaw:
		return fmt.Errorf("%w: messages of %d bytes, at most %d", ErrLimit, raw, MaxRaw)
	case paths > maxPaths:
		return fmt.Errorf("%w: paths of %d bytes, at most %d", ErrLimit, paths, maxPaths)
	case literals > MaxLiterals(raw):
		return fmt.Errorf("%w: literals of %d bytes, at most %d", ErrLimit, literals, MaxLiterals(raw))
	case texts > raw+len(s.Of):
		return fmt.Errorf("%w: %d texts in messages of %d bytes", ErrLimit, texts, raw)
	}
	return nil
}

// inOrder reports whether the texts lie one after the other and are all of the
// data.
func inOrder(t *column.Texts) bool {
	from := uint32(0)
	for _, end := range t.Ends {
		if end < from {
			return false
		}
		from = end
	}
	return int(from) == len(t.Data)
}
