package skip

import (
	"encoding/binary"
	"math/bits"
)

// FingerprintBits is the number of bits that are kept of the hash of a token.
const FingerprintBits = 26

// hashVersion names the hash and the tokeniser in the trailer.
const hashVersion = 1

// MaxTokenBytes is how many bytes of a token its fingerprint covers.
const MaxTokenBytes = 64

// Constants of the hash; changing one changes hashVersion.
const (
	seed0 = 0xa0761d6478bd642f
	seed1 = 0xe7037ed1a0b428db
)

// mix multiplies to 128 bits and folds them.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// finish makes a fingerprint of a state.
func finish(state uint64) uint32 { return uint32(state * seed1 >> (64 - FingerprintBits)) }

// fingerprint returns the fingerprint of the token text[i:j], j > i. Bytes behind
// the token may be read, but do not count.
//
// The token is taken in pieces of 16 bytes, the last one padded with zeros, which
// no token holds.
func fingerprint(text []byte, i, j int) uint32 {
	n := uint(min(j-i, MaxTokenBytes))
	state := uint64(seed0)
	for ; n > 16; n -= 16 {
		state = mix(state^binary.LittleEndian.Uint64(text[i:]), seed1^binary.LittleEndian.Uint64(text[i+8:]))
		i += 16
	}
	var a, b uint64
	if i+16 <= len(text) {
		a, b = binary.LittleEndian.Uint64(text[i:]), binary.LittleEndian.Uint64(text[i+8:])
	} else {
		var last [16]byte
		copy(last[:], text[i:])
		a, b = binary.LittleEndian.Uint64(last[:]), binary.LittleEndian.Uint64(last[8:])
	}
	m := &pieceMasks[n&31]
	return finish(mix(state^a&m[0], seed1^b&m[1]))
}

// pieceMasks keeps the first n bytes of a piece.
var pieceMasks = func() (t [32][2]uint64) {
	for n := range t[:17] {
		t[n][0] = ^uint64(0) >> (64 - 8*min(n, 8))
		t[n][1] = ^uint64(0) >> (64 - 8*max(n-8, 0))
	}
	return t
}()
