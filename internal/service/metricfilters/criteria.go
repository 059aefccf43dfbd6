package metricfilters

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// Bounds of criteria beside their length of 2,000 characters.
const maxCriteriaValues = 500

// Criteria select log groups by account and region:
//
//	@aws.account = "111122223333" AND @aws.region NOT IN ["us-east-1", "us-east-2"]
//
// AND binds more than OR.
type Criteria struct{ or [][]criterion }

type criterion struct {
	region bool // what is compared; false: the account
	not    bool
	values []string
}

// ParseCriteria parses field selection criteria. The error is a *ParameterError.
func ParseCriteria(text string) (*Criteria, error) {
	p := criteriaParser{text: text}
	c := &Criteria{}
	for {
		var and []criterion
		for {
			k, ok := p.criterion()
			if !ok {
				return nil, refuse(textCriteria)
			}
			and = append(and, k)
			if !p.take("AND") {
				break
			}
		}
		c.or = append(c.or, and)
		if p.done() {
			return c, nil
		}
		if !p.take("OR") {
			return nil, refuse(textCriteria)
		}
	}
}

// Selects reports whether events of a scope are selected.
func (c *Criteria) Selects(s logs.Scope) bool {
	return slices.ContainsFunc(c.or, func(and []criterion) bool {
		return !slices.ContainsFunc(and, func(k criterion) bool { return !k.holds(s) })
	})
}

func (k *criterion) holds(s logs.Scope) bool {
	v := s.Account
	if k.region {
		v = s.Region
	}
	return slices.Contains(k.values, v) != k.not
}

type criteriaParser struct {
	text string
}

func (p *criteriaParser) space() { p.text = strings.TrimLeft(p.text, " \t\r\n") }

func (p *criteriaParser) done() bool {
	p.space()
	return p.text == ""
}

// take reads a word or a sign. A word ends where no letter or digit follows.
func (p *criteriaParser) take(lit string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.text, lit)
	if !ok {
		return false
	}
	if word := lit[len(lit)-1]; rest != "" && isAlnum(word) && isAlnum(rest[0]) {
		return false
	}
	p.text = rest
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '.'
}

func (p *criteriaParser) criterion() (k criterion, ok bool) {
	switch {
	case p.take(SystemAccount):
	case p.take(SystemRegion):
		k.region = true
	default:
		return k, false
	}
	switch {
	case p.take("="):
		k.values, ok = p.list(1)
	case p.take("!="):
		k.not = true
		k.values, ok = p.list(1)
	case p.take("IN"):
		k.values, ok = p.inList()
	case p.take("NOT"):
		if !p.take("IN") {
			return k, false
		}
		k.not = true
		k.values, ok = p.inList()
	}
	return k, ok
}

func (p *criteriaParser) inList() ([]string, bool) {
	if !p.take("[") {
		return nil, false
	}
	values, ok := p.list(maxCriteriaValues)
	return values, ok && p.take("]")
}

// list reads up to n quoted values, with commas between them.
func (p *criteriaParser) list(n int) (values []string, ok bool) {
	for {
		if !p.take(`"`) {
			return nil, false
		}
		v, rest, closed := strings.Cut(p.text, `"`)
		if !closed || v == "" || strings.Contains(v, `\`) {
			return nil, false
		}
		p.text = rest
		if values = append(values, v); n == 1 {
			return values, true
		}
		if !p.take(",") {
			return values, true
		}
		if len(values) == n {
			return nil, false
		}
	}
}
