package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of the values that are counted for one token.
const (
	MaxValues     = 32 // different ones; a token with more has Many
	MaxValueBytes = 64 // a token with a longer one has Many
)

// Token is a part of a pattern that varies from message to message.
type Token struct {
	Name   string  // as in the pattern, such as Number-2
	Values []Value // the most frequent first; none when there are Many
	Many   bool    // it has too many values, or too long ones, to count them
}

// Value is what stood for a token.
type Value struct {
	Text  string // valid UTF-8
	Count int64
}

// hasValues reports whether the values of a token are worth counting.
func (t *token) hasValues() bool { return t.kind != clock && t.kind != stack && t.kind != uuid }

// valueSet counts the values of one token of one row. Which values it holds, and
// whether it has many, does not depend on the order of messages.
type valueSet struct {
	values []valueCount
	many   bool
	seen   int64 // values so far, with repetitions
	last   int64 // seen, when the newest value came
}

type valueCount struct {
	text  string
	count int64
	// Of a Tracker: the count of windows before, and how many values of the set
	// had come without a new one when this was new.
	before, quiet int64
	fresh         bool // new in this window
}

const valueCountBytes = 72

// add counts a value n times and returns by how much the memory grew.
func (s *valueSet) add(text []byte, n int64) int {
	s.seen += n
	for i := range s.values {
		if v := &s.values[i]; v.text == string(text) {
			v.count += n
			if i > 0 && v.count > s.values[i-1].count {
				s.values[i], s.values[i-1] = s.values[i-1], s.values[i]
			}
			return 0
		}
	}
	return s.put(valueCount{text: string(text), count: n, quiet: s.seen - s.last, fresh: true})
}

// put adds a value that the set does not have.
func (s *valueSet) put(v valueCount) int {
	if len(s.values) == MaxValues || len(v.text) > MaxValueBytes {
		return s.tooMany()
	}
	s.values = append(s.values, v)
	s.last = s.seen
	return valueCountBytes + len(v.text)
}

func (s *valueSet) tooMany() int {
	freed := s.bytes()
	s.values, s.many = nil, true
	return -freed
}

func (s *valueSet) bytes() int {
	n := 0
	for i := range s.values {
		n += valueCountBytes + len(s.values[i].text)
	}
	return n
}

// absorb adds the values of o, which is of no use afterwards, and returns by how
// much the memory of both together grew.
func (s *valueSet) absorb(o *valueSet) int {
	grown := -o.bytes()
	s.seen += o.seen
	if s.many || o.many {
		if !s.many {
			grown += s.tooMany()
		}
		return grown
	}
next:
	for _, v := range o.values {
		for i := range s.values {
			if to := &s.values[i]; to.text == v.text {
				to.count += v.count
				to.before += v.before
				to.fresh = to.fresh && v.fresh
				continue next
			}
		}
		if grown += s.put(v); s.many {
			break
		}
	}
	return grown
}

// wordsQuiet sets how many values had come without a new one, which is not counted
// for words, to how many there are for each different one.
func (s *valueSet) wordsQuiet() {
	for i := range s.values {
		if v := &s.values[i]; v.fresh {
			v.quiet = s.seen / int64(len(s.values))
		}
	}
}

func copySets(sets []valueSet) []valueSet {
	out := slices.Clone(sets)
	for i := range out {
		out[i].values = slices.Clone(out[i].values)
	}
	return out
}

// word returns word p of a row, "" when it is masked.
func (l *leaf) word(p int) string {
	rest := l.words
	for ; p > 0; p-- {
		_, rest, _ = strings.Cut(rest, "\x00")
	}
	w, _, _ := strings.Cut(rest, "\x00")
	return w
}

// sets returns the values of every slot of the pattern, those that are the same in
// all messages among them.
func (f *found) sets() []valueSet {
	out := make([]valueSet, len(f.slots))
	for _, p := range f.parts {
		p.eachSlot(func(slot, wordAt, mark int) {
			set := &out[slot]
			for i := range p.rows {
				l := &p.rows[i]
				switch {
				case set.many:
				case wordAt >= 0:
					if w := l.word(wordAt); w == "" {
						set.tooMany()
					} else {
						set.absorb(&valueSet{
							values: []valueCount{{text: w, count: l.row.count, before: l.row.before, fresh: l.row.before == 0}},
							seen:   l.row.before + l.row.count,
						})
					}
				case mark >= 0 && mark < len(l.row.sets):
					c := copySets(l.row.sets[mark : mark+1])
					set.absorb(&c[0])
				default:
					set.tooMany()
				}
			}
			if wordAt >= 0 {
				set.wordsQuiet()
			}
		})
	}
	return out
}

// eachSlot calls fn for the slots of a part of a pattern, with the word or the mark
// of a shape that is there; -1 stands for none.
func (p *part) eachSlot(fn func(slot, wordAt, mark int)) {
	slot, wordAt, mark := 0, 0, 0
	for i := range len(p.shape) {
		switch b := p.shape[i]; {
		case b == markWord:
			if p.words[wordAt] == "" {
				fn(slot, wordAt, -1)
				slot++
			}
			wordAt++
		case b == markRest:
			fn(slot, -1, -1)
			slot++
		case isMark(b):
			fn(slot, -1, mark)
			slot++
			mark++
		}
	}
}

// tokens returns the tokens of a pattern.
func (f *found) tokens() []Token {
	out := []Token{}
	for i, set := range f.sets() {
		if s := f.slots[i]; s.value == "" {
			out = append(out, set.token(s.kind, len(out)+1))
		}
	}
	return out
}

// token returns token number n of a pattern.
func (s *valueSet) token(kind uint8, n int) Token {
	t := Token{Name: kindNames[kind] + "-" + strconv.Itoa(n), Many: s.many}
	for _, v := range s.values {
		t.Values = append(t.Values, Value{strings.ToValidUTF8(v.text, "\uFFFD"), v.before + v.count})
	}
	slices.SortFunc(t.Values, func(a, b Value) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text)) })
	return t
}

// TokensJSON writes tokens that have few values, and these, as JSON:
// [{"token":"Number-1","values":{"200":5,"404":1}}].
func TokensJSON(tokens []Token) string {
	b := []byte{'['}
	for _, t := range tokens {
		if t.Many {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"token":"`...), t.Name...), `","values":{`...)
		for i, v := range t.Values {
			if i > 0 {
				b = append(b, ',')
			}
			name, err := json.Marshal(v.Text)
			if err != nil { // text is valid UTF-8
				panic(err)
			}
			b = strconv.AppendInt(append(append(b, name...), ':'), v.Count, 10)
		}
		b = append(b, '}', '}')
	}
	return string(append(b, ']'))
}

// ParseTokens reads what TokensJSON wrote: the counts of values by token.
func ParseTokens(text []byte) (map[string]map[string]int64, error) {
	var all []struct {
		Token  string           `json:"token"`
		Values map[string]int64 `json:"values"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("tokens of a pattern: %w", err)
	}
	out := make(map[string]map[string]int64, len(all))
	for _, t := range all {
		out[t.Token] = t.Values
	}
	return out, nil
}
