package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest pattern in characters.
const MaxLength = 1024

// Limits of one JSON or delimited pattern. The two of regular expressions and
// wildcards are those of the service; the depth keeps the parser's stack small.
const (
	maxRegexps   = 2
	maxWildcards = 3
	maxDepth     = 100
)

// Parse parses a filter pattern. The error is a *SyntaxError.
func Parse(text string) (*Pattern, error) {
	if !utf8.ValidString(text) {
		return nil, invalid(Span{0, len(text)}, "the pattern is not valid UTF-8", "")
	}
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, invalid(Span{0, len(text)}, "the pattern is longer than 1024 characters", "")
	}
	start := skipSpace(text, 0)
	end := len(strings.TrimRightFunc(text, unicode.IsSpace))
	if start >= end {
		return &Pattern{}, nil
	}
	closed := func(c byte) bool { return end-start > 1 && text[end-1] == c }
	switch text[start] {
	case '{':
		if !closed('}') {
			return nil, &SyntaxError{Span: Span{start, end}, Text: textBraces, Reason: "the JSON pattern is not closed",
				Hint: "end the pattern with }, or put it in quotes to search for a brace"}
		}
		return parseJSON(text, start+1, end-1)
	case '[':
		if !closed(']') {
			return nil, &SyntaxError{Span: Span{start, end}, Text: textBrackets, Reason: "the space-delimited pattern is not closed",
				Hint: "end the pattern with ], or put it in quotes to search for a bracket"}
		}
		return parseDelimited(text, start+1, end-1)
	case '%':
		s := scanner{text: text[:end], pos: start}
		re, err := s.regexp()
		if err != nil {
			return nil, err
		}
		if s.space(); s.pos < end {
			return nil, invalid(Span{s.pos, end}, "a regular expression cannot be combined with other items",
				"put everything into one regular expression, or use terms only")
		}
		return &Pattern{Kind: Regex, Regexp: re}, nil
	}
	return parseTerms(text[:end], start)
}

// scanner reads a pattern from left to right; pos is where it stands.
type scanner struct {
	text    string
	pos     int
	regexps int
}

func (s *scanner) space() {
	s.pos = skipSpace(s.text, s.pos)
}

// done reports whether only white space is left, and skips it.
func (s *scanner) done() bool {
	s.space()
	return s.pos == len(s.text)
}

// take skips white space and then lit, if it is there.
func (s *scanner) take(lit string) bool {
	s.space()
	if !strings.HasPrefix(s.text[s.pos:], lit) {
		return false
	}
	s.pos += len(lit)
	return true
}

// here is the character at pos, or the place behind the end.
func (s *scanner) here() Span {
	if s.pos == len(s.text) {
		return Span{s.pos, s.pos}
	}
	_, n := utf8.DecodeRuneInString(s.text[s.pos:])
	return Span{s.pos, s.pos + n}
}

// run reads the longest text of bytes for which ok holds.
func (s *scanner) run(ok func(c byte) bool) string {
	from := s.pos
	for s.pos < len(s.text) && ok(s.text[s.pos]) {
		s.pos++
	}
	return s.text[from:s.pos]
}

// quoted reads the quoted text at pos.
func (s *scanner) quoted() (string, error) {
	var b strings.Builder
	open := s.pos
	for i := open + 1; i < len(s.text); i++ {
		c := s.text[i]
		if c == '\\' && i+1 < len(s.text) && (s.text[i+1] == '"' || s.text[i+1] == '\\') {
			i++
			b.WriteByte(s.text[i])
			continue
		}
		if c != '"' {
			b.WriteByte(c)
			continue
		}
		s.pos = i + 1
		return b.String(), nil
	}
	return "", invalid(Span{open, len(s.text)}, "the closing quote is missing", `write a quote inside of quotes as \"`)
}

func skipSpace(text string, pos int) int {
	return len(text) - len(strings.TrimLeftFunc(text[pos:], unicode.IsSpace))
}

func startsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isNameByte(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}
