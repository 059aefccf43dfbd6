package chunk

import "encoding/binary"

// packedLen returns the bytes that n values of width bits take.
func packedLen(n int, width uint) int { return (n*int(width) + 7) / 8 }

// appendPacked appends the low width bits (at most 64) of each value, least significant bit first.
func appendPacked(dst []byte, values []uint64, width uint) []byte {
	if width == 0 {
		return dst
	}
	var word uint64
	var have uint // bits in word
	for _, v := range values {
		word |= v << have
		have += width
		if have >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, word)
			have -= 64
			word = v >> (width - have) // width = have: shifted out altogether, 0
		}
	}
	for rest := int(have); rest > 0; rest -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}

// unpack reads len(dst) values of width bits from src, which has packedLen of them, and adds base to each.
func unpack(dst []uint64, src []byte, width uint, base uint64) {
	if width == 0 {
		for i := range dst {
			dst[i] = base
		}
		return
	}
	mask := ^uint64(0) >> (64 - width)
	i, bit := 0, uint(0)
	if width <= 57 {
		for ; i < len(dst) && int(bit>>3)+8 <= len(src); i++ {
			dst[i] = binary.LittleEndian.Uint64(src[bit>>3:])>>(bit&7)&mask + base
			bit += width
		}
	}
	for ; i < len(dst); i++ {
		at, shift := int(bit>>3), bit&7
		var word uint64
		for k := 0; k < 8 && at+k < len(src); k++ {
			word |= uint64(src[at+k]) << (8 * k)
		}
		word >>= shift
		if shift+width > 64 {
			word |= uint64(src[at+8]) << (64 - shift)
		}
		dst[i] = word&mask + base
		bit += width
	}
}
