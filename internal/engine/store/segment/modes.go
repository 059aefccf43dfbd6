package segment

// ModeSet is a set of modes. The zero value stands for all of them.
type ModeSet uint8

// Modes returns the set of these modes. Without ModeRaw, blocks are taken apart
// whether that pays or not, as long as it can be done at all; without
// ModeShared, small blocks get frames of their own.
func Modes(list ...Mode) ModeSet {
	s := ModeSet(0)
	for _, m := range list {
		s |= 1 << m
	}
	return s
}

// Has reports whether the mode is in the set.
func (s ModeSet) Has(m Mode) bool { return s == 0 || s&(1<<m) != 0 }
