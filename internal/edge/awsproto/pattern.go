package awsproto

import (
	"regexp"
	"sync/atomic"
	"unicode/utf8"
)

// Pattern is a constraint that a whole string must match. The generator turns
// the model's Java expression into one of two forms: a repeated character
// class, which is matched by a table, or a Go expression, which is compiled
// at its first use. Fields are set by generated code only.
type Pattern struct {
	Source string // the model's expression, as messages print it
	Expr   string // the whole match as a Go expression; may be empty for a pure class

	// Class tells that the pattern is Min to Max (-1: any number) characters
	// of one class. Low and High are the members below U+0080.
	Class     bool
	Low, High uint64
	Min, Max  int
	// Others tells how characters from U+0080 on are decided.
	Others Others

	compiled atomic.Pointer[regexp.Regexp]
}

// Others tells which characters from U+0080 on belong to a class.
type Others uint8

const (
	OthersNone   Others = iota // none belongs
	OthersAll                  // every one belongs
	OthersByExpr               // Expr decides about the whole string
)

// Match tells whether the whole of s matches. It may be called concurrently.
func (p *Pattern) Match(s string) bool {
	if !p.Class {
		return p.regexp().MatchString(s)
	}
	n := len(s)
	for i := range n {
		c := s[i]
		switch {
		case c < 64:
			if p.Low>>c&1 == 0 {
				return false
			}
		case c < utf8.RuneSelf:
			if p.High>>(c-64)&1 == 0 {
				return false
			}
		case p.Others == OthersNone:
			return false
		case p.Others == OthersByExpr:
			return p.regexp().MatchString(s)
		case c < 0xC0: // continues a character that has been counted
			n--
		}
	}
	return n >= p.Min && (p.Max < 0 || n <= p.Max)
}

func (p *Pattern) regexp() *regexp.Regexp {
	if re := p.compiled.Load(); re != nil {
		return re
	}
	re := regexp.MustCompile(p.Expr) // the generator has compiled it before
	p.compiled.Store(re)
	return re
}
