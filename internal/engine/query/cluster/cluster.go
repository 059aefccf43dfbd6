package cluster

import (
	"cmp"
	"slices"
)

// Options are the bounds of a Clusterer. The zero value has the usual ones.
type Options struct {
	Shapes int  // that are told apart; 0: 4,096
	Values bool // count the values of tokens, too
}

const defaultShapes = 4096

// Pattern is a text that messages have in common.
type Pattern struct {
	Text     string // with tokens such as <Time-1>; valid UTF-8
	Count    int64  // messages
	Severity string // ERROR, WARN or INFO

	// Tokens are those of Text, in its order; nil without Options.Values.
	Tokens []Token
}

// Clusterer collects messages. It belongs to one goroutine.
type Clusterer struct {
	shapes int
	level  int // of coarseness
	groups map[string]*group
	total  int64
	bytes  int
	values bool
	held   int  // bytes of the values of tokens
	edited bool // rows were added, or became one, or their values differ, since it was set to false
	differ bool // values of rows differ that did not, since patterns were found

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
		values:  o.Values,
		scanner: newScanner(),
		cache:   newCache(),
	}
}

// Add counts one message. It does not keep the text.
func (c *Clusterer) Add(text []byte) { c.AddN(text, 1) }

// AddN counts a message that occurs n times.
func (c *Clusterer) AddN(text []byte, n int64) { c.add(text, n) }

// add counts a message and returns its row.
func (c *Clusterer) add(text []byte, n int64) *row {
	c.total += n
	h := c.scanner.scan(text)
	slot := c.cache.slot(h)
	if slot == nil {
		return c.miss(text, h, n)
	}
	r := slot.row.at()
	r.count += n
	for i := 0; i < len(slot.checks); i++ {
		k := slot.checks[i]
		if tok := c.scanner.tokens[k.token]; r.values[k.value] != string(text[tok.start:tok.end]) {
			r.values[k.value] = varies
			slot.checks = slices.Delete(slot.checks, i, i+1)
			i--
			c.edited, c.differ = true, true
		}
	}
	for i := 0; i < len(slot.watched); i++ {
		k := slot.watched[i]
		set, tok := &r.sets[k.value], c.scanner.tokens[k.token]
		if !set.many {
			c.held += set.add(text[tok.start:tok.end], n)
		}
		if set.many {
			slot.watched = slices.Delete(slot.watched, i, i+1)
			i--
		}
	}
	return r
}

// miss counts a message whose skeleton is not in the cache.
func (c *Clusterer) miss(text []byte, h uint64, n int64) *row {
	p := &c.shaper
	c.scanner.scanAll(text)
	p.make(&c.scanner, text)
	g := c.group(coarse(string(p.shape), c.level))
	if g == nil {
		c.coarsen(c.level + 1)
		return c.miss(text, h, n)
	}
	was, edits := g.bytes, g.edits
	g.see(h)
	c.buf = g.mask(c.buf[:0], firstWords(p.words, len(g.masked)))
	r := &row{count: n, values: make([]string, g.values)}
	for i, k := range p.values[:g.values] {
		r.values[i] = string(text[c.scanner.tokens[k].start:c.scanner.tokens[k].end])
	}
	if c.values {
		r.sets = make([]valueSet, g.marks)
		for i, k := range p.marks[:g.marks] {
			tok := c.scanner.tokens[k]
			if r.sets[i].many = !tok.hasValues(); !r.sets[i].many {
				c.held += r.sets[i].add(text[tok.start:tok.end], n)
			}
		}
	}
	r = g.put(string(c.buf), r)
	g.check()
	c.bytes += g.bytes - was
	c.edited = c.edited || g.edits != edits

	r = r.at()
	s := c.cache.put(h, r)
	for i, v := range r.values {
		if v != varies {
			s.checks = append(s.checks, check{int32(p.values[i]), int32(i)})
		}
	}
	for i := range r.sets {
		if !r.sets[i].many {
			s.watched = append(s.watched, check{int32(p.marks[i]), int32(i)})
		}
	}
	return r
}

// group returns the group of a shape, which it makes; nil when there are too many.
func (c *Clusterer) group(shape string) *group {
	g := c.groups[shape]
	if g == nil {
		if len(c.groups) >= c.shapes && c.level < len(coarser) {
			return nil
		}
		g = newGroup(shape)
		g.held = &c.held
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
	c.groups, c.bytes, c.cache, c.edited = map[string]*group{}, 0, newCache(), true
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
	c.held += o.held
	for s, g := range o.groups {
		c.absorb(s, g)
	}
	c.total += o.total
	c.edited = true
}

// Total returns the number of messages.
func (c *Clusterer) Total() int64 { return c.total }

// Bytes returns about how much memory the Clusterer holds. It can shrink.
func (c *Clusterer) Bytes() int { return c.bytes + c.held + c.cache.bytes() + c.scanner.known.bytes }

// Patterns returns the patterns of all messages, most frequent first, equally
// frequent ones in the order of their texts.
func (c *Clusterer) Patterns() []Pattern {
	all := c.found()
	out := make([]Pattern, 0, len(all))
	for text, f := range all {
		p := Pattern{Text: render(text, f.slots), Count: f.count}
		p.Severity = severity(p.Text)
		if c.values {
			p.Tokens = f.tokens()
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// found is a pattern and what it was made of.
type found struct {
	slots []slotted
	count int64
	parts []part // when the values of tokens are counted
}

// part are the rows of one shape.
type part struct {
	shape string
	template
}

// found finds the patterns, by their texts with a 0 for each slot.
func (c *Clusterer) found() map[string]*found {
	all := map[string]*found{}
	for s, g := range c.groups {
		was := g.bytes
		g.settle()
		c.bytes += g.bytes - was
		if c.differ {
			g.made = nil
		}
		for _, t := range g.templates(c.values) {
			p := skeletonOf(s, t)
			f := all[string(p.text)]
			if f == nil {
				f = &found{slots: p.slots}
				all[string(p.text)] = f
			} else {
				general(f.slots, p.slots)
			}
			f.count += t.count
			if c.values {
				f.parts = append(f.parts, part{s, t})
			}
		}
	}
	c.differ = false
	return all
}
