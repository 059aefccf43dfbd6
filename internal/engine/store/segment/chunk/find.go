package chunk

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Find adds the rows whose text contains needle to hits, which has room for
// all rows. Dictionaries are searched once, digits are searched packed, and
// numbers are written out only when needle could be in one.
func (c *Chunk) Find(needle []byte, hits column.Bitmap) error {
	if len(needle) == 0 {
		hits.Fill(c.rows)
		return nil
	}
	switch c.enc {
	case Const:
		if bytes.Contains(c.values.Data, needle) {
			hits.Fill(c.rows)
		}
		return nil
	case Dict:
		c.marks = c.marks.Fit(c.values.Len())
		findTexts(&c.values, needle, c.marks)
		if c.marks.None() {
			return nil
		}
		for i, id := range c.ids {
			hits[i>>6] |= c.marks[id>>6] >> (id & 63) & 1 << (i & 63)
		}
		return nil
	case Patch:
		return c.findPatched(needle, hits)
	}
	return c.findPart(needle, hits)
}

// findPatched searches the exceptions and the rest each on its own.
func (c *Chunk) findPatched(needle []byte, hits column.Bitmap) error {
	p := &c.part
	c.marks = c.marks.Fit(len(p.rows))
	findTexts(&p.texts, needle, c.marks)
	for i, row := range p.rows {
		if c.marks.Has(i) {
			hits.Set(int(row))
		}
	}
	c.marks = c.marks.Fit(p.typed)
	if err := c.findPart(needle, c.marks); err != nil {
		return err
	}
	if c.marks.None() {
		return nil
	}
	row, next := 0, 0
	for i := range p.typed {
		for next < len(p.rows) && p.rows[next] == uint64(row) {
			next++
			row++
		}
		if c.marks.Has(i) {
			hits.Set(row)
		}
		row++
	}
	return nil
}

// findPart searches what is not an exception; marks are numbered without the exceptions.
func (c *Chunk) findPart(needle []byte, marks column.Bitmap) error {
	p := &c.part
	if p.enc == Str {
		findTexts(&p.texts, needle, marks)
		return nil
	}
	var possible [4]uint64
	p.kind.classes(&possible, true)
	for _, b := range needle {
		if possible[b>>6]&(1<<(b&63)) == 0 {
			return nil
		}
	}
	switch {
	case p.kind.hasAffix():
	case p.kind.enc == Hex:
		if len(needle) >= minPackedNeedle {
			p.findDigits(needle, marks)
			return nil
		}
	case p.kind.enc == UUID:
		if len(needle) >= uuidLen {
			p.findUUID(needle, marks)
			return nil
		}
	}
	c.values.Reset()
	if err := p.appendTyped(&c.values, c.maxText); err != nil {
		return err
	}
	findTexts(&c.values, needle, marks)
	return nil
}

// minPackedNeedle is how many digits hold a whole byte wherever they begin.
const minPackedNeedle = 4

// findDigits searches packed digits for those of needle, which are of the right case.
func (p *part) findDigits(needle []byte, marks column.Bitmap) {
	if len(needle) > p.kind.n {
		return
	}
	size := p.kind.packedSize()
	var buf [maxHex / 2]byte
	for odd := range 2 { // needle begins in the high, then in the low half of a byte
		first, rest := needle[:odd], needle[odd:]
		whole := rest[:len(rest)&^1]
		last := rest[len(whole):]
		packed, _ := appendNibbles(buf[:0], whole, p.kind.upper)
		f := finder{needle: packed}
		for at := f.next(p.packed, 0); at >= 0; {
			row := at / size
			digit := 2*(at-row*size) - odd // where needle begins in the text
			if digit >= 0 && digit+len(needle) <= p.kind.n &&
				(odd == 0 || p.packed[at-1]&15 == hexValues[first[0]]&15) &&
				(len(last) == 0 || p.packed[at+len(packed)]>>4 == hexValues[last[0]]&15) {
				marks.Set(row)
				at = f.next(p.packed, (row+1)*size)
				continue
			}
			at = f.next(p.packed, at+1)
		}
	}
}

// findUUID searches for a whole UUID.
func (p *part) findUUID(needle []byte, marks column.Bitmap) {
	var buf [16]byte
	packed, ok := appendUUIDBytes(buf[:0], needle, p.kind.upper)
	if !ok {
		return
	}
	f := finder{needle: packed}
	for at := f.next(p.packed, 0); at >= 0; at = f.next(p.packed, at+1) {
		if at%16 == 0 {
			marks.Set(at / 16)
		}
	}
}

// findTexts marks the texts that contain needle, which is not empty. It
// searches all of them as one and then looks in which text a hit lies.
func findTexts(t *column.Texts, needle []byte, marks column.Bitmap) {
	n := t.Len()
	if n == 0 {
		return
	}
	data := t.Data[:t.Ends[n-1]]
	f := newFinder(needle)
	row := 0
	for at := f.next(data, 0); at >= 0; {
		for int(t.Ends[row]) <= at {
			row++
		}
		end := int(t.Ends[row])
		if at+len(needle) <= end {
			marks.Set(row)
		}
		at = f.next(data, end) // when it does not fit here, it does not fit further on in this text either
	}
}

// finder searches for a needle by the byte of it that is rarest in logs.
type finder struct {
	needle []byte
	anchor int
}

func newFinder(needle []byte) finder {
	f := finder{needle: needle}
	for i, b := range needle {
		if commonness[b] < commonness[needle[f.anchor]] {
			f.anchor = i
		}
	}
	return f
}

// next returns where the needle is next in b, at from or later; -1: nowhere.
func (f *finder) next(b []byte, from int) int {
	rare := f.needle[f.anchor]
	start := from
	for tries := 0; ; tries++ {
		if start+len(f.needle) > len(b) {
			return -1
		}
		if tries >= 8 && (start-from)/tries < 32 { // it is not rare here
			at := bytes.Index(b[start:], f.needle)
			if at < 0 {
				return -1
			}
			return start + at
		}
		i := bytes.IndexByte(b[start+f.anchor:], rare)
		if i < 0 {
			return -1
		}
		start += i
		if start+len(f.needle) > len(b) {
			return -1
		}
		if bytes.Equal(b[start:start+len(f.needle)], f.needle) {
			return start
		}
		start++
	}
}

// commonness is how often a byte occurs in logs, as a rank; 0 for rare ones.
var commonness = func() (t [256]uint8) {
	const common = " etaoinsr0l1c2d-p./u3m45687:h9fgb=\",vyw_kxSTAEIRCNOLPDM[]()\n{}'jzq"
	for i := range len(common) {
		t[common[i]] = uint8(len(common) - i)
	}
	return t
}()
