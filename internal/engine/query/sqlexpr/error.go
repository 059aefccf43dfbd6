package sqlexpr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
)

// Errorf returns an *insightsql.Error about a part of text: the sentence of
// format, which begins in lower case, and its place.
func Errorf(text string, at Span, format string, args ...any) error {
	at.Start = min(at.Start, len(text))
	at.End = min(max(at.End, at.Start), len(text))
	before := text[:at.Start]
	e := &insightsql.Error{
		Start:    utf8.RuneCountInString(before),
		Line:     1 + strings.Count(before, "\n"),
		Position: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
	}
	e.End = e.Start + utf8.RuneCountInString(text[at.Start:at.End])
	e.Message = fmt.Sprintf("%s at line %d and position %d", fmt.Sprintf(format, args...), e.Line, e.Position)
	return e
}

// Unexpected returns the error about a token that cannot stand where it is.
func Unexpected(text string, t Token) error {
	found := "<EOF>"
	if t.Kind != End && t.Start < t.End && t.End <= len(text) {
		found = text[t.Start:t.End]
	}
	if utf8.RuneCountInString(found) > 40 {
		found = string([]rune(found)[:40]) + "…"
	}
	return Errorf(text, t.Span, "unexpected symbol found %s", found)
}
