package pattern

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// condParser reads conditions: those of a JSON pattern, or of one field of a
// delimited pattern, which all name the field.
type condParser struct {
	scanner
	field     string // of a delimited pattern
	delimited bool
	wildcards int
}

// parseJSON reads what stands between the braces.
func parseJSON(text string, from, to int) (*Pattern, error) {
	p := condParser{scanner: scanner{text: text[:to], pos: from}}
	if p.done() {
		return nil, invalid(Span{from - 1, to + 1}, "the JSON pattern has no condition", `write one, such as { $.level = "error" }`)
	}
	c, _, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if !p.done() {
		return nil, p.leftOver()
	}
	return &Pattern{Kind: JSON, Cond: c}, nil
}

// leftOver is the error for what stands where a condition is complete.
func (p *condParser) leftOver() error {
	switch p.text[p.pos] {
	case ')':
		return invalid(p.here(), "there is no opening parenthesis for this one", "")
	case '&':
		return invalid(p.here(), "conditions are joined by && and ||", "write &&")
	case '|':
		return invalid(p.here(), "conditions are joined by && and ||", "write ||")
	}
	at := p.pos
	word := p.run(isWordByte)
	span := p.at(at)
	p.pos = at
	switch {
	case strings.EqualFold(word, "and"):
		return invalid(span, "conditions are joined by && and ||", "write &&")
	case strings.EqualFold(word, "or"):
		return invalid(span, "conditions are joined by && and ||", "write ||")
	}
	return invalid(p.here(), "&& or || is missing between conditions", "text with blanks or punctuation has to be in double quotes")
}

// or reads conditions joined by ||, which binds less than &&. The span returned
// is that of all that was read: parentheses around a condition are not in the
// condition's own span, but in that of a larger one.
func (p *condParser) or(depth int) (Cond, Span, error) {
	return p.joined("||", func() (Cond, Span, error) {
		return p.joined("&&", func() (Cond, Span, error) { return p.primary(depth) }, func(x []Cond, at Span) Cond { return &And{x, at} })
	}, func(x []Cond, at Span) Cond { return &Or{x, at} })
}

func (p *condParser) joined(op string, next func() (Cond, Span, error), join func([]Cond, Span) Cond) (Cond, Span, error) {
	var all []Cond
	var span Span
	for {
		c, at, err := next()
		if err != nil {
			return nil, span, err
		}
		if all == nil {
			span = at
		}
		span.End = at.End
		all = append(all, c)
		if !p.take(op) {
			break
		}
	}
	if len(all) == 1 {
		return all[0], span, nil
	}
	return join(all, span), span, nil
}

func (p *condParser) primary(depth int) (Cond, Span, error) {
	if p.done() {
		return nil, Span{}, invalid(p.here(), "a condition is missing here", "")
	}
	open := p.here()
	if !p.take("(") {
		test := p.comparison
		if p.delimited {
			test = p.fieldTerm
		}
		c, err := test()
		return c, Span{open.Start, p.pos}, err
	}
	if depth == maxDepth {
		return nil, Span{}, invalid(open, "parentheses are nested more than 100 deep", "leave out those that change nothing")
	}
	c, _, err := p.or(depth + 1)
	if err != nil {
		return nil, Span{}, err
	}
	if !p.take(")") {
		if p.done() {
			return nil, Span{}, invalid(open, "this parenthesis is not closed", "")
		}
		return nil, Span{}, p.leftOver()
	}
	return c, Span{open.Start, p.pos}, nil
}

