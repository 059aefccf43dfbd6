package chunk

import (
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Decoder opens chunks. It holds what chunks share and is used by one
// goroutine at a time; the chunks that it opened do not need it any more.
type Decoder struct {
	zstd    *zstd.Decoder
	seq     seqDecoder
	numbers []uint64
	fronts  []uint64
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder { return &Decoder{zstd: newZstdDecoder()} }

// Chunk is one column of one block, opened by Decoder.Parse. The zero Chunk is
// ready to be parsed into. A Chunk is used by one goroutine at a time.
type Chunk struct {
	enc     Encoding
	rows    int
	maxText int
	part    part          // all but CONST: the texts, of DICT the distinct ones
	values  column.Texts  // CONST: its text; DICT: the distinct ones; others: scratch of Find
	ids     []uint16      // DICT
	textLen int           // DICT: bytes of all rows
	ints    []int64       // DICT: of all rows
	marks   column.Bitmap // scratch of Find
}

// Parse opens the chunk src of rows texts into c, whose memory it uses again:
// what c gave out before is no longer valid. The chunk shares src, which must
// not change while c is used. maxText bounds the bytes of all texts together:
// a chunk of more is malformed; that may show only when texts are asked for.
func (d *Decoder) Parse(c *Chunk, src []byte, rows, maxText int) error {
	if rows < 0 || rows > MaxRows {
		return fmt.Errorf("%w: %d rows, at most %d are allowed", ErrMalformed, rows, MaxRows)
	}
	c.rows, c.maxText = rows, min(max(maxText, 0), maxChunkText)
	c.values.Reset()
	c.ids = c.ids[:0]
	r := cursor{b: src}
	c.enc = Encoding(r.u8())
	switch {
	case r.err != nil:
	case c.enc == Const:
		n := r.count(c.maxText, "the text")
		if n*rows > c.maxText {
			r.fail("more text than allowed")
		}
		c.values.Append(r.bytes(n))
	case c.enc == Dict:
		d.dict(c, &r)
	default:
		r.b = src
		d.part(&c.part, &r, rows, c.maxText)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes after its end")
	}
	if r.err != nil {
		*c = Chunk{}
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
	d.part(&c.part, r, n, c.maxText)
	d.numbers = fit(d.numbers, c.rows)
	d.seq.read(r, d.numbers)
	if r.err != nil {
		return
	}
	if r.err = c.part.appendTo(&c.values, c.maxText); r.err != nil {
		return
	}
	d.fronts = fit(d.fronts, n)
	lengths := d.fronts
	from := uint32(0)
	for i, end := range c.values.Ends {
		lengths[i] = uint64(end - from)
		from = end
	}
	c.ids = fit(c.ids, c.rows)
	sum := uint64(0)
	for i, id := range d.numbers {
		if id >= uint64(len(lengths)) {
			r.fail("an id that the dictionary does not have")
			return
		}
		c.ids[i] = uint16(id)
		sum += lengths[id]
	}
	if sum > uint64(c.maxText) {
		r.err = errTooMuch
	}
	c.textLen = int(sum)
}

// Memory returns the bytes that c holds for the next Parse, beside the chunk that
// it shares.
func (c *Chunk) Memory() int {
	p := &c.part
	return 8*(cap(p.numbers)+cap(p.rows)+cap(c.ints)+cap(c.marks)) + 4*(cap(p.texts.Ends)+cap(c.values.Ends)) + 2*cap(c.ids) +
		cap(p.own) + cap(p.data) + cap(p.whole) + cap(c.values.Data)
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
			dst.Append(c.values.Data)
		}
	case Dict:
		dst.Data = slices.Grow(dst.Data, c.textLen)
		dst.Ends = slices.Grow(dst.Ends, c.rows)
		data, ends := dst.Data, dst.Ends
		for _, id := range c.ids {
			data = append(data, c.values.At(int(id))...)
			ends = append(ends, uint32(len(data)))
		}
		dst.Data, dst.Ends = data, ends
	default:
		return c.part.appendTo(dst, c.maxText)
	}
	return nil
}

// Text appends text i to dst, without making the others.
func (c *Chunk) Text(dst *column.Texts, i int) error {
	switch c.enc {
	case Const:
		dst.Append(c.values.Data)
	case Dict:
		dst.Append(c.values.At(int(c.ids[i])))
	default:
		before := len(dst.Data)
		if err := c.part.appendOne(dst, i); err != nil {
			return err
		}
		if len(dst.Data)-before > c.maxText {
			return errTooMuch
		}
	}
	return nil
}

// Prefetch reads what Text will need of texts from memory, so that the processor
// waits for all of it at once. What it returns depends on what was read, or the
// compiler would leave that out.
func (c *Chunk) Prefetch(texts []uint32) (sum uint64) {
	switch p := &c.part; {
	case c.enc == Const, c.enc != Dict && p.enc != Str && p.typed == 0:
	case c.enc == Dict:
		for _, i := range texts {
			sum += uint64(c.ids[i])
		}
	case p.enc == Str:
		for _, i := range texts {
			sum += uint64(p.texts.Ends[i])
		}
	case p.packed != nil:
		size := p.kind.packedSize()
		for _, i := range texts {
			sum += uint64(p.packed[min(int(i)*size, len(p.packed)-1)])
		}
	default:
		for _, i := range texts {
			sum += uint64(p.numbers[min(int(i), len(p.numbers)-1)])
		}
	}
	return sum
}

// Dict returns the distinct texts, in no order, and which one each row has;
// not ok when the chunk has no dictionary. CONST is a dictionary of one text.
func (c *Chunk) Dict() (values *column.Texts, ids []uint16, ok bool) {
	switch c.enc {
	case Const:
		c.ids = fit(c.ids, c.rows)
		clear(c.ids)
		return &c.values, c.ids, true
	case Dict:
		return &c.values, c.ids, true
	}
	return nil, nil, false
}

// Ints returns the texts as numbers divided by 10^-scale; not ok when they
// were not stored as numbers. CONST and DICT of numbers give them too.
func (c *Chunk) Ints() (v []int64, scale uint8, ok bool) {
	p := &c.part
	switch c.enc {
	case Int, Dec:
		return p.numbers, uint8(p.kind.scale), true
	case Const:
		n, scale, ok := constNumber(c.values.Data)
		if !ok {
			return nil, 0, false
		}
		c.ints = fit(c.ints, c.rows)
		for i := range c.ints {
			c.ints[i] = n
		}
		return c.ints, scale, true
	case Dict:
		if p.enc != Int && p.enc != Dec {
			return nil, 0, false
		}
		c.ints = fit(c.ints, c.rows)
		for i, id := range c.ids {
			c.ints[i] = p.numbers[id]
		}
		return c.ints, uint8(p.kind.scale), true
	}
	return nil, 0, false
}

// Canonical reports whether the numbers of Ints say everything about the
// texts: each is its number without zeros in front, and with as many decimal
// places as trim says. When not, the texts may have zeros in front.
func (c *Chunk) Canonical() (trim column.Trim, ok bool) {
	switch c.enc {
	case Int, Dec, Dict:
		p := &c.part
		switch {
		case p.enc == Int:
			return column.TrimNone, p.kind.n == 0
		case p.enc == Dec && p.kind.trim == trimAll:
			return column.TrimAll, true
		case p.enc == Dec && p.kind.trim == trimPoint:
			return column.TrimPoint, true
		}
		return column.TrimNone, p.enc == Dec
	case Const:
		_, _, ok := constNumber(c.values.Data)
		return column.TrimNone, ok
	}
	return column.TrimNone, false
}
