package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest pattern in characters.
const MaxLength = 1024

// Parse parses a filter pattern. The error is a *SyntaxError or an
// *UnsupportedError.
func Parse(text string) (*Pattern, error) {
	if !utf8.ValidString(text) {
		return nil, invalid(0, len(text), "the pattern is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, invalid(0, len(text), "the pattern is longer than 1024 characters")
	}
	start := skipSpace(text, 0)
	end := len(strings.TrimRightFunc(text, unicode.IsSpace))
	if start >= end {
		return &Pattern{}, nil
	}
	if err := checkKind(text, start, end); err != nil {
		return nil, err
	}
	p := &Pattern{}
	for pos := start; pos < end; {
		it, next, err := parseItem(text[:end], pos)
		if err != nil {
			return nil, err
		}
		p.Items = append(p.Items, it)
		pos = skipSpace(text, next)
	}
	return p, p.check()
}

// checkKind refuses the kinds of patterns that are told apart by their first
// character.
func checkKind(text string, start, end int) error {
	closedBy := func(c byte) bool { return end-start > 1 && text[end-1] == c }
	span := Span{start, end}
	switch text[start] {
	case '{':
		if !closedBy('}') {
			return &SyntaxError{Span: span, Text: textBraces, Reason: "the JSON pattern is not closed"}
		}
		return &UnsupportedError{Kind: "JSON", Span: span}
	case '[':
		if !closedBy(']') {
			return &SyntaxError{Span: span, Text: textBrackets, Reason: "the space-delimited pattern is not closed"}
		}
		return &UnsupportedError{Kind: "space-delimited", Span: span}
	case '%':
		if !closedBy('%') {
			return invalid(start, end, "the regular expression is not closed by '%'")
		}
		return &UnsupportedError{Kind: "regular expression", Span: span}
	}
	return nil
}

func parseItem(text string, pos int) (it Item, next int, err error) {
	start := pos
	switch text[pos] {
	case '?':
		it.Op = Optional
		pos++
	case '-':
		it.Op = Exclude
		pos++
	}
	if pos == len(text) || startsWithSpace(text[pos:]) {
		return it, 0, badTerm(start, pos, text[start:pos])
	}
	switch text[pos] {
	case '"':
		it.Text, next, err = parsePhrase(text, pos)
	case '%':
		return it, 0, invalid(pos, wordEnd(text, pos), "a regular expression cannot be combined with other items")
	default:
		next = wordEnd(text, pos)
		if it.Text = text[pos:next]; !isWord(it.Text) {
			err = badTerm(pos, next, it.Text)
		}
	}
	it.Span = Span{start, next}
	return it, next, err
}

// parsePhrase reads the quoted phrase that starts at pos.
func parsePhrase(text string, pos int) (phrase string, next int, err error) {
	var b strings.Builder
	for i := pos + 1; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
			i++
			b.WriteByte(text[i])
			continue
		}
		if c != '"' {
			b.WriteByte(c)
			continue
		}
		next = i + 1
		if next < len(text) && !startsWithSpace(text[next:]) {
			return "", 0, invalid(next, wordEnd(text, next), "a blank is missing after the closing quote")
		}
		return b.String(), next, nil
	}
	return "", 0, invalid(pos, len(text), "the closing quote is missing")
}

// check refuses empty phrases that are not the whole pattern.
func (p *Pattern) check() error {
	for _, it := range p.Items {
		if it.Text == "" && (len(p.Items) > 1 || it.Op != Require) {
			return invalid(it.Span.Start, it.Span.End, "an empty phrase can only stand alone")
		}
	}
	return nil
}

func skipSpace(text string, pos int) int {
	return len(text) - len(strings.TrimLeftFunc(text[pos:], unicode.IsSpace))
}

func startsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

func wordEnd(text string, pos int) int {
	if i := strings.IndexFunc(text[pos:], unicode.IsSpace); i >= 0 {
		return pos + i
	}
	return len(text)
}
