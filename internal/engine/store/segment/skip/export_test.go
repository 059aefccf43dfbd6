package skip

import "encoding/hex"

// Fingerprint is the fingerprint of a token.
func Fingerprint(token []byte) uint32 { return fingerprint(token, 0, len(token)) }

// Classes returns the classes of all bytes.
func Classes() string { return hex.EncodeToString(foldClass[:]) }

// LargestPage returns the size of a page with as many neighbouring keys of all
// units as fit, and then, if it takes it, one that is far away in every other unit;
// and the size that readers accept.
func LargestPage() (size, limit int) {
	var p pageWriter
	p.reset(MaxUnits)
	all := make([]uint32, MaxUnits)
	for i := range all {
		all[i] = uint32(i)
	}
	key := uint32(0)
	for ; !p.full(); key++ {
		p.add(key, all)
	}
	p.reset(MaxUnits)
	for k := range key - 1 {
		p.add(k, all)
	}
	var half []uint32
	for i := 0; i < MaxUnits; i += 2 {
		half = append(half, uint32(i))
	}
	if far := uint32(1<<FingerprintBits - 1); p.takes(far) {
		p.add(far, half)
	}
	return len(p.finish()), maxPage
}
