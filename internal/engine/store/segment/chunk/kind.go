package chunk

import (
	"encoding/binary"
	"fmt"
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
		if len(b) != c.n {
			return false
		}
		c.packed, ok = appendNibbles(c.packed, b, c.upper)
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
