package cluster

// row are the messages of one shape that have the same words, but for those at
// positions that are masked.
type row struct {
	count int64
	into  *row // where the count went when rows became one
}

// at returns the row that counts for r.
func (r *row) at() *row {
	for r.into != nil {
		r = r.into
	}
	return r
}

// group are the messages of one shape.
type group struct {
	values []bool // positions of words that are values
	masked []bool
	rows   map[string]*row // by their words, each ended by 0, masked ones empty
	distinct
	checkAt int
	bytes   int
}

const (
	groupBytes = 300
	rowBytes   = 120
)

func newGroup(shape string) *group {
	g := &group{rows: map[string]*row{}, checkAt: 32}
	for i := range len(shape) {
		if shape[i] == markWord || shape[i] == markValue {
			g.values = append(g.values, shape[i] == markValue)
		}
	}
	g.masked = make([]bool, len(g.values))
	g.bytes = groupBytes + len(shape) + 2*len(g.values)
	return g
}

// mask appends words without those that are masked.
func (g *group) mask(dst, words []byte) []byte {
	p := 0
	for _, b := range words {
		if b == 0 {
			p++
		} else if g.masked[p] {
			continue
		}
		dst = append(dst, b)
	}
	return dst
}

// add counts n messages with these words, which are masked, and returns their row.
func (g *group) add(words []byte, n int64) *row {
	if r := g.rows[string(words)]; r != nil {
		r.count += n
		return r
	}
	r := &row{count: n}
	g.rows[string(words)] = r
	g.bytes += rowBytes + len(words)
	return r
}

// check masks the positions with too many words when the group has grown.
func (g *group) check() {
	if len(g.rows) >= g.checkAt {
		g.settle()
		g.checkAt = max(32, 2*len(g.rows))
	}
}

// limits returns how many words are told apart at one position: of a sentence,
// and of values. The more skeletons a group has the fewer these are.
func (g *group) limits() (words, values int) {
	switch l := g.level; {
	case l <= 4: // about 1,000 skeletons
		return 512, 4
	case l <= 6:
		return 128, 4
	case l <= 8:
		return 32, 2
	case l <= 10: // about 65,000
		return 16, 1
	case l <= 12:
		return 8, 1
	case l <= 14: // about 1,000,000
		return 4, 1
	case l <= 16:
		return 2, 1
	}
	return 1, 1
}

// settle masks the positions with too many words. Which these are follows from
// the skeletons that the group has seen, in whatever order.
func (g *group) settle() {
	words, values := g.limits()
	if len(g.rows) <= min(words, values) {
		return
	}
	seen := make([]map[string]struct{}, len(g.values))
	changed := false
	for key := range g.rows {
		p, from := 0, 0
		for i := range len(key) {
			if key[i] != 0 {
				continue
			}
			if w := key[from:i]; !g.masked[p] {
				limit := words
				if g.values[p] {
					limit = values
				}
				if seen[p] == nil {
					seen[p] = map[string]struct{}{}
				}
				if seen[p][w] = struct{}{}; len(seen[p]) > limit {
					g.masked[p], changed = true, true
				}
			}
			p, from = p+1, i+1
		}
	}
	if changed {
		g.remake()
	}
}

// remake makes the rows anew after more positions were masked.
func (g *group) remake() {
	old := g.rows
	g.rows = make(map[string]*row, len(old)/4)
	var buf []byte
	for key, r := range old {
		buf = g.mask(buf[:0], []byte(key))
		g.bytes -= rowBytes + len(key)
		if to := g.rows[string(buf)]; to != nil {
			to.count += r.count
			r.count, r.into = 0, to
			continue
		}
		g.rows[string(buf)] = r
		g.bytes += rowBytes + len(buf)
	}
}

// absorb adds the rows of o, a group of the same shape or one that was cut to it.
func (g *group) absorb(o *group) {
	changed := false
	for p := range g.masked {
		if o.masked[p] && !g.masked[p] {
			g.masked[p], changed = true, true
		}
	}
	if changed {
		g.remake()
	}
	g.distinct.merge(&o.distinct)
	var buf []byte
	for key, r := range o.rows {
		buf = g.mask(buf[:0], firstWords([]byte(key), len(g.masked)))
		to := g.add(buf, r.count)
		r.count, r.into = 0, to
	}
	g.check()
}

// distinct counts hashes: there are about 64 * 2^level different ones. It does
// not depend on their order.
type distinct struct {
	sample []uint64 // those whose level top bits are 0, at most 64
	level  int
}

const sampled = 64

func (d *distinct) see(h uint64) {
	h = mix(h, 0xe7037ed1a0b428db)
	if h>>(64-d.level) == 0 {
		d.keep(h)
	}
}

func (d *distinct) keep(h uint64) {
	for _, x := range d.sample {
		if x == h {
			return
		}
	}
	d.sample = append(d.sample, h)
	for len(d.sample) > sampled {
		d.raise(d.level + 1)
	}
}

// raise makes the level one that is higher.
func (d *distinct) raise(level int) {
	d.level = level
	n := 0
	for _, x := range d.sample {
		if x>>(64-level) == 0 {
			d.sample[n] = x
			n++
		}
	}
	d.sample = d.sample[:n]
}

func (d *distinct) merge(o *distinct) {
	if o.level > d.level {
		d.raise(o.level)
	}
	for _, x := range o.sample {
		if x>>(64-d.level) == 0 {
			d.keep(x)
		}
	}
}
