package metricmath

import (
	"slices"
	"strings"
)

// Dimension is a name and value of a metric that is searched.
type Dimension struct{ Name, Value string }

// Search is a parsed search for metrics: {Namespace, Dimension …} terms. It does not
// change.
type Search struct {
	schema     bool
	namespace  string
	dimensions []string // sorted; none: any
	term       term     // nil: all of the schema
}

// MaxSearch bounds the bytes of a search.
const MaxSearch = 1024

// term is a condition on a metric.
type term interface {
	match(m *candidate) bool
}

type (
	andTerm []term
	orTerm  []term
	notTerm struct{ x term }
	// valueTerm looks for a text in one property or in all names and values.
	valueTerm struct {
		property string   // "": any
		exact    string   // the whole text, when tokens is nil
		tokens   []string // or these tokens in a row
		// sameCase compares tokens as they are: several that nothing separates, as in CustomCount, must
		// have the case of the text; one, and those with something between, need not.
		sameCase bool
	}
)

// candidate is a metric that is compared.
type candidate struct {
	namespace, name string
	dimensions      []Dimension
}

func (t andTerm) match(m *candidate) bool {
	return !slices.ContainsFunc(t, func(x term) bool { return !x.match(m) })
}

func (t orTerm) match(m *candidate) bool {
	return slices.ContainsFunc(t, func(x term) bool { return x.match(m) })
}

func (t notTerm) match(m *candidate) bool { return !t.x.match(m) }

func (t *valueTerm) match(m *candidate) bool {
	switch t.property {
	case "":
		if t.is(m.namespace) || t.is(m.name) {
			return true
		}
		return slices.ContainsFunc(m.dimensions, func(d Dimension) bool { return t.is(d.Name) || t.is(d.Value) })
	case "MetricName":
		return t.is(m.name)
	case "Namespace":
		return t.is(m.namespace)
	}
	return slices.ContainsFunc(m.dimensions, func(d Dimension) bool { return d.Name == t.property && t.is(d.Value) })
}

func (t *valueTerm) is(text string) bool {
	if t.tokens == nil {
		return text == t.exact
	}
	all := tokenize(text)
	if len(t.tokens) == 1 && strings.EqualFold(strings.Join(all, ""), t.tokens[0]) {
		return true
	}
	same := strings.EqualFold
	if t.sameCase {
		same = func(a, b string) bool { return a == b }
	}
	for i := 0; i+len(t.tokens) <= len(all); i++ {
		if slices.EqualFunc(all[i:i+len(t.tokens)], t.tokens, same) {
			return true
		}
	}
	return false
}

// tokenize splits a text where the case changes as in CamelCase, at the begin and end of digits, and at all
// that is neither letter nor digit.
func tokenize(text string) []string {
	const (
		other = iota
		lower
		upper
		digit
	)
	class := func(i int) int {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z' || c >= 0x80:
			return lower
		case c >= 'A' && c <= 'Z':
			return upper
		case isDigit(c):
			return digit
		}
		return other
	}
	var out []string
	for i := 0; i < len(text); {
		c := class(i)
		n := i + 1
		for n < len(text) && class(n) == c {
			n++
		}
		switch {
		case c == other:
			i = n
			continue
		case c == upper && n < len(text) && class(n) == lower:
			// The last capital letter begins the next word.
			if n-1 > i {
				out = append(out, text[i:n-1])
				i = n - 1
			}
			for n < len(text) && class(n) == lower {
				n++
			}
		}
		out = append(out, text[i:n])
		i = n
	}
	return out
}

// Namespace returns the namespace that metrics must have; "" for any.
func (s *Search) Namespace() string { return s.namespace }

// Match reports whether a metric is searched for; dimensions are sorted by name.
func (s *Search) Match(namespace, name string, dimensions []Dimension) bool {
	if s.schema && namespace != s.namespace {
		return false
	}
	if len(s.dimensions) > 0 && !slices.EqualFunc(s.dimensions, dimensions, func(n string, d Dimension) bool { return n == d.Name }) {
		return false
	}
	return s.term == nil || s.term.match(&candidate{namespace, name, dimensions})
}

