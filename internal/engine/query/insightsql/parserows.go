package insightsql

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits and defaults of commands over rows.
const (
	maxAppended    = 10_000
	maxRegress     = 100
	outlierParam   = 2.5
	maxOutlier     = 1e6
	maxSessionSpan = 366 * 86_400_000     // ms
	maxShift       = 100 * maxSessionSpan // ms
)

// rowsReader returns what reads a command over rows, after its name.
func (p *parser) rowsReader(name string) func() Command {
	switch name {
	case "unmask":
		return func() Command {
			c := &Unmask{}
			if !p.ended(true) && !p.isOp("|") {
				c.Fields = p.fields()
			}
			return c
		}
	case "lookup":
		return func() Command { return p.lookup(false) }
	case "cidrlookup":
		return func() Command { return p.lookup(true) }
	case "join":
		return p.join
	case "addtotals":
		return p.addTotals
	case "accum":
		return func() Command { return &Accum{Field: p.field(), As: p.as()} }
	case "autoregress":
		return p.autoregress
	case "appendcols":
		return p.appendCols
	case "countfrequent", "count_frequent":
		return func() Command { return &CountFrequent{Fields: p.fields()} }
	case "estimate":
		return func() Command { return &Estimate{} }
	case "filldown":
		return p.fillDown
	case "fillmissing":
		return p.fillMissing
	case "logcompare":
		return func() Command {
			if !p.word("timeshift") {
				p.unexpected()
			}
			p.accept("=")
			p.accept("-")
			c := &LogCompare{Shift: p.period()}
			if x := c.Shift; x.most() > maxShift {
				p.fail(unexpected(x.Span, p.lex.text[x.Start:x.End]))
			}
			return c
		}
	case "outlier":
		return p.outlier
	case "relevantfields":
		return func() Command {
			c := &RelevantFields{}
			if !p.isWord("where") {
				c.Fields = p.fields()
			}
			if !p.word("where") {
				p.unexpected()
			}
			c.Cond = p.expr()
			return c
		}
	case "sessionize":
		return p.sessionize
	case "json":
		return p.json
	}
	return nil
}

// as reads an alias, if there is one.
func (p *parser) as() *Name {
	if !p.word("as") {
		return nil
	}
	n := p.name()
	return &n
}

// option takes one of some words that have a '=' behind them, and the '='.
func (p *parser) option(words ...string) string {
	rest := lexer{text: p.lex.text, pos: p.tok.at.End}
	if rest.skip(); !strings.HasPrefix(rest.text[rest.pos:], "=") {
		return ""
	}
	w := p.oneOf(words...)
	if w != "" {
		p.expect("=")
	}
	return w
}

// bool reads true or false.
func (p *parser) bool() bool {
	switch {
	case p.word("true"), p.word("t"):
		return true
	case p.word("false"), p.word("f"):
		return false
	}
	p.unexpected()
	return false
}

func (p *parser) lookup(cidr bool) Command {
	c := &Lookup{Table: p.name(), CIDR: cidr}
	for {
		first := p.field()
		k := LookupKey{Column: Name{first.Span, strings.Join(first.Path, ".")}, Field: first}
		if p.word("as") {
			second := p.field()
			if cidr { // the field of the event comes first
				k.Column = Name{second.Span, strings.Join(second.Path, ".")}
			} else {
				k.Field = second
			}
		}
		c.Keys = append(c.Keys, k)
		if cidr || !p.accept(",") {
			break
		}
	}
	switch {
	case p.word("output"):
	case p.word("outputnew"):
		c.New = true
	default:
		p.unexpected()
	}
	for {
		c.Out = append(c.Out, LookupOut{p.name(), p.as()})
		if !p.accept(",") {
			break
		}
	}
	p.bound(len(c.Keys) + len(c.Out))
	return c
}

func (p *parser) join() Command {
	c := &Join{}
	for p.err == nil {
		switch p.option("type", "left", "right") {
		case "type":
			switch p.oneOf("inner", "left", "leftouter") {
			case "inner":
			case "":
				p.unexpected()
			default:
				c.Left = true
			}
			continue
		case "left":
			c.LeftAlias = p.name()
			continue
		case "right":
			c.RightAlias = p.name()
			continue
		}
		break
	}
	if c.LeftAlias.Text == "" || c.RightAlias.Text == "" || c.LeftAlias.Text == c.RightAlias.Text {
		p.unexpected()
	}
	if !p.word("where") && !p.word("on") {
		p.unexpected()
	}
	for {
		a := p.field()
		p.expect("=")
		b := p.field()
		if len(a.Path) > 1 && a.Path[0] == c.RightAlias.Text {
			a, b = b, a
		}
		for _, side := range []struct {
			f     *Field
			alias string
		}{{a, c.LeftAlias.Text}, {b, c.RightAlias.Text}} {
			if len(side.f.Path) < 2 || side.f.Path[0] != side.alias {
				p.fail(refused(side.f.Span, "a condition of join compares a field of %s with one of %s", c.LeftAlias.Text, c.RightAlias.Text))
			}
		}
		c.On = append(c.On, JoinKey{a, b})
		if !p.word("and") {
			break
		}
	}
	p.bound(len(c.On))
	p.expect("(")
	c.Sub = p.subquery()
	return c
}

