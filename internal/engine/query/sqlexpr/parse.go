package sqlexpr

import "strings"

// Expr takes an expression. Errors are *insightsql.Error.
func (p *Parser) Expr() (Expr, error) {
	return p.logic("or", func() (Expr, error) { return p.logic("and", p.not) })
}

// logic takes operands with op between them.
func (p *Parser) logic(op string, operand func() (Expr, error)) (Expr, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	from := p.Peek()
	x, err := operand()
	if err != nil {
		return nil, err
	}
	all := []Expr{x}
	for p.TakeWord(op) {
		if x, err = operand(); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	if len(all) == 1 {
		return x, nil
	}
	return &Logic{p.From(from), op, all}, nil
}

func (p *Parser) not() (Expr, error) {
	from := p.Peek()
	if p.TakeWord("not") || p.TakeSign("!") {
		if err := p.Enter(); err != nil {
			return nil, err
		}
		defer p.Leave()
		x, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Unary{p.From(from), "not", x}, nil
	}
	return p.predicate()
}

// comparisons maps operators to how they are kept.
var comparisons = map[string]string{"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<=>": "<=>"}

func (p *Parser) predicate() (Expr, error) {
	from := p.Peek()
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		if n > MaxDepth {
			return nil, p.Errorf(p.Peek().Span, "the query is nested more than %d levels deep", MaxDepth)
		}
		t := p.Peek()
		if op := comparisons[t.Text]; t.Kind == Sign && op != "" {
			p.pos++
			y, err := p.sum()
			if err != nil {
				return nil, err
			}
			x = &Binary{p.From(from), op, x, y}
			continue
		}
		not := t.Is("not")
		word := t
		if not {
			word = p.PeekAt(1)
		}
		switch {
		case word.Is("in"), word.Is("between"), word.Is("like"), word.Is("ilike"), word.Is("rlike"), word.Is("regexp"):
			if not {
				p.pos++
			}
			if x, err = p.suffix(from, x, not); err != nil {
				return nil, err
			}
		case t.Is("is"):
			if x, err = p.is(from, x); err != nil {
				return nil, err
			}
		default:
			return x, nil
		}
	}
}

func (p *Parser) is(from Token, x Expr) (Expr, error) {
	p.pos++
	not := p.TakeWord("not")
	if p.TakeWord("distinct") {
		if err := p.WantWord("from"); err != nil {
			return nil, err
		}
		y, err := p.sum()
		if err != nil {
			return nil, err
		}
		same := &Binary{p.From(from), "<=>", x, y}
		if not {
			return same, nil
		}
		return &Unary{same.Span, "not", same}, nil
	}
	t := p.Peek()
	for _, what := range []string{"null", "true", "false", "unknown"} {
		if t.Is(what) {
			p.pos++
			return &Is{p.From(from), x, what, not}, nil
		}
	}
	return nil, p.Unexpected()
}

