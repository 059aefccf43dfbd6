package shred

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// ErrMalformed is wrapped by the errors about bytes that are not a block.
var ErrMalformed = errors.New("malformed columns")

// cursor reads a head. After an error it returns zeros.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	c.b = nil
}

// count reads a number that is at most most.
func (c *cursor) count(most int, what string) int {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail("%s: the head ends too early", what)
		return 0
	}
	if most < 0 || v > uint64(most) {
		c.fail("%s: %d, at most %d are possible", what, v, most)
		return 0
	}
	c.b = c.b[n:]
	return int(v)
}

func (c *cursor) varint(what string) int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.fail("%s: the head ends too early", what)
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) take(n int, what string) []byte {
	if n > len(c.b) {
		c.fail("%s: the head ends too early", what)
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8(what string) byte {
	if b := c.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

// Open reads the head of a block of so many rows and bytes of messages. The
// columns are read with body when they are first needed. The block keeps what it
// needs of head; body is used until the next Open. Everything that b gave out
// before is no longer valid. Errors wrap ErrMalformed.
func (b *Block) Open(head []byte, rows, rawBytes int, body BodyReader) error {
	b.reset()
	err := b.open(head, rows, rawBytes)
	if err != nil {
		b.reset()
		return err
	}
	b.body = body
	return nil
}

func (b *Block) open(head []byte, rows, rawBytes int) error {
	if len(head) > MaxHead {
		return fmt.Errorf("%w: a head of %d bytes, at most %d", ErrMalformed, len(head), MaxHead)
	}
	b.head = append(b.head[:0], head...)
	c := cursor{b: b.head}
	if v := c.u8("version"); v != headVersion && c.err == nil {
		c.fail("version %d", v)
	}
	flags := c.u8("flags")
	if flags&^flagJSON != 0 {
		c.fail("flags %#x", flags)
	}
	b.fields = flags&flagJSON != 0
	n := c.count(MaxRows, "rows")
	b.raw = c.count(MaxRaw, "bytes of messages")
	templates := c.count(MaxTemplates, "templates")
	columns := c.count(MaxColumns, "columns")
	chunks := c.count(columns, "chunks")
	if c.err != nil {
		return c.err
	}
	if n != rows || b.raw != rawBytes {
		return fmt.Errorf("%w: %d rows of %d bytes, expected %d of %d", ErrMalformed, n, b.raw, rows, rawBytes)
	}
	b.readTemplates(&c, templates, columns)
	b.readIDs(&c, n, templates)
	b.readColumns(&c, columns, chunks)
	b.readChunks(&c, chunks)
	if c.err == nil && len(c.b) > 0 {
		c.fail("%d bytes after the end of the head", len(c.b))
	}
	return c.err
}

func (b *Block) readTemplates(c *cursor, n, columns int) {
	total := 0
	for i := range n {
		if i < cap(b.templates) {
			b.templates = b.templates[:i+1]
		} else {
			b.templates = append(b.templates, Template{})
		}
		t := &b.templates[i]
		t.Ends, t.Columns = t.Ends[:0], t.Columns[:0]
		holes := c.count(MaxHoles, "holes of a template")
		size := 0
		for range holes {
			size += c.count(maxLiterals, "a literal")
			t.Ends = append(t.Ends, uint32(size))
			t.Columns = append(t.Columns, uint16(c.count(columns-1, "the column of a hole")))
			if c.err != nil || size > maxLiterals {
				break
			}
		}
		size += c.count(maxLiterals, "a literal")
		if total += size; total > maxLiterals {
			c.fail("literals of more than %d bytes", maxLiterals)
		}
		if c.err != nil {
			return
		}
		b.sizes = append(b.sizes, size)
	}
	for i := range b.templates {
		b.templates[i].Literal = c.take(b.sizes[i], "literals")
	}
}

func (b *Block) readIDs(c *cursor, rows, templates int) {
	b.of = fit(b.of, rows)
	switch way := c.u8("template numbers"); {
	case c.err != nil:
	case way == idsRuns:
		for i := 0; i < rows && c.err == nil; {
			t := c.count(templates-1, "a template number")
			n := c.count(rows-i, "a run of rows")
			if n == 0 {
				c.fail("a run of no rows")
			}
			for range n {
				b.of[i] = uint16(t)
				i++
			}
		}
	case way == idsPacked:
		width := idBits(templates)
		src := c.take((rows*width+7)/8, "template numbers")
		if src == nil && width > 0 {
			return
		}
		word, have := uint64(0), 0
		for i := range b.of {
			for have < width {
				word |= uint64(src[0]) << have
				src = src[1:]
				have += 8
			}
			t := word & (1<<width - 1)
			if t >= uint64(templates) {
				c.fail("template %d of %d", t, templates)
				return
			}
			b.of[i] = uint16(t)
			word >>= width
			have -= width
		}
	default:
		c.fail("template numbers stored in way %d", way)
	}
}

func (b *Block) readColumns(c *cursor, columns, chunks int) {
	total := 0
	for range columns {
		col := blockColumn{kind: PathKind(c.u8("a kind"))}
		if col.kind >= kinds {
			c.fail("kind %d", col.kind)
		}
		col.nth = uint16(c.count(MaxHoles, "a repetition"))
		col.chunk = uint16(c.count(chunks-1, "the chunk of a column"))
		size := c.count(MaxPath, "a path")
		col.pathFrom = uint32(total)
		total += size
		col.pathTo = uint32(total)
		if total > maxPaths {
			c.fail("paths of more than %d bytes", maxPaths)
		}
		if c.err != nil {
			return
		}
		b.columns = append(b.columns, col)
	}
	paths := c.take(total, "paths")
	for i := range b.columns {
		if col := &b.columns[i]; c.err == nil {
			col.path = paths[col.pathFrom:col.pathTo]
		}
	}
}

func (b *Block) readChunks(c *cursor, chunks int) {
	off, text := 0, 0
	for i := range chunks {
		if i < cap(b.chunks) {
			b.chunks = b.chunks[:i+1]
		} else {
			b.chunks = append(b.chunks, blockChunk{})
		}
		k := &b.chunks[i]
		k.reset()
		k.off = off
		k.size = c.count(maxBody, "the size of a chunk")
		k.text = c.count(b.raw, "the texts of a chunk")
		if crc := c.take(4, "a checksum"); crc != nil {
			k.crc = binary.LittleEndian.Uint32(crc)
		}
		k.sum = readSummary(c)
		off += k.size
		text += k.text
		if off > maxBody {
			c.fail("a body of more than %d bytes", maxBody)
		}
		if c.err != nil {
			return
		}
	}
	if c.err == nil {
		b.count(c, text)
	}
}

// count works out how many rows templates, columns and chunks have and checks
// that the messages have the expected size.
func (b *Block) count(c *cursor, text int) {
	b.rows = fit(b.rows, len(b.templates))
	clear(b.rows)
	for _, t := range b.of {
		b.rows[t]++
	}
	b.seen = fit(b.seen, len(b.columns))
	clear(b.seen)
	raw, texts := text, 0
	for i := range b.templates {
		t := &b.templates[i]
		raw += b.rows[i] * len(t.Literal)
		for _, n := range t.Columns {
			col := &b.columns[n]
			if b.seen[n] == int32(i+1) && col.kind != Token {
				c.fail("template %d has column %d twice", i, n)
				return
			}
			b.seen[n] = int32(i + 1)
			col.texts += b.rows[i]
			texts += b.rows[i]
		}
	}
	if raw != b.raw || texts > b.raw+len(b.of) {
		c.fail("%d texts, messages of %d bytes, expected %d", texts, raw, b.raw)
		return
	}
	for i := range b.columns {
		col := &b.columns[i]
		k := &b.chunks[col.chunk]
		col.first = k.rows
		if k.rows += col.texts; k.rows > MaxRows || col.texts > MaxRows {
			c.fail("a chunk of %d texts", k.rows)
			return
		}
		k.columns++
	}
	for i := range b.chunks {
		if b.chunks[i].columns == 0 {
			c.fail("chunk %d is of no column", i)
			return
		}
	}
}

func readSummary(c *cursor) (s chunk.Summary) {
	s.Encoding = chunk.Encoding(c.u8("an encoding"))
	flags := c.u8("flags of a chunk")
	if flags&^(summaryInts|15) != 0 {
		c.fail("flags %#x of a chunk", flags)
	}
	for i := range s.Classes {
		if flags>>i&1 != 0 {
			if w := c.take(8, "classes"); w != nil {
				s.Classes[i] = binary.LittleEndian.Uint64(w)
			}
		}
	}
	s.Distinct = c.count(chunk.MaxDistinct+1, "distinct texts")
	s.MinLen = c.count(MaxRaw, "the shortest text")
	s.MaxLen = c.count(MaxRaw, "the longest text")
	if flags&summaryInts != 0 {
		s.Ints = true
		s.Scale = c.u8("a scale")
		s.MinInt = c.varint("the least number")
		s.MaxInt = c.varint("the greatest number")
	}
	return s
}
