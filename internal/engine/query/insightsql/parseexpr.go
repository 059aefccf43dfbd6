package insightsql

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// reserved reports whether a word cannot be a field without back-ticks.
func reserved(word string) bool {
	switch strings.ToLower(word) {
	case "and", "or", "not", "in", "like", "as", "by":
		return true
	}
	return false
}

// nested counts the levels of an expression while it is read.
func (p *parser) nested(read func() Expr) Expr {
	if p.depth++; p.depth > 4*maxDepth {
		p.fail(refused(p.tok.at, "an expression has more than %d levels", maxDepth))
		return &Bool{}
	}
	e := read()
	p.depth--
	return e
}

// expr reads an expression.
func (p *parser) expr() Expr {
	e := p.nested(p.or)
	if p.err == nil && height(e) > maxDepth {
		p.fail(refused(e.where(), "an expression has more than %d levels", maxDepth))
	}
	return e
}

func (p *parser) or() Expr {
	from := p.tok.at.Start
	e := p.and()
	if !p.isWord("or") {
		return e
	}
	list := []Expr{e}
	for p.word("or") {
		list = append(list, p.and())
	}
	return &Or{p.from(from), list}
}

func (p *parser) and() Expr {
	from := p.tok.at.Start
	e := p.not()
	if !p.isWord("and") {
		return e
	}
	list := []Expr{e}
	for p.word("and") {
		list = append(list, p.not())
	}
	return &And{p.from(from), list}
}

func (p *parser) not() Expr {
	from := p.tok.at.Start
	if p.word("not") {
		x := p.nested(p.not)
		return &Not{p.from(from), x}
	}
	return p.predicate()
}

// predicate reads a sum, or a comparison of one.
func (p *parser) predicate() Expr {
	from := p.tok.at.Start
	a := p.sum()
	if p.tok.kind == tokOp {
		switch op := p.tok.text; op {
		case "=", "!=", "<", "<=", ">", ">=":
			p.advance()
			b := p.sum()
			return &Compare{p.from(from), op, a, b}
		case "=~":
			p.advance()
			re := p.regex()
			return &Like{Span: p.from(from), X: a, Regex: re}
		}
		return a
	}
	not := p.word("not")
	switch {
	case p.word("like"):
		e := &Like{X: a, Not: not}
		if p.isOp("/") {
			e.Regex = p.regex()
		} else {
			e.Sub = p.text()
		}
		e.Span = p.from(from)
		return e
	case p.word("in"):
		e := &In{X: a, Not: not}
		if p.accept("(") {
			e.Sub = p.subquery()
		} else {
			e.List = p.list()
		}
		e.Span = p.from(from)
		return e
	}
	if not {
		p.unexpected()
	}
	return a
}

// subquery reads a query and the parenthesis after it.
func (p *parser) subquery() *Query {
	if p.subs++; p.subs > 1 {
		p.fail(refused(p.tok.at, "subqueries cannot be nested"))
		return &Query{}
	}
	depth := p.depth
	p.depth = 0
	q := p.query(true)
	p.expect(")")
	p.depth = depth
	p.subs--
	return q
}

