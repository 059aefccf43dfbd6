package cluster

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Tracker follows the patterns of messages through windows of time: which there
// are, how many messages each has in a window, and which values its tokens have.
// Patterns keep their numbers when what is known about them changes: when a word
// turns out to vary, or two become one. It belongs to one goroutine.
type Tracker struct {
	c       *Clusterer
	next    int32 // number of the next pattern
	tracked []*Tracked
	held    int // bytes of samples
	samples int // bytes that these may have
}

// Tracked is a pattern in a window. It belongs to the Tracker and changes with the
// next window.
type Tracked struct {
	ID       int32 // from 1
	Text     string
	Count    int64    // messages in the window
	New      bool     // this is the first window that has it
	Parent   int32    // of one that is New: the pattern that it was part of before; 0: none
	Merged   []int32  // patterns that became part of it in this window and are no more
	Literals []string // the texts before, between and behind its tokens

	found *found
}

// maxSampleBytes bounds the messages that are kept as samples: bytes of all of
// them. LimitSamples can set less.
const maxSampleBytes = 4 << 20

// NewTracker returns a Tracker without patterns.
func NewTracker(o Options) *Tracker {
	o.Values = true
	return &Tracker{c: New(o), next: 1, samples: maxSampleBytes}
}

// Add counts a message of a time (in any unit) in the present window.
func (t *Tracker) Add(at int64, text []byte) {
	r := t.c.add(text, 1)
	if r.count != 1 {
		return
	}
	if len(text) > maxText {
		text = text[:maxText]
	}
	t.held -= len(r.sample)
	if t.held+len(text) > t.samples {
		r.sample = nil
		return
	}
	t.held += len(text)
	r.sample, r.sampleAt = append(r.sample[:0], text...), at
}

// LimitSamples sets how many bytes the samples of a window may have: at most, and
// without a call, 4 MiB.
func (t *Tracker) LimitSamples(bytes int) { t.samples = min(max(bytes, 0), maxSampleBytes) }

// Bytes returns about how much memory the Tracker holds.
func (t *Tracker) Bytes() int { return t.c.Bytes() + t.held }

// PatternBytes returns about how much memory the patterns and their values take.
// What Bytes has beyond that is bounded: samples, and what is remembered of
// messages to find their patterns faster, which takes less than 4 MiB.
func (t *Tracker) PatternBytes() int { return t.c.bytes + t.c.held }

// Shrink tells less apart, so that patterns take less memory. It reports whether
// it could.
func (t *Tracker) Shrink() bool {
	if t.c.level >= len(coarser) {
		return false
	}
	t.c.scanner.known = known{} // and coarsen empties the cache
	t.c.coarsen(t.c.level + 1)
	t.countSamples()
	return true
}

// countSamples finds how many bytes the samples have. When rows become one, those of
// all but one go.
func (t *Tracker) countSamples() {
	t.held = 0
	for _, g := range t.c.groups {
		for _, r := range g.rows {
			t.held += len(r.sample)
		}
	}
}

// Window returns the patterns of the window so far, by number. Those that had
// messages in windows before are among them, with a Count of 0 when they have none
// in this one.
func (t *Tracker) Window() []*Tracked {
	if t.c.edited || t.tracked == nil {
		t.restructure()
		t.countSamples()
		t.c.edited = false
	} else {
		for _, p := range t.tracked {
			p.New, p.Parent, p.Merged = false, 0, nil
		}
	}
	for _, p := range t.tracked {
		p.Count = 0
		for _, part := range p.found.parts {
			for _, l := range part.rows {
				p.Count += l.row.count
			}
		}
	}
	return t.tracked
}

// Next begins the next window.
func (t *Tracker) Next() {
	for _, g := range t.c.groups {
		for _, r := range g.rows {
			if r.count == 0 && r.sample != nil { // it is of an older window
				t.held -= len(r.sample)
				r.sample = nil
			}
			r.before, r.count = r.before+r.count, 0
			for i := range r.sets {
				for k := range r.sets[i].values {
					v := &r.sets[i].values[k]
					v.before, v.count, v.fresh = v.before+v.count, 0, false
				}
			}
		}
	}
}

// claim is how much of a pattern's rows are in one of the new patterns.
type claim struct {
	to   *Tracked
	rows int
}

