package pattern

import (
	"strings"
	"unicode"
)

// parseTerms reads an unstructured pattern.
func parseTerms(text string, pos int) (*Pattern, error) {
	p := &Pattern{}
	for pos < len(text) {
		it, next, err := parseItem(text, pos)
		if err != nil {
			return nil, err
		}
		p.Items = append(p.Items, it)
		pos = skipSpace(text, next)
	}
	for _, it := range p.Items {
		if it.Text == "" && (len(p.Items) > 1 || it.Op != Require) {
			return nil, invalid(it.Span, "an empty phrase can only stand alone", "leave it out")
		}
	}
	return p, nil
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
		return it, 0, badTerm(Span{start, pos}, text[start:pos])
	}
	switch text[pos] {
	case '"':
		s := scanner{text: text, pos: pos}
		if it.Text, err = s.quoted(); err != nil {
			return it, 0, err
		}
		if next = s.pos; next < len(text) && !startsWithSpace(text[next:]) {
			return it, 0, invalid(Span{next, wordEnd(text, next)}, "a blank is missing after the closing quote",
				`write a quote inside of quotes as \"`)
		}
	case '%':
		return it, 0, invalid(Span{pos, wordEnd(text, pos)}, "a regular expression cannot be combined with other items",
			"put everything into one regular expression, or put the term in quotes")
	default:
		next = wordEnd(text, pos)
		if it.Text = text[pos:next]; !isWord(it.Text) {
			err = badTerm(Span{pos, next}, it.Text)
		}
	}
	it.Span = Span{start, next}
	return it, next, err
}

func wordEnd(text string, pos int) int {
	if i := strings.IndexFunc(text[pos:], unicode.IsSpace); i >= 0 {
		return pos + i
	}
	return len(text)
}
