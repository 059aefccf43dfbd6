package pattern

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// Member is a pattern of a Set and what is wanted of the messages that it matches.
type Member struct {
	*Matcher
	Refs []*Ref // of Matcher.Pattern
}

// Set matches messages with many patterns at once. It decides like the matchers
// it is made of, but looks for their texts together, takes a message apart once for all
// of them, and examines only the patterns that a text it found speaks for. It
// is used by one goroutine at a time and allocates nothing for a message.
type Set struct {
	members []setMember
	json    *jsonMatcher // conditions and references of all JSON patterns
	most    int          // tokens that delimited patterns without an ellipsis need
	open    triggers     // for messages that begin like an object
	line    triggers     // for others: without JSON patterns

	// What is known of the message under examination.
	m      []byte
	object knowledge
	scan   jsonScan
	tokens []Span
	all    bool // tokens are all of the message
	some   bool // tokens are the first most
	chosen []int32
	buf    []byte
}

type knowledge uint8

const (
	unknown knowledge = iota
	yes
	no
)

// setMember is a compiled Member.
type setMember struct {
	m     *Matcher
	cond  jsonCond // of JSON
	refs  []*Ref
	slots []int // by reference: of the keys of its selector
}

// triggers choose the patterns that a message is examined for.
type triggers struct {
	texts  *finders
	owners [][]int32 // by text: the members it speaks for
	always []int32   // members that no text speaks for
	sure   []bool    // by member: a text that speaks for it is all that it asks for
	marks  []uint32  // by member: in which round it was chosen
	round  uint32
}

// NewSet returns the set of members. Their order is that of the numbers that Match gives.
func NewSet(members []Member) *Set {
	s := &Set{json: &jsonMatcher{paths: paths{slot: -1}}}
	for _, m := range members {
		out := setMember{m: m.Matcher, refs: m.Refs}
		switch p := m.Pattern(); p.Kind {
		case JSON:
			out.cond = s.json.compile(p.Cond)
			for _, r := range m.Refs {
				out.slots = append(out.slots, s.json.paths.add(r.sel.keys(), &s.json.slots))
			}
		case Delimited:
			need := m.fields.most
			for _, r := range m.Refs {
				if r.field < 0 && need < 1<<30 {
					need = max(need, r.token+1)
				}
			}
			if need < 1<<30 {
				s.most = max(s.most, need)
			}
		}
		s.members = append(s.members, out)
	}
	s.open = newTriggers(s.members, true)
	s.line = newTriggers(s.members, false)
	return s
}

// Len returns the number of members.
func (s *Set) Len() int { return len(s.members) }

// Match calls yield with the numbers of the members that match a message, each
// once, in no order. The set keeps no reference to the message.
func (s *Set) Match(message []byte, yield func(i int)) {
	t := &s.line
	if opensObject(message) {
		t = &s.open
	}
	s.m, s.object, s.all, s.some = message, unknown, false, false
	s.chosen = t.choose(message, s.chosen[:0])
	for _, i := range s.chosen {
		if t.sure[i] || s.holds(&s.members[i]) {
			yield(int(i))
		}
	}
	s.m, s.scan.m = nil, nil
	clear(s.scan.values) // they refer to the message
}

func (s *Set) holds(m *setMember) bool {
	switch {
	case m.m.json != nil:
		return s.isObject() && s.scan.holds(&m.cond)
	case m.m.fields != nil:
		f := m.m.fields
		if f.most <= s.most {
			s.tokenize(s.most)
		} else {
			s.tokenize(1 << 30)
		}
		scan := fieldScan{tokens: s.tokens, buf: s.buf}
		ok := f.holds(s.m, &scan)
		s.buf = scan.buf
		return ok
	}
	return m.m.match(s.m)
}

// isObject reads the message as an object, once.
func (s *Set) isObject() bool {
	if s.object == unknown {
		s.object = no
		if s.scan.read(s.m, &s.json.paths, s.json.slots) {
			s.object = yes
		}
	}
	return s.object == yes
}

// tokenize makes sure that the first n tokens are known.
func (s *Set) tokenize(n int) {
	if s.all || s.some && n <= s.most {
		return
	}
	s.tokens = tokens(s.m, s.tokens[:0], n)
	s.all, s.some = n > s.most, true
}

// Number returns the number that reference k of member i leads to; ok is false when there
// is none. Only while yield is called for i.
func (s *Set) Number(i, k int) (n float64, ok bool) {
	return s.value(i, k).number()
}

