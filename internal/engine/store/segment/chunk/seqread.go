package chunk

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/fse"
	"github.com/klauspost/compress/huff0"
)

// seqDecoder reads sequences; it keeps the scratch memory.
type seqDecoder struct {
	heads, sizes []uint64
	symbols      []byte
	huff         huff0.Scratch
	fse          fse.Scratch
}

// read reads len(dst) numbers, the bits of int64 values.
func (d *seqDecoder) read(c *cursor, dst []uint64) { d.readForm(c, dst, true) }

func (d *seqDecoder) readForm(c *cursor, dst []uint64, runs bool) {
	if len(dst) == 0 || c.err != nil {
		return
	}
	form := c.u8()
	if form == formRuns && runs {
		d.readRuns(c, dst)
		return
	}
	first := uint64(unzigzag(c.uvarint()))
	base := first
	body := dst
	if form&formDelta != 0 {
		base = 0
		body = dst[1:]
	}
	switch form {
	case formSame:
		for i := range dst {
			dst[i] = first
		}
		return
	case formPacked, formPacked | formDelta:
		readMiniblocks(c, body, base)
	case formBuckets, formBuckets | formDelta:
		d.readBuckets(c, body, base)
	default:
		c.fail("unknown form of a sequence")
	}
	if c.err == nil && form&formDelta != 0 {
		dst[0] = first
		for i, v := range body {
			first += uint64(unzigzag(v))
			body[i] = first
		}
	}
}

func (d *seqDecoder) readRuns(c *cursor, dst []uint64) {
	n := c.count(len(dst), "the number of runs")
	d.heads, d.sizes = fit(d.heads, n), fit(d.sizes, n)
	d.readForm(c, d.heads, false)
	d.readForm(c, d.sizes, false)
	if c.err != nil {
		return
	}
	for i, size := range d.sizes {
		if size >= uint64(len(dst)) {
			c.fail("runs of more numbers than there are")
			return
		}
		run := dst[:size+1]
		dst = dst[size+1:]
		for k := range run {
			run[k] = d.heads[i]
		}
	}
	if len(dst) > 0 {
		c.fail("runs of fewer numbers than there are")
	}
}

func readMiniblocks(c *cursor, dst []uint64, first uint64) {
	for len(dst) > 0 {
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
		unpack(dst[:n], src, width, first+base)
		dst = dst[n:]
	}
}

func (d *seqDecoder) readBuckets(c *cursor, dst []uint64, base uint64) {
	if len(dst) == 0 { // the coders take a limit of 0 for none
		c.fail("buckets of no numbers")
		return
	}
	sub := uint(c.u8())
	if sub < 2 || sub > 8 {
		c.fail("unknown kind of buckets")
	}
	coder := c.u8()
	src := c.bytes(c.count(len(c.b), "length of symbols"))
	if c.err != nil {
		return
	}
	symbols, err := d.decodeSymbols(coder, src, len(dst))
	if err != nil {
		c.err = fmt.Errorf("%w: symbols: %w", ErrMalformed, err)
		return
	}
	if len(symbols) != len(dst) {
		c.fail("another number of symbols than there are numbers")
		return
	}
	if sub == 8 {
		for i, s := range symbols {
			dst[i] = base + uint64(s)
		}
		return
	}
	var starts [256]uint64
	var sizes [256]uint8
	for s := range starts {
		if uint(s)>>sub == 0 {
			starts[s] = uint64(s)
			continue
		}
		rest := uint(s)>>sub - 1
		sizes[s] = uint8(rest)
		starts[s] = (uint64(s)&(1<<sub-1) + 1<<sub) << rest
	}
	total := 0
	for _, s := range symbols {
		total += int(sizes[s])
	}
	rests := c.bytes((total + 7) / 8)
	if c.err != nil {
		return
	}
	bit := uint(0)
	for i, s := range symbols {
		size := uint(sizes[s])
		if size > 56 {
			c.fail("numbers too large for buckets")
			return
		}
		at := int(bit >> 3)
		var word uint64
		if at+8 <= len(rests) {
			word = binary.LittleEndian.Uint64(rests[at:])
		} else {
			for k, b := range rests[min(at, len(rests)):] {
				word |= uint64(b) << (8 * k)
			}
		}
		dst[i] = base + starts[s] + word>>(bit&7)&(1<<size-1)
		bit += size
	}
}

func (d *seqDecoder) decodeSymbols(coder byte, src []byte, n int) ([]byte, error) {
	switch coder {
	case coderHuff:
		d.huff.MaxDecodedSize = n
		s, rest, err := huff0.ReadTable(src, &d.huff)
		if err != nil {
			return nil, err
		}
		d.symbols = fit(d.symbols, n)
		return s.Decoder().Decompress1X(d.symbols[:0:n], rest)
	case coderFSE:
		d.fse.DecompressLimit = n
		return fse.Decompress(src, &d.fse)
	}
	return nil, fmt.Errorf("unknown coder %d", coder)
}
