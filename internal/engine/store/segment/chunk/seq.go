package chunk

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/klauspost/compress/fse"
	"github.com/klauspost/compress/huff0"
)

// A sequence is how chunks hold numbers: ids, lengths, values. How many there
// are is known from elsewhere; none take no bytes.
//
//	u8 form, 0x10 set: differences | zz first | body
//
// first is the smallest number, or with differences the first one; the body
// then holds what is to be added to it: each number's distance, or the
// differences of neighbours in zigzag form, one less than there are numbers.
const (
	formPacked  = 0 // for each 128: uv base, u8 width, packed
	formBuckets = 1 // u8 sub-bits, symbols, packed rests
	formRuns    = 2 // uv runs, sequence of their numbers, sequence of their lengths - 1; nothing before
	formSame    = 3 // all are first: no body
	formDelta   = 0x10

	miniblock = 128
	// A bucket's rest has at most 56 bits, so that one load reaches it.
	maxBucketed = 1<<57 - 1
)

// seqEncoder appends sequences; it keeps the scratch memory.
type seqEncoder struct {
	rel, delta   []uint64
	heads, sizes []int64
	runs         []byte

	symbols, deltaSymbols []byte
	huff                  huff0.Scratch
	fse                   fse.Scratch
}

// append appends values. sorted says that differences may be smaller than
// the numbers themselves; otherwise they are not tried.
func (e *seqEncoder) append(dst []byte, values []int64, sorted bool) []byte {
	if len(values) == 0 {
		return dst
	}
	low, high, changes := values[0], values[0], 0
	last := values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
		if v != last {
			changes++
		}
		last = v
	}
	if changes == 0 {
		return binary.AppendUvarint(append(dst, formSame), zigzag(low))
	}
	if n := len(values); changes < n/4 && n >= 16 {
		if runs := e.appendRuns(e.runs[:0], values); runs != nil {
			e.runs = runs
			start := len(dst)
			dst = e.appendPlain(dst, values, low, uint64(high)-uint64(low), sorted)
			if len(dst)-start > len(runs) {
				dst = append(dst[:start], runs...)
			}
			return dst
		}
	}
	return e.appendPlain(dst, values, low, uint64(high)-uint64(low), sorted)
}

// appendRuns appends the form runs. It is not called within itself.
func (e *seqEncoder) appendRuns(dst []byte, values []int64) []byte {
	e.heads, e.sizes = e.heads[:0], e.sizes[:0]
	start := 0
	for i := 1; i <= len(values); i++ {
		if i == len(values) || values[i] != values[start] {
			e.heads = append(e.heads, values[start])
			e.sizes = append(e.sizes, int64(i-start-1))
			start = i
		}
	}
	dst = append(dst, formRuns)
	dst = binary.AppendUvarint(dst, uint64(len(e.heads)))
	for _, s := range [2][]int64{e.heads, e.sizes} {
		low, high := s[0], s[0]
		for _, v := range s {
			low, high = min(low, v), max(high, v)
		}
		if low == high {
			dst = binary.AppendUvarint(append(dst, formSame), zigzag(low))
			continue
		}
		dst = e.appendPlain(dst, s, low, uint64(high)-uint64(low), false)
	}
	return dst
}

func (e *seqEncoder) appendPlain(dst []byte, values []int64, low int64, span uint64, sorted bool) []byte {
	e.rel = fit(e.rel, len(values))
	for i, v := range values {
		e.rel[i] = uint64(v) - uint64(low)
	}
	form, first := byte(0), low
	chosen := e.rel
	e.symbols = fit(e.symbols, len(values))
	est := estimate(e.rel, span, e.symbols)
	if sorted && len(values) > 2 {
		e.delta = fit(e.delta, len(values)-1)
		most, last := uint64(0), values[0]
		for i, v := range values[1:] {
			d := zigzag(int64(uint64(v) - uint64(last)))
			e.delta[i] = d
			most = max(most, d)
			last = v
		}
		e.deltaSymbols = fit(e.deltaSymbols, len(e.delta))
		if d := estimate(e.delta, most, e.deltaSymbols); d.best() < est.best() {
			form, first, chosen, est = formDelta, values[0], e.delta, d
		}
	}
	if est.buckets < est.packed-est.packed/64 {
		start := len(dst)
		dst = append(dst, formBuckets|form)
		dst = binary.AppendUvarint(dst, zigzag(first))
		if out, ok := e.appendBuckets(dst, chosen, &est); ok {
			return out
		}
		dst = dst[:start]
	}
	dst = append(dst, formPacked|form)
	dst = binary.AppendUvarint(dst, zigzag(first))
	return appendMiniblocks(dst, chosen)
}

