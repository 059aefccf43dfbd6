package chunk

import (
	"encoding/binary"
)

const (
	maxHex   = 512 // digits of a HEX text
	hexLower = "0123456789abcdef"
	hexUpper = "0123456789ABCDEF"
	uuidLen  = 36
)

// hexValues has the value of a digit, with bit 4 for digits of lower case only
// and bit 5 for upper case only; 0xff: none.
var hexValues = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 16 {
		t[hexUpper[i]] = uint8(i) | 0x20
		t[hexLower[i]] = uint8(i) | 0x10
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = uint8(c - '0')
	}
	return t
}()

// hexPairs has the two digits of each byte.
func hexPairs(digits string) (t [256]uint16) {
	for i := range t {
		t[i] = uint16(digits[i>>4]) | uint16(digits[i&15])<<8
	}
	return t
}

var pairsLower, pairsUpper = hexPairs(hexLower), hexPairs(hexUpper)

// appendNibbles appends the digits of b, of one case, packed: the first one in
// the high half; the last byte of an odd number of digits is padded with 0.
// Not ok (and dst as it was): b has other bytes.
func appendNibbles(dst, b []byte, upper bool) ([]byte, bool) {
	start := len(dst)
	for ; len(b) >= 8; b = b[8:] {
		v, ok := packHex8(binary.LittleEndian.Uint64(b), upper)
		if !ok {
			return dst[:start], false
		}
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	wrong := uint8(0x20)
	if upper {
		wrong = 0x10
	}
	for ; len(b) >= 2; b = b[2:] {
		h, l := hexValues[b[0]], hexValues[b[1]]
		if (h|l)&(0xc0|wrong) != 0 {
			return dst[:start], false
		}
		dst = append(dst, h<<4|l&15)
	}
	if len(b) == 1 {
		h := hexValues[b[0]]
		if h&(0xc0|wrong) != 0 {
			return dst[:start], false
		}
		dst = append(dst, h<<4)
	}
	return dst, true
}

// packHex8 packs eight digits of one case at once; the first one is in the
// lowest byte of w and in the high half of the lowest byte of the result.
func packHex8(w uint64, upper bool) (uint32, bool) {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	first := uint64('a')
	if upper {
		first = 'A'
	}
	if w&tops != 0 {
		return 0, false
	}
	// bytes have 7 bits: adding sets bit 7 where a byte is at least a bound.
	digit := (w + (0x80-'0')*ones) &^ (w + (0x80-'9'-1)*ones) & tops
	letter := (w + (0x80-first)*ones) &^ (w + (0x80-first-6)*ones) & tops
	if digit|letter != tops {
		return 0, false
	}
	nibbles := w&(0x0f*ones) + letter>>7*9 // 'a' and 'A' end in 1
	pairs := nibbles<<4 | nibbles>>8
	pairs &= 0x00ff00ff00ff00ff
	pairs = (pairs | pairs>>8) & 0x0000ffff0000ffff
	return uint32(pairs | pairs>>16), true
}

// appendDigits appends n digits of packed.
func appendDigits(dst, packed []byte, n int, upper bool) []byte {
	t := &pairsLower
	if upper {
		t = &pairsUpper
	}
	rest := packed[:n/2]
	for ; len(rest) >= 4; rest = rest[4:] {
		dst = binary.LittleEndian.AppendUint64(dst,
			uint64(t[rest[0]])|uint64(t[rest[1]])<<16|uint64(t[rest[2]])<<32|uint64(t[rest[3]])<<48)
	}
	for _, b := range rest {
		dst = binary.LittleEndian.AppendUint16(dst, t[b])
	}
	if n&1 != 0 {
		dst = append(dst, byte(t[packed[n/2]]))
	}
	return dst
}

// appendUUIDBytes appends the 16 bytes of a UUID of one case with its four dashes.
func appendUUIDBytes(dst, b []byte, upper bool) ([]byte, bool) {
	if len(b) != uuidLen || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return dst, false
	}
	var digits [32]byte
	copy(digits[:], b[:8])
	copy(digits[8:], b[9:13])
	copy(digits[12:], b[14:18])
	copy(digits[16:], b[19:23])
	copy(digits[20:], b[24:])
	return appendNibbles(dst, digits[:], upper)
}

func appendUUID(dst, packed []byte, upper bool) []byte {
	dst = appendDigits(dst, packed[:4], 8, upper)
	for _, cut := range [4][2]int{{4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		dst = append(dst, '-')
		dst = appendDigits(dst, packed[cut[0]:cut[1]], 2*(cut[1]-cut[0]), upper)
	}
	return dst
}
