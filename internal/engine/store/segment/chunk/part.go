package chunk

import (
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// part is a list of texts in a typed encoding, STR or PATCH: a chunk, or the
// values of a dictionary.
type part struct {
	enc     Encoding
	kind    kind
	n       int          // texts
	typed   int          // texts of the kind
	numbers []int64      // of the kind
	packed  []byte       // of the kind, or
	own     []byte       // its memory, when it does not share the chunk's
	texts   column.Texts // STR: all; PATCH: the exceptions
	data    []byte       // memory of texts.Data, when it does not share the chunk's
	whole   []byte       // memory of texts.Data, when they were front coded
	rows    []uint64     // PATCH: which texts are exceptions, ascending
}

func (d *Decoder) part(p *part, c *cursor, n, maxText int) {
	p.n, p.typed = n, n
	p.texts.Data, p.texts.Ends = nil, p.texts.Ends[:0]
	p.rows, p.numbers, p.packed = p.rows[:0], p.numbers[:0], nil
	p.enc = Encoding(c.u8())
	enc := p.enc
	switch enc {
	case Str:
		p.typed = 0
		d.str(p, c, n, maxText)
		return
	case Patch:
		m := c.count(n, "the number of exceptions")
		p.rows = fit(p.rows, m)
		d.seq.read(c, p.rows)
		for i, row := range p.rows {
			if row >= uint64(n) || i > 0 && row <= p.rows[i-1] {
				c.fail("exceptions are not in order")
				return
			}
		}
		d.str(p, c, m, maxText)
		p.typed = n - m
		enc = Encoding(c.u8())
	}
	p.kind = c.head(enc)
	if c.err != nil {
		return
	}
	if size := p.kind.packedSize(); size > 0 {
		if size*p.typed > maxText {
			c.fail("more text than allowed")
			return
		}
		var shared bool
		if p.packed, shared = d.blob(c, p.own, size*p.typed); !shared {
			p.own = p.packed
		}
		return
	}
	d.numbers = fit(d.numbers, p.typed)
	d.seq.read(c, d.numbers)
	p.numbers = slices.Grow(p.numbers, p.typed)
	for _, v := range d.numbers {
		p.numbers = append(p.numbers, int64(v))
	}
}

// str reads n texts.
func (d *Decoder) str(p *part, c *cursor, n, maxText int) {
	form := c.u8()
	if form > strFront {
		c.fail("unknown form of texts")
	}
	if form == strFront {
		d.fronts = fit(d.fronts, n)
		d.seq.read(c, d.fronts)
	}
	d.numbers = fit(d.numbers, n)
	d.seq.read(c, d.numbers)
	if c.err != nil {
		return
	}
	t := &p.texts
	t.Ends = fit(t.Ends, n)
	sum := uint64(0)
	for i, l := range d.numbers {
		if l > uint64(maxText) || sum+l > uint64(maxText) {
			c.err = errTooMuch
			return
		}
		sum += l
		t.Ends[i] = uint32(sum)
	}
	data, shared := d.blob(c, p.data, int(sum))
	if !shared {
		p.data = data
	}
	t.Data = data
	if form == strFront && c.err == nil {
		d.unfront(p, c, maxText)
	}
}

// unfront puts the beginnings that are shared before what is in p.texts.
func (d *Decoder) unfront(p *part, c *cursor, maxText int) {
	t := &p.texts
	sum, last := uint64(0), uint64(0)
	for i, l := range d.numbers {
		front := d.fronts[i]
		if front > last {
			c.fail("a text shares more than the one before has")
			return
		}
		last = front + l
		if sum += last; sum > uint64(maxText) {
			c.err = errTooMuch
			return
		}
	}
	out := fit(p.whole, int(sum))[:0]
	start, from := 0, uint32(0)
	for i, end := range t.Ends {
		begin := len(out)
		out = append(out, out[start:start+int(d.fronts[i])]...)
		out = append(out, t.Data[from:end]...)
		from = end
		start = begin
		t.Ends[i] = uint32(len(out))
	}
	p.whole, t.Data = out, out
}

// appendTo appends all texts, at most maxText bytes.
func (p *part) appendTo(dst *column.Texts, maxText int) error {
	base := len(dst.Data)
	if p.enc == Str {
		dst.Data = append(dst.Data, p.texts.Data...)
		for _, end := range p.texts.Ends {
			dst.Ends = append(dst.Ends, uint32(base)+end)
		}
		return nil
	}
	if len(p.rows) == 0 {
		return p.appendTyped(dst, maxText)
	}
	dst.Ends = slices.Grow(dst.Ends, p.n)
	w := p.writer()
	next := 0
	for row := range p.n {
		if next < len(p.rows) && p.rows[next] == uint64(row) {
			dst.Append(p.texts.At(next))
			next++
		} else if err := w.append(dst, row-next); err != nil {
			return err
		}
		if len(dst.Data)-base > maxText {
			return errTooMuch
		}
	}
	return nil
}

// appendOne appends text i.
func (p *part) appendOne(dst *column.Texts, i int) error {
	if p.enc == Str {
		dst.Append(p.texts.At(i))
		return nil
	}
	at, exception := slices.BinarySearch(p.rows, uint64(i)) // exceptions before i
	if exception {
		dst.Append(p.texts.At(at))
		return nil
	}
	w := p.writer()
	return w.append(dst, i-at)
}

var errTooMuch = fmt.Errorf("%w: more text than allowed", ErrMalformed)

// appendTyped appends the texts that are not exceptions.
func (p *part) appendTyped(dst *column.Texts, maxText int) error {
	dst.Ends = slices.Grow(dst.Ends, p.typed)
	base := len(dst.Data)
	if p.kind.enc == Hex && !p.kind.hasAffix() {
		if p.kind.n*p.typed > maxText {
			return errTooMuch
		}
		p.appendHex(dst)
		return nil
	}
	w := p.writer()
	for i := range p.typed {
		if err := w.append(dst, i); err != nil {
			return err
		}
		if len(dst.Data)-base > maxText {
			return errTooMuch
		}
	}
	return nil
}

// appendHex is appendTyped for HEX: all rows as one.
func (p *part) appendHex(dst *column.Texts) {
	n := p.kind.n
	data := slices.Grow(dst.Data, n*p.typed)
	if n&1 == 0 {
		data = appendDigits(data, p.packed, n*p.typed, p.kind.upper)
	} else {
		size := p.kind.packedSize()
		for i := range p.typed {
			data = appendDigits(data, p.packed[i*size:], n, p.kind.upper)
		}
	}
	end := uint32(len(dst.Data))
	for range p.typed {
		end += uint32(n)
		dst.Ends = append(dst.Ends, end)
	}
	dst.Data = data
}

// writer writes the texts of a kind.
type writer struct {
	*part
	times timeWriter
}

func (p *part) writer() writer { return writer{part: p, times: timeWriter{layout: p.kind.layout}} }

// append appends the text of the i-th number.
func (w *writer) append(dst *column.Texts, i int) error {
	k := &w.kind
	b := append(dst.Data, k.prefix...)
	ok := true
	switch k.enc {
	case Hex:
		size := (k.n + 1) / 2
		b = appendDigits(b, w.packed[i*size:(i+1)*size], k.n, k.upper)
	case UUID:
		b = appendUUID(b, w.packed[i*16:(i+1)*16], k.upper)
	case Int:
		switch v := w.numbers[i]; {
		case k.n == 0:
			b = appendInt(b, v)
		case v < 0 || v >= pow10[k.n]:
			ok = false
		default:
			b = appendPadded(b, v, k.n)
		}
	case Dec:
		b = appendDec(b, w.numbers[i], k.scale, k.trim)
	case TS:
		b, ok = w.times.append(b, w.numbers[i])
	case IPv4:
		v := w.numbers[i]
		ok = v>>32 == 0
		b = appendIPv4(b, v)
	}
	if !ok {
		return fmt.Errorf("%w: a number is not possible for %v", ErrMalformed, k.enc)
	}
	b = append(b, k.suffix...)
	dst.Data = b
	dst.Ends = append(dst.Ends, uint32(len(b)))
	return nil
}
