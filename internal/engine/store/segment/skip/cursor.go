package skip

import (
	"context"
	"fmt"
)

// cursor walks through all pairs of a list in ascending order. A copy is a place
// to go back to; all copies share one pageMemory, and a cursor whose page is not
// there loads it again.
type cursor struct {
	l     *list
	page  int // the next one to load; the keys in p are of page-1
	i     int // the next key of p
	p     page
	keys  bitReader
	one   bitReader
	more  bitReader
	key   uint32
	pairs uint64
}

// pageMemory is what copies of a cursor share.
type pageMemory struct {
	buf  []byte // as large as the largest page, so that it never moves
	page int    // which page is in buf, plus one
	set  []uint64
}

func (l *list) cursor() cursor { return cursor{l: l} }

// next steps to the next key and appends its units. ok is false at the end.
func (c *cursor) next(m *pageMemory, dst []uint32) (key uint32, units []uint32, ok bool, err error) {
	for c.i == c.p.n {
		if c.page == len(c.l.first) {
			return 0, dst, false, nil
		}
		if err := c.load(m); err != nil {
			return 0, dst, false, err
		}
	}
	if m.page != c.page {
		// A copy went on to another page. This one comes back to the same place in
		// memory, where the readers of c still point.
		if m.buf, err = c.l.load(c.page-1, m.buf[:0]); err != nil {
			m.page = 0
			return 0, dst, false, err
		}
		m.page = c.page
	}
	if c.i > 0 {
		k := uint64(c.key) + c.keys.rice(c.p.k) + 1
		if c.keys.bad || k >= 1<<FingerprintBits {
			return 0, dst, false, c.l.damaged(c.page-1, "key out of range")
		}
		c.key = uint32(k)
	}
	if c.page < len(c.l.first) && c.key >= c.l.first[c.page] {
		return 0, dst, false, c.l.damaged(c.page-1, "keys of the next page")
	}
	base := len(dst)
	if !c.p.isSeveral(c.i) {
		u := c.one.take(idBits(c.p.units))
		if u >= uint64(c.p.units) {
			return 0, dst, false, c.l.damaged(c.page-1, "unit number out of range")
		}
		dst = append(dst, uint32(u))
	} else {
		var reason string
		if dst, reason = c.p.appendUnits(&c.more, m.set, dst); reason != "" {
			return 0, dst, false, c.l.damaged(c.page-1, reason)
		}
	}
	c.i++
	if c.pairs += uint64(len(dst) - base); c.pairs > c.l.pairs {
		return 0, dst, false, c.l.damaged(c.page-1, "more pairs than there are")
	}
	return c.key, dst, true, nil
}

// load makes the next page the current one.
func (c *cursor) load(m *pageMemory) (err error) {
	if m.set == nil {
		m.set = make([]uint64, (c.l.units+63)/64)
		m.buf = make([]byte, 0, c.l.largest())
	}
	if m.page != c.page+1 {
		if m.buf, err = c.l.load(c.page, m.buf[:0]); err != nil {
			m.page = 0
			return err
		}
		m.page = c.page + 1
	}
	if reason := c.p.parse(m.buf, c.l.units); reason != "" {
		return c.l.damaged(c.page, reason)
	}
	if c.p.first != c.l.first[c.page] {
		return c.l.damaged(c.page, "not the page of the table")
	}
	c.page++
	c.i, c.key = 0, c.p.first
	c.keys = bitReader{buf: c.p.keys}
	c.one = bitReader{buf: c.p.lists}
	c.more = bitReader{buf: c.p.lists, at: 8 * uint(c.p.several)}
	return nil
}

// Verify reads all pages and reports whether they are what was written: a
// *DamageError if not, or the error of reading, or of ctx. Every page is read once.
func (x *Index) Verify(ctx context.Context) error {
	for _, l := range []*list{&x.tix, &x.tri} {
		c, m := l.cursor(), pageMemory{}
		keys, page := uint64(0), 0
		var units []uint32
		for {
			if c.page != page {
				page = c.page
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			_, list, ok, err := c.next(&m, units[:0])
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			units = list
			keys++
		}
		if keys != l.keys || c.pairs != l.pairs {
			return &DamageError{Section: l.name, Page: -1,
				Reason: fmt.Sprintf("%d keys and %d pairs, not %d and %d", keys, c.pairs, l.keys, l.pairs)}
		}
	}
	return nil
}
