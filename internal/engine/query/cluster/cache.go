package cluster

// cache finds the rows of skeletons by their hashes. It forgets skeletons when
// others take their slots.
type cache struct {
	slots []slot
	taken int
}

type slot struct {
	hash   uint64
	row    *row
	checks []check

	watched []check // tokens whose values are counted
}

// check says that a token is a value that all messages of a row so far share, or
// has the values of a set.
type check struct{ token, value int32 }

const (
	minSlots  = 1 << 11
	maxSlots  = 1 << 15
	slotBytes = 64 + 2*8
)

func newCache() cache { return cache{slots: make([]slot, minSlots)} }

// slot returns the slot of a skeleton; nil when it is not there. A skeleton is in
// one of two slots.
func (c *cache) slot(h uint64) *slot {
	i := h & uint64(len(c.slots)-1)
	if s := &c.slots[i]; s.hash == h && s.row != nil {
		return s
	}
	if s := &c.slots[i^1]; s.hash == h && s.row != nil {
		return s
	}
	return nil
}

// put enters a skeleton that is not there.
func (c *cache) put(h uint64, r *row) *slot {
	if 2*c.taken > len(c.slots) && len(c.slots) < maxSlots {
		old := c.slots
		c.slots, c.taken = make([]slot, 4*len(old)), 0
		for _, s := range old {
			if s.row != nil {
				*c.place(s.hash) = s
			}
		}
	}
	s := c.place(h)
	*s = slot{hash: h, row: r}
	return s
}

// place returns an empty slot for a skeleton, or that of another, which is
// forgotten.
func (c *cache) place(h uint64) *slot {
	i := h & uint64(len(c.slots)-1)
	a, b := &c.slots[i], &c.slots[i^1]
	switch {
	case a.row == nil:
		c.taken++
	case b.row == nil:
		c.taken++
		return b
	default:
		*b = *a // so that two can take turns
	}
	return a
}

func (c *cache) bytes() int { return len(c.slots) * slotBytes }
