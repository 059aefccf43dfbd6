package chunk

import (
	"encoding/binary"
	"math/bits"
)

// A sequence is how chunks hold numbers: ids, lengths, values. Its length is known from elsewhere.
//
//	u8 form | body
//	form 0  packed: zz smallest | for each 128 numbers: uv base, u8 width, packed
const (
	formPacked = 0
	miniblock  = 128
)

// seqEncoder appends sequences; it keeps the scratch memory.
type seqEncoder struct {
	rel []uint64
}

func (e *seqEncoder) append(dst []byte, values []int64) []byte {
	dst = append(dst, formPacked)
	low := int64(0)
	if len(values) > 0 {
		low = values[0]
	}
	for _, v := range values {
		low = min(low, v)
	}
	dst = binary.AppendUvarint(dst, zigzag(low))
	e.rel = e.rel[:0]
	for _, v := range values {
		e.rel = append(e.rel, uint64(v)-uint64(low))
	}
	return appendMiniblocks(dst, e.rel)
}

// appendMiniblocks packs values, which it changes.
func appendMiniblocks(dst []byte, values []uint64) []byte {
	for len(values) > 0 {
		block := values[:min(miniblock, len(values))]
		values = values[len(block):]
		low, high := block[0], block[0]
		for _, v := range block {
			low, high = min(low, v), max(high, v)
		}
		width := uint(bits.Len64(high - low))
		dst = binary.AppendUvarint(dst, low)
		dst = append(dst, byte(width))
		for i := range block {
			block[i] -= low
		}
		dst = appendPacked(dst, block, width)
	}
	return dst
}

// sequence reads len(dst) numbers. dst has the bits of int64 values.
func (c *cursor) sequence(dst []uint64) {
	switch c.u8() {
	case formPacked:
		low := uint64(unzigzag(c.uvarint()))
		for len(dst) > 0 && c.err == nil {
			n := min(miniblock, len(dst))
			base := c.uvarint()
			width := uint(c.u8())
			if width > 64 {
				c.fail("numbers wider than 64 bits")
				return
			}
			src := c.bytes(packedLen(n, width))
			if c.err != nil {
				return
			}
			unpack(dst[:n], src, width, low+base)
			dst = dst[n:]
		}
	default:
		c.fail("unknown form of a sequence")
	}
}
