package ppl

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Limits of the language.
const (
	maxSources     = 50
	maxDataSources = 10
	maxCommands    = 60 // steps of a plan are few
)

// parser adds the commands to the words and expressions of sqlexpr.
type parser struct {
	*sqlexpr.Parser
	inner bool // inside of a subquery
	data  bool // the outer query reads data sources
}

// Parse parses a query. The error is an *insightsql.Error.
func Parse(text string) (*Query, error) {
	sp, err := sqlexpr.NewParser(text, sqlexpr.PPL)
	if err != nil {
		return nil, err
	}
	p := &parser{Parser: sp}
	sp.Subquery = func() (sqlexpr.Subquery, error) { return p.subquery() }
	p.TakeSign("|")
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	if p.Peek().Kind != sqlexpr.End {
		return nil, p.Unexpected()
	}
	return q, check(q)
}

// subquery reads a query inside of another one.
func (p *parser) subquery() (*Query, error) {
	at := p.Peek().Span
	switch {
	case p.inner:
		return nil, p.Errorf(at, "a subquery inside of a subquery is not supported")
	case p.data:
		return nil, p.Errorf(at, "a join or subquery of data sources is not supported")
	}
	p.inner = true
	q, err := p.query()
	p.inner = false
	if err != nil {
		return nil, err
	}
	if !q.named {
		return nil, p.Errorf(at, "a subquery begins with source=")
	}
	for _, s := range q.Sources {
		if s.Kind == insightsql.SourceDataSource {
			return nil, p.Errorf(at, "a join or subquery of data sources is not supported")
		}
	}
	return q, nil
}

func (p *parser) query() (*Query, error) {
	q := &Query{text: p.Text}
	n := p.PeekAt(1)
	search := p.TakeWord("search")
	if n = p.PeekAt(1); search || p.Peek().Is("source") && n.Kind == sqlexpr.Sign && n.Text == "=" {
		if err := p.source(q); err != nil {
			return nil, err
		}
		if t := p.Peek(); t.Kind != sqlexpr.End && !p.IsSign("|") && !p.IsSign("]") {
			x, err := p.Expr()
			if err != nil {
				return nil, err
			}
			q.Commands = append(q.Commands, &Where{p.From(t), x})
		}
		if !p.TakeSign("|") {
			return q, nil
		}
	}
	if p.Peek().Kind == sqlexpr.End && !q.named {
		return q, nil
	}
	for {
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		if q.Commands = append(q.Commands, c); len(q.Commands) > maxCommands {
			return nil, p.Errorf(c.At(), "a query has more than %d commands", maxCommands)
		}
		if !p.TakeSign("|") {
			return q, nil
		}
	}
}

// source reads source = name or source = [selector, …].
func (p *parser) source(q *Query) error {
	q.named = true
	if err := p.WantWord("source"); err != nil {
		return err
	}
	if err := p.WantSign("="); err != nil {
		return err
	}
	if !p.TakeSign("[") {
		t := p.Peek()
		names, err := sqlexpr.List(p.Parser, p.table)
		if err != nil {
			return err
		}
		if len(names) > maxSources {
			return p.Errorf(p.From(t), "there are more than %d log groups", maxSources)
		}
		q.Sources = append(q.Sources, insightsql.Source{Span: insightsql.Span(p.From(t)), Names: names})
		return nil
	}
	for {
		if err := p.selector(q); err != nil {
			return err
		}
		if !p.TakeSign(",") {
			return p.WantSign("]")
		}
	}
}

// table takes the name of a log group.
func (p *parser) table() (string, error) {
	t := p.Peek()
	if t.Kind == sqlexpr.String && t.Text != "" {
		p.Next()
		return t.Text, nil
	}
	n, err := p.Column()
	if err != nil {
		return "", err
	}
	return strings.Join(n.Parts, "."), nil
}

func (p *parser) selector(q *Query) error {
	from := p.Peek()
	if n := p.PeekAt(1); (from.Is("lg") || from.Is("ds")) && n.Kind == sqlexpr.Sign && n.Text == ":" {
		p.Next()
		p.Next()
		name, err := p.table()
		if err != nil {
			return err
		}
		kind, most, what := insightsql.SourceNames, maxSources, "log groups"
		if from.Is("ds") {
			kind, most, what = insightsql.SourceDataSource, maxDataSources, "data sources"
			if p.inner {
				return p.Errorf(p.From(from), "a join or subquery of data sources is not supported")
			}
			p.data = true
		}
		// Selectors of one kind add up; different kinds are intersected.
		for i := range q.Sources {
			if s := &q.Sources[i]; s.Kind == kind {
				if s.Names = append(s.Names, name); len(s.Names) > most {
					return p.Errorf(p.From(from), "there are more than %d %s", most, what)
				}
				return nil
			}
		}
		q.Sources = append(q.Sources, insightsql.Source{Span: insightsql.Span(p.From(from)), Kind: kind, Names: []string{name}})
		return nil
	}
	n, err := p.Column()
	if err != nil {
		return err
	}
	var values []string
	if p.TakeWord("in") {
		if err := p.WantSign("("); err != nil {
			return err
		}
		if values, err = sqlexpr.List(p.Parser, p.value); err != nil {
			return err
		}
		if err := p.WantSign(")"); err != nil {
			return err
		}
	} else {
		if err := p.WantSign("="); err != nil {
			return err
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		values = []string{v}
	}
	if len(n.Parts) == 1 && n.Parts[0] == "aws:fieldIndex" {
		for _, v := range values {
			if v == "" {
				return p.Errorf(p.From(from), "the name of a field is empty")
			}
			q.Index = append(q.Index, Index{Field: &sqlexpr.Name{Span: p.From(from), Parts: strings.Split(v, ".")}})
		}
	} else {
		q.Index = append(q.Index, Index{n, values})
	}
	if len(q.Index) > sqlexpr.MaxItems {
		return p.Errorf(p.From(from), "a list has more than %d items", sqlexpr.MaxItems)
	}
	return nil
}

// value takes a text or a number.
func (p *parser) value() (string, error) {
	t := p.Peek()
	if t.Kind != sqlexpr.String && t.Kind != sqlexpr.Number {
		return "", p.Unexpected()
	}
	p.Next()
	return t.Text, nil
}
