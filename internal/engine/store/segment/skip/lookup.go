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
	if reason := lp.lookup(key, e.found); reason != "" {
		lp.number = 0
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
	lp.rewind()
	return nil
}

// rewind goes to the first key of the page.
func (lp *loadedPage) rewind() {
	lp.i, lp.key, lp.keys = 0, uint64(lp.page.first), bitReader{buf: lp.page.keys}
	lp.passed, lp.lists = 0, bitReader{buf: lp.page.lists, at: 8 * uint(lp.page.several)}
}

// lookup sets the units of a key in found, which is empty. Keys that come in
// ascending order are found in one pass.
func (lp *loadedPage) lookup(key uint32, found []uint64) string {
	p := &lp.page
	if uint64(key) < lp.key {
		lp.rewind()
	}
	if reason := lp.seek(uint64(key)); reason != "" || lp.key != uint64(key) {
		return reason
	}
	i, several := lp.i, 0
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
	for ; lp.passed < several; lp.passed++ {
		if reason := p.read(&lp.lists, nil); reason != "" {
			return reason
		}
	}
	r := lp.lists // the same key may be wanted again
	return p.read(&r, found)
}

// seek goes to key, or to the first key behind it, or to the last one.
func (lp *loadedPage) seek(key uint64) string {
	k, at, i, n := lp.page.k, lp.key, lp.i, lp.page.n
	r := &lp.keys
	for at < key && i < n-1 {
		// As many as are whole in one word.
		w, have := r.peek(), uint(57)
		for at < key && i < n-1 {
			q := uint(bits.TrailingZeros64(w))
			if q+1+k > have {
				break
			}
			at += uint64(q)<<k + w>>(q+1)&(1<<k-1) + 1
			i++
			w >>= q + 1 + k
			have -= q + 1 + k
		}
		if r.at += 57 - have; r.at > 8*uint(len(r.buf)) {
			return "keys are cut off"
		}
		if have == 57 { // longer than a word
			at += r.rice(k) + 1
			i++
			if r.bad {
				return "keys are cut off"
			}
		}
	}
	lp.key, lp.i = at, i
	return ""
}
