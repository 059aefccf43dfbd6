package insightsql

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// parse translates the parse command.
func (c *compiler) parse(x *Extract) error {
	of := x.X
	if of == nil {
		of = &Field{x.Span, []string{plan.Message}}
	}
	from, err := c.expr(of)
	if err != nil {
		return err
	}
	switch x.Mode {
	case ParseGlob:
		if stars := strings.Count(x.Glob.Value, "*"); stars != len(x.As) || stars == 0 {
			return refused(x.Glob.Span, "the number of wildcards of the pattern, %d, is not the number of aliases, %d", stars, len(x.As))
		}
		return c.extract(globExtractor(x.Glob.Value), from, x.As)
	case ParseRegex:
		groups, names, err := groupsOf(x)
		if err != nil {
			return err
		}
		if x.Multi {
			return c.multi(x, from, groups, names)
		}
		return c.extract(regexExtractor(x.Regex, groups), from, names)
	case ParseCSV:
		if len(x.As) == 0 {
			return refused(x.Span, "parse csv needs aliases for the fields")
		}
		return c.extract(csvExtractor(len(x.As)), from, x.As)
	}
	if len(x.As) != 1 {
		return refused(x.Span, "parse %s needs one alias", parseModes[x.Mode])
	}
	f := logfmt
	if x.Mode == ParseXML {
		f = xmlStructure
	}
	err = c.define(x.As[0].Span, x.As[0].Text, plan.Call{Func: f, Args: []plan.Expr{from}})
	c.scope.lists[x.As[0].Text] = true
	return err
}

// extract adds the parts of an extractor as columns.
func (c *compiler) extract(by *plan.Extractor, from plan.Expr, names []Name) error {
	for i, n := range names {
		if err := c.define(n.Span, n.Text, plan.Extract{X: from, By: by, Part: i}); err != nil {
			return err
		}
		c.scope.scalars[n.Text] = true
	}
	return nil
}

// matchColumn is a column of one match; no field can have this name.
const matchColumn = "`match"

// multi makes a row of each match, or one without values when there is none.
func (c *compiler) multi(x *Extract, from plan.Expr, groups []int, names []Name) error {
	list := plan.Call{Func: allMatches(x.Regex, groups), Args: []plan.Expr{from}}
	as := matchColumn
	if c.counts.multis++; c.counts.multis > 1 {
		as += strconv.Itoa(c.counts.multis)
	}
	c.step(plan.Unnest{X: list, As: as})
	c.ordered = true
	for i, n := range names {
		part := plan.Call{Func: function.Element, Args: []plan.Expr{plan.Field{Name: as}, plan.Str(strconv.Itoa(i))}}
		if err := c.define(n.Span, n.Text, part); err != nil {
			return err
		}
		c.scope.scalars[n.Text] = true
	}
	return nil
}

// maxMatches bounds the matches of parse … multi in one text.
const maxMatches = 10_000

// allMatches is the function of a text to the groups of all matches: a list of
// lists, or an empty text when there is no match.
func allMatches(re *Regex, groups []int) *plan.Function {
	name := regexExtractor(re, groups).Name
	return textFunctionOr("matches of "+name, func(text []byte, a *plan.Arena) plan.Value {
		all := re.Re.FindAllSubmatchIndex(text, maxMatches)
		if len(all) == 0 {
			return plan.Value{Kind: plan.Text}
		}
		at := len(a.Bytes)
		a.Bytes = append(a.Bytes, '[')
		for i, m := range all {
			if len(a.Bytes)-at > plan.MaxMade {
				break
			}
			if i > 0 {
				a.Bytes = append(a.Bytes, ',')
			}
			for k, g := range groups {
				a.Bytes = append(a.Bytes, "[,"[min(k, 1)])
				if m[2*g] < 0 {
					a.Bytes = append(a.Bytes, "null"...)
				} else {
					a.Bytes = jsontext.Quote(a.Bytes, text[m[2*g]:m[2*g+1]])
				}
			}
			a.Bytes = append(a.Bytes, ']')
		}
		a.Bytes = append(a.Bytes, ']')
		return plan.Value{Kind: plan.List, Text: a.Text(at)}
	}, plan.Value{Kind: plan.Text})
}
