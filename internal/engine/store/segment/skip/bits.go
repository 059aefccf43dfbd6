package skip

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bits, the least significant first.
type bitWriter struct {
	buf  []byte
	word uint64
	have uint // bits in word, below 64
}

func (w *bitWriter) reset() { w.buf, w.word, w.have = w.buf[:0], 0, 0 }

// len returns the number of bits written.
func (w *bitWriter) len() int { return 8*len(w.buf) + int(w.have) }

// put writes the low n bits of v; n ≤ 57 and v < 1<<n.
func (w *bitWriter) put(v uint64, n uint) {
	w.word |= v << w.have
	w.have += n
	if w.have >= 64 {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, w.word)
		w.have -= 64
		w.word = v >> (n - w.have)
	}
}

// unary writes n zeros and a one.
func (w *bitWriter) unary(n uint64) {
	for ; n >= 48; n -= 48 {
		w.put(0, 48)
	}
	w.put(1<<n, uint(n)+1)
}

// rice writes v with k low bits plain.
func (w *bitWriter) rice(v uint64, k uint) {
	w.unary(v >> k)
	w.put(v&(1<<k-1), k)
}

// gamma writes v ≥ 1 in Elias' gamma code.
func (w *bitWriter) gamma(v uint64) {
	n := uint(bits.Len64(v)) - 1
	w.unary(uint64(n))
	w.put(v&^(1<<n), n)
}

// bytes pads to whole bytes and returns all.
func (w *bitWriter) bytes() []byte {
	for ; w.have > 0; w.have -= min(8, w.have) {
		w.buf = append(w.buf, byte(w.word))
		w.word >>= 8
	}
	return w.buf
}

// bitReader reads what a bitWriter wrote. Reading past the end gives zeros and
// sets bad.
type bitReader struct {
	buf []byte
	at  uint // next bit
	bad bool
}

// peek returns at least 57 bits, zeros behind the end.
func (r *bitReader) peek() uint64 {
	i := r.at >> 3
	if i+8 <= uint(len(r.buf)) {
		return binary.LittleEndian.Uint64(r.buf[i:]) >> (r.at & 7)
	}
	var v uint64
	for k := uint(len(r.buf)); k > i; k-- {
		v = v<<8 | uint64(r.buf[k-1])
	}
	return v >> (r.at & 7)
}

// take reads n ≤ 57 bits.
func (r *bitReader) take(n uint) uint64 {
	v := r.peek() & (1<<n - 1)
	r.at += n
	if r.at > 8*uint(len(r.buf)) {
		r.bad = true
	}
	return v
}

func (r *bitReader) unary() uint64 {
	n := uint64(0)
	for {
		if v := r.peek() & (1<<57 - 1); v != 0 {
			z := uint(bits.TrailingZeros64(v))
			r.at += z + 1
			return n + uint64(z)
		}
		r.at += 57
		n += 57
		if r.at >= 8*uint(len(r.buf)) {
			r.bad = true
			return n
		}
	}
}

func (r *bitReader) rice(k uint) uint64 { return r.unary()<<k | r.take(k) }

// gamma reads a number below 1<<32.
func (r *bitReader) gamma() uint64 {
	n := r.unary()
	if n > 31 {
		r.bad = true
		return 1
	}
	return 1<<n | r.take(uint(n))
}