func (p *parser) addTotals() Command {
	c := &AddTotals{}
	for p.err == nil {
		switch p.option("fieldname", "row", "col") {
		case "fieldname":
			if p.tok.kind == tokString {
				c.As = p.text().Value
			} else {
				c.As = p.name().Text
			}
			continue
		case "row":
			c.NoRow = !p.bool()
			continue
		case "col":
			c.Col = p.bool()
			continue
		}
		break
	}
	if !p.ended(true) && !p.isOp("|") {
		c.Fields = p.fields()
	}
	return c
}

func (p *parser) autoregress() Command {
	c := &Autoregress{Field: p.field(), As: p.as(), First: 1, Last: 1}
	if p.option("p") != "" {
		c.First = p.integer(1, maxRegress)
		c.Last = c.First
		if p.accept("-") {
			c.Last = p.integer(c.First, maxRegress)
		}
	}
	return c
}

func (p *parser) appendCols() Command {
	c := &AppendCols{}
	for p.err == nil {
		switch p.option("override", "max") {
		case "override":
			c.Override = p.bool()
			continue
		case "max":
			c.Max = p.integer(1, maxAppended)
			continue
		}
		break
	}
	p.expect("(")
	c.Sub = p.subquery()
	return c
}

// fillDown reads names with stars in them.
func (p *parser) fillDown() Command {
	c := &FillDown{}
	if p.ended(true) || p.isOp("|") {
		return c
	}
	for {
		var n Name
		from := p.tok.at.Start
		for end := from; p.tok.at.Start == end; end = p.last {
			if p.tok.kind == tokName {
				n.Text += strings.Join(p.tok.path, ".")
			} else if p.isOp("*") || p.isOp(".") {
				n.Text += p.tok.text
			} else {
				break
			}
			p.advance()
		}
		if n.Text == "" {
			p.unexpected()
			return c
		}
		n.Span = p.from(from)
		if c.Names = append(c.Names, n); !p.accept(",") {
			p.bound(len(c.Names))
			return c
		}
	}
}

func (p *parser) fillMissing() Command {
	c := &FillMissing{}
	for p.word("with") {
		f := Filling{Value: p.constant()}
		if p.word("for") {
			f.Fields = p.fields()
		}
		c.With = append(c.With, f)
		p.bound(len(c.With))
	}
	return c
}

func (p *parser) outlier() Command {
	c := &Outlier{Param: outlierParam}
	for p.err == nil {
		switch p.option("action", "param", "uselower", "mark") {
		case "action":
			switch p.oneOf("transform", "tf", "remove", "rm") {
			case "remove", "rm":
				c.Remove = true
			case "":
				p.unexpected()
			}
			continue
		case "param":
			f, err := strconv.ParseFloat(p.tok.text, 64)
			if p.tok.kind != tokNumber || err != nil || f > maxOutlier {
				p.unexpected()
				break
			}
			c.Param = f
			p.advance()
			continue
		case "uselower":
			c.UseLower = p.bool()
			continue
		case "mark":
			c.Mark = p.bool()
			continue
		}
		break
	}
	c.Fields = p.fields()
	return c
}

func (p *parser) sessionize() Command {
	c := &Sessionize{Fields: p.fields()}
	if p.word("maxspan") {
		p.accept("=")
		c.MaxSpan = p.period()
		if ms, fixed := c.MaxSpan.Millis(); p.err == nil && (!fixed || ms > maxSessionSpan) {
			p.fail(unexpected(c.MaxSpan.Span, p.lex.text[c.MaxSpan.Start:c.MaxSpan.End]))
		}
	}
	c.As = p.as()
	return c
}

func (p *parser) json() Command {
	c := &JSON{}
	if p.option("field") == "" {
		p.unexpected()
		return c
	}
	c.Field = p.field()
	for {
		pick := Pick{Path: p.text()}
		if !p.word("as") {
			p.unexpected()
		}
		pick.As = p.name()
		if utf8.RuneCountInString(pick.Path.Value) == 0 {
			p.fail(unexpected(pick.Path.Span, `""`))
		}
		if c.Picks = append(c.Picks, pick); !p.accept(",") {
			p.bound(len(c.Picks))
			return c
		}
	}
}
