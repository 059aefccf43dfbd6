package shred

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// matcher is the scratch of Block.Match.
type matcher struct {
	of      []course // by template
	legs    []leg
	chunks  []chunkRun
	reach   map[reachKey]reached
	tracked []uint16 // columns, one for each hole that is passed
	track   []bool   // by column
	at      []int    // by column: its next text in its chunk
	rows    []uint32
	texts   column.Texts
	set     []column.State
	next    []column.State
	a       column.Automaton
}

// course is what is known of all rows of a template before any text is read.
type course struct {
	verdict verdict
	leg     leg  // of open: to the first hole whose text matters
	legs    int  // the first of the legs of the template, which begin behind its holes
	tracked span // the columns to count
}

// leg is the way from behind a hole (or the begin) to the next hole whose text
// matters, or to the end: the hole behind the last one.
type leg struct {
	from, to column.State
	hole     int
}

type verdict uint8

const (
	never  verdict = iota // no row matches
	always                // every row matches
	open                  // by the texts from a hole on
	whole                 // by the only text, which may be empty
	unsure                // by the message
)

// reachKey is a question that is asked of the automaton once.
type reachKey struct {
	from  column.State
	bytes [4]uint64
}

type reached struct {
	states []column.State
	ok     bool
}

const maxReachKeys = 4096

// chunkRun remembers where the distinct texts of a chunk lead.
type chunkRun struct {
	runs []dictionaryRun // of the states that came first
	used int
}

type dictionaryRun struct {
	from column.State
	to   []uint16 // by text; unknownRun: not known yet
}

const (
	maxDictionaryRuns = 4
	unknownRun        = 1<<16 - 1
)

// Match adds to hits those of rows (ascending) whose message a matches, exactly.
// Literals are read once for each state that rows come to them in, a distinct
// text of a column likewise, and columns that cannot matter not at all.
func (b *Block) Match(a column.Automaton, rows []uint32, hits column.Bitmap) error {
	m := &b.matcher
	m.begin(b, a)
	some := false
	for i := range b.templates {
		if b.rows[i] > 0 {
			m.follow(b, a, i)
			some = some || m.of[i].verdict != never
		}
	}
	if !some {
		return nil
	}
	m.watch(b)
	next := 0
	for row, of := range b.of {
		if next == len(rows) {
			break
		}
		c := &m.of[of]
		if rows[next] == uint32(row) {
			next++
			hit := c.verdict == always
			switch c.verdict {
			case open:
				s, err := m.run(b, a, int(of))
				if err != nil {
					return err
				}
				if hit = s == column.Matched; s == column.Unsure {
					m.rows = append(m.rows, uint32(row))
				} else if !hit {
					hit = a.Ends(s)
				}
			case whole:
				n := b.templates[of].Columns[0]
				k, err := b.decode(int(b.columns[n].chunk))
				if err != nil {
					return err
				}
				hit = a.Match(k.at(m.at[n]))
			case unsure:
				m.rows = append(m.rows, uint32(row))
			}
			if hit {
				hits.Set(row)
			}
		}
		for _, n := range m.tracked[c.tracked.from:c.tracked.to] {
			m.at[n]++
		}
	}
	return m.verify(b, a, hits)
}

func (m *matcher) begin(b *Block, a column.Automaton) {
	if m.a != a || len(m.reach) > maxReachKeys {
		m.a, m.reach = a, map[reachKey]reached{}
	}
	m.of = fit(m.of, len(b.templates))
	m.at = fit(m.at, len(b.columns))
	for i := range b.columns {
		m.at[i] = b.columns[i].first
	}
	for len(m.chunks) < len(b.chunks) {
		m.chunks = append(m.chunks, chunkRun{})
	}
	for i := range b.chunks {
		m.chunks[i].used = 0
	}
	m.track = fit(m.track, len(b.columns))
	clear(m.track)
	m.legs, m.tracked, m.rows = m.legs[:0], m.tracked[:0], m.rows[:0]
}

// follow finds out how far all rows of a template go the same way.
func (m *matcher) follow(b *Block, a column.Automaton, i int) {
	t, c := &b.templates[i], &m.of[i]
	*c = course{legs: len(m.legs)}
	s := a.Start()
	switch {
	case s == column.Unsure:
		c.verdict = unsure
		return
	case s == column.Matched:
		c.verdict = always
		return
	case len(t.Literal) > 0:
	case len(t.Columns) == 1: // the message may be empty
		c.verdict = whole
		return
	default:
		c.verdict = unsure
		return
	}
	c.leg = m.advance(b, a, t, 0, s)
	switch to := c.leg.to; {
	case to == column.Unsure:
		c.verdict = unsure
	case to == column.Matched:
		c.verdict = always
	case c.leg.hole < len(t.Columns):
		c.verdict = open
		for range t.Columns {
			m.legs = append(m.legs, leg{})
		}
	case a.Ends(to):
		c.verdict = always
	}
}