// suffix takes IN, BETWEEN or LIKE behind x.
func (p *Parser) suffix(from Token, x Expr, not bool) (Expr, error) {
	op := strings.ToLower(p.Next().Text)
	switch op {
	case "in":
		return p.in(from, x, not)
	case "between":
		lo, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := p.WantWord("and"); err != nil {
			return nil, err
		}
		hi, err := p.sum()
		if err != nil {
			return nil, err
		}
		return &Between{p.From(from), x, lo, hi, not}, nil
	case "regexp":
		op = "rlike"
	}
	pat, err := p.sum()
	if err != nil {
		return nil, err
	}
	l := &Like{Op: op, X: x, Pat: pat, Not: not}
	if op != "rlike" && p.TakeWord("escape") {
		t := p.Next()
		if t.Kind != String || len([]rune(t.Text)) != 1 {
			return nil, p.Errorf(t.Span, "ESCAPE needs a text of one character")
		}
		if l.Escape = t.Text; l.Escape == `\` {
			l.Escape = ""
		}
	}
	l.Span = p.From(from)
	return l, nil
}

func (p *Parser) in(from Token, x Expr, not bool) (Expr, error) {
	if p.dialect == PPL && p.IsSign("[") {
		q, err := p.subquery("[", "]")
		if err != nil {
			return nil, err
		}
		return &In{Span: p.From(from), X: x, Sub: q, Not: not}, nil
	}
	if p.IsSign("(") && p.startsQuery(1) {
		q, err := p.subquery("(", ")")
		if err != nil {
			return nil, err
		}
		return &In{Span: p.From(from), X: x, Sub: q, Not: not}, nil
	}
	if err := p.WantSign("("); err != nil {
		return nil, err
	}
	var list []Expr
	for {
		at := p.Peek()
		k, err := p.Expr()
		if err != nil {
			return nil, err
		}
		if list = append(list, k); len(list) > MaxList {
			return nil, p.Errorf(at.Span, "a list has more than %d values", MaxList)
		}
		if !p.TakeSign(",") {
			break
		}
	}
	if err := p.WantSign(")"); err != nil {
		return nil, err
	}
	return &In{Span: p.From(from), X: x, List: list, Not: not}, nil
}

// startsQuery reports whether the token n after the next one begins a query.
func (p *Parser) startsQuery(n int) bool {
	return p.dialect == SQL && (p.PeekAt(n).Is("select") || p.PeekAt(n).Is("with"))
}

// subquery takes a query in brackets.
func (p *Parser) subquery(open, end string) (Subquery, error) {
	if err := p.WantSign(open); err != nil {
		return nil, err
	}
	if p.Subquery == nil {
		return nil, p.Errorf(p.Peek().Span, "a subquery cannot stand here")
	}
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	q, err := p.Subquery()
	if err != nil {
		return nil, err
	}
	return q, p.WantSign(end)
}

func (p *Parser) sum() (Expr, error)     { return p.binary("+-", p.product) }
func (p *Parser) product() (Expr, error) { return p.binary("*/%", p.unary) }

// binary takes operands with one of the operators between them, left to right.
func (p *Parser) binary(ops string, operand func() (Expr, error)) (Expr, error) {
	from := p.Peek()
	x, err := operand()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		t := p.Peek()
		if t.Kind != Sign || len(t.Text) != 1 || !strings.Contains(ops, t.Text) {
			return x, nil
		}
		if n >= MaxDepth {
			return nil, p.Errorf(t.Span, "the query is nested more than %d levels deep", MaxDepth)
		}
		p.pos++
		y, err := operand()
		if err != nil {
			return nil, err
		}
		x = &Binary{p.From(from), t.Text, x, y}
	}
}

func (p *Parser) unary() (Expr, error) {
	from := p.Peek()
	if p.TakeSign("+") {
		if err := p.Enter(); err != nil {
			return nil, err
		}
		defer p.Leave()
		return p.unary()
	}
	if !p.TakeSign("-") {
		return p.postfix()
	}
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &Unary{p.From(from), "-", x}, nil
}

// postfix takes a primary and the elements of it.
func (p *Parser) postfix() (Expr, error) {
	from := p.Peek()
	x, err := p.primary()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		if n >= MaxDepth {
			return nil, p.Errorf(p.Peek().Span, "the query is nested more than %d levels deep", MaxDepth)
		}
		t := p.Peek()
		switch {
		case p.IsSign("[") && t.Start == p.Last().End:
			p.pos++
			i, err := p.Expr()
			if err != nil {
				return nil, err
			}
			if err := p.WantSign("]"); err != nil {
				return nil, err
			}
			x = &Element{p.From(from), x, i}
		case p.IsSign(".") && t.Start == p.Last().End && (p.PeekAt(1).Kind == Word || p.PeekAt(1).Kind == Quoted):
			p.pos++
			k := p.Next()
			x = &Element{p.From(from), x, &Literal{k.Span, StringLiteral, k.Text}}
		default:
			return x, nil
		}
	}
}

// Operand takes an expression without comparisons and logic, so that a keyword
// such as IN can follow.
func (p *Parser) Operand() (Expr, error) { return p.sum() }
