package skip

import "math/bits"

// lookup sets e.found to the units of a key.
func (e *evaluation) lookup(l *list, which int, key uint32) error {
	if e.found == nil {
		e.found = make([]uint64, len(e.x.blind))
	}
	clear(e.found)
	number := l.find(key)
	if number < 0 {
		return nil
	}
	lp := &e.pages[which]
	if lp.number != number+1 {
		if err := e.load(l, which, number); err != nil {
			return err
		}
	}
	if reason := lp.page.lookup(key, e.found); reason != "" {
		return l.damaged(number, reason)
	}
	return nil
}

func (e *evaluation) load(l *list, which, number int) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	lp := &e.pages[which]
	lp.number = 0
	var b []byte
	if e.x.cache != nil {
		b = e.x.cache.Get(which == 1, number)
	}
	if b == nil {
		var err error
		if b, err = l.load(number, lp.buf); err != nil {
			return err
		}
		if e.x.cache != nil {
			e.x.cache.Put(which == 1, number, b)
		} else {
			lp.buf = b
		}
	}
	if reason := lp.page.parse(b, l.units); reason != "" {
		return l.damaged(number, reason)
	}
	if lp.page.first != l.first[number] {
		return l.damaged(number, "not the page of the table")
	}
	lp.number = number + 1
	return nil
}

// lookup sets the units of a key in found, which is empty.
func (p *page) lookup(key uint32, found []uint64) string {
	i, ok, reason := p.search(key)
	if !ok {
		return reason
	}
	several := 0
	for _, f := range p.flags[:i>>3] {
		several += bits.OnesCount8(f)
	}
	several += bits.OnesCount8(p.flags[i>>3] & (1<<(i&7) - 1))
	if !p.isSeveral(i) {
		width := idBits(p.units)
		r := bitReader{buf: p.lists, at: uint(i-several) * width}
		u := r.take(width)
		if u >= uint64(p.units) {
			return "unit number out of range"
		}
		found[u>>6] |= 1 << (u & 63)
		return ""
	}
	r := bitReader{buf: p.lists, at: 8 * uint(p.several)}
	for range several {
		if reason := p.read(&r, nil); reason != "" {
			return reason
		}
	}
	return p.read(&r, found)
}

// search returns which key of the page is key.
func (p *page) search(key uint32) (i int, ok bool, reason string) {
	r := bitReader{buf: p.keys}
	at := uint64(p.first)
	for i := 0; ; {
		if at >= uint64(key) {
			return i, at == uint64(key), ""
		}
		if i++; i == p.n {
			return 0, false, ""
		}
		if at += r.rice(p.k) + 1; r.bad {
			return 0, false, "keys are cut off"
		}
	}
}