// advance goes from behind hole h-1 in state s as far as is certain: over holes
// that all of their possible texts leave in one state in the end.
func (m *matcher) advance(b *Block, a column.Automaton, t *Template, h int, s column.State) leg {
	l := leg{from: s}
	set := append(m.set[:0], s)
	defer func() { m.set = set }()
	for ; ; h++ {
		// The literal before hole h.
		if piece := t.Piece(h); len(piece) > 0 {
			final := 0
			for i, x := range set {
				if set[i] = a.Run(x, piece); set[i] <= column.Matched {
					final++
				}
			}
			set = distinctStates(set)
			if final > 0 {
				if len(set) == 1 {
					l.to, l.hole = set[0], len(t.Columns)
				}
				return l
			}
		}
		if h == len(t.Columns) {
			if sameEnd(a, set) {
				l.to, l.hole = set[0], h
			}
			return l
		}
		if len(set) == 1 {
			l.to, l.hole = set[0], h
		}
		k := &b.chunks[b.columns[t.Columns[h]].chunk]
		if k.inMemory {
			return l
		}
		m.next = m.next[:0]
		for _, x := range set {
			r := m.reachable(a, x, &k.sum.Classes)
			if !r.ok {
				return l
			}
			m.next = append(m.next, r.states...)
		}
		set, m.next = distinctStates(m.next), set
		if len(set) > column.MaxReach {
			return l
		}
	}
}

func distinctStates(set []column.State) []column.State {
	if len(set) == 1 {
		return set
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// sameEnd reports whether all of some states are a match at the end, or none is.
func sameEnd(a column.Automaton, set []column.State) bool {
	for _, s := range set[1:] {
		if a.Ends(s) != a.Ends(set[0]) {
			return false
		}
	}
	return true
}

func (m *matcher) reachable(a column.Automaton, s column.State, bytes *[4]uint64) reached {
	key := reachKey{s, *bytes}
	r, known := m.reach[key]
	if !known {
		r.states, r.ok = a.Reach(s, bytes, nil)
		m.reach[key] = r
	}
	return r
}

// watch decides which columns are counted: those that some rows may read.
func (m *matcher) watch(b *Block) {
	for i := range b.templates {
		t, c := &b.templates[i], &m.of[i]
		if b.rows[i] > 0 && (c.verdict == open || c.verdict == whole) {
			for _, n := range t.Columns[c.leg.hole:] {
				m.track[n] = true
			}
		}
	}
	for i := range b.templates {
		from := uint32(len(m.tracked))
		if b.rows[i] > 0 {
			for _, n := range b.templates[i].Columns {
				if m.track[n] {
					m.tracked = append(m.tracked, n)
				}
			}
		}
		m.of[i].tracked = span{from, uint32(len(m.tracked))}
	}
}

// run goes through the texts of the next row of a template that matter.
func (m *matcher) run(b *Block, a column.Automaton, of int) (column.State, error) {
	t, c := &b.templates[of], &m.of[of]
	s, h := c.leg.to, c.leg.hole
	for h < len(t.Columns) {
		n := t.Columns[h]
		at := m.at[n]
		for _, earlier := range t.Columns[:h] { // a column may fill several holes
			if earlier == n {
				at++
			}
		}
		var err error
		if s, err = m.text(b, a, int(b.columns[n].chunk), at, s); err != nil || s <= column.Matched {
			return s, err
		}
		l := &m.legs[c.legs+h]
		if l.from != s {
			*l = m.advance(b, a, t, h+1, s)
		}
		if s, h = l.to, l.hole; s <= column.Matched {
			return s, nil
		}
	}
	return s, nil
}

// text returns where a text of a chunk leads.
func (m *matcher) text(b *Block, a column.Automaton, chunk, at int, s column.State) (column.State, error) {
	k, err := b.decode(chunk)
	if err != nil {
		return s, err
	}
	if k.mode == plain {
		return a.Run(s, k.texts.At(at)), nil
	}
	id := 0
	if k.mode == dictionary {
		id = int(k.ids[at])
	}
	to := m.chunks[chunk].from(s, k.texts.Len())
	if to == nil {
		return a.Run(s, k.texts.At(id)), nil
	}
	if to[id] == unknownRun {
		to[id] = uint16(a.Run(s, k.texts.At(id)))
	}
	return column.State(to[id]), nil
}

// from returns what is known of n texts in a state; nil when there are too many
// states to remember.
func (c *chunkRun) from(s column.State, n int) []uint16 {
	for i := range c.used {
		if c.runs[i].from == s {
			return c.runs[i].to
		}
	}
	if c.used == maxDictionaryRuns {
		return nil
	}
	if len(c.runs) == c.used {
		c.runs = append(c.runs, dictionaryRun{})
	}
	r := &c.runs[c.used]
	c.used++
	r.from, r.to = s, fit(r.to, n)
	for i := range r.to {
		r.to[i] = unknownRun
	}
	return r.to
}

// verify rebuilds the messages that pieces do not decide.
func (m *matcher) verify(b *Block, a column.Automaton, hits column.Bitmap) error {
	if len(m.rows) == 0 {
		return nil
	}
	m.texts.Reset()
	if err := b.Rows(m.rows, &m.texts); err != nil {
		return err
	}
	for i, row := range m.rows {
		if a.Match(m.texts.At(i)) {
			hits.Set(int(row))
		}
	}
	return nil
}
