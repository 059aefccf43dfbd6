package insightsql

import "strings"

// command reads one command.
func (p *parser) command() Command {
	from := p.tok.at.Start
	if p.tok.kind != tokName || p.tok.quoted {
		p.unexpected()
		return &Anomaly{}
	}
	word := strings.ToLower(p.tok.text)
	read := p.reader(word)
	if read == nil {
		read = p.rowsReader(word)
	}
	if read == nil {
		p.unexpected()
		return &Anomaly{}
	}
	p.advance()
	c := read()
	c.set(p.from(from))
	return c
}

// reader returns what reads a command, after its name.
func (p *parser) reader(name string) func() Command {
	switch name {
	case "fields":
		return func() Command { return &Fields{Items: p.items()} }
	case "display":
		return func() Command { return &Fields{Items: p.items(), Display: true} }
	case "filter", "where":
		return func() Command { return &Filter{Cond: p.expr()} }
	case "filterindex":
		return p.filterIndex
	case "parse":
		return p.parse
	case "stats":
		return p.stats
	case "sort":
		return p.sort
	case "limit":
		return func() Command {
			any := p.word("any")
			return &Limit{Any: any, N: p.integer(1, MaxLimit)}
		}
	case "dedup":
		return func() Command { return &Dedup{Fields: p.fields()} }
	case "pattern":
		return func() Command { return &Pattern{X: p.expr()} }
	case "diff":
		return func() Command { return &Diff{Before: p.oneOf("previousDay", "previousWeek", "previousMonth")} }
	case "anomaly":
		return func() Command { return &Anomaly{} }
	case "unnest":
		return func() Command {
			x := p.expr()
			if !p.word("into") {
				p.unexpected()
			}
			return &Unnest{X: x, As: p.name()}
		}
	case "expand":
		return func() Command { return &Expand{Field: p.field()} }
	}
	return nil
}

// filterIndex reads "f = v" or "f in [v, …]".
func (p *parser) filterIndex() Command {
	c := &FilterIndex{Field: p.field()}
	switch {
	case p.accept("="):
		c.Values = []Expr{p.constant()}
	case p.word("in"):
		if c.Values = p.list(); len(c.Values) == 0 {
			p.unexpected()
		}
	default:
		p.unexpected()
	}
	return c
}

func (p *parser) parse() Command {
	c := &Extract{}
	mode := func() bool {
		for m := ParseLogfmt; m <= ParseXML; m++ {
			if p.word(parseModes[m]) {
				c.Mode = m
				return true
			}
		}
		return false
	}
	if p.tok.kind != tokString && !p.isOp("/") {
		t := p.tok
		if c.X = p.primary(); p.err != nil {
			return c
		}
		// The word alone is the mode, when nothing follows that could be one.
		if f, ok := c.X.(*Field); ok && (p.isWord("as") || p.ended(true) || p.isOp("|")) && !t.quoted && len(f.Path) == 1 {
			for m := ParseLogfmt; m <= ParseXML; m++ {
				if strings.EqualFold(f.Path[0], parseModes[m]) {
					c.X, c.Mode = nil, m
				}
			}
		}
	}
	switch {
	case c.Mode != 0:
	case p.tok.kind == tokString:
		c.Glob = p.text()
	case p.isOp("/"):
		c.Mode, c.Regex = ParseRegex, p.regex()
		c.Multi = p.word("multi")
	case !mode():
		p.unexpected()
		return c
	}
	if p.word("as") {
		c.As = p.names()
	}
	return c
}

func (p *parser) stats() Command {
	c := &Stats{Items: p.items()}
	if p.word("by") {
		c.By = p.items()
		if p.word("offset") {
			c.Offset = p.period()
		}
	}
	return c
}

func (p *parser) sort() Command {
	c := &Sort{}
	for {
		k := SortKey{Expr: p.expr()}
		if !p.word("asc") {
			k.Desc = p.word("desc")
		}
		c.Keys = append(c.Keys, k)
		if !p.accept(",") {
			p.bound(len(c.Keys))
			return c
		}
	}
}
