// Package patterns tries filter patterns on messages: what TestMetricFilter, the
// console and the command test-pattern do. It reads no stored events.
package patterns

import (
	"errors"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
)

// Error is a filter pattern that cannot be used.
type Error struct {
	Text       string // the sentence of the real service
	Reason     string // what exactly is wrong, for people
	Hint       string // how to write it instead; may be empty
	Start, End int    // byte offsets of the place in the pattern
}

// Error returns Text.
func (e *Error) Error() string { return e.Text }

// Parse parses a filter pattern. The error is an *Error.
func Parse(text string) (*pattern.Pattern, error) {
	p, err := pattern.Parse(text)
	if s, ok := errors.AsType[*pattern.SyntaxError](err); ok {
		return nil, &Error{Text: s.Text, Reason: s.Reason, Hint: s.Hint, Start: s.Span.Start, End: s.Span.End}
	}
	return p, err
}

// Match is a message that a pattern matches.
type Match struct {
	Number  int // of the message, from 0
	Message string
	Values  map[string]string // what the pattern extracts; never nil
}

// Test returns the messages that match, in their order. Only space-delimited
// patterns give values here: the documentation of the real service says that
// those of others are empty. A Tester also knows those of JSON patterns.
func Test(text string, messages []string) ([]Match, error) {
	p, err := Parse(text)
	if err != nil {
		return nil, err
	}
	m := p.Compile()
	matches := []Match{}
	for i, message := range messages {
		if values, ok := m.Values([]byte(message)); ok {
			if p.Kind != pattern.Delimited {
				clear(values)
			}
			matches = append(matches, Match{i, message, values})
		}
	}
	return matches, nil
}

// Tester tries one pattern on many messages. It is safe for concurrent use.
type Tester struct{ m *pattern.Matcher }

// NewTester returns the Tester of a pattern.
func NewTester(text string) (*Tester, error) {
	p, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return &Tester{p.Compile()}, nil
}

// Pattern returns the pattern in its canonical form.
func (t *Tester) Pattern() string { return t.m.Pattern().String() }

// Values returns what the pattern extracts; ok is false when the message does not
// match.
func (t *Tester) Values(message []byte) (values map[string]string, ok bool) {
	return t.m.Values(message)
}

// Span is a half-open range of bytes.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Part says how a part of a pattern fared with a message.
type Part struct {
	Text    string `json:"text"`
	Span    Span   `json:"span"` // in the pattern
	Matched bool   `json:"matched"`
	Ignored bool   `json:"ignored,omitempty"`
	At      []Span `json:"at,omitempty"` // in the message
	Reason  string `json:"reason,omitempty"`
	Parts   []Part `json:"parts,omitempty"`
}

// Explain says of every part of the pattern whether, where and why it matched.
func (t *Tester) Explain(message []byte) Part { return partOf(t.m.Explain(message)) }

func partOf(p pattern.Part) Part {
	out := Part{Text: p.Text, Span: Span(p.Span), Matched: p.Matched, Ignored: p.Ignored, Reason: p.Reason}
	for _, s := range p.At {
		out.At = append(out.At, Span(s))
	}
	for _, k := range p.Parts {
		out.Parts = append(out.Parts, partOf(k))
	}
	return out
}

// Places returns where the parts of an explanation that hold matched, in order of
// the pattern: what to highlight.
func (p *Part) Places() []Span {
	if p.Ignored || !p.Matched {
		return nil
	}
	out := append([]Span(nil), p.At...)
	for i := range p.Parts {
		out = append(out, p.Parts[i].Places()...)
	}
	return out
}
