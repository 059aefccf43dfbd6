package pattern

import (
	"errors"
	"fmt"
)

// ErrUnsupported is matched by errors.Is for patterns that are valid on the
// real service but that this version does not evaluate.
var ErrUnsupported = errors.New("unsupported filter pattern")

// UnsupportedError says which kind of pattern is not evaluated. It matches
// ErrUnsupported.
type UnsupportedError struct {
	Kind string // "JSON", "space-delimited" or "regular expression"
	Span Span
}

// Error returns a sentence for the caller of the API.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("Invalid filter pattern: %s patterns are not supported by this server yet", e.Kind)
}

// Is makes errors.Is(err, ErrUnsupported) true.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// SyntaxError is a pattern that the language does not allow.
type SyntaxError struct {
	Span   Span   // the offending bytes of the pattern
	Text   string // the sentence of the real service
	Reason string // what exactly is wrong, for people
}

// Error returns the sentence of the real service, which is what goes on the
// wire. Reason and Span are for tools that point at the place.
func (e *SyntaxError) Error() string { return e.Text }

// Sentences of the real service (filter-pattern error table of the user guide
// and recorded answers).
const (
	textInvalid   = "Invalid filter pattern"
	textBraces    = "If a filter pattern starts with '{' it must end with '}'"
	textBrackets  = "If a filter pattern starts with '[' it must end with ']'"
	textCharacter = "Invalid character(s) in term '%s'"
)

func invalid(start, end int, reason string) error {
	return &SyntaxError{Span: Span{start, end}, Text: textInvalid, Reason: reason}
}

func badTerm(start, end int, term string) error {
	return &SyntaxError{
		Span: Span{start, end}, Text: fmt.Sprintf(textCharacter, term),
		Reason: "a term with anything but letters, digits and underscores must be quoted",
	}
}
