package shred

import (
	"github.com/cumulog/cumulog/internal/engine/column"
)

// matcher is the scratch of Block.Match.
type matcher struct {
	of       []course // by template
	literals []literalRun
	columns  []columnRun
	chunks   []chunkRun
	tracked  []uint16 // columns, one for each hole that is passed
	track    []bool   // by column
	at       []int    // by column: its next text in its chunk
	rows     []uint32
	texts    column.Texts
}

// course is what is known of all rows of a template before any text is read.
type course struct {
	verdict  verdict
	hole     int // of open: the first one whose text matters
	state    column.State
	literals int  // the first of its literalRuns
	tracked  span // the columns to count
}

type verdict uint8

const (
	never  verdict = iota // no row matches
	always                // every row matches
	open                  // by the texts from a hole on
	whole                 // by the only text, which may be empty
	unsure                // by the message
)

// literalRun remembers where a literal led the last time.
type literalRun struct{ from, to column.State }

// columnRun remembers in which state the texts of a column do not matter.
type columnRun struct {
	state column.State
	rests bool
}

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
// text of a column likewise, and columns whose bytes do not matter are not read.
func (b *Block) Match(a column.Automaton, rows []uint32, hits column.Bitmap) error {
	m := &b.matcher
	m.begin(b)
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

func (m *matcher) begin(b *Block) {
	m.of = fit(m.of, len(b.templates))
	m.columns = fit(m.columns, len(b.columns))
	clear(m.columns)
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
	m.literals, m.tracked, m.rows = m.literals[:0], m.tracked[:0], m.rows[:0]
}

// follow finds out how far all rows of a template go the same way.
func (m *matcher) follow(b *Block, a column.Automaton, i int) {
	t, c := &b.templates[i], &m.of[i]
	*c = course{literals: len(m.literals)}
	for range len(t.Columns) + 1 {
		m.literals = append(m.literals, literalRun{})
	}
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
	for h, n := range t.Columns {
		if s = m.literal(a, c.literals+h, s, t.Piece(h)); s == column.Unsure || s == column.Matched {
			break
		}
		if !m.rests(b, a, int(n), s) {
			c.verdict, c.hole, c.state = open, h, s
			return
		}
	}
	if s != column.Unsure && s != column.Matched {
		h := len(t.Columns)
		s = m.literal(a, c.literals+h, s, t.Piece(h))
	}
	switch {
	case s == column.Unsure:
		c.verdict = unsure
	case s == column.Matched || a.Ends(s):
		c.verdict = always
	}
}

// watch decides which columns are counted: those that some rows read.
func (m *matcher) watch(b *Block) {
	for i := range b.templates {
		t, c := &b.templates[i], &m.of[i]
		if b.rows[i] > 0 && (c.verdict == open || c.verdict == whole) {
			for _, n := range t.Columns[c.hole:] {
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

// literal returns where a literal leads.
func (m *matcher) literal(a column.Automaton, i int, s column.State, piece []byte) column.State {
	if len(piece) == 0 {
		return s
	}
	l := &m.literals[i]
	if l.from != s {
		*l = literalRun{s, a.Run(s, piece)}
	}
	return l.to
}

// rests reports whether the texts of a column do not matter in a state.
func (m *matcher) rests(b *Block, a column.Automaton, n int, s column.State) bool {
	c := &m.columns[n]
	if c.state != s {
		k := &b.chunks[b.columns[n].chunk]
		*c = columnRun{s, !k.inMemory && a.Rests(s, &k.sum.Classes)}
	}
	return c.rests
}

// run goes through the texts of the next row of a template.
func (m *matcher) run(b *Block, a column.Automaton, of int) (column.State, error) {
	t, c := &b.templates[of], &m.of[of]
	s := c.state
	for h := c.hole; h < len(t.Columns); h++ {
		n := int(t.Columns[h])
		if h > c.hole {
			if s = m.literal(a, c.literals+h, s, t.Piece(h)); s == column.Unsure || s == column.Matched {
				return s, nil
			}
		}
		if m.rests(b, a, n, s) {
			continue
		}
		at := m.at[n]
		for _, earlier := range t.Columns[:h] { // a column may fill several holes
			if int(earlier) == n {
				at++
			}
		}
		var err error
		if s, err = m.text(b, a, int(b.columns[n].chunk), at, s); err != nil || s == column.Unsure || s == column.Matched {
			return s, err
		}
	}
	h := len(t.Columns)
	return m.literal(a, c.literals+h, s, t.Piece(h)), nil
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
