package shred

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

const (
	headVersion = 1
	flagJSON    = 1 // all fields of messages that are JSON objects are columns, except in whole rows

	// MaxHead bounds the head of a block. Open refuses longer ones.
	MaxHead = 1 << 20

	poolBelow = 64      // columns with fewer texts share chunks
	poolBytes = 1 << 20 // bytes of texts in a shared chunk
)

// Ways of storing template numbers.
const (
	idsRuns   = 0 // pairs of template and length of the run
	idsPacked = 1 // packed in as few bits as they need
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encoder makes the stored form of shapes. It is used by one goroutine at a
// time and keeps its memory; the zero value is ready.
type Encoder struct {
	chunks *chunk.Encoder
	head   []byte
	body   []byte

	shape    *Shape
	place    []uint16 // the chunk of each column
	dir      []byte   // entries of chunks in the head
	pool     [2]pool
	pooled   column.Texts
	distinct column.Texts // what Pieces yields for columns whose distinct texts are known
	listed   []bool       // the column's texts are in distinct
}

// pool is a chunk of several small columns.
type pool struct {
	columns []int
	rows    int
	bytes   int
}

// Encode returns the stored form of s, which keeps its limits (see
// Shape.Check): a head to be compressed, and a body. Both are valid until the
// next Encode. A head of more than MaxHead is not allowed in files. s must not
// change before the last call of Pieces.
func (e *Encoder) Encode(s *Shape) (head, body []byte) {
	if e.chunks == nil {
		e.chunks = chunk.NewEncoder()
	}
	e.shape = s
	e.body, e.dir = e.body[:0], e.dir[:0]
	e.distinct.Reset()
	chunks := e.columns(s)

	raw := 0
	rows := make([]int, len(s.Templates))
	for _, t := range s.Of {
		rows[t]++
	}
	for i := range s.Templates {
		raw += rows[i] * len(s.Templates[i].Literal)
	}
	for i := range s.Columns {
		raw += len(s.Columns[i].Texts.Data)
	}

	h := append(e.head[:0], headVersion)
	flags := byte(0)
	if s.fields {
		flags |= flagJSON
	}
	h = append(h, flags)
	h = binary.AppendUvarint(h, uint64(len(s.Of)))
	h = binary.AppendUvarint(h, uint64(raw))
	h = binary.AppendUvarint(h, uint64(len(s.Templates)))
	h = binary.AppendUvarint(h, uint64(len(s.Columns)))
	h = binary.AppendUvarint(h, uint64(chunks))
	for i := range s.Templates {
		t := &s.Templates[i]
		h = binary.AppendUvarint(h, uint64(len(t.Columns)))
		from := uint32(0)
		for k, c := range t.Columns {
			h = binary.AppendUvarint(h, uint64(t.Ends[k]-from))
			h = binary.AppendUvarint(h, uint64(c))
			from = t.Ends[k]
		}
		h = binary.AppendUvarint(h, uint64(len(t.Literal))-uint64(from))
	}
	for i := range s.Templates {
		h = append(h, s.Templates[i].Literal...)
	}
	h = e.appendIDs(h, s)
	for i := range s.Columns {
		c := &s.Columns[i]
		h = append(h, byte(c.Kind))
		h = binary.AppendUvarint(h, uint64(c.Nth))
		h = binary.AppendUvarint(h, uint64(e.place[i]))
		h = binary.AppendUvarint(h, uint64(len(c.Path)))
	}
	for i := range s.Columns {
		h = append(h, s.Columns[i].Path...)
	}
	e.head = append(h, e.dir...)
	return e.head, e.body
}

// columns fills the body and the directory of chunks and returns how many
// chunks there are.
func (e *Encoder) columns(s *Shape) (chunks int) {
	e.place = fit(e.place, len(s.Columns))
	e.listed = fit(e.listed, len(s.Columns))
	clear(e.listed)
	for i := range e.pool {
		e.pool[i] = pool{columns: e.pool[i].columns[:0]}
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		if !small(&c.Texts) {
			e.place[i] = uint16(chunks)
			e.addChunk(&c.Texts)
			if d := e.chunks.Distinct(); d != nil {
				e.listed[i] = true
				for k := range d.Len() {
					e.distinct.Append(d.At(k))
				}
			}
			chunks++
			continue
		}
		p := &e.pool[0]
		if c.Kind == Number {
			p = &e.pool[1]
		}
		if p.rows+c.Texts.Len() > chunk.MaxRows || p.bytes+len(c.Texts.Data) > poolBytes {
			chunks = e.flush(p, chunks)
		}
		p.columns = append(p.columns, i)
		p.rows += c.Texts.Len()
		p.bytes += len(c.Texts.Data)
	}
	for i := range e.pool {
		chunks = e.flush(&e.pool[i], chunks)
	}
	return chunks
}

// small reports whether texts go into a shared chunk.
func small(t *column.Texts) bool {
	n := t.Len()
	if n >= poolBelow || len(t.Data) > poolBytes/4 {
		return false
	}
	if n < 8 {
		return true
	}
	for i := 1; i < n; i++ {
		if string(t.At(i)) != string(t.At(0)) {
			return true
		}
	}
	return false
}

// flush writes the chunk of the columns of p, if there are any, and empties p.
func (e *Encoder) flush(p *pool, chunks int) int {
	if len(p.columns) == 0 {
		return chunks
	}
	e.pooled.Reset()
	for _, i := range p.columns {
		e.place[i] = uint16(chunks)
		t := &e.shape.Columns[i].Texts
		base := uint32(len(e.pooled.Data))
		e.pooled.Data = append(e.pooled.Data, t.Data...)
		for _, end := range t.Ends {
			e.pooled.Ends = append(e.pooled.Ends, base+end)
		}
	}
	e.addChunk(&e.pooled)
	*p = pool{columns: p.columns[:0]}
	return chunks + 1
}

func (e *Encoder) addChunk(t *column.Texts) {
	from := len(e.body)
	var sum chunk.Summary
	e.body, sum = e.chunks.Append(e.body, t)
	b := e.body[from:]
	e.dir = binary.AppendUvarint(e.dir, uint64(len(b)))
	e.dir = binary.AppendUvarint(e.dir, uint64(len(t.Data)))
	e.dir = binary.LittleEndian.AppendUint32(e.dir, crc32.Checksum(b, castagnoli))
	e.dir = appendSummary(e.dir, &sum)
}

// appendSummary appends a summary:
// u8 encoding | u8 flags | classes that are not 0 | distinct | lengths | numbers.
func appendSummary(dst []byte, s *chunk.Summary) []byte {
	flags := byte(0)
	for i, w := range s.Classes {
		if w != 0 {
			flags |= 1 << i
		}
	}
	if s.Ints {
		flags |= summaryInts
	}
	dst = append(dst, byte(s.Encoding), flags)
	for _, w := range s.Classes {
		if w != 0 {
			dst = binary.LittleEndian.AppendUint64(dst, w)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(s.Distinct))
	dst = binary.AppendUvarint(dst, uint64(s.MinLen))
	dst = binary.AppendUvarint(dst, uint64(s.MaxLen))
	if s.Ints {
		dst = append(dst, s.Scale)
		dst = binary.AppendVarint(dst, s.MinInt)
		dst = binary.AppendVarint(dst, s.MaxInt)
	}
	return dst
}

const summaryInts = 1 << 4

// appendIDs appends the template of each row in the shorter of two ways.
func (e *Encoder) appendIDs(h []byte, s *Shape) []byte {
	width := idBits(len(s.Templates))
	packed := (len(s.Of)*width + 7) / 8
	start := len(h)
	h = append(h, idsRuns)
	for i := 0; i < len(s.Of); {
		k := i + 1
		for k < len(s.Of) && s.Of[k] == s.Of[i] {
			k++
		}
		h = binary.AppendUvarint(h, uint64(s.Of[i]))
		h = binary.AppendUvarint(h, uint64(k-i))
		i = k
		if len(h)-start > packed+1 {
			break
		}
	}
	if len(h)-start <= packed+1 {
		return h
	}
	h = append(h[:start], idsPacked)
	word, have := uint64(0), 0
	for _, t := range s.Of {
		word |= uint64(t) << have
		for have += width; have >= 8; have -= 8 {
			h = append(h, byte(word))
			word >>= 8
		}
	}
	if have > 0 {
		h = append(h, byte(word))
	}
	return h
}

// idBits returns the bits of a template number.
func idBits(templates int) int { return bits.Len(uint(max(templates, 1) - 1)) }

// Pieces yields every piece of the messages of the last Encode: the tokens of
// all pieces are the tokens of all messages. Texts that are the same are
// yielded once where the encoding found that out.
func (e *Encoder) Pieces(yield func(piece []byte)) {
	e.shape.pieces(yield, e.listed)
	for i := range e.distinct.Len() {
		yield(e.distinct.At(i))
	}
}

// fit returns a slice of n elements, in the memory of s when it is large enough.
func fit[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
