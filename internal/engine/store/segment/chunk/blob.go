package chunk

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// A blob holds bytes, compressed when that saves 5 % or more.
//
//	u8 codec (0 none, 1 zstd) | uv raw length | zstd: uv stored length | bytes
const (
	codecNone = 0
	codecZstd = 1
	minZstd   = 48 // shorter blobs are not tried
)

// maxChunkText bounds the texts of a chunk, for the decoder's own defence.
const maxChunkText = 1 << 30

func newZstdEncoder() *zstd.Encoder {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(4<<20), zstd.WithSingleSegment(true), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		panic("chunk: zstd options: " + err.Error())
	}
	return enc
}

func newZstdDecoder() *zstd.Decoder {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxChunkText), zstd.WithDecoderMaxWindow(maxChunkText))
	if err != nil {
		panic("chunk: zstd options: " + err.Error())
	}
	return dec
}

// appendBlob appends raw; try says whether it is worth compressing it.
func (e *Encoder) appendBlob(dst, raw []byte, try bool) []byte {
	if try && len(raw) >= minZstd {
		e.packed = e.zstd.EncodeAll(raw, e.packed[:0])
		if len(e.packed) <= len(raw)-len(raw)/20 {
			dst = append(dst, codecZstd)
			dst = binary.AppendUvarint(dst, uint64(len(raw)))
			dst = binary.AppendUvarint(dst, uint64(len(e.packed)))
			return append(dst, e.packed...)
		}
	}
	dst = append(dst, codecNone)
	dst = binary.AppendUvarint(dst, uint64(len(raw)))
	return append(dst, raw...)
}

// blob reads a blob of exactly n bytes into the memory of dst, or shares the
// memory of the chunk.
func (d *Decoder) blob(c *cursor, dst []byte, n int) (b []byte, shared bool) {
	codec := c.u8()
	if c.count(n, "length of a blob") != n {
		c.fail("a blob is not as long as its parts")
	}
	if c.err != nil {
		return dst[:0], false
	}
	switch codec {
	case codecNone:
		return c.bytes(n), true
	case codecZstd:
		src := c.bytes(c.count(len(c.b), "stored length of a blob"))
		if c.err != nil {
			return dst[:0], false
		}
		if cap(dst) < n {
			dst = make([]byte, 0, n)
		}
		out, err := d.zstd.DecodeAll(src, dst[:0:n])
		if err != nil {
			c.err = fmt.Errorf("%w: zstd: %w", ErrMalformed, err)
			return dst[:0], false
		}
		if len(out) != n {
			c.fail("a blob has another length than it says")
			return dst[:0], false
		}
		return out, false
	}
	c.fail("unknown codec of a blob")
	return dst[:0], false
}
