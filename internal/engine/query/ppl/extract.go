package ppl

import (
	"regexp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// maxParts bounds the columns of one parse or grok.
const maxParts = 100

// parse extracts the named groups of a regular expression that has to match all of
// the text.
func (c *compiler) parse(x *Extract) error {
	re, err := regexp.Compile(`\A(?:` + x.Pattern + `)\z`)
	if err != nil {
		if _, err := regexp.Compile(x.Pattern); err != nil {
			return c.errorf(x.at, "the regular expression is not valid: %s", sqlexpr.RegexpReason(err))
		}
		return c.errorf(x.at, "the regular expression is not valid: %s", sqlexpr.RegexpReason(err))
	}
	return c.extract(x.X, re, "parse", x.at)
}

// grok extracts the named patterns of a grok pattern, which is found anywhere in the text.
func (c *compiler) grok(x *Grok) error {
	source, names, err := expandGrok(x.Pattern)
	if err != nil {
		return c.errorf(x.at, "%s", err)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return c.errorf(x.at, "the pattern is not valid: %s", sqlexpr.RegexpReason(err))
	}
	return c.extractAs(x.X, re, "grok", x.at, func(group string) string {
		if name, ok := names[group]; ok {
			return name
		}
		return group
	})
}

func (c *compiler) extract(x sqlexpr.Expr, re *regexp.Regexp, what string, at sqlexpr.Span) error {
	return c.extractAs(x, re, what, at, func(group string) string { return group })
}

// extractAs makes a column of each named group.
func (c *compiler) extractAs(x sqlexpr.Expr, re *regexp.Regexp, what string, at sqlexpr.Span, name func(group string) string) error {
	from, err := c.expr.Value(x)
	if err != nil {
		return err
	}
	var groups []int
	var names []string
	for i, n := range re.SubexpNames() {
		if n == "" {
			continue
		}
		n = name(n)
		for _, k := range names {
			if k == n {
				return c.errorf(at, "the column %s is named twice", n)
			}
		}
		groups, names = append(groups, i), append(names, n)
	}
	switch {
	case len(groups) == 0:
		return c.errorf(at, "%s needs a pattern with names", what)
	case len(groups) > maxParts:
		return c.errorf(at, "%s makes more than %d columns", what, maxParts)
	}
	by := &plan.Extractor{Name: what + " /" + re.String() + "/", Parts: len(groups), New: func() func([]byte, [][]byte) bool {
		return func(text []byte, out [][]byte) bool {
			m := re.FindSubmatchIndex(text)
			for i, g := range groups {
				if out[i] = nil; m != nil && m[2*g] >= 0 {
					out[i] = text[m[2*g]:m[2*g+1]:m[2*g+1]]
				}
			}
			return m != nil
		}
	}}
	if lit, _ := re.LiteralPrefix(); lit != "" {
		by.Literals = []string{lit}
	}
	// All parts are of the text as it was, also when a part takes its name.
	cols := make([]plan.Named, len(groups))
	for i := range groups {
		cols[i] = plan.Named{Expr: plan.Extract{X: from, By: by, Part: i}, As: internal("$part", i)}
	}
	c.step(plan.Extend{Cols: cols})
	for i, n := range names {
		c.extend(n, plan.Field{Name: cols[i].As})
	}
	return nil
}
