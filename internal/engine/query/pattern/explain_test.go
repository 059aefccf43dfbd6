package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// outline writes an explanation as text: what matched with where, what did not
// with why.
func outline(p *Part, message, indent string) string {
	line := indent + "no  " + p.Text
	if p.Matched {
		line = indent + "yes " + p.Text
	}
	for _, s := range p.At {
		line += " <" + message[s.Start:s.End] + ">"
	}
	if p.Reason != "" {
		line += ": " + p.Reason
	}
	for i := range p.Parts {
		line += "\n" + outline(&p.Parts[i], message, indent+"  ")
	}
	return line
}

func TestExplain(t *testing.T) {
	for _, c := range []struct{ pattern, message, want string }{
		{`ERROR -debug ?x`, "an ERROR in debug", `
no  ERROR -debug ?x: not all of its terms hold
  yes ERROR <ERROR>
  no  -debug <debug>: the excluded text is found
  no  ?x: optional terms are ignored beside other terms`},
		{`?WARN ?FATAL`, "fine", `
no  ?WARN ?FATAL: none of the optional terms is found
  no  ?WARN: the text is not found
  no  ?FATAL: the text is not found`},
		{`%o\d+%`, "o1 o22", `
yes %o\d+% <o1> <o22>`},
		{`{ $.a = 1 && ($.b = "x" || $.c.d NOT EXISTS || $.z > 1) }`, `{"a":2,"b":["x"],"c":{"d":null}}`, `
no  $.a = 1 && ($.b = "x" || $.c.d NOT EXISTS || $.z > 1): not all of its conditions hold
  no  $.a = 1 <2>: the value is 2, which is not = 1
  no  $.b = "x" || $.c.d NOT EXISTS || $.z > 1: none of its conditions holds
    no  $.b = "x" <["x"]>: the value is an array, which cannot be compared
    no  $.c.d NOT EXISTS <null>: the field exists
    no  $.z > 1: the field $.z is missing`},
		{`{ $.l[*].id = 2 }`, `{"l":[{"id":1},{"id":2}]}`, `
yes $.l[*].id = 2 <2>`},
		{`{ $.level = "error" }`, `{"level":"warn"}`, `
no  $.level = "error" <warn>: the value is "warn", which does not match "error"`},
		{`{ $.a = 1 }`, `INFO {"a":1}`, `
no  { $.a = 1 }: the message is not a JSON object: it cannot be read at byte 0`},
		{`[a, b = 4* || b > 5, c != x]`, `1 2 x`, `
no  [a, b = 4* || b > 5, c != x]: not all of its fields match
  no  b = 4* || b > 5: none of its conditions holds
    no  b = 4* <2>: token 2 is "2", which does not match 4*
    no  b > 5 <2>: token 2 is "2", which is not > 5
  no  c != x <x>: token 3 is "x", which is equal`},
		{`[a, b, c]`, `1 2`, `
no  [a, b, c]: the line has 2 tokens, and the pattern needs 3`},
	} {
		part := parse(t, c.pattern).Compile().Explain([]byte(c.message))
		if got := outline(&part, c.message, ""); got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s on %s:\n%s\nwant%s", c.pattern, c.message, got, c.want)
		}
	}
}

// checkPart checks what holds for every explanation.
func checkPart(t *testing.T, p *Part, pattern, message string) {
	t.Helper()
	for _, s := range append(p.At, Span{0, 0}) {
		if s.Start < 0 || s.Start > s.End || s.End > len(message) {
			t.Fatalf("pattern %s on %q: %s matched at %v", pattern, message, p.Text, s)
		}
	}
	if p.Span.Start < 0 || p.Span.Start > p.Span.End || p.Span.End > len(pattern) {
		t.Fatalf("pattern %s: %s stands at %v", pattern, p.Text, p.Span)
	}
	if !p.Matched && p.Reason == "" {
		t.Fatalf("pattern %s on %q: %s does not match, and nothing says why", pattern, message, p.Text)
	}
	for i := range p.Parts {
		checkPart(t, &p.Parts[i], pattern, message)
	}
}

func TestExplanationAgreesWithMatch(t *testing.T) {
	g := maker{rand.New(rand.NewPCG(17, 8))}
	for range 1500 {
		text := g.pattern()
		p, err := Parse(text)
		if err != nil {
			continue
		}
		m := p.Compile()
		for range 8 {
			message := g.message()
			part := m.Explain([]byte(message))
			if part.Matched != m.Match([]byte(message)) {
				t.Fatalf("pattern %s on %q: match %v, explained\n%s", text, message, m.Match([]byte(message)), outline(&part, message, ""))
			}
			checkPart(t, &part, text, message)
		}
	}
}
