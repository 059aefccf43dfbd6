package main

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// byHand holds Go expressions for Java ones that convert refuses.
var byHand = map[string]string{}

// pattern is a converted constraint: see awsproto.Pattern.
type pattern struct {
	source, expr string
	class        bool
	low, high    uint64
	min, max     int
	others       string
}

// convertPattern turns the Java expression of a model, which must match a
// whole string, into a Go one. Whatever means something else in Go is refused.
func convertPattern(java string) (pattern, error) {
	expr, ok := byHand[java]
	if !ok {
		var err error
		if expr, err = convert(java); err != nil {
			return pattern{}, fmt.Errorf("pattern %q: %w; add a Go expression to byHand", java, err)
		}
	}
	expr = `\A(?:` + expr + `)\z`
	if _, err := regexp.Compile(expr); err != nil {
		return pattern{}, fmt.Errorf("pattern %q: %w", java, err)
	}
	p := pattern{source: java, expr: expr}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	p.findClass(parsed)
	return p, nil
}

// convert copies a Java expression, translating what differs: "." leaves out
// all line terminators, \s and \S know the vertical tab.
func convert(java string) (string, error) {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(java); i++ {
		c := java[i]
		rest := java[i+1:]
		switch {
		case c >= 0x80:
			return "", fmt.Errorf("a character outside ASCII")
		case c == '\\':
			if rest == "" {
				return "", fmt.Errorf("a lone backslash")
			}
			i++
			switch e := rest[0]; {
			case e == 's' && inClass:
				out.WriteString(`\t\n\x0B\f\r `)
			case e == 's':
				out.WriteString(`[\t\n\x0B\f\r ]`)
			case e == 'S' && !inClass:
				out.WriteString(`[^\t\n\x0B\f\r ]`)
			case e == 'w' || e == 'd':
				out.WriteString(`\` + string(e))
			case e == 'x' && len(rest) > 2 && rest[1] <= '7' && strings.Trim(rest[1:3], "0123456789abcdefABCDEF") == "":
				out.WriteString(`\` + rest[:3]) // a character of ASCII, the same in both
				i += 2
			case e == 'p':
				name, _, found := strings.Cut(rest[1:], "}")
				if !found || !strings.Contains("{L {Z {N {P {S", name) || len(name) != 2 {
					return "", fmt.Errorf(`\p%s} is not known`, name)
				}
				out.WriteString(`\p` + name + `}`)
				i += len(name) + 1
			case strings.IndexByte(`.\/^$|?*+()[]{}-#:,@=_ `, e) >= 0:
				out.WriteString(`\` + string(e)) // punctuation stands for itself in both
			default:
				return "", fmt.Errorf(`escape \%c is not known`, e)
			}
		case inClass:
			switch {
			case c == '[':
				return "", fmt.Errorf("a nested class")
			case c == '&' && strings.HasPrefix(rest, "&"):
				return "", fmt.Errorf("an intersection of classes")
			case c == ']':
				inClass = false
			}
			out.WriteByte(c)
		case c == '[':
			inClass = true
			out.WriteByte(c)
			if strings.HasPrefix(rest, "^") {
				out.WriteByte('^')
				i++
				rest = rest[1:]
			}
			if strings.HasPrefix(rest, "]") {
				return "", fmt.Errorf("a class that begins with ]")
			}
		case c == '.':
			out.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
		case c == '(' && strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "?:"):
			return "", fmt.Errorf("a special group")
		case strings.IndexByte("*+?}", c) >= 0 && strings.HasPrefix(rest, "+"):
			return "", fmt.Errorf("a possessive quantifier")
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

// findClass recognises a repeated character class.
func (p *pattern) findClass(re *syntax.Regexp) {
	for {
		if re.Op == syntax.OpCapture {
			re = re.Sub[0]
			continue
		}
		if re.Op != syntax.OpConcat {
			break
		}
		var rest []*syntax.Regexp
		for _, s := range re.Sub {
			switch s.Op {
			case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
			default:
				rest = append(rest, s)
			}
		}
		if len(rest) != 1 {
			return
		}
		re = rest[0]
	}
	switch re.Op {
	case syntax.OpStar:
		p.min, p.max = 0, -1
	case syntax.OpPlus:
		p.min, p.max = 1, -1
	case syntax.OpRepeat:
		p.min, p.max = re.Min, re.Max
	default:
		return
	}
	re = re.Sub[0]
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpCharClass {
		return
	}
	p.class = true
	above := 0
	for i := 0; i < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		for r := lo; r <= min(hi, 0x7f); r++ {
			if r < 64 {
				p.low |= 1 << r
			} else {
				p.high |= 1 << (r - 64)
			}
		}
		if hi >= 0x80 {
			above += int(hi - max(lo, 0x80) + 1)
		}
	}
	switch above {
	case 0:
		p.others = "OthersNone"
	case 0x10FFFF - 0x80 + 1:
		p.others = "OthersAll"
	default:
		p.others = "OthersByExpr"
	}
	if p.others != "OthersByExpr" {
		p.expr = ""
	}
}
