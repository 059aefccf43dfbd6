package chunk

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// kind is a typed encoding with what is the same for all of its texts.
type kind struct {
	enc    Encoding
	n      int  // HEX: digits; INT: digits when padded with zeros, else 0
	upper  bool // HEX, UUID
	scale  int  // DEC
	trim   int  // DEC
	layout layout

	// What is before and after the typed text; at most maxAffix bytes each.
	prefix, suffix string
}

const maxAffix = 255

func (k *kind) hasAffix() bool { return len(k.prefix)+len(k.suffix) > 0 }

// packedSize returns how many bytes of the body each text has; 0: the body is a sequence.
func (k *kind) packedSize() int {
	switch k.enc {
	case Hex:
		return (k.n + 1) / 2
	case UUID:
		return 16
	}
	return 0
}

// isNumber reports whether the texts are numbers.
func (k *kind) isNumber() bool { return (k.enc == Int || k.enc == Dec) && !k.hasAffix() }

// converter turns texts of one kind into the numbers or bytes that are stored.
type converter struct {
	kind
	times   timeParser
	numbers []int64
	packed  []byte
}

func (c *converter) reset(k kind) {
	c.kind = k
	c.times = timeParser{layout: k.layout}
	c.numbers, c.packed = c.numbers[:0], c.packed[:0]
}

// add converts a text; not ok, and nothing added, when it is not of the kind.
func (c *converter) add(b []byte) (ok bool) {
	if c.hasAffix() {
		if b, ok = c.cut(b); !ok {
			return false
		}
	}
	var v int64
	switch c.enc {
	case Int:
		if c.n == 0 {
			v, ok = parseInt(b)
		} else {
			v, ok = parsePadded(b, c.n)
		}
	case Dec:
		v, ok = parseDec(b, c.scale, c.trim)
	case TS:
		v, ok = c.times.parse(b)
	case IPv4:
		v, ok = parseIPv4(b)
	case Hex:
		if len(b) == c.n {
			c.packed, ok = appendNibbles(c.packed, b, c.upper)
		}
		return ok
	case UUID:
		c.packed, ok = appendUUIDBytes(c.packed, b, c.upper)
		return ok
	}
	if ok {
		c.numbers = append(c.numbers, v)
	}
	return ok
}

// cut takes prefix and suffix off.
func (k *kind) cut(b []byte) ([]byte, bool) {
	n, m := len(k.prefix), len(k.suffix)
	if len(b) < n+m || string(b[:n]) != k.prefix || string(b[len(b)-m:]) != k.suffix {
		return b, false
	}
	return b[n : len(b)-m], true
}

// appendHead appends the encoding and what is the same for all texts.
func (k *kind) appendHead(dst []byte) []byte {
	if k.hasAffix() {
		dst = append(dst, byte(Affix), byte(len(k.prefix)))
		dst = append(dst, k.prefix...)
		dst = append(dst, byte(len(k.suffix)))
		dst = append(dst, k.suffix...)
	}
	dst = append(dst, byte(k.enc))
	upper := byte(0)
	if k.upper {
		upper = 1
	}
	switch k.enc {
	case Int:
		dst = append(dst, byte(k.n))
	case Dec:
		dst = append(dst, byte(k.scale), byte(k.trim))
	case TS:
		l := &k.layout
		dst = append(dst, l.date, l.sep, l.point, l.digits, l.zones)
		dst = append(dst, l.zone[:l.zones]...)
	case Hex:
		dst = binary.AppendUvarint(dst, uint64(k.n))
		dst = append(dst, upper)
	case UUID:
		dst = append(dst, upper)
	}
	return dst
}

