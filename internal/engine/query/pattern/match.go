package pattern

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/automaton"
)

// Matcher is a compiled pattern. It is safe for concurrent use.
type Matcher struct {
	pattern *Pattern
	match   func(message []byte) bool
	search  *search // of a regular expression
	json    *jsonMatcher
	fields  *fieldMatcher
}

// Compile returns the matcher of a pattern that Parse returned.
func (p *Pattern) Compile() *Matcher {
	m := &Matcher{pattern: p}
	switch p.Kind {
	case Terms:
		m.match = p.terms()
	case Regex:
		m.search = newSearch(p.Regexp)
		m.match = p.find(m.search)
	case JSON:
		m.json = newJSONMatcher(p)
		m.match = m.json.match
	case Delimited:
		m.fields = newFieldMatcher(p)
		m.match = m.fields.match
	}
	return m
}

// Pattern returns what the matcher was made of.
func (m *Matcher) Pattern() *Pattern { return m.pattern }

// Match reports whether a message matches. It allocates nothing and keeps no
// reference to the message.
func (m *Matcher) Match(message []byte) bool { return m.match(message) }

// Automaton returns what makes an automaton that decides like Match, nil when the
// pattern is no regular expression. done takes an automaton back.
func (m *Matcher) Automaton() func() (a column.Automaton, done func()) {
	if m.search == nil {
		return nil
	}
	return func() (column.Automaton, func()) {
		f := m.search.pool.Get().(*automaton.Finder)
		return f, func() { m.search.pool.Put(f) }
	}
}

// find returns the matcher of a regular expression.
func (p *Pattern) find(s *search) func(message []byte) bool {
	f := s.pool.Get().(*automaton.Finder)
	defer s.pool.Put(f)
	if f.HasPrefix() {
		return s.match
	}
	g := newGate(p.Need())
	return func(m []byte) bool { return g.open(m) && s.match(m) }
}

// terms returns the matcher of an unstructured pattern.
func (p *Pattern) terms() func(message []byte) bool {
	if p.All() {
		return func([]byte) bool { return true }
	}
	var need, not, any []finder
	for _, it := range p.Items {
		f := newFinder(it.Text)
		switch it.Op {
		case Require:
			need = append(need, f)
		case Exclude:
			not = append(not, f)
		case Optional:
			any = append(any, f)
		}
	}
	if len(need)+len(not) == 0 {
		if any = reduce(any, true); len(any) == 1 {
			return any[0].in
		}
		return func(m []byte) bool { return anyIn(any, m) }
	}
	need, not = reduce(need, false), reduce(not, true)
	// The least likely text first: most messages are decided by it.
	slices.SortStableFunc(need, func(a, b finder) int { return cmp.Compare(a.common, b.common) })
	switch {
	case len(need) == 1 && len(not) == 0:
		return need[0].in
	case len(need) == 0:
		return func(m []byte) bool { return !anyIn(not, m) }
	}
	return func(m []byte) bool {
		for i := range need {
			if !need[i].in(m) {
				return false
			}
		}
		return !anyIn(not, m)
	}
}

func anyIn(fs []finder, m []byte) bool {
	for i := range fs {
		if fs[i].in(m) {
			return true
		}
	}
	return false
}

// reduce drops finders that another one makes superfluous. In a disjunction
// "ab" is implied by "b" and falls away; in a conjunction "b" is implied by "ab".
func reduce(fs []finder, or bool) []finder {
	var out []finder
	for i, f := range fs {
		superfluous := false
		for j, g := range fs {
			if i == j {
				continue
			}
			small, big := f.text, g.text // conjunction: f falls away when g contains it
			if or {
				small, big = big, small
			}
			if bytes.Contains(big, small) && (len(big) != len(small) || j < i) {
				superfluous = true
				break
			}
		}
		if !superfluous {
			out = append(out, f)
		}
	}
	return out
}

// finder searches for one text, anchored at the byte of it that is rarest in
// logs: the vectorised byte search then skips most of a message at once.
type finder struct {
	text   []byte
	anchor int   // index in text of the rarest byte
	rare   byte  // text[anchor]
	common uint8 // how common that byte is
}

func newFinder(text string) finder {
	f := finder{text: []byte(text), common: 255}
	for i, c := range f.text {
		// Ties go to the later byte: words share beginnings more than ends.
		if n := commonness(c); n <= f.common {
			f.anchor, f.rare, f.common = i, c, n
		}
	}
	return f
}

// in reports whether the text occurs in m.
func (f *finder) in(m []byte) bool {
	n := len(f.text)
	if n > len(m) {
		return false
	}
	// An occurrence at s has its anchor at s+anchor, so anchors lie in
	// [anchor, len(m)-n+anchor].
	from, end := f.anchor, len(m)-n+f.anchor+1
	for miss := 0; from < end; miss++ {
		// A byte that is not rare here after all: the general search has a
		// better worst case.
		if miss > 4+(from>>4) {
			return bytes.Contains(m[from-f.anchor:], f.text)
		}
		i := bytes.IndexByte(m[from:end], f.rare)
		if i < 0 {
			return false
		}
		s := from + i - f.anchor
		if string(m[s:s+n]) == string(f.text) {
			return true
		}
		from += i + 1
	}
	return false
}

// commonness ranks bytes by how often they occur in logs (text, JSON, access
// logs): 0 is practically never.
func commonness(c byte) uint8 {
	const ranked = "zqjxkvQZXJKVYWUHBGFwyMNPLObTASRIDCEfpgumhldcsrnaoite"
	switch {
	case c == ' ' || c == '"' || c == '0' || c == '1':
		return 120
	case c >= '2' && c <= '9':
		return 110
	case c == ':' || c == ',' || c == '.' || c == '-' || c == '/' || c == '_' || c == '=':
		return 115
	}
	for i := range len(ranked) {
		if ranked[i] == c {
			return uint8(20 + i)
		}
	}
	return 10 // other punctuation, control characters, parts of UTF-8 sequences
}
