package pattern

import (
	"strings"
	"unicode"
)

// Op says what an item asks of a message.
type Op uint8

// The kinds of items.
const (
	Require  Op = iota // term: the text must occur
	Optional           // ?term: one of the optional texts must occur, see Pattern
	Exclude            // -term: the text must not occur
)

// Span is a half-open range of byte offsets in the text of a pattern.
type Span struct{ Start, End int }

// Item is one term or phrase of an unstructured pattern.
type Item struct {
	Op   Op
	Text string // what is searched for, unescaped
	Span Span   // where the item stands in the parsed text, prefix included
}

// Pattern is a parsed unstructured filter pattern. It is immutable and safe
// for concurrent use. A Pattern without items matches everything.
type Pattern struct {
	Items []Item
}

// All reports whether the pattern matches every message.
func (p *Pattern) All() bool {
	return len(p.Items) == 0 ||
		len(p.Items) == 1 && p.Items[0].Op == Require && isBlank(p.Items[0].Text)
}

// String prints the pattern in its canonical form: items in their order, one
// blank between them, quotes only where they are needed. Parsing the printed
// form gives the same items.
func (p *Pattern) String() string {
	var b strings.Builder
	for i, it := range p.Items {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch it.Op {
		case Optional:
			b.WriteByte('?')
		case Exclude:
			b.WriteByte('-')
		}
		if isWord(it.Text) {
			b.WriteString(it.Text)
			continue
		}
		b.WriteByte('"')
		for j := range len(it.Text) {
			if c := it.Text[j]; c == '"' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(it.Text[j])
		}
		b.WriteByte('"')
	}
	return b.String()
}

func isBlank(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == "" }

// isWord reports whether s can stand in a pattern without quotes.
func isWord(s string) bool { return s != "" && strings.IndexFunc(s, notWordRune) < 0 }

func notWordRune(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