// restructure finds the patterns anew and gives them their numbers: that of the
// oldest one of whose rows they have the most. What has rows of no pattern is
// new.
func (t *Tracker) restructure() {
	all := t.c.found()
	now := make([]*Tracked, 0, len(all))
	for _, text := range slices.Sorted(maps.Keys(all)) {
		f := all[text]
		now = append(now, &Tracked{Text: render(text, f.slots), Literals: literals(text, f.slots), found: f})
	}
	owner := map[int32]claim{}
	for _, p := range now {
		for id, n := range p.rowsOf() {
			if c := owner[id]; n > c.rows {
				owner[id] = claim{p, n}
			}
		}
	}
	for _, p := range now {
		of := p.rowsOf()
		var own []int32
		for id := range of {
			if owner[id].to == p {
				own = append(own, id)
			}
		}
		slices.Sort(own)
		switch {
		case len(own) > 0:
			p.ID, p.Merged = own[0], own[1:]
		default:
			p.ID, p.New = t.next, true
			t.next++
			for id, n := range of {
				if p.Parent == 0 || n > of[p.Parent] || n == of[p.Parent] && id < p.Parent {
					p.Parent = id
				}
			}
		}
	}
	for _, p := range now {
		for _, part := range p.found.parts {
			for _, l := range part.rows {
				l.row.id, l.row.also = p.ID, nil
			}
		}
	}
	slices.SortFunc(now, func(a, b *Tracked) int { return cmp.Compare(a.ID, b.ID) })
	t.tracked = now
}

// rowsOf counts the rows by the patterns that they belonged to.
func (p *Tracked) rowsOf() map[int32]int {
	n := map[int32]int{}
	for _, part := range p.found.parts {
		for _, l := range part.rows {
			if l.row.id != 0 {
				n[l.row.id]++
			}
			for _, id := range l.row.also {
				n[id]++
			}
		}
	}
	return n
}

// literals cuts the text of a pattern at its tokens.
func literals(text string, slots []slotted) []string {
	out := []string{""}
	add := func(s string) { out[len(out)-1] += s }
	for len(text) > 0 {
		at := strings.IndexByte(text, 0)
		if at < 0 {
			add(text)
			break
		}
		add(text[:at])
		text = text[at+1:]
		if s := slots[0]; s.value != "" {
			add(s.value)
		} else {
			out = append(out, "")
		}
		slots = slots[1:]
	}
	for i, s := range out {
		out[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}

// Tokens returns the tokens of the pattern with the values of all windows.
func (p *Tracked) Tokens() []Token { return p.found.tokens() }

// Windowed is a value of a token in a window.
type Windowed struct {
	Token  int    // index of the token in the pattern, from 0
	Name   string // what kind it has, such as Number
	Text   string
	Count  int64 // in the window
	Before int64 // in windows before
	Quiet  int64 // for a value that is new in the window: how many values the token had since it had a new one
}

// Values calls yield for the values of tokens that have few enough of them.
func (p *Tracked) Values(yield func(Windowed) bool) {
	token := 0
	for i, set := range p.found.sets() {
		if p.found.slots[i].value != "" {
			continue
		}
		if !set.many {
			for _, v := range set.values {
				w := Windowed{Token: token, Name: kindNames[p.found.slots[i].kind], Text: v.text, Count: v.count, Before: v.before}
				if v.fresh && v.before == 0 {
					w.Quiet = v.quiet
				}
				if !yield(w) {
					return
				}
			}
		}
		token++
	}
}

// HasValues reports whether a token of the pattern has few enough values to count
// them. It costs less than Values.
func (p *Tracked) HasValues() bool {
	for _, part := range p.found.parts {
		for _, l := range part.rows {
			for i := range l.row.sets {
				if !l.row.sets[i].many {
					return true
				}
			}
		}
	}
	return false
}

// Samples calls yield for messages of the window, one of each row of words.
func (p *Tracked) Samples(yield func(at int64, message []byte) bool) {
	for _, part := range p.found.parts {
		for _, l := range part.rows {
			if l.row.count > 0 && len(l.row.sample) > 0 && !yield(l.row.sampleAt, l.row.sample) {
				return
			}
		}
	}
}

// Forget drops patterns, so that what comes of them is new again.
func (t *Tracker) Forget(gone func(id int32) bool) {
	c := t.c
	for shape, g := range c.groups {
		for key, r := range g.rows {
			if r.id == 0 || !gone(r.id) {
				continue
			}
			delete(g.rows, key)
			g.edits++
			g.bytes -= g.size(key)
			c.bytes -= g.size(key)
			for i := range r.sets {
				c.held -= r.sets[i].bytes()
			}
			t.held -= len(r.sample)
			c.edited = true
		}
		if len(g.rows) == 0 {
			delete(c.groups, shape)
			c.bytes -= g.bytes
		}
	}
	if c.edited {
		c.cache = newCache()
	}
}
