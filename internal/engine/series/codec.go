package series

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// errFormat is what all errors about bytes that do not decode wrap.
var errFormat = errors.New("bytes are not in the format")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// exactInteger is the greatest integer up to which all are float64.
const exactInteger = 1 << 53

// appendFloat appends an integer as uvarint of its zigzag form plus one, anything
// else as a zero byte and eight bytes, little-endian.
func appendFloat(b []byte, f float64) []byte {
	if i := int64(f); f >= -exactInteger && f <= exactInteger && float64(i) == f && (i != 0 || !math.Signbit(f)) {
		return binary.AppendUvarint(b, uint64(i<<1^i>>63)+1)
	}
	return binary.LittleEndian.AppendUint64(append(b, 0), math.Float64bits(f))
}

// decoder reads what the appenders write, from at on. After an error all it returns is zero
// and bad is set.
type decoder struct {
	b   []byte
	at  int
	bad bool
}

func (d *decoder) fail() {
	d.bad = true
	d.at = len(d.b)
}

// left returns how many bytes are not read yet.
func (d *decoder) left() int { return len(d.b) - d.at }

// done reports that all was read, without an error.
func (d *decoder) done() bool { return !d.bad && d.at == len(d.b) }

func (d *decoder) byte() byte {
	if d.at >= len(d.b) {
		d.fail()
		return 0
	}
	d.at++
	return d.b[d.at-1]
}

func (d *decoder) uvarint() uint64 {
	// The usual case without a call.
	if at := d.at; at < len(d.b) && d.b[at] < 0x80 {
		d.at = at + 1
		return uint64(d.b[at])
	}
	return d.longUvarint()
}

func (d *decoder) longUvarint() uint64 {
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.at += n
	return v
}

// count reads a number of things of at least size bytes each, at most limit.
func (d *decoder) count(limit, size int) int {
	v := d.uvarint()
	if v > uint64(limit) || v*uint64(size) > uint64(d.left()) {
		d.fail()
		return 0
	}
	return int(v)
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// float reads a float that is finite.
func (d *decoder) float() float64 {
	if u := d.uvarint(); u > 0 {
		u--
		i := int64(u>>1) ^ -int64(u&1)
		if i < -exactInteger || i > exactInteger {
			d.fail()
			return 0
		}
		return float64(i)
	}
	if d.left() < 8 {
		d.fail()
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(d.b[d.at:]))
	d.at += 8
	if math.IsNaN(f) || math.IsInf(f, 0) {
		d.fail()
		return 0
	}
	return f
}

// bytes reads a length of at most limit and so many bytes, which stay the input's.
func (d *decoder) bytes(limit int) []byte {
	n := d.count(limit, 1)
	if d.bad {
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at]
}

func appendBytes[T string | []byte](b []byte, p T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(p))), p...)
}