// list reads constants in brackets.
func (p *parser) list() []Expr {
	p.expect("[")
	list := []Expr{}
	if p.accept("]") {
		return list
	}
	for p.err == nil {
		list = append(list, p.constant())
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return list
}

// constant reads a string, a number or a boolean.
func (p *parser) constant() Expr {
	t := p.tok
	e := p.unary()
	switch x := e.(type) {
	case *String, *Number, *Bool:
		return e
	case *Negative:
		if _, ok := x.X.(*Number); ok {
			return e
		}
	}
	p.fail(unexpected(p.from(t.at.Start), p.lex.text[t.at.Start:max(t.at.Start, p.last)]))
	return e
}

func (p *parser) sum() Expr {
	return p.chain("+-", func() Expr { return p.chain("*/%", p.power) })
}

// chain reads operators that bind to the left.
func (p *parser) chain(ops string, operand func() Expr) Expr {
	from := p.tok.at.Start
	e := operand()
	for p.tok.kind == tokOp && len(p.tok.text) == 1 && strings.Contains(ops, p.tok.text) {
		op := p.tok.text[0]
		p.advance()
		b := operand()
		e = &Arith{p.from(from), op, e, b}
	}
	return e
}

func (p *parser) power() Expr {
	from := p.tok.at.Start
	a := p.unary()
	if !p.accept("^") {
		return a
	}
	b := p.nested(p.power)
	return &Arith{p.from(from), '^', a, b}
}

func (p *parser) unary() Expr {
	from := p.tok.at.Start
	if p.accept("-") {
		x := p.nested(p.unary)
		return &Negative{p.from(from), x}
	}
	return p.primary()
}

// primary reads an operand and the parts of it that are asked for.
func (p *parser) primary() Expr {
	from := p.tok.at.Start
	e := p.operand()
	for p.err == nil {
		var part string
		switch {
		case p.isOp("[") && structured(e):
			p.advance()
			part = strconv.Itoa(p.integer(0, 1<<31-1))
			p.expect("]")
		case p.isOp(".") && structured(e):
			p.advance()
			if p.tok.kind != tokName {
				p.unexpected()
				return e
			}
			path := p.tok.path
			p.advance()
			e = p.part(e, path, from)
			continue
		default:
			return e
		}
		e = p.part(e, []string{part}, from)
	}
	return e
}

func structured(e Expr) bool {
	switch e.(type) {
	case *Field, *Element, *Call:
		return true
	}
	return false
}

// part is what lies at a path in e, which begins at from.
func (p *parser) part(e Expr, path []string, from int) Expr {
	at := p.from(from)
	switch x := e.(type) {
	case *Field:
		path = append(x.Path[:len(x.Path):len(x.Path)], path...)
		e = &Field{at, path}
	case *Element:
		path = append(x.Path[:len(x.Path):len(x.Path)], path...)
		e = &Element{at, x.X, path}
	default:
		e = &Element{at, e, path}
	}
	if len(path) > maxPath {
		p.fail(refused(at, "a field name has more than %d parts", maxPath))
	}
	return e
}

// operand reads a literal, a field, a call or an expression in parentheses.
func (p *parser) operand() Expr {
	t := p.tok
	switch t.kind {
	case tokNumber:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.unexpected()
			return &Bool{}
		}
		p.advance()
		return &Number{t.at, f, t.text}
	case tokString:
		return p.text()
	case tokPeriod:
		return p.period()
	case tokName:
		if !t.quoted {
			switch strings.ToLower(t.text) {
			case "true", "false":
				p.advance()
				return &Bool{t.at, len(t.text) == len("true")}
			}
			if reserved(t.text) {
				break
			}
		}
		p.advance()
		if p.isOp("(") && !t.quoted && len(t.path) == 1 {
			return p.call(t)
		}
		return &Field{t.at, t.path}
	case tokOp:
		switch t.text {
		case "(":
			p.advance()
			e := p.nested(p.or)
			p.expect(")")
			return e
		case "/":
			return p.regex()
		}
	}
	p.unexpected()
	return &Bool{}
}

// call reads the arguments of a function.
func (p *parser) call(t token) Expr {
	c := &Call{Name: t.text, Func: strings.ToLower(strings.ReplaceAll(t.text, "_", ""))}
	p.expect("(")
	if p.isOp("*") {
		p.advance()
		c.Star = true
	} else {
		for !p.isOp(")") && p.err == nil {
			c.Args = append(c.Args, p.nested(p.or))
			if !p.accept(",") {
				break
			}
			if p.isOp(")") {
				p.unexpected()
			}
		}
	}
	p.expect(")")
	c.Span = p.from(t.at.Start)
	return c
}

// regex reads a regular expression.
func (p *parser) regex() *Regex {
	if !p.isOp("/") {
		p.unexpected()
		return &Regex{}
	}
	t, err := p.lex.regex(p.tok.at.Start)
	if err != nil {
		p.fail(err)
		return &Regex{}
	}
	re, err := compileRegex(t.text)
	if err != nil {
		p.fail(wrong(t.at, "invalid regular expression %s: %v", p.lex.text[t.at.Start:t.at.End], err))
		return &Regex{}
	}
	p.tok = t
	p.advance()
	return &Regex{t.at, t.text, re}
}

// maxRegexSize bounds the instructions of a regular expression, which bound what
// a character of a text costs.
const maxRegexSize = 10_000

func compileRegex(source string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxRegexSize {
		return nil, errRegexSize
	}
	return regexp.Compile(source)
}

var errRegexSize = errors.New("it is too large")