// head reads what appendHead wrote, behind the first byte enc.
func (c *cursor) head(enc Encoding) kind {
	var k kind
	if enc == Affix {
		k.prefix = string(c.bytes(int(c.u8())))
		k.suffix = string(c.bytes(int(c.u8())))
		if !k.hasAffix() {
			c.fail("AFFIX of nothing")
		}
		enc = Encoding(c.u8())
	}
	k.enc = enc
	flag := func(most uint8) uint8 {
		v := c.u8()
		if v > most {
			c.fail("a value in the head of " + enc.String() + " is out of bounds")
		}
		return v
	}
	switch enc {
	case Int:
		k.n = int(flag(maxScale))
	case Dec:
		k.scale, k.trim = int(flag(maxScale)), int(flag(trimPoint))
		if k.scale == 0 {
			c.fail("decimals without decimal places")
		}
	case TS:
		l := &k.layout
		l.date, l.sep, l.point, l.digits, l.zones = flag(dates-1), c.u8(), c.u8(), flag(9), flag(maxZone)
		copy(l.zone[:], c.bytes(int(l.zones)))
		if (l.point == 0) != (l.digits == 0) {
			c.fail("a layout of time is not valid")
		}
	case Hex:
		k.n = c.count(maxHex, "the number of digits")
		k.upper = flag(1) == 1
		if k.n == 0 {
			c.fail("no digits")
		}
	case UUID:
		k.upper = flag(1) == 1
	case IPv4:
	default:
		c.fail(fmt.Sprintf("%v is not expected here", enc))
	}
	return k
}

// classes adds the bytes that texts of the kind may have.
func (k *kind) classes(set *[4]uint64, negative bool) {
	add := func(s string) {
		for i := range len(s) {
			set[s[i]>>6] |= 1 << (s[i] & 63)
		}
	}
	add(hexLower[:10])
	add(k.prefix)
	add(k.suffix)
	switch k.enc {
	case Int, Dec:
		if negative {
			add("-")
		}
		if k.enc == Dec {
			add(".")
		}
	case IPv4:
		add(".")
	case TS:
		l := &k.layout
		add(":")
		switch l.date {
		case dateISO:
			add("-")
		case dateSlash:
			add("/")
		case dateCLF:
			add("/")
			add(months)
		}
		if l.date != dateNone {
			add(string([]byte{l.sep}))
		}
		if l.point != 0 {
			add(string([]byte{l.point}))
		}
		add(string(l.zone[:l.zones]))
	case Hex, UUID:
		if k.upper {
			add(hexUpper)
		} else {
			add(hexLower)
		}
		if k.enc == UUID {
			add("-")
		}
	}
}

// Sampling.
const (
	maxSample  = 256
	candidates = 8  // texts of the sample that say what to try
	minHex     = 4  // digits: shorter texts are not worth it
	minAffixed = 16 // texts: fewer are not worth looking for what they share
)

// detector finds the kind of texts.
type detector struct {
	kinds []kind
	conv  converter
}

// detect returns the kind that most of a sample has, perhaps between a prefix
// and a suffix; not ok when there is none that nearly all have.
func (d *detector) detect(t *column.Texts) (best kind, ok bool) {
	if best, ok = d.detectBetween(t, 0, 0); ok {
		return best, true
	}
	tried := [][2]int{{0, 0}}
	for _, cut := range affixes(t) {
		if !slices.Contains(tried, cut) {
			tried = append(tried, cut)
			if best, ok = d.detectBetween(t, cut[0], cut[1]); ok {
				return best, true
			}
		}
	}
	return best, false
}

// affixes proposes how much to cut off at the beginning and at the end.
func affixes(t *column.Texts) (cuts [4][2]int) {
	n := t.Len()
	sample := min(n, maxSample)
	if n < minAffixed {
		return cuts
	}
	first := t.At(0)
	front, back := min(len(first), maxAffix), min(len(first), maxAffix)
	for i := 1; i < sample && front+back > 0; i++ {
		text := t.At(i * n / sample)
		front = sharedPrefix(first[:front], text)
		k := 0
		for k < back && k < len(text) && text[len(text)-1-k] == first[len(first)-1-k] {
			k++
		}
		back = k
	}
	if front+back >= len(first) {
		return cuts
	}
	// Digits that all texts share belong to their number, and letters may be
	// hexadecimal digits: cut once at the digits, once at the word.
	fronts, backs := [2]int{front, front}, [2]int{back, back}
	tail := first[len(first)-back:]
	for i, in := range [2]func(byte) bool{isDigit, isWord} {
		for fronts[i] > 0 && in(first[fronts[i]-1]) {
			fronts[i]--
		}
		for backs[i] > 0 && in(tail[back-backs[i]]) {
			backs[i]--
		}
	}
	return [4][2]int{{fronts[0], backs[0]}, {fronts[1], backs[1]}, {fronts[0], backs[1]}, {fronts[1], backs[0]}}
}