func (p *condParser) comparison() (Cond, error) {
	start := p.pos
	if p.text[p.pos] == '!' {
		return nil, invalid(p.here(), "conditions cannot be negated", "use !=, IS FALSE or NOT EXISTS")
	}
	sel, err := p.selector()
	if err != nil {
		return nil, err
	}
	p.space()
	at := p.pos
	switch word := p.run(isWordByte); word {
	case "":
		return p.compare(sel, start)
	case "IS":
		p.space()
		at = p.pos
		word = p.run(isWordByte)
		for l, name := range literals {
			if word == name {
				return &Is{sel, Literal(l), Span{start, p.pos}}, nil
			}
		}
		if word == "NOT" {
			return nil, invalid(p.at(at), "there is no condition IS NOT", "a field that has a value other than null is equal to anything: = *")
		}
		return nil, invalid(p.at(at), "IS is followed by NULL, TRUE or FALSE", "in upper case")
	case "NOT":
		p.space()
		at = p.pos
		if word = p.run(isWordByte); word == "EXISTS" {
			return &NotExists{sel, Span{start, p.pos}}, nil
		}
		return nil, invalid(p.at(at), "NOT is followed by EXISTS", "in upper case")
	case "EXISTS":
		return nil, invalid(p.at(at), "there is no condition EXISTS", "a field that exists is equal to anything: = *")
	case "is", "Is", "not", "Not":
		return nil, invalid(p.at(at), "keywords are written in upper case", strings.ToUpper(word))
	default:
		return nil, invalid(p.at(at), "an operator is missing", "one of =, !=, <, <=, >, >=, IS NULL, IS TRUE, IS FALSE, NOT EXISTS")
	}
}

// at is what was read since start, or the character there when that is nothing.
func (p *condParser) at(start int) Span {
	if start == p.pos {
		return p.here()
	}
	return Span{start, p.pos}
}

func isWordByte(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// compare reads operator and operand.
func (p *condParser) compare(sel Selector, start int) (Cond, error) {
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	v, err := p.operand()
	if err != nil {
		return nil, err
	}
	if op > Ne && v.Kind != NumberOperand {
		return nil, invalid(v.Span, op.String()+" compares numbers, and this is none", "use = or != for text")
	}
	return &Compare{sel, op, v, Span{start, v.Span.End}}, nil
}

func (p *condParser) operator() (CompareOp, error) {
	p.space()
	for _, op := range []CompareOp{Ne, Le, Ge, Eq, Lt, Gt} {
		if p.take(op.String()) {
			return op, nil
		}
	}
	return 0, invalid(p.here(), "an operator is missing here", "one of =, !=, <, <=, >, >=")
}

// selector reads $ and the steps behind it.
func (p *condParser) selector() (Selector, error) {
	if p.text[p.pos] != '$' {
		hint := "such as $.name"
		if isWordByte(p.text[p.pos]) {
			at := p.pos
			hint = "write $." + p.run(isNameByte)
			p.pos = at
		}
		return nil, invalid(p.here(), "a condition begins with a selector", hint)
	}
	start := p.pos
	p.pos++
	var sel Selector
	wild := 0
	for {
		s, ok, err := p.step()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if s.Any {
			wild++
			p.wildcards++
		}
		sel = append(sel, s)
	}
	at := Span{start, p.pos}
	switch {
	case len(sel) == 0:
		return nil, invalid(at, "the selector names no field", "such as $.name")
	case wild > 1:
		return nil, invalid(at, "a selector can have one wildcard only", "")
	case p.wildcards > maxWildcards:
		return nil, invalid(at, "a pattern can have three wildcard selectors at most", "")
	}
	return sel, nil
}

// step reads one step; false when none begins at pos.
func (p *condParser) step() (s Step, ok bool, err error) {
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, ".["):
		p.pos++
		if s, err = p.bracket(); err == nil && s.Elem {
			err = invalid(Span{p.pos - 1, p.pos}, "there is no dot before an index", "such as $.list[0]")
		}
		return s, true, err
	case strings.HasPrefix(rest, "["):
		s, err = p.bracket()
		return s, true, err
	case strings.HasPrefix(rest, ".*"):
		p.pos += 2
		return Step{Any: true}, true, nil
	case strings.HasPrefix(rest, "."):
		p.pos++
		if s.Name = p.run(isNameByte); s.Name == "" {
			return s, false, invalid(p.here(), "the name of a field is missing after the dot", "names with other characters are written $.['a name']")
		}
		return s, true, nil
	}
	return s, false, nil
}

