package ppl

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// join takes [INNER | LEFT [OUTER]] JOIN left = l, right = r ON condition source;
// t is its first word.
func (p *parser) join(t sqlexpr.Token) (Command, error) {
	j := &Join{Outer: t.Is("left")}
	if j.Outer {
		p.TakeWord("outer")
	}
	if !t.Is("join") {
		if err := p.WantWord("join"); err != nil {
			return nil, err
		}
	}
	if p.inner {
		return nil, p.Errorf(p.From(t), "a join inside of a subquery is not supported")
	}
	if p.data {
		return nil, p.Errorf(p.From(t), "a join or subquery of data sources is not supported")
	}
	var err error
	if j.Left, err = p.side("left"); err != nil {
		return nil, err
	}
	p.TakeSign(",")
	if j.Right, err = p.side("right"); err != nil {
		return nil, err
	}
	if err := p.WantWord("on"); err != nil {
		return nil, err
	}
	if j.On, err = p.Expr(); err != nil {
		return nil, err
	}
	if p.TakeSign("[") {
		if j.Query, err = p.subquery(); err != nil {
			return nil, err
		}
		err = p.WantSign("]")
	} else {
		from := p.Peek()
		var name string
		if name, err = p.table(); err != nil {
			return nil, err
		}
		at := insightsql.Span(p.From(from))
		j.Query = &Query{Sources: []insightsql.Source{{Span: at, Names: []string{name}}}, named: true, text: p.Text}
	}
	j.Span = p.From(t)
	return j, err
}

// side takes the alias of one side of a join.
func (p *parser) side(word string) (string, error) {
	if err := p.WantWord(word); err != nil {
		return "", err
	}
	if err := p.WantSign("="); err != nil {
		return "", err
	}
	return p.Name()
}

// trendline takes [sort key] (sma | wma)(n, field) [as name] ….
func (p *parser) trendline(t sqlexpr.Token) (Command, error) {
	c := &Trendline{}
	if p.TakeWord("sort") {
		k, err := p.sortKey()
		if err != nil {
			return nil, err
		}
		c.Sort = &k
	}
	for {
		x := Trend{}
		f := p.Next()
		if x.Weighted = f.Is("wma"); !x.Weighted && !f.Is("sma") {
			return nil, sqlexpr.Unexpected(p.Text, f)
		}
		if err := p.WantSign("("); err != nil {
			return nil, err
		}
		var err error
		if x.N, err = p.Integer("the number of rows", 1, maxRows); err != nil {
			return nil, err
		}
		if err := p.WantSign(","); err != nil {
			return nil, err
		}
		if x.Name, err = p.Column(); err != nil {
			return nil, err
		}
		if err := p.WantSign(")"); err != nil {
			return nil, err
		}
		if x.As, err = p.alias(); err != nil {
			return nil, err
		}
		if c.Items = append(c.Items, x); len(c.Items) > sqlexpr.MaxItems {
			return nil, p.Errorf(f.Span, "a list has more than %d items", sqlexpr.MaxItems)
		}
		p.TakeSign(",")
		if !p.Peek().Is("sma") && !p.Peek().Is("wma") {
			break
		}
	}
	c.Span = p.From(t)
	return c, nil
}

func (p *parser) flatten(t sqlexpr.Token) (Command, error) {
	f := &Flatten{}
	var err error
	if f.Name, err = p.Column(); err != nil {
		return nil, err
	}
	if p.TakeWord("as") {
		name := func() (string, error) {
			n, err := p.Column()
			if err != nil {
				return "", err
			}
			return strings.Join(n.Parts, "."), nil
		}
		switch {
		case p.TakeSign("("):
			if f.As, err = sqlexpr.List(p.Parser, name); err != nil {
				return nil, err
			}
			err = p.WantSign(")")
		default:
			f.As, err = sqlexpr.List(p.Parser, name)
		}
	}
	f.Span = p.From(t)
	return f, err
}

func (p *parser) expand(t sqlexpr.Token) (Command, error) {
	e := &Expand{}
	var err error
	if e.Name, err = p.Column(); err != nil {
		return nil, err
	}
	if p.TakeWord("as") {
		if e.As, err = p.Column(); err != nil {
			return nil, err
		}
	}
	e.Span = p.From(t)
	return e, nil
}

func (p *parser) fieldSummary(t sqlexpr.Token) (Command, error) {
	f := &FieldSummary{}
	if err := p.WantWord("includefields"); err != nil {
		return nil, err
	}
	if err := p.WantSign("="); err != nil {
		return nil, err
	}
	var err error
	if f.Name, err = p.Column(); err != nil {
		return nil, err
	}
	if p.IsSign(",") {
		return nil, p.Errorf(p.Peek().Span, "fieldsummary takes one field")
	}
	if f.Nulls, _, err = p.option("nulls"); err != nil {
		return nil, err
	}
	f.Span = p.From(t)
	return f, nil
}

func (p *parser) fillNull(t sqlexpr.Token) (Command, error) {
	f := &FillNull{}
	var err error
	switch {
	case p.TakeWord("with"):
		if f.With, err = p.Operand(); err != nil {
			return nil, err
		}
		if err := p.WantWord("in"); err != nil {
			return nil, err
		}
		f.Names, err = sqlexpr.List(p.Parser, p.Column)
	case p.TakeWord("using"):
		f.Using, err = sqlexpr.List(p.Parser, p.assign)
	default:
		err = p.Unexpected()
	}
	f.Span = p.From(t)
	return f, err
}