func isDigit(b byte) bool { return b-'0' <= 9 }
func isWord(b byte) bool  { return b-'0' <= 9 || b|0x20-'a' < 26 }

// detectBetween is detect for what is left without the first front and the last back bytes.
func (d *detector) detectBetween(t *column.Texts, front, back int) (best kind, ok bool) {
	n := t.Len()
	sample := min(n, maxSample)
	at := func(i, of int) []byte {
		b := t.At(i * n / of)
		if len(b) < front+back {
			return nil
		}
		return b[front : len(b)-back]
	}
	d.kinds = d.kinds[:0]
	few := min(candidates, n)
	for i := range few {
		d.propose(at(i, few))
	}
	if len(d.kinds) == 0 {
		return best, false
	}
	places := 0
	for i := range sample {
		if p, ok := decimalPlaces(at(i, sample)); ok {
			places = max(places, p)
		}
	}
	if places > 0 {
		d.offer(kind{enc: Dec, scale: places, trim: trimPoint})
		d.offer(kind{enc: Dec, scale: places, trim: trimAll})
	}
	most := sample - sample/(exceptions+2) - 1 // what too many exceptions in the sample leave
	if sample < 64 {
		most = sample - 1
	}
	rank := math.MaxInt
	for _, k := range d.kinds {
		d.conv.reset(k)
		fits := 0
		for i := range sample {
			if d.conv.add(at(i, sample)) {
				fits++
			} else if fits+sample-i-1 < most {
				break
			}
		}
		if r := k.rank(); fits > most || fits == most && r < rank {
			most, best, rank, ok = fits, k, r, true
		}
	}
	if !ok || most <= 0 {
		return best, false
	}
	first := t.At(0)
	best.prefix, best.suffix = string(first[:front]), string(first[len(first)-back:])
	return best, true
}

// rank orders kinds that fit alike: smaller is better.
func (k *kind) rank() int {
	order := [...]uint8{Int: 0, UUID: 1, IPv4: 2, TS: 3, Dec: 4, Hex: 6, Patch: 7}
	r := int(order[k.enc]) * 4
	if k.enc == Int && k.n > 0 {
		r++
	}
	return r + k.trim
}

func (d *detector) offer(k kind) {
	for i := range d.kinds {
		if d.kinds[i] == k {
			return
		}
	}
	d.kinds = append(d.kinds, k)
}

// propose offers the kinds that b could be.
func (d *detector) propose(b []byte) {
	if len(b) == 0 || len(b) > maxHex {
		return
	}
	first := hexValues[b[0]]
	if first == 0xff && b[0] != '-' {
		return
	}
	if _, ok := parseInt(b); ok {
		d.offer(kind{enc: Int})
	}
	if _, ok := parsePadded(b, len(b)); ok && len(b) >= 2 && len(b) <= maxScale {
		d.offer(kind{enc: Int, n: len(b)})
	}
	if places, ok := decimalPlaces(b); ok {
		d.offer(kind{enc: Dec, scale: places})
	}
	if _, ok := parseIPv4(b); ok {
		d.offer(kind{enc: IPv4})
	}
	if l, ok := detectLayout(b); ok {
		d.offer(kind{enc: TS, layout: l})
	}
	for _, upper := range [2]bool{false, true} {
		if len(b) == uuidLen {
			d.offer(kind{enc: UUID, upper: upper})
		} else if len(b) >= minHex && first != 0xff {
			d.offer(kind{enc: Hex, n: len(b), upper: upper})
		}
	}
}

// decimalPlaces returns the decimal places of a decimal that has some.
func decimalPlaces(b []byte) (int, bool) {
	for i, c := range b {
		if c == '.' {
			places := len(b) - i - 1
			if places < 1 || places > maxScale {
				return 0, false
			}
			_, ok := parseDec(b, places, trimNone)
			return places, ok
		}
		if c-'0' > 9 && (c != '-' || i > 0) {
			return 0, false
		}
	}
	return 0, false
}