// ParseSearch parses a search. The error is an *Error.
func ParseSearch(text string) (*Search, error) {
	if len(text) > MaxSearch {
		return nil, &Error{MaxSearch, "the search is too long"}
	}
	p := &searchParser{text: text}
	s := &Search{}
	p.space()
	if p.take('{') {
		if err := p.schema(s); err != nil {
			return nil, err
		}
		p.space()
		p.take(',')
	}
	p.space()
	if p.at < len(text) {
		var err error
		if s.term, err = p.or(); err != nil {
			return nil, err
		}
		if p.space(); p.at < len(text) {
			return nil, &Error{p.at, "unexpected text in a search"}
		}
	}
	if !s.schema && s.term == nil {
		return nil, &Error{0, "a search needs a schema or a term"}
	}
	return s, nil
}

type searchParser struct {
	text  string
	at    int
	depth int
}

func (p *searchParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *searchParser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// schema parses what is in braces.
func (p *searchParser) schema(s *Search) error {
	s.schema = true
	for first := true; ; first = false {
		p.space()
		begin := p.at
		name, exact, err := p.word(",}")
		if err != nil {
			return err
		}
		if name == "" {
			return &Error{begin, "a schema needs names"}
		}
		if !exact {
			name = strings.TrimRight(name, " \t\r\n")
		}
		if first {
			s.namespace = name
		} else {
			s.dimensions = append(s.dimensions, name)
		}
		p.space()
		switch {
		case p.take('}'):
			slices.Sort(s.dimensions)
			return nil
		case !p.take(','):
			return &Error{p.at, "a schema does not end"}
		}
	}
}

// word reads a text in double quotes, or up to a character of stop.
func (p *searchParser) word(stop string) (text string, exact bool, err error) {
	begin := p.at
	if !p.take('"') {
		for p.at < len(p.text) && strings.IndexByte(stop, p.text[p.at]) < 0 {
			p.at++
		}
		return p.text[begin:p.at], false, nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), true, nil
		case c == '\\' && p.at < len(p.text):
			c = p.text[p.at]
			p.at++
		}
		b.WriteByte(c)
	}
	return "", true, &Error{begin, "a quoted text in a search does not end"}
}

// keyword takes AND, OR or NOT as a word.
func (p *searchParser) keyword(word string) bool {
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, word) || len(rest) > len(word) && strings.IndexByte(" \t\r\n(\"", rest[len(word)]) < 0 {
		return false
	}
	p.at += len(word)
	return true
}

func (p *searchParser) or() (term, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Error{p.at, "the search is too deep"}
	}
	defer func() { p.depth-- }()
	x, err := p.and()
	if err != nil {
		return nil, err
	}
	all := orTerm{x}
	for p.space(); p.keyword("OR"); p.space() {
		if x, err = p.and(); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// and reads terms with AND or nothing between them.
func (p *searchParser) and() (term, error) {
	var all andTerm
	for {
		p.space()
		begin := p.at
		if len(all) > 0 && (p.at == len(p.text) || p.text[p.at] == ')') {
			break
		}
		if p.keyword("OR") {
			p.at = begin
			if len(all) == 0 {
				return nil, &Error{begin, "a search term is missing before OR"}
			}
			break
		}
		if p.keyword("AND") {
			if p.space(); len(all) == 0 {
				return nil, &Error{begin, "a search term is missing before AND"}
			}
		}
		x, err := p.not()
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *searchParser) not() (term, error) {
	negated := false
	for p.space(); p.keyword("NOT"); p.space() {
		negated = !negated
	}
	x, err := p.primary()
	if err != nil || !negated {
		return x, err
	}
	return notTerm{x}, nil
}

func (p *searchParser) primary() (term, error) {
	if p.take('(') {
		x, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(')') {
			return nil, &Error{p.at, "a parenthesis of a search is not closed"}
		}
		return x, nil
	}
	begin := p.at
	text, exact, err := p.word(" \t\r\n()=\"")
	if err != nil {
		return nil, err
	}
	property := ""
	if p.take('=') {
		property = text
		if text, exact, err = p.word(" \t\r\n()=\""); err != nil {
			return nil, err
		}
		if property == "" {
			return nil, &Error{begin, "a property needs a name"}
		}
	}
	if exact {
		return &valueTerm{property: property, exact: text}, nil
	}
	tokens := tokenize(text)
	if len(tokens) == 0 {
		return nil, &Error{begin, "a search term needs letters or digits"}
	}
	together := strings.Contains(text, strings.Join(tokens, ""))
	return &valueTerm{property: property, tokens: tokens, sameCase: len(tokens) > 1 && together}, nil
}