// estimates are what a sequence would take, in bytes.
type estimates struct {
	packed, buckets int

	// Of the buckets:
	sub     uint
	symbols []byte
	rests   int    // bits of all rests
	most    uint32 // how often the most frequent symbol occurs
}

func (e estimates) best() int { return min(e.packed, e.buckets) }

// estimate looks at values, of which most is the largest. It puts their
// symbols into symbols.
func estimate(values []uint64, most uint64, symbols []byte) estimates {
	est := estimates{buckets: math.MaxInt}
	for rest := values; len(rest) > 0; {
		block := rest[:min(miniblock, len(rest))]
		rest = rest[len(block):]
		low, high := block[0], block[0]
		for _, v := range block {
			low, high = min(low, v), max(high, v)
		}
		est.packed += 1 + (bits.Len64(low)+7)/7 + packedLen(len(block), uint(bits.Len64(high-low)))
	}
	if most > maxBucketed || len(values) < 32 {
		return est
	}
	est.sub = subBits(most, len(values))
	est.symbols = symbols[:len(values)]
	var counts [256]uint32
	for i, v := range values {
		symbol, rest := bucket(v, est.sub)
		counts[symbol]++
		est.symbols[i] = symbol
		est.rests += int(rest)
	}
	n := float64(len(values))
	total, used := 0.0, 0
	for _, c := range counts {
		est.most = max(est.most, c)
		if c > 0 {
			total += float64(c) * math.Log2(n/float64(c))
			used++
		}
	}
	est.buckets = 8 + used/3 + int(total)/8 + int(total)/400 + (est.rests+7)/8
	return est
}

// A number is a bucket, which is entropy coded, and a rest, which is not: the
// top sub+1 bits of the number and its size say the bucket. Numbers below
// 2^sub are buckets of their own.
func bucket(v uint64, sub uint) (symbol byte, rest uint) {
	if v>>sub == 0 {
		return byte(v), 0
	}
	rest = uint(bits.Len64(v)) - 1 - sub
	return byte((rest+1)<<sub + uint(v>>rest) - 1<<sub), rest
}

// subBits returns the most precise buckets that fit 256 symbols.
func subBits(most uint64, n int) uint {
	for sub := uint(8); sub > 2; sub-- {
		if sub > 3 && sub < 8 && n < 1024 {
			continue // their table would be larger than what it saves
		}
		if most>>sub == 0 {
			return sub
		}
		if rest := uint(bits.Len64(most)) - 1 - sub; (rest+2)<<sub <= 256 {
			return sub
		}
	}
	return 2
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

// Coders of symbols: u8 coder | uv length | bytes.
const (
	coderHuff = 1
	coderFSE  = 2
)

// appendBuckets appends u8 sub | symbols | packed rests; not ok when the symbols cannot be coded.
func (e *seqEncoder) appendBuckets(dst []byte, values []uint64, est *estimates) ([]byte, bool) {
	if int(est.most) == len(values) {
		return dst, false
	}
	var out []byte
	var err error
	coder := byte(coderHuff)
	if int(est.most) > len(values)*9/10 { // a Huffman code spends a whole bit on the frequent symbol, but is read three times as fast
		coder = coderFSE
		out, err = fse.Compress(est.symbols, &e.fse)
	} else {
		e.huff.Reuse = huff0.ReusePolicyNone
		out, _, err = huff0.Compress1X(est.symbols, &e.huff)
	}
	if err != nil {
		return dst, false
	}
	dst = append(dst, byte(est.sub), coder)
	dst = binary.AppendUvarint(dst, uint64(len(out)))
	dst = append(dst, out...)
	if est.rests == 0 {
		return dst, true
	}
	return appendRests(dst, values, est), true
}

// appendRests packs the rests, each of the width that its symbol says.
func appendRests(dst []byte, values []uint64, est *estimates) []byte {
	var sizes [256]uint8
	for s := 1 << est.sub; s < len(sizes); s++ {
		sizes[s] = uint8(s>>est.sub - 1)
	}
	var word uint64
	var have uint
	for i, v := range values {
		size := uint(sizes[est.symbols[i]])
		v &= 1<<size - 1
		word |= v << have
		have += size
		if have >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, word)
			have -= 64
			word = v >> (size - have)
		}
	}
	for rest := int(have); rest > 0; rest -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}
