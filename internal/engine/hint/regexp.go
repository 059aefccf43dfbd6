package hint

import (
	"regexp/syntax"
	"unicode/utf8"
)

// Bounds of what Regexp looks at.
const (
	maxBranches = 64  // alternatives that are worth a need each
	maxDepth    = 100 // of a regular expression
)

// Regexp returns the need for a message in which a regular expression, as package
// regexp has it, is found; of says what a message needs that holds a literal of it,
// such as Text. It is Any for an expression that package regexp refuses.
func Regexp(pattern string, of func(literal string) Need) Need {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return Need{}
	}
	return regexpNeed(re.Simplify(), of, 0)
}

func regexpNeed(re *syntax.Regexp, of func(string) Need, depth int) Need {
	if depth > maxDepth {
		return Need{}
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return Or()
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r == utf8.RuneError { // what is not valid UTF-8 matches it, too
				return Need{}
			}
		}
		if re.Flags&syntax.FoldCase == 0 {
			return of(string(re.Rune))
		}
	case syntax.OpCapture, syntax.OpPlus:
		return regexpNeed(re.Sub[0], of, depth+1)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return regexpNeed(re.Sub[0], of, depth+1)
		}
	case syntax.OpConcat:
		return And(regexpNeeds(re.Sub, of, depth+1)...)
	case syntax.OpAlternate:
		if len(re.Sub) <= maxBranches {
			return Or(regexpNeeds(re.Sub, of, depth+1)...)
		}
	}
	return Need{}
}

func regexpNeeds(list []*syntax.Regexp, of func(string) Need, depth int) []Need {
	needs := make([]Need, len(list))
	for i, re := range list {
		needs[i] = regexpNeed(re, of, depth)
	}
	return needs
}
