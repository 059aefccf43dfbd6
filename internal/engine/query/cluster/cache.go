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
	minSlots  = 1 << 10
	maxSlots  = 1 << 15
	slotBytes = 64 + 2*8
)

func newCache() cache { return cache{slots: make([]slot, minSlots)} }

func (c *cache) slot(h uint64) *slot { return &c.slots[h&uint64(len(c.slots)-1)] }

// put enters a skeleton.
func (c *cache) put(h uint64, r *row) *slot {
	if 2*c.taken > len(c.slots) && len(c.slots) < maxSlots {
		old := c.slots
		c.slots, c.taken = make([]slot, 4*len(old)), 0
		for _, s := range old {
			if s.row != nil {
				*c.slot(s.hash) = s
				c.taken++
			}
		}
	}
	s := c.slot(h)
	if s.row == nil {
		c.taken++
	}
	*s = slot{hash: h, row: r}
	return s
}

func (c *cache) bytes() int { return len(c.slots) * slotBytes }