// Text returns the text of the value that reference k of member i leads to; ok is
// false when there is none, or an array or null. Only while yield is called for i; the bytes are
// valid until the next call.
func (s *Set) Text(i, k int) (text []byte, ok bool) {
	return s.value(i, k).plain(&s.buf)
}

func (s *Set) value(i, k int) value {
	m := &s.members[i]
	r := m.refs[k]
	if m.m.fields != nil {
		n := r.token
		if r.field >= 0 {
			s.tokenize(m.m.fields.most)
			n = m.m.fields.token(r.field, len(s.tokens))
		} else if n >= len(s.tokens) {
			s.tokenize(1 << 30)
		}
		if n >= len(s.tokens) {
			return value{}
		}
		at := s.tokens[n]
		return value{tokenValue, s.m[at.Start:at.End]}
	}
	if !s.isObject() {
		return value{}
	}
	v := s.scan.values[m.slots[k]]
	rest := r.sel[len(r.sel.keys()):]
	if len(rest) == 0 {
		return v
	}
	last := value{}
	s.scan.walk(v, rest, func(v value) bool {
		if v.kind != objectValue {
			last = v
		}
		return true
	})
	return last
}

func newTriggers(members []setMember, objects bool) triggers {
	t := triggers{sure: make([]bool, len(members)), marks: make([]uint32, len(members))}
	ids := map[string]int{}
	var texts []string
	for i := range members {
		p := members[i].m.Pattern()
		if p.Kind == JSON && !objects {
			continue
		}
		cover := coverOf(p)
		if cover == nil {
			t.always = append(t.always, int32(i))
			continue
		}
		t.sure[i] = p.Kind == Terms && !slices.ContainsFunc(p.Items, func(it Item) bool { return it.Op == Exclude }) &&
			(len(p.Items) == 1 || !slices.ContainsFunc(p.Items, func(it Item) bool { return it.Op == Require }))
		for _, text := range cover {
			id, have := ids[text]
			if !have {
				id = len(texts)
				ids[text] = id
				texts = append(texts, text)
				t.owners = append(t.owners, nil)
			}
			t.owners[id] = append(t.owners[id], int32(i))
		}
	}
	t.texts = newFinders(texts)
	return t
}

// choose appends the members that the message has to be examined for.
func (t *triggers) choose(m []byte, out []int32) []int32 {
	out = append(out, t.always...)
	t.round++
	if t.round == 0 { // after four billion messages
		clear(t.marks)
		t.round = 1
	}
	for _, id := range t.texts.find(m) {
		for _, i := range t.owners[id] {
			if t.marks[i] != t.round {
				t.marks[i] = t.round
				out = append(out, i)
			}
		}
	}
	return out
}

// minTrigger is the shortest text that is worth looking for.
const minTrigger = 2

// coverOf returns texts of which every message has one that the pattern matches, nil when
// there are none that are worth looking for.
func coverOf(p *Pattern) []string {
	if p.Kind == JSON { // most messages have the keys that a pattern asks for
		if c, ok := cover(needOfJSON(p.Cond, noKeys)); ok {
			return c
		}
	}
	c, ok := cover(p.Need())
	if !ok {
		return nil
	}
	return c
}

// cover chooses the texts of a need that are found least often. A need that nothing
// meets has an empty cover.
func cover(n hint.Need) (texts []string, ok bool) {
	switch n.Op {
	case hint.Never:
		return []string{}, true
	case hint.Contains:
		return []string{n.Text}, len(n.Text) >= minTrigger
	case hint.All:
		best := 0.0
		for _, k := range n.Kids {
			c, possible := cover(k)
			if !possible {
				continue
			}
			if f := frequency(c); !ok || f < best {
				texts, ok, best = c, true, f
			}
		}
		return texts, ok
	case hint.OneOf:
		for _, k := range n.Kids {
			c, possible := cover(k)
			if !possible {
				return nil, false
			}
			texts = append(texts, c...)
		}
		slices.Sort(texts)
		return slices.Compact(texts), true
	}
	return nil, false
}

// frequency guesses how often one of texts is found: each byte makes a text rarer, a
// rare one more so.
func frequency(texts []string) float64 {
	sum := 0.0
	for _, t := range texts {
		f := 1.0
		for i := range len(t) {
			f *= (float64(commonness(t[i])) + 20) / 300
		}
		sum += f
	}
	return sum
}
