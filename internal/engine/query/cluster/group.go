package cluster

import (
	"iter"
	"maps"
	"slices"
)

// row are the messages of one shape that have the same words, but for those at
// positions that are masked.
type row struct {
	count  int64
	values []string // of the messages; varies where they differ
	sets   []valueSet
	into   *row // where the count went when rows became one

	// Of a Tracker: the pattern that the row belongs to, 0: none yet, those of
	// rows that became part of it, and the first message of the window.
	id       int32
	also     []int32
	before   int64 // count of the windows before
	sample   []byte
	sampleAt int64
}

// varies is what stands for values that differ.
const varies = "\x00"

// at returns the row that counts for r.
func (r *row) at() *row {
	for r.into != nil {
		r = r.into
	}
	return r
}

// absorb moves the messages of o to r. It returns whether values differ that did
// not, and by how much the memory of sets grew.
func (r *row) absorb(o *row) (differs bool, grown int) {
	r.count += o.count
	r.before += o.before
	for i, v := range o.values[:len(r.values)] {
		if v != r.values[i] && r.values[i] != varies {
			r.values[i], differs = varies, true
		}
	}
	for i := range o.sets {
		if i < len(r.sets) {
			grown += r.sets[i].absorb(&o.sets[i])
		} else {
			grown -= o.sets[i].bytes()
		}
	}
	if o.id != 0 && o.id != r.id {
		if r.id == 0 {
			r.id = o.id
		} else {
			r.also = append(r.also, o.id)
		}
	}
	r.also = append(r.also, o.also...)
	if len(r.sample) == 0 {
		r.sample, r.sampleAt = o.sample, o.sampleAt
	}
	*o = row{into: r}
	return differs, grown
}

// group are the messages of one shape.
type group struct {
	masked  []bool          // the positions of words that are not told apart
	values  int             // how many there are
	marks   int             // of tokens that are no words
	rows    map[string]*row // by their words, each ended by 0, masked ones empty
	checkAt int
	bytes   int
	held    *int // bytes of the values of tokens, of the Clusterer
	edits   int  // how often rows were added, became one, or their values differed
	distinct

	made      []template // what templates returned last, while nothing was edited since
	madeEdits int
}

const (
	groupBytes = 300
	rowBytes   = 150
	valueBytes = 32
)

func newGroup(shape string) *group {
	g := &group{rows: map[string]*row{}, checkAt: minCheck, bytes: groupBytes + len(shape)}
	for i := range len(shape) {
		switch shape[i] {
		case markWord:
			g.masked = append(g.masked, false)
		case markValue, markMixed:
			g.values++
			g.marks++
		case markRest:
		default:
			if isMark(shape[i]) {
				g.marks++
			}
		}
	}
	return g
}

// minCheck is how many rows a group has before it looks which words to mask.
const minCheck = 32

// mask appends words without those that are masked.
func (g *group) mask(dst, words []byte) []byte { return appendMasked(dst, words, g.masked) }

func appendMasked(dst, words []byte, masked []bool) []byte {
	p := 0
	for _, b := range words {
		if b == 0 {
			p++
		} else if masked[p] {
			continue
		}
		dst = append(dst, b)
	}
	return dst
}

// put adds a row, whose words are masked, and returns the one that has them now.
func (g *group) put(words string, r *row) *row {
	if to := g.rows[words]; to != nil {
		differs, grown := to.absorb(r)
		*g.held += grown
		if differs {
			g.edits++
		}
		return to
	}
	r.values = r.values[:g.values]
	if len(r.sets) > g.marks {
		for i := g.marks; i < len(r.sets); i++ {
			*g.held -= r.sets[i].bytes()
		}
		r.sets = r.sets[:g.marks]
	}
	g.edits++
	g.rows[words] = r
	g.bytes += g.size(words)
	return r
}

func (g *group) size(words string) int { return rowBytes + len(words) + valueBytes*g.values }

// check masks the positions with too many words when the group has grown.
func (g *group) check() {
	if len(g.rows) >= g.checkAt {
		g.settle()
		g.checkAt = max(minCheck, 2*len(g.rows))
	}
}

// limit returns how many words are told apart at one position. The more skeletons
// a group has the fewer these are.
func (g *group) limit() int {
	switch l := g.level; {
	case l <= 4: // about 1,000 skeletons
		return 512
	case l <= 6:
		return 128
	case l <= 8:
		return 32
	case l <= 10: // about 65,000
		return 16
	case l <= 12:
		return 8
	case l <= 14: // about 1,000,000
		return 4
	case l <= 16:
		return 2
	}
	return 1
}

// settle masks the positions with too many words. Which these are follows from
// the skeletons that the group has seen, in whatever order.
func (g *group) settle() {
	limit := g.limit()
	if len(g.rows) <= limit {
		return
	}
	if many := manyWords(maps.Keys(g.rows), g.masked, limit); many != nil {
		g.masked = many
		g.remake()
	}
}

// manyWords returns which positions are masked when those with more than limit
// words become so too; nil when there are none of these.
func manyWords(rows iter.Seq[string], masked []bool, limit int) []bool {
	seen := make([]map[string]struct{}, len(masked))
	many := slices.Clone(masked)
	changed := false
	for key := range rows {
		p, from := 0, 0
		for i := range len(key) {
			if key[i] != 0 {
				continue
			}
			if !many[p] {
				if seen[p] == nil {
					seen[p] = map[string]struct{}{}
				}
				if seen[p][key[from:i]] = struct{}{}; len(seen[p]) > limit {
					many[p], changed = true, true
				}
			}
			p, from = p+1, i+1
		}
	}
	if !changed {
		return nil
	}
	return many
}

// remake makes the rows anew after more positions were masked.
func (g *group) remake() {
	old := g.rows
	g.edits++
	g.rows = make(map[string]*row, len(old)/4)
	var buf []byte
	for key, r := range old {
		buf = g.mask(buf[:0], []byte(key))
		g.bytes -= g.size(key)
		g.put(string(buf), r)
	}
}

// absorb adds the rows of o, a group of the same shape or one that was cut to it.
func (g *group) absorb(o *group) {
	if g.maskLike(o) {
		g.remake()
	}
	g.merge(&o.distinct)
	var buf []byte
	for key, r := range o.rows {
		buf = g.mask(buf[:0], firstWords([]byte(key), len(g.masked)))
		g.put(string(buf), r)
	}
	g.check()
}

// maskLike masks what is masked in o and reports whether that is something new.
func (g *group) maskLike(o *group) bool {
	was := slices.Clone(g.masked)
	for p := range g.masked {
		g.masked[p] = g.masked[p] || o.masked[p]
	}
	return !slices.Equal(was, g.masked)
}

// distinct counts hashes: there are about 64 * 2^level different ones. It does
// not depend on their order.
type distinct struct {
	sample []uint64 // those whose level top bits are 0, at most 64
	level  int
}

const sampled = 64

func (d *distinct) see(h uint64) {
	h = mix(h, 1)
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
