package pattern

import "fmt"

// SyntaxError is a pattern that the language does not allow.
type SyntaxError struct {
	Span   Span   // the offending bytes of the pattern
	Text   string // the sentence of the real service
	Reason string // what exactly is wrong, for people
	Hint   string // how to write it instead; may be empty
}

// Error returns the sentence of the real service, which is what goes on the
// wire. The other fields are for tools that point at the place.
func (e *SyntaxError) Error() string { return e.Text }

// Sentences of the real service (filter-pattern error table of the user guide
// and recorded answers).
const (
	textInvalid   = "Invalid filter pattern"
	textBraces    = "If a filter pattern starts with '{' it must end with '}'"
	textBrackets  = "If a filter pattern starts with '[' it must end with ']'"
	textCharacter = "Invalid character(s) in term '%s'"
)

func invalid(at Span, reason, hint string) error {
	return &SyntaxError{Span: at, Text: textInvalid, Reason: reason, Hint: hint}
}

func badTerm(at Span, term string) error {
	return &SyntaxError{
		Span: at, Text: fmt.Sprintf(textCharacter, term),
		Reason: "a term with anything but letters, digits and underscores must be quoted", Hint: "put it in double quotes",
	}
}