// bracket reads [3], [*] or ['name'].
func (p *condParser) bracket() (s Step, err error) {
	open := p.pos
	p.pos++
	p.space()
	rest := p.text[p.pos:]
	switch {
	case rest == "":
	case rest[0] == '*':
		p.pos++
		s = Step{Elem: true, Any: true}
	case rest[0] == '\'' || rest[0] == '"':
		n := strings.IndexByte(rest[1:], rest[0])
		if n < 0 {
			return s, invalid(Span{p.pos, len(p.text)}, "the closing quote of the name is missing", "")
		}
		s.Name = rest[1 : 1+n]
		p.pos += n + 2
	default:
		at := p.pos
		digits := p.run(isDigit)
		n, err := strconv.Atoi(digits)
		if err != nil || n > math.MaxInt32 {
			return s, invalid(p.at(at), "an index is a number from 0, or *", "names in brackets are quoted: ['name']")
		}
		s = Step{Elem: true, Index: n}
	}
	if !p.take("]") {
		return s, invalid(Span{open, min(p.pos+1, len(p.text))}, "the bracket is not closed", "")
	}
	return s, nil
}

// operand reads the right-hand side of a comparison.
func (p *condParser) operand() (Operand, error) {
	if p.done() {
		return Operand{}, invalid(p.here(), "a value is missing here", "")
	}
	start := p.pos
	switch p.text[p.pos] {
	case '"':
		text, err := p.quoted()
		if err != nil {
			return Operand{}, err
		}
		v := Operand{Text: text, Quoted: true}
		v.Before, v.After, v.Text = wildcards(text)
		v.Span = Span{start, p.pos}
		return v, nil
	case '%':
		re, err := p.scanner.regexp()
		if err != nil {
			return Operand{}, err
		}
		return Operand{Kind: RegexOperand, Regexp: re, Span: re.Span}, nil
	}
	word := p.run(p.isBareByte)
	if i := strings.IndexFunc(word, unicode.IsSpace); i >= 0 { // blanks beyond ASCII
		word, p.pos = word[:i], start+i
	}
	at := Span{start, p.pos}
	if word == "" {
		switch c := p.text[p.pos]; {
		case c == '$':
			return Operand{}, invalid(p.here(), "a field cannot be compared with another field", "text that begins with $ has to be in double quotes")
		case strings.IndexByte("=<>!~", c) >= 0:
			return Operand{}, invalid(p.here(), "there is no such operator", "one of =, !=, <, <=, >, >=")
		}
		return Operand{}, invalid(p.here(), "a value is missing here", "text with blanks or punctuation has to be in double quotes")
	}
	if n, ok := number(word); ok {
		return Operand{Kind: NumberOperand, Text: word, Number: n, Span: at}, nil
	}
	v := Operand{Span: at}
	v.Before, v.After, v.Text = wildcards(word)
	return v, nil
}

// isBareByte reports whether a value may hold c without quotes. In delimited
// patterns commas and brackets are what ends it, so more is possible there.
func (p *condParser) isBareByte(c byte) bool {
	return isNameByte(c) || c == '.' || c == '*' || c == '+' || c >= 0x80 || p.delimited && (c == '/' || c == ':' || c == '@' || c == '#')
}

// wildcards splits the stars at the ends off a text. No backslash makes a star
// literal: before a star it stands for itself.
func wildcards(text string) (before, after bool, rest string) {
	if text == "*" || text == "**" {
		return true, true, ""
	}
	rest, before = strings.CutPrefix(text, "*")
	rest, after = strings.CutSuffix(rest, "*")
	return before, after, rest
}

// number reads a decimal number with an optional sign and exponent.
func number(word string) (float64, bool) {
	digits := false
	for i := range len(word) {
		switch c := word[i]; {
		case isDigit(c):
			digits = true
		case c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-':
			return 0, false
		}
	}
	if !digits || strings.HasPrefix(word, ".") || strings.HasSuffix(word, ".") {
		return 0, false
	}
	if e := strings.IndexAny(word, "eE"); e == 0 || e == 1 && !isDigit(word[0]) || e > 0 && word[e-1] == '.' {
		return 0, false
	}
	n, err := strconv.ParseFloat(word, 64)
	return n, err == nil || math.IsInf(n, 0)
}
