package cluster

import (
	"cmp"
	"slices"
)

// Options are the bounds of a Clusterer. The zero value has the usual ones.
type Options struct {
	Shapes int // that are told apart; 0: 4,096
}

const defaultShapes = 4096

// Pattern is a text that messages have in common.
type Pattern struct {
	Text     string // with tokens such as <Time-1>; valid UTF-8
	Count    int64  // messages
	Severity string // ERROR, WARN or INFO
}

// Clusterer collects messages. It belongs to one goroutine.
type Clusterer struct {
	shapes int
	level  int // of coarseness
	groups map[string]*group
	total  int64
	bytes  int

	scanner scanner
	shaper  shaper
	buf     []byte
	cache   cache
}

// New returns a Clusterer without messages.
func New(o Options) *Clusterer {
	return &Clusterer{
		shapes:  cmp.Or(o.Shapes, defaultShapes),
		groups:  map[string]*group{},
		scanner: scanner{class: newClasses()},
		cache:   newCache(),
	}
}

// Add counts one message. It does not keep the text.
func (c *Clusterer) Add(text []byte) { c.AddN(text, 1) }

// AddN counts a message that occurs n times.
func (c *Clusterer) AddN(text []byte, n int64) {
	c.total += n
	h := c.scanner.scan(text)
	slot := c.cache.slot(h)
	if slot.row == nil || slot.hash != h {
		c.miss(text, h, n)
		return
	}
	r := slot.row.at()
	r.count += n
	for i := 0; i < len(slot.checks); i++ {
		k := slot.checks[i]
		if tok := c.scanner.tokens[k.token]; r.values[k.value] != string(text[tok.start:tok.end]) {
			r.values[k.value] = varies
			slot.checks = slices.Delete(slot.checks, i, i+1)
			i--
		}
	}
}

// miss counts a message whose skeleton is not in the cache. What was scanned is
// still in the scanner.
func (c *Clusterer) miss(text []byte, h uint64, n int64) {
	p := &c.shaper
	p.make(&c.scanner, text)
	g := c.group(coarse(string(p.shape), c.level))
	if g == nil {
		c.coarsen(c.level + 1)
		c.miss(text, h, n)
		return
	}
	was := g.bytes
	g.see(h)
	c.buf = g.mask(c.buf[:0], firstWords(p.words, len(g.masked)))
	r := &row{count: n, values: make([]string, g.values)}
	for i, k := range p.values[:g.values] {
		r.values[i] = string(text[c.scanner.tokens[k].start:c.scanner.tokens[k].end])
	}
	r = g.put(string(c.buf), r)
	g.check()
	c.bytes += g.bytes - was

	r = r.at()
	s := c.cache.put(h, r)
	for i, v := range r.values {
		if v != varies {
			s.checks = append(s.checks, check{int32(p.values[i]), int32(i)})
		}
	}
}

// group returns the group of a shape, which it makes; nil when there are too many.
func (c *Clusterer) group(shape string) *group {
	g := c.groups[shape]
	if g == nil {
		if len(c.groups) >= c.shapes && c.level < len(coarser) {
			return nil
		}
		g = newGroup(shape)
		c.groups[shape] = g
		c.bytes += g.bytes
	}
	return g
}

// coarsen makes shapes coarser until no more of them remain than are allowed.
func (c *Clusterer) coarsen(level int) {
	old := c.groups
	for c.level = level; ; c.level++ {
		shapes := map[string]struct{}{}
		for s := range old {
			shapes[coarse(s, c.level)] = struct{}{}
		}
		if len(shapes) <= c.shapes {
			break
		}
	}
	c.groups, c.bytes, c.cache = map[string]*group{}, 0, newCache()
	for s, o := range old {
		c.absorb(s, o)
	}
}

// absorb adds a group of another Clusterer, or of this one when it was finer.
func (c *Clusterer) absorb(shape string, o *group) {
	g := c.group(coarse(shape, c.level))
	if g == nil {
		c.coarsen(c.level + 1)
		c.absorb(shape, o)
		return
	}
	was := g.bytes
	g.absorb(o)
	c.bytes += g.bytes - was
}

// Merge adds what o has counted. o must not be used any more.
func (c *Clusterer) Merge(o *Clusterer) {
	if o.level > c.level {
		c.coarsen(o.level)
	}
	for s, g := range o.groups {
		c.absorb(s, g)
	}
	c.total += o.total
}

// Total returns the number of messages.
func (c *Clusterer) Total() int64 { return c.total }

// Bytes returns about how much memory the Clusterer holds. It can shrink.
func (c *Clusterer) Bytes() int { return c.bytes + c.cache.bytes() }

// Patterns returns the patterns of all messages, most frequent first, equally
// frequent ones in the order of their texts.
func (c *Clusterer) Patterns() []Pattern {
	type found struct {
		slots []slotted
		count int64
	}
	all := map[string]*found{}
	for s, g := range c.groups {
		was := g.bytes
		g.settle()
		c.bytes += g.bytes - was
		for _, t := range templates(g) {
			p := skeletonOf(s, t)
			if f := all[string(p.text)]; f != nil {
				general(f.slots, p.slots)
				f.count += t.count
				continue
			}
			all[string(p.text)] = &found{p.slots, t.count}
		}
	}
	out := make([]Pattern, 0, len(all))
	for text, f := range all {
		text = render(text, f.slots)
		out = append(out, Pattern{text, f.count, severity(text)})
	}
	slices.SortFunc(out, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out
}
