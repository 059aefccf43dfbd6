package series

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A chunk holds the buckets of one series in one file: columns of sums, and after
// them the sketches, which most reads do not need. docs/formats/series.md draws it.
const (
	chunkHeader  = 28
	maxSumsRaw   = 1 << 20
	maxSketchRaw = 64 << 20
	packFrom     = 96 // bytes from which compressing is tried
)

// Codecs of the two parts of a chunk, and of the index.
const (
	codecNone = 0
	codecZstd = 1
)

// Flags of a bucket in a chunk.
const (
	bucketConstant = 1 << iota // Max is Min
	bucketExact                // Sum is Count times Min
	bucketSetful
	bucketSketch
)

// packer encodes chunks. It is used by one goroutine at a time.
type packer struct {
	zstd                         *zstd.Encoder
	sums, sketches, packed, tail []byte
}

func newPacker() (*packer, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<17), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("compressor: %w", err)
	}
	return &packer{zstd: z}, nil
}

// pack returns raw, or raw compressed in dst when that saves an eighth.
func (p *packer) pack(dst, raw []byte) (stored, buf []byte, codec byte) {
	if len(raw) < packFrom {
		return raw, dst, codecNone
	}
	dst = p.zstd.EncodeAll(raw, dst[:0])
	if len(dst) > len(raw)-len(raw)/8 {
		return raw, dst, codecNone
	}
	return dst, dst, codecZstd
}

// appendChunk encodes the buckets of a partition that begins at base; sums is how
// many bytes of it are not sketches.
func (p *packer) appendChunk(b []byte, buckets []Bucket, base, resolution int64) (out []byte, sums int, err error) {
	p.sums, p.sketches = appendBuckets(p.sums[:0], p.sketches[:0], buckets, base, resolution)
	if len(p.sums) > maxSumsRaw || len(p.sketches) > maxSketchRaw {
		return b, 0, fmt.Errorf("chunk of %d and %d bytes: %w", len(p.sums), len(p.sketches), errFormat)
	}
	var main, tail []byte
	var mainCodec, tailCodec byte
	main, p.packed, mainCodec = p.pack(p.packed, p.sums)
	tail, p.tail, tailCodec = p.pack(p.tail, p.sketches)
	at := len(b)
	b = append(b, make([]byte, chunkHeader)...)
	h := b[at:]
	le := binary.LittleEndian
	le.PutUint32(h[4:], crc32.Checksum(tail, castagnoli))
	le.PutUint32(h[8:], uint32(len(main)))
	le.PutUint32(h[12:], uint32(len(p.sums)))
	le.PutUint32(h[16:], uint32(len(tail)))
	le.PutUint32(h[20:], uint32(len(p.sketches)))
	h[24], h[25] = mainCodec, tailCodec
	b = append(b, main...)
	le.PutUint32(b[at:], crc32.Checksum(b[at+4:], castagnoli))
	return append(b, tail...), chunkHeader + len(main), nil
}

// appendBuckets encodes the columns.
func appendBuckets(sums, sketches []byte, buckets []Bucket, base, resolution int64) (s, k []byte) {
	sums = binary.AppendUvarint(sums, uint64(len(buckets)))
	next := base
	for i := range buckets {
		sums = binary.AppendUvarint(sums, uint64((buckets[i].Start-next)/resolution))
		next = buckets[i].Start + resolution
	}
	for i := range buckets {
		sums = append(sums, buckets[i].flags())
	}
	for i := range buckets {
		sums = appendFloat(sums, buckets[i].Count)
	}
	for i := range buckets {
		sums = appendFloat(sums, buckets[i].Min)
	}
	for i := range buckets {
		if b := &buckets[i]; b.flags()&bucketExact == 0 {
			sums = appendFloat(sums, b.Sum)
		}
	}
	for i := range buckets {
		b := &buckets[i]
		if !b.constant() {
			sums = appendFloat(sums, b.Max)
		}
		if b.flags()&bucketSketch != 0 {
			sketches = b.values.append(sketches)
		}
	}
	return sums, sketches
}

func (b *Bucket) flags() byte {
	f := byte(0)
	if b.constant() {
		f |= bucketConstant
	}
	if b.Sum == b.Count*b.Min {
		f |= bucketExact
	}
	if b.setful {
		f |= bucketSetful
	}
	if len(b.values.entries) > 0 {
		f |= bucketSketch
	}
	return f
}

// unpacker decodes chunks. It is used by one goroutine at a time.
type unpacker struct {
	zstd     *zstd.Decoder
	chunk    []byte
	sums     []byte
	sketches []byte
	buckets  []Bucket
	flags    []byte
	entries  []entry // of the sketches of buckets
}

