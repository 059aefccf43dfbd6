package metricmath

import (
	"fmt"
	"strings"
)

// Limits of Parse.
const (
	MaxText  = 2048 // bytes of an expression
	maxDepth = 100  // of parentheses, calls, signs and powers inside each other
)

// Parse parses an expression. The error is an *Error.
func Parse(text string) (*Expr, error) {
	if len(text) > MaxText {
		return nil, &Error{MaxText, fmt.Sprintf("the expression is longer than %d bytes", MaxText)}
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root, err := p.expr()
	if err != nil {
		return nil, err
	}
	if p.tok().kind != tokEnd {
		return nil, p.unexpected()
	}
	switch root.(type) {
	case *stringNode, *wordNode:
		return nil, errorAt(root, "an expression must be a time series")
	}
	return &Expr{root: root, text: text}, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

func (p *parser) tok() *token { return &p.tokens[p.at] }

func (p *parser) unexpected() error {
	t := p.tok()
	if t.kind == tokEnd {
		return &Error{t.at, "the expression ends too early"}
	}
	return &Error{t.at, fmt.Sprintf("unexpected %q", t.text)}
}

// accept takes a symbol or word of the list, if it is next.
func (p *parser) accept(list ...string) (token, bool) {
	t := *p.tok()
	if t.kind == tokSymbol || t.kind == tokName {
		for _, s := range list {
			if t.text == s {
				p.at++
				return t, true
			}
		}
	}
	return t, false
}

// levels of binary operators, loosest first. AND and OR have a spelling each.
var levels = [][]string{
	{"OR", "||"},
	{"AND", "&&"},
	{"==", "!=", "<=", ">=", "<", ">"},
	{"+", "-"},
	{"*", "/"},
}

var spelling = map[string]string{"||": "OR", "&&": "AND"}

func (p *parser) expr() (node, error) { return p.binary(0) }

func (p *parser) binary(level int) (node, error) {
	if level == len(levels) {
		return p.unary()
	}
	x, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		t, ok := p.accept(levels[level]...)
		if !ok {
			return x, nil
		}
		y, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		op := t.text
		if s, ok := spelling[op]; ok {
			op = s
		}
		for _, operand := range [...]node{x, y} {
			if err := operandOnly(operand); err != nil {
				return nil, err
			}
		}
		x = &binaryNode{t.at, op, x, y}
	}
}

// operandOnly refuses what is allowed as an argument of some functions only.
func operandOnly(n node) error {
	switch n := n.(type) {
	case *stringNode:
		return errorAt(n, "a text is no operand")
	case *wordNode:
		return errorAt(n, "unknown word %s", n.word)
	}
	return nil
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return &Error{p.tok().at, "the expression is too deep"}
	}
	return nil
}

func (p *parser) unary() (node, error) {
	t, ok := p.accept("-")
	if !ok {
		return p.power()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &unaryNode{t.at, x}, operandOnly(x)
}

func (p *parser) power() (node, error) {
	x, err := p.primary()
	if err != nil {
		return nil, err
	}
	t, ok := p.accept("^")
	if !ok {
		return x, nil
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	y, err := p.unary()
	if err != nil {
		return nil, err
	}
	if err := operandOnly(x); err != nil {
		return nil, err
	}
	return &binaryNode{t.at, "^", x, y}, operandOnly(y)
}

func (p *parser) primary() (node, error) {
	t := *p.tok()
	switch {
	case t.kind == tokNumber:
		p.at++
		return &numberNode{t.at, t.number}, nil
	case t.kind == tokString:
		p.at++
		return &stringNode{t.at, t.text}, nil
	case t.kind == tokName && t.text[0] >= 'a':
		p.at++
		if _, ok := p.accept("("); ok {
			return nil, &Error{t.at, fmt.Sprintf("unknown function %s: functions are written in upper case", t.text)}
		}
		return &idNode{t.at, t.text}, nil
	case t.kind == tokName && t.text != "AND" && t.text != "OR":
		p.at++
		if _, ok := p.accept("("); ok {
			return p.call(t)
		}
		if strings.EqualFold(t.text, "SELECT") {
			return nil, &Error{t.at, "Metrics Insights queries are not supported"}
		}
		return &wordNode{t.at, t.text}, nil
	case t.kind == tokSymbol && t.text == "(":
		p.at++
		if err := p.deeper(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		if _, ok := p.accept(")"); !ok {
			return nil, p.unexpected()
		}
		return x, operandOnly(x)
	case t.kind == tokSymbol && t.text == "[":
		p.at++
		items, err := p.list("]")
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, &Error{t.at, "an array needs a time series"}
		}
		for _, x := range items {
			if err := operandOnly(x); err != nil {
				return nil, err
			}
		}
		return &arrayNode{t.at, items}, nil
	}
	return nil, p.unexpected()
}

// list reads expressions up to a closing symbol.
func (p *parser) list(closing string) ([]node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var items []node
	if _, ok := p.accept(closing); ok {
		return items, nil
	}
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if _, ok := p.accept(closing); ok {
			return items, nil
		}
		if _, ok := p.accept(","); !ok {
			return nil, p.unexpected()
		}
	}
}

// call parses the arguments of a function and checks their number and form.
func (p *parser) call(name token) (node, error) {
	f, ok := functions[name.text]
	if !ok {
		if why, known := unsupported[name.text]; known {
			return nil, &Error{name.at, why}
		}
		return nil, &Error{name.at, fmt.Sprintf("unknown function %.64s", name.text)}
	}
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	c := &callNode{name.at, name.text, args}
	if len(args) < f.least || len(args) > f.most {
		return nil, errorAt(c, "%s takes %s", c.name, counted(f.least, f.most))
	}
	for i, x := range args {
		if err := f.form(i).check(c, i, x); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func counted(least, most int) string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	if least == most {
		return plural(least)
	}
	return fmt.Sprintf("%d to %s", least, plural(most))
}
