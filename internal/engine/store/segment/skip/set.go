package skip

import (
	"math/rand/v2"
	"slices"
)

// fingerprints is a set of fingerprints: open addressing in a table at most half
// full, so that the one of a block stays in the second-level cache.
type fingerprints struct {
	table []uint32 // fingerprint + 1; 0: empty
	count int
	shift uint // of the product with scatter, to the place where a search begins
	// scatter is an odd number that nobody knows: who makes tokens whose
	// fingerprints lie close together does not make searches long.
	scatter uint32
}

const (
	minTableBits = 10
	keepTable    = 1 << 16 // places of a table that is kept, however few are taken
)

// init makes the table, if there is none.
func (s *fingerprints) init() {
	if s.table == nil {
		s.table, s.shift = make([]uint32, 1<<minTableBits), 32-minTableBits
		s.scatter = rand.Uint32() | 1
	}
}

func (s *fingerprints) reset() {
	switch {
	case len(s.table) > keepTable && s.count < len(s.table)/16:
		// It was for a larger unit: it costs memory, and time to clear.
		s.table, s.shift, s.count = make([]uint32, keepTable), 32-16, 0
	case s.count > 0:
		clear(s.table)
		s.count = 0
	}
}

func (s *fingerprints) add(f uint32) {
	table := s.table
	mask := uint32(len(table) - 1)
	at := (f + 1) * s.scatter >> s.shift & mask
	for {
		switch table[at] {
		case f + 1:
			return
		case 0:
			table[at] = f + 1
			if s.count++; 2*s.count > len(table) {
				s.grow()
			}
			return
		}
		at = (at + 1) & mask
	}
}

func (s *fingerprints) grow() {
	old := s.table
	s.table = make([]uint32, 2*len(old))
	s.shift--
	mask := uint32(len(s.table) - 1)
	for _, v := range old {
		if v == 0 {
			continue
		}
		at := v * s.scatter >> s.shift & mask
		for s.table[at] != 0 {
			at = (at + 1) & mask
		}
		s.table[at] = v
	}
}

// sorted puts the members into dst in ascending order.
func (s *fingerprints) sorted(dst, temp []uint32) (sorted, spare []uint32) {
	const digit = FingerprintBits / 2
	dst = slices.Grow(dst[:0], s.count)[:s.count]
	i := 0
	for _, v := range s.table {
		if v != 0 {
			dst[i] = v - 1
			i++
		}
	}
	if len(dst) < 1<<(digit-3) {
		slices.Sort(dst)
		return dst, temp
	}
	temp = slices.Grow(temp[:0], s.count)[:s.count]
	for shift := 0; shift < FingerprintBits; shift += digit {
		var count [1 << digit]uint32
		for _, v := range dst {
			count[v>>shift&(1<<digit-1)]++
		}
		sum := uint32(0)
		for i, n := range count {
			count[i] = sum
			sum += n
		}
		for _, v := range dst {
			d := v >> shift & (1<<digit - 1)
			temp[count[d]] = v
			count[d]++
		}
		dst, temp = temp, dst
	}
	return dst, temp
}
