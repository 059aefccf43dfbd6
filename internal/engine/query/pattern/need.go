package pattern

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// Need returns what a message must contain for the pattern to match it: every
// message that a Matcher accepts meets it. Excluded items say nothing about what
// is there, and numbers can be written in many ways.
func (p *Pattern) Need() hint.Need {
	switch p.Kind {
	case Regex:
		return hint.Regexp(p.Regexp.Go, hint.Text)
	case JSON:
		return needOfJSON(p.Cond, needOfKeys)
	case Delimited:
		needs := make([]hint.Need, len(p.Fields))
		for i := range p.Fields {
			if c := p.Fields[i].Cond; c != nil {
				needs[i] = needOfField(c)
			}
		}
		return hint.And(needs...)
	}
	if p.All() {
		return hint.Need{}
	}
	var required, optional []hint.Need
	onlyOptional := true
	for _, it := range p.Items {
		switch it.Op {
		case Require:
			required = append(required, hint.Text(it.Text))
		case Optional:
			optional = append(optional, hint.Text(it.Text))
		}
		onlyOptional = onlyOptional && it.Op == Optional
	}
	if onlyOptional {
		return hint.Or(optional...)
	}
	return hint.And(required...)
}

func needOfAll[C any](x []C, of func(C) hint.Need, join func(...hint.Need) hint.Need) hint.Need {
	needs := make([]hint.Need, len(x))
	for i, k := range x {
		needs[i] = of(k)
	}
	return join(needs...)
}

// needOfJSON is about a condition of a JSON pattern. A condition that holds for a
// value needs what keys says about its selector, too.
func needOfJSON(c Cond, keys func(Selector) hint.Need) hint.Need {
	of := func(c Cond) hint.Need { return needOfJSON(c, keys) }
	switch c := c.(type) {
	case *And:
		return needOfAll(c.X, of, hint.And)
	case *Or:
		return needOfAll(c.X, of, hint.Or)
	case *Is:
		return hint.And(keys(c.Sel), hint.Text(strings.ToLower(c.What.String())))
	case *Compare:
		return hint.And(keys(c.Sel), needOfOperand(c, hint.JSONText))
	}
	return hint.Need{}
}

// needOfKeys is the last key of a selector: there must be one for a value to be
// there.
func needOfKeys(sel Selector) hint.Need {
	for i := len(sel) - 1; i >= 0; i-- {
		if !sel[i].Elem && !sel[i].Any {
			return hint.JSONText(sel[i].Name)
		}
	}
	return hint.Need{}
}

// needOfField is about a condition on a token, which is in the message as it is.
func needOfField(c Cond) hint.Need {
	switch c := c.(type) {
	case *And:
		return needOfAll(c.X, needOfField, hint.And)
	case *Or:
		return needOfAll(c.X, needOfField, hint.Or)
	case *Compare:
		return needOfOperand(c, hint.Text)
	}
	return hint.Need{}
}

// needOfOperand is about a value for which a comparison holds; of says what a
// message needs whose value contains a text.
func needOfOperand(c *Compare, of func(string) hint.Need) hint.Need {
	switch {
	case c.Op != Eq || c.Operand.Kind == NumberOperand:
		return hint.Need{}
	case c.Operand.Kind == RegexOperand:
		return hint.Regexp(c.Operand.Regexp.Go, of)
	}
	return of(c.Operand.Text)
}
