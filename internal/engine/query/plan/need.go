package plan

import (
	"regexp/syntax"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// NeedOf returns what a message must contain for the predicate e, over system
// fields and JSON paths, to hold.
func NeedOf(e Expr) hint.Need {
	switch e := e.(type) {
	case Const:
		if !e.V.True() {
			return hint.Or()
		}
	case And:
		return each(e.X, hint.And)
	case Or:
		return each(e.X, hint.Or)
	case Cmp:
		f, ok := e.A.(Field)
		c, isConst := e.B.(Const)
		if ok && isConst && e.Op == Eq {
			return needOfEqual(f, &c.V)
		}
	case In:
		if f, ok := e.X.(Field); ok {
			needs := make([]hint.Need, len(e.List))
			for i := range e.List {
				needs[i] = needOfEqual(f, &e.List[i])
			}
			return hint.Or(needs...)
		}
	case Test:
		return e.Need
	case Contains:
		if f, ok := e.X.(Field); ok {
			return needOfText(f, e.Sub)
		}
	case Match:
		if f, ok := e.X.(Field); ok {
			return needOfPattern(f, e.Re.String())
		}
	}
	return hint.Need{}
}

func each(x []Expr, join func(...hint.Need) hint.Need) hint.Need {
	needs := make([]hint.Need, len(x))
	for i, k := range x {
		needs[i] = NeedOf(k)
	}
	return join(needs...)
}

// needOfEqual knows nothing about numbers, which can be written in many ways.
func needOfEqual(f Field, v *Value) hint.Need {
	if v.Kind != Text {
		return hint.Need{}
	}
	if _, ok := ParseNumber(v.Text); ok {
		return hint.Need{}
	}
	return needOfText(f, string(v.Text))
}

// needOfText is about a field whose text contains text. In the message itself
// the bytes are the same.
func needOfText(f Field, text string) hint.Need {
	if f.Name == Message {
		return hint.Text(text)
	}
	if IsSystem(f.Name) {
		return hint.Need{}
	}
	return hint.JSONText(text)
}

// needOfPattern is about a field in which a regular expression is found.
func needOfPattern(f Field, pattern string) hint.Need {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return hint.Need{}
	}
	return needOfRegexp(f, re.Simplify(), 0)
}

// maxBranches bounds the alternatives of a regular expression that are worth a
// need each.
const maxBranches = 64

func needOfRegexp(f Field, re *syntax.Regexp, depth int) hint.Need {
	if depth > 100 {
		return hint.Need{}
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return hint.Or()
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return needOfText(f, literalText(re))
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needOfRegexp(f, re.Sub[0], depth+1)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needOfRegexp(f, re.Sub[0], depth+1)
		}
	case syntax.OpConcat:
		needs := make([]hint.Need, len(re.Sub))
		for i, s := range re.Sub {
			needs[i] = needOfRegexp(f, s, depth+1)
		}
		return hint.And(needs...)
	case syntax.OpAlternate:
		if len(re.Sub) > maxBranches {
			return hint.Need{}
		}
		needs := make([]hint.Need, len(re.Sub))
		for i, s := range re.Sub {
			needs[i] = needOfRegexp(f, s, depth+1)
		}
		return hint.Or(needs...)
	}
	return hint.Need{}
}

// literalText returns the bytes a literal matches; what is not valid UTF-8
// matches U+FFFD too, so that a literal with one needs nothing.
func literalText(re *syntax.Regexp) string {
	for _, r := range re.Rune {
		if r == utf8.RuneError {
			return ""
		}
	}
	return string(re.Rune)
}
