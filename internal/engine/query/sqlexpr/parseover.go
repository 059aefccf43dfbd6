package sqlexpr

// behind takes what may stand behind a call: FILTER, IGNORE NULLS and OVER.
func (p *Parser) behind(c *Call) error {
	if n := p.PeekAt(1); p.Peek().Is("filter") && n.Kind == Sign && n.Text == "(" {
		p.pos += 2
		if err := p.WantWord("where"); err != nil {
			return err
		}
		var err error
		if c.Filter, err = p.Expr(); err != nil {
			return err
		}
		if err := p.WantSign(")"); err != nil {
			return err
		}
	}
	if p.TakeWord("ignore", "nulls") {
		c.Nulls = "ignore"
	}
	if p.TakeWord("respect", "nulls") {
		c.Nulls = "respect"
	}
	from := p.Peek()
	if !p.TakeWord("over") {
		return nil
	}
	if err := p.WantSign("("); err != nil {
		return err
	}
	o := &Over{}
	var err error
	if p.TakeWord("partition", "by") || p.TakeWord("distribute", "by") {
		if o.By, err = List(p, p.Expr); err != nil {
			return err
		}
	}
	if p.TakeWord("order", "by") || p.TakeWord("sort", "by") {
		if o.Order, err = List(p, p.OrderKey); err != nil {
			return err
		}
	}
	if p.Peek().Is("rows") || p.Peek().Is("range") {
		if o.Frame, err = p.frame(); err != nil {
			return err
		}
	}
	if err := p.WantSign(")"); err != nil {
		return err
	}
	o.Span = p.From(from)
	c.Over = o
	return nil
}

// OrderKey takes expr [ASC | DESC] [NULLS FIRST | NULLS LAST].
func (p *Parser) OrderKey() (Order, error) {
	x, err := p.Expr()
	if err != nil {
		return Order{}, err
	}
	o := Order{X: x}
	if o.Desc = p.TakeWord("desc"); !o.Desc {
		p.TakeWord("asc")
	}
	switch {
	case p.TakeWord("nulls", "first"):
		o.Nulls = "first"
	case p.TakeWord("nulls", "last"):
		o.Nulls = "last"
	}
	if o.Nulls == map[bool]string{false: "first", true: "last"}[o.Desc] {
		o.Nulls = "" // as it is anyway
	}
	return o, nil
}

func (p *Parser) frame() (*Frame, error) {
	from := p.Peek()
	f := &Frame{Rows: p.Next().Is("rows"), Hi: Edge{Kind: Current}}
	between := p.TakeWord("between")
	var err error
	if f.Lo, err = p.edge(); err != nil {
		return nil, err
	}
	if between {
		if err := p.WantWord("and"); err != nil {
			return nil, err
		}
		if f.Hi, err = p.edge(); err != nil {
			return nil, err
		}
	}
	switch {
	case !f.Rows && (f.Lo.Kind == Preceding || f.Lo.Kind == Following || f.Hi.Kind == Preceding || f.Hi.Kind == Following):
		return nil, p.Errorf(p.From(from), "a RANGE with a distance is not supported: use ROWS")
	case f.Lo.Kind == Last || f.Hi.Kind == First || f.Lo.Kind > f.Hi.Kind:
		return nil, p.Errorf(p.From(from), "the window ends before it begins")
	}
	return f, nil
}

func (p *Parser) edge() (Edge, error) {
	switch {
	case p.TakeWord("unbounded", "preceding"):
		return Edge{Kind: First}, nil
	case p.TakeWord("unbounded", "following"):
		return Edge{Kind: Last}, nil
	case p.TakeWord("current", "row"):
		return Edge{Kind: Current}, nil
	}
	n, err := p.Integer("the distance", 0, 1_000_000)
	if err != nil {
		return Edge{}, err
	}
	if p.TakeWord("preceding") {
		return Edge{Preceding, n}, nil
	}
	return Edge{Following, n}, p.WantWord("following")
}
