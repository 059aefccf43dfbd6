package wal

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
)

// compressFrom is the payload size from which records are compressed; see
// docs/adr/0002-wal-group-commit.md for the measurement.
const compressFrom = 32 << 10

// buffers holds scratch space for compression.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func grow(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}

// compress replaces the parts by their S2 block, unless that saves less than an
// eighth.
func (r *request) compress(total int) {
	src := r.parts[0]
	if len(r.parts) > 1 {
		gathered := buffers.Get().(*[]byte)
		defer buffers.Put(gathered)
		src = grow(gathered, total)[:0]
		for _, p := range r.parts {
			src = append(src, p...)
		}
	}
	packed := buffers.Get().(*[]byte)
	block := s2.Encode(grow(packed, s2.MaxEncodedLen(total)), src)
	if len(block) > total-total/8 {
		buffers.Put(packed)
		return
	}
	r.packed = packed
	clear(r.parts)
	r.parts = append(r.parts[:0], block)
	r.header.codec = codecS2
	r.header.stored = uint32(len(block))
}

// unpack returns the payload of a record in memory of its own.
func unpack(h recordHeader, stored []byte) ([]byte, error) {
	switch h.codec {
	case codecNone:
		return bytes.Clone(stored), nil
	case codecS2:
		if n, err := s2.DecodedLen(stored); err != nil || n != int(h.raw) {
			return nil, fmt.Errorf("decompressed length: %w", errFormat)
		}
		got, err := s2.Decode(make([]byte, h.raw), stored)
		if err != nil {
			return nil, fmt.Errorf("decompress: %w: %w", errFormat, err)
		}
		return got, nil
	}
	return nil, fmt.Errorf("codec %d: %w", h.codec, errFormat)
}
