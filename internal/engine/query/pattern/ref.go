package pattern

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Ref names one value of the messages that a pattern matches: $.selector for a
// JSON pattern, $name or $n, the number of a token from 1, for a space-delimited
// one. It is immutable.
type Ref struct {
	text  string
	sel   Selector // of JSON
	field int      // of a delimited pattern: index of the field; -1: token says it
	token int      // from 0
}

// String returns the reference as it was written.
func (r *Ref) String() string { return r.text }

// Ref parses a reference to a value of messages that p matches. The error is a
// *SyntaxError. Terms and regular expressions have no values; a selector with a
// wildcard leads to more than one.
func (p *Pattern) Ref(text string) (*Ref, error) {
	whole := Span{0, len(text)}
	switch {
	case !utf8.ValidString(text):
		return nil, invalid(whole, "the reference is not valid UTF-8", "")
	case !strings.HasPrefix(text, "$") || len(text) == 1:
		return nil, invalid(whole, "a reference begins with $", "such as $.latency or $size")
	}
	switch p.Kind {
	case JSON:
		return jsonRef(text)
	case Delimited:
		return p.fieldRef(text)
	}
	return nil, invalid(whole, "terms and regular expressions give no values", "use a JSON or a space-delimited pattern")
}

func jsonRef(text string) (*Ref, error) {
	c := condParser{scanner: scanner{text: text}}
	sel, err := c.selector()
	if err != nil {
		return nil, err
	}
	if c.pos < len(text) {
		return nil, invalid(Span{c.pos, len(text)}, "something follows the selector", "")
	}
	if c.wildcards > 0 {
		return nil, invalid(Span{0, len(text)}, "a selector with a wildcard leads to more than one value", "")
	}
	return &Ref{text: text, sel: sel, field: -1}, nil
}

func (p *Pattern) fieldRef(text string) (*Ref, error) {
	name := text[1:]
	for i := range p.Fields {
		if p.Fields[i].Kind == Named && p.Fields[i].Name == name {
			return &Ref{text: text, field: i}, nil
		}
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > math.MaxInt32 || strings.Trim(name, "0123456789") != "" {
		return nil, invalid(Span{0, len(text)}, "the pattern has no field of this name", "")
	}
	if n > len(p.Fields) && len(p.Fields) > 0 && !slices.ContainsFunc(p.Fields, func(f Field) bool { return f.Kind == Ellipsis }) {
		return nil, invalid(Span{0, len(text)}, "the pattern has fewer fields", "")
	}
	return &Ref{text: text, field: -1, token: n - 1}, nil
}

// Mentions reports whether a reference is to something that the pattern names: a
// selector of one of its conditions, or a field.
func (p *Pattern) Mentions(r *Ref) bool {
	if p.Kind != JSON {
		return p.Kind == Delimited
	}
	found := false
	selectors(p.Cond, func(s Selector) { found = found || slices.Equal(s, r.sel) })
	return found
}

// number returns the number that a value is; a string may be one, too. One that is
// not finite is none.
func (v value) number() (float64, bool) {
	if v.kind != numberValue && v.kind != stringValue && v.kind != tokenValue {
		return 0, false
	}
	n, ok := parseNumber(v.text)
	return n, ok && !math.IsInf(n, 0)
}

// plain returns the text of a scalar without escapes, in memory of buf when it had
// some.
func (v value) plain(buf *[]byte) (text []byte, ok bool) {
	if !v.scalar() {
		return nil, false
	}
	for _, c := range v.text {
		if c == '\\' && v.kind == stringValue {
			*buf = column.AppendUnescaped((*buf)[:0], v.text)
			return *buf, true
		}
	}
	return v.text, true
}

// HasRegexp reports whether the pattern has a regular expression.
func (p *Pattern) HasRegexp() bool {
	if p.Kind == Regex {
		return true
	}
	if hasRegexp(p.Cond) {
		return true
	}
	return slices.ContainsFunc(p.Fields, func(f Field) bool { return hasRegexp(f.Cond) })
}

func hasRegexp(c Cond) bool {
	switch c := c.(type) {
	case *And:
		return slices.ContainsFunc(c.X, hasRegexp)
	case *Or:
		return slices.ContainsFunc(c.X, hasRegexp)
	case *Compare:
		return c.Operand.Kind == RegexOperand
	}
	return false
}
