// Package hint says what a message must contain to be able to match a query,
// in a form that the query languages can make and the store can use without
// knowing one another. A Need only ever excludes: a message that does not meet
// it cannot match; one that meets it need not match. The zero Need excludes
// nothing.
package hint

import (
	"strings"
	"unicode/utf8"
)

// Op is the kind of a Need.
type Op uint8

// The kinds.
const (
	Any      Op = iota // nothing is known
	Never              // no message can match
	Contains           // the bytes of Text occur somewhere in the message
	All                // every one of Kids holds
	OneOf              // at least one of Kids holds
)

// Need is a condition on the original bytes of a message. It is a value that
// nobody changes once it is made.
type Need struct {
	Op   Op
	Text string // of Contains
	Kids []Need // of All and OneOf; never empty
}

// Text returns the need for a message that contains text, byte for byte.
func Text(text string) Need {
	if text == "" {
		return Need{}
	}
	return Need{Op: Contains, Text: text}
}

// JSONText returns the need for a JSON object in which text is part of a string or
// of a key. A JSON string may spell any character as an escape: of ASCII, that is
// \u00 and two digits, or \/ for a slash; quotes, backslashes and control
// characters are escapes most of the time, so they cut the text into runs, of
// which the longest is needed.
func JSONText(text string) Need {
	run := plainRun(text)
	if run == "" {
		return Need{}
	}
	needs := []Need{Text(run), Text(`\u00`)}
	for i := range len(run) {
		switch {
		case run[i] >= utf8.RuneSelf:
			needs[1] = Text(`\u`)
		case run[i] == '/' && len(needs) == 2:
			needs = append(needs, Text(`\/`))
		}
	}
	return Or(needs...)
}

// plainRun returns the longest run of text that a JSON string can hold as it is.
func plainRun(text string) string {
	best, from := "", 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' {
			continue
		}
		if i-from > len(best) {
			best = text[from:i]
		}
		from = i + 1
	}
	return best
}

// And returns the need for a message that meets all of needs.
func And(needs ...Need) Need {
	var kids []Need
	for _, n := range needs {
		switch n.Op {
		case Any:
		case Never:
			return n
		case All:
			kids = append(kids, n.Kids...)
		default:
			kids = append(kids, n)
		}
	}
	switch len(kids) {
	case 0:
		return Need{}
	case 1:
		return kids[0]
	}
	return Need{Op: All, Kids: kids}
}

// Or returns the need for a message that meets at least one of needs; without
// needs it is Never.
func Or(needs ...Need) Need {
	var kids []Need
	for _, n := range needs {
		switch n.Op {
		case Any:
			return n
		case Never:
		case OneOf:
			kids = append(kids, n.Kids...)
		default:
			kids = append(kids, n)
		}
	}
	switch len(kids) {
	case 0:
		return Need{Op: Never}
	case 1:
		return kids[0]
	}
	return Need{Op: OneOf, Kids: kids}
}

// Meets reports whether a message meets the need.
func (n Need) Meets(message string) bool {
	switch n.Op {
	case Any:
		return true
	case Contains:
		return strings.Contains(message, n.Text)
	case All:
		for _, k := range n.Kids {
			if !k.Meets(message) {
				return false
			}
		}
		return true
	case OneOf:
		for _, k := range n.Kids {
			if k.Meets(message) {
				return true
			}
		}
	}
	return false
}
