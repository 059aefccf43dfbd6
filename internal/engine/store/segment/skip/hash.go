package skip

import (
	"encoding/binary"
	"math/bits"
)

// FingerprintBits is the number of bits that are kept of the hash of a token.
const FingerprintBits = 26

// hashVersion names the hash and the tokeniser below in the trailer.
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

// fingerprint returns the fingerprint of the token text[i:j], j > i.
func fingerprint(text []byte, i, j int) uint32 {
	n := j - i
	if n > MaxTokenBytes {
		n = MaxTokenBytes
		j = i + n
	}
	var a, b uint64
	switch {
	case n > 8:
		state := uint64(seed0)
		for ; j-i > 16; i += 8 {
			state = mix(state^binary.LittleEndian.Uint64(text[i:]), seed1)
		}
		a, b = binary.LittleEndian.Uint64(text[i:])^state, binary.LittleEndian.Uint64(text[j-8:])
	case i+8 <= len(text):
		a, b = binary.LittleEndian.Uint64(text[i:])&(^uint64(0)>>(64-8*uint(n))), 0
		a ^= seed0
	default:
		for k := j - 1; k >= i; k-- {
			a = a<<8 | uint64(text[k])
		}
		a ^= seed0
	}
	return uint32(mix(mix(a, b^seed1^uint64(n)), seed0) >> (64 - FingerprintBits))
}