// decodeChunk decodes what appendChunk wrote; sketches only when withSketches, and
// then chunk must hold them. The buckets are valid until the next call.
func (u *unpacker) decodeChunk(chunk []byte, base, resolution, partition int64, withSketches bool) ([]Bucket, error) {
	if len(chunk) < chunkHeader {
		return nil, fmt.Errorf("chunk of %d bytes: %w", len(chunk), errFormat)
	}
	le := binary.LittleEndian
	main, tail := int(le.Uint32(chunk[8:])), int(le.Uint32(chunk[16:]))
	rest := chunk[chunkHeader:]
	switch {
	case main > len(rest), chunk[26] != 0, chunk[27] != 0,
		le.Uint32(chunk) != crc32.Checksum(chunk[4:chunkHeader+main], castagnoli):
		return nil, fmt.Errorf("checksum of a chunk: %w", errFormat)
	}
	var err error
	if u.sums, err = u.unpack(u.sums, rest[:main], chunk[24], le.Uint32(chunk[12:]), maxSumsRaw); err != nil {
		return nil, err
	}
	d := &decoder{b: u.sums}
	u.decodeSums(d, base, resolution, partition)
	if !d.done() {
		return nil, fmt.Errorf("columns of a chunk: %w", errFormat)
	}
	if !withSketches {
		return u.buckets, nil
	}
	rest = rest[main:]
	if tail != len(rest) || le.Uint32(chunk[4:]) != crc32.Checksum(rest, castagnoli) {
		return nil, fmt.Errorf("checksum of the sketches of a chunk: %w", errFormat)
	}
	if u.sketches, err = u.unpack(u.sketches, rest, chunk[25], le.Uint32(chunk[20:]), maxSketchRaw); err != nil {
		return nil, err
	}
	d = &decoder{b: u.sketches}
	u.decodeSketches(d)
	if cap(u.sketches) > keptBuffer {
		u.sketches = nil
	}
	if !d.done() {
		return nil, fmt.Errorf("sketches of a chunk: %w", errFormat)
	}
	return u.buckets, nil
}

// decodeSums fills u.buckets from the columns.
func (u *unpacker) decodeSums(d *decoder, base, resolution, partition int64) {
	n := d.count(int(partition/resolution), 4)
	u.buckets = slices.Grow(u.buckets[:0], n)[:n]
	clear(u.buckets)
	next, end := base, base+partition
	for i := range u.buckets {
		gap := d.uvarint()
		if gap > uint64(partition/resolution) {
			d.fail()
			return
		}
		next += int64(gap) * resolution
		if next >= end {
			d.fail()
			return
		}
		u.buckets[i].Start = next
		next += resolution
	}
	if d.left() < n {
		d.fail()
		return
	}
	u.flags = append(u.flags[:0], d.b[d.at:d.at+n]...)
	d.at += n
	for i := range u.buckets {
		u.buckets[i].Count = d.float()
	}
	for i := range u.buckets {
		u.buckets[i].Min = d.float()
	}
	for i, f := range u.flags {
		b := &u.buckets[i]
		if f&bucketExact != 0 {
			b.Sum = b.Count * b.Min
		} else {
			b.Sum = d.float()
		}
	}
	for i, f := range u.flags {
		b := &u.buckets[i]
		b.Max = b.Min
		if f&bucketConstant == 0 {
			b.Max = d.float()
		}
		b.setful = f&bucketSetful != 0
		if !b.sound(f) {
			d.fail()
			return
		}
	}
}

// decodeSketches fills the sketches of u.buckets.
func (u *unpacker) decodeSketches(d *decoder) {
	if cap(u.entries) > keptEntries {
		u.entries = nil
	}
	arena := u.entries[:0]
	for i := range u.buckets {
		if u.flags[i]&bucketSketch != 0 {
			arena = u.buckets[i].values.decode(d, arena)
		}
	}
	u.entries = arena
}

// keptEntries is how many entries of sketches are kept for reuse.
const keptEntries = 1 << 17

// sound checks a bucket that was decoded against its flags.
func (b *Bucket) sound(f byte) bool {
	switch {
	case f&^(bucketConstant|bucketExact|bucketSetful|bucketSketch) != 0,
		!(b.Count > 0), b.Max < b.Min, math.IsInf(b.Sum, 0),
		f&bucketConstant == 0 && b.Min == b.Max,
		f&bucketSketch != 0 && !(b.HasValues() && !b.constant()),
		f&bucketSketch == 0 && b.HasValues() && !b.constant():
		return false
	}
	return true
}

// unpack returns stored bytes as they were before pack, in buf when they were
// compressed.
func (u *unpacker) unpack(buf, stored []byte, codec byte, raw uint32, limit int) ([]byte, error) {
	switch codec {
	case codecNone:
		if int(raw) == len(stored) {
			return append(buf[:0], stored...), nil
		}
	case codecZstd:
		if int(raw) > limit {
			break
		}
		buf = slices.Grow(buf[:0], int(raw))
		out, err := u.zstd.DecodeAll(stored, buf)
		if err != nil {
			return buf, fmt.Errorf("decompress: %w: %w", errFormat, err)
		}
		if len(out) == int(raw) {
			return out, nil
		}
	}
	return buf, fmt.Errorf("codec %d of %d bytes for %d: %w", codec, len(stored), raw, errFormat)
}
