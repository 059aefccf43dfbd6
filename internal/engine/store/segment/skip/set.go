package skip

// fingerprints is a set of fingerprints: open addressing in a table at most half
// full, so that the one of a block stays in the second-level cache.
type fingerprints struct {
	table []uint32 // fingerprint + 1; 0: empty
	count int
	shift uint // fingerprint >> shift is where its search begins
}

const minTableBits = 10

func (s *fingerprints) reset() {
	if s.table == nil {
		s.table, s.shift = make([]uint32, 1<<minTableBits), FingerprintBits-minTableBits
	}
	if s.count > 0 {
		clear(s.table)
		s.count = 0
	}
}

func (s *fingerprints) add(f uint32) {
	mask := uint32(len(s.table) - 1)
	for at := f >> s.shift; ; at++ {
		switch s.table[at&mask] {
		case f + 1:
			return
		case 0:
			s.table[at&mask] = f + 1
			s.count++
			if 2*s.count > len(s.table) && s.shift > 0 {
				s.grow()
			}
			return
		}
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
		at := (v - 1) >> s.shift & mask
		for s.table[at] != 0 {
			at = (at + 1) & mask
		}
		s.table[at] = v
	}
}

// sorted appends the members in ascending order.
func (s *fingerprints) sorted(dst []uint32) []uint32 {
	base := len(dst)
	// Members lie at or soon after the place of their high bits, so the table is
	start := 0
	for start < len(s.table) && s.table[start] != 0 {
		start++
	}
	for i := range s.table {
		v := s.table[i]
		if v == 0 {
			continue
		}
		v--
		if i < start && int(v>>s.shift) > i {
			continue // appended last
		}
		dst = insert(dst, base, v)
	}
	for i := range start {
		if v := s.table[i]; int((v-1)>>s.shift) > i {
			dst = insert(dst, base, v-1)
		}
	}
	return dst
}

// insert puts v into the ascending dst[base:].
func insert(dst []uint32, base int, v uint32) []uint32 {
	dst = append(dst, v)
	i := len(dst) - 1
	for ; i > base && dst[i-1] > v; i-- {
		dst[i] = dst[i-1]
	}
	dst[i] = v
	return dst
}
