package shred_test

import (
	"encoding/binary"
	"math/bits"
)

// collidingRows returns rows whose literal is eight bytes that bring the multiplicative hash of templates to 0,
// whatever was before, and the same bytes again.
func collidingRows(n int) (rows []string) {
	const prime = 0x9E3779B97F4A7C15
	ok := func(w uint64) bool {
		for ; w != 0; w >>= 8 {
			c := byte(w)
			lower := c | 0x20
			if c < 0x80 && (lower < 'a' || lower > 'z') {
				return false
			}
		}
		return true
	}
	for a := uint64(0); len(rows) < n && a < 1<<24; a++ {
		// Literals are " abcdefg" + w + tail, then a hole "1".
		var first [8]byte
		copy(first[:], " aaaaaaa")
		for i, v := 1, a; v > 0; i, v = i+1, v/26 {
			first[i] = 'a' + byte(v%26)
		}
		h := uint64(1) // holes
		length := uint64(8 + 8 + 8)
		h = (h ^ length) * prime
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(first[:]), prime)
		h = hi ^ lo
		if h < 1<<56 || !ok(h) {
			continue
		}
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], h)
		rows = append(rows, string(first[:])+string(w[:])+" words= 1")
	}
	return rows
}
