package chunk

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Decoder opens chunks. It holds what chunks share and is used by one
// goroutine at a time; the chunks that it opened do not need it any more.
type Decoder struct {
	zstd    *zstd.Decoder
	numbers []uint64
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder { return &Decoder{zstd: newZstdDecoder()} }

// Chunk is one column of one block, opened by Decoder.Parse. The zero Chunk is
// ready to be parsed into. A Chunk is used by one goroutine at a time.
type Chunk struct {
	enc     Encoding
	rows    int
	maxText int
	texts   column.Texts // CONST: its text; DICT: the distinct ones; STR: all
	ids     []uint16     // DICT
}

// Parse opens the chunk src of rows texts into c, whose memory it uses again:
// what c gave out before is no longer valid. The chunk may share src, which
// must not change while c is used. maxText bounds the bytes of all texts
// together: a chunk of more is malformed.
func (d *Decoder) Parse(c *Chunk, src []byte, rows, maxText int) error {
	if rows < 0 || rows > MaxRows {
		return fmt.Errorf("%w: %d rows, at most %d are allowed", ErrMalformed, rows, MaxRows)
	}
	c.rows, c.maxText = rows, min(maxText, maxChunkText)
	c.texts.Reset()
	c.ids = c.ids[:0]
	r := cursor{b: src}
	c.enc = Encoding(r.u8())
	switch c.enc {
	case Const:
		n := r.count(c.maxText, "the text")
		c.texts.Append(r.bytes(n))
		if n*rows > c.maxText {
			r.fail("more text than allowed")
		}
	case Dict:
		d.dict(c, &r)
	case Str:
		d.str(&c.texts, &r, rows, c.maxText)
	default:
		r.fail("unknown encoding " + c.enc.String())
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes after its end")
	}
	if r.err != nil {
		c.rows, c.enc = 0, Str
		c.texts.Reset()
		return r.err
	}
	return nil
}

func (d *Decoder) dict(c *Chunk, r *cursor) {
	n := r.count(MaxDistinct, "the number of distinct texts")
	if n == 0 {
		r.fail("a dictionary without texts")
		return
	}
	d.str(&c.texts, r, n, c.maxText)
	d.numbers = fit(d.numbers, c.rows)
	r.sequence(d.numbers)
	if r.err != nil {
		return
	}
	c.ids = fit(c.ids, c.rows)
	sum := 0
	for i, id := range d.numbers {
		if id >= uint64(n) {
			r.fail("an id that the dictionary does not have")
			return
		}
		c.ids[i] = uint16(id)
		sum += len(c.texts.At(int(id)))
	}
	if sum > c.maxText {
		r.fail("more text than allowed")
	}
}

// str reads n texts.
func (d *Decoder) str(t *column.Texts, r *cursor, n, maxText int) {
	d.numbers = fit(d.numbers, n)
	r.sequence(d.numbers)
	if r.err != nil {
		return
	}
	t.Ends = fit(t.Ends, n)
	sum := uint64(0)
	for i, l := range d.numbers {
		if l > uint64(maxText) || sum+l > uint64(maxText) {
			r.fail("more text than allowed")
			return
		}
		sum += l
		t.Ends[i] = uint32(sum)
	}
	t.Data = d.blob(r, t.Data, int(sum))
}

// Encoding returns how the texts are stored.
func (c *Chunk) Encoding() Encoding { return c.enc }

// Rows returns the number of texts.
func (c *Chunk) Rows() int { return c.rows }

// Texts appends all texts to dst.
func (c *Chunk) Texts(dst *column.Texts) error {
	switch c.enc {
	case Const:
		for range c.rows {
			dst.Append(c.texts.Data)
		}
	case Dict:
		for _, id := range c.ids {
			dst.Append(c.texts.At(int(id)))
		}
	case Str:
		base := uint32(len(dst.Data))
		dst.Data = append(dst.Data, c.texts.Data...)
		for _, end := range c.texts.Ends {
			dst.Ends = append(dst.Ends, base+end)
		}
	}
	return nil
}

// Dict returns the distinct texts, in no order, and which one each row has;
// not ok when the chunk has no dictionary. CONST is a dictionary of one text.
func (c *Chunk) Dict() (values *column.Texts, ids []uint16, ok bool) {
	switch c.enc {
	case Const:
		c.ids = fit(c.ids, c.rows)
		clear(c.ids)
		return &c.texts, c.ids, true
	case Dict:
		return &c.texts, c.ids, true
	}
	return nil, nil, false
}

// Ints returns the texts as numbers divided by 10^-scale; not ok when they
// were not stored as numbers.
func (c *Chunk) Ints() (v []int64, scale uint8, ok bool) { return nil, 0, false }

// Find adds the rows whose text contains needle to hits.
func (c *Chunk) Find(needle []byte, hits column.Bitmap) error {
	switch c.enc {
	case Const:
		if bytes.Contains(c.texts.Data, needle) {
			hits.Fill(c.rows)
		}
	case Dict:
		found := make([]bool, c.texts.Len())
		for i := range found {
			found[i] = bytes.Contains(c.texts.At(i), needle)
		}
		for i, id := range c.ids {
			if found[id] {
				hits.Set(i)
			}
		}
	case Str:
		for i := range c.rows {
			if bytes.Contains(c.texts.At(i), needle) {
				hits.Set(i)
			}
		}
	}
	return nil
}

// fit returns a slice of n elements, in the memory of s when it is large enough.
func fit[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
