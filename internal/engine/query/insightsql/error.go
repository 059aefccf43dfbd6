package insightsql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with a query, and where.
type Error struct {
	Start, End int    // characters of the text, from 0
	Line       int    // of Start, from 1
	Position   int    // character of the line, from 0
	Message    string // the sentence of the real service where one is known
}

// Error returns Message.
func (e *Error) Error() string { return e.Message }

// fault is an Error before its place is counted in characters.
type fault struct {
	at      Span
	message string
	place   bool // the place is part of the message
}

func (f *fault) Error() string { return f.message }

// wrong makes an error that ends with its place.
func wrong(at Span, format string, args ...any) error {
	return &fault{at, fmt.Sprintf(format, args...), true}
}

// refused makes an error whose sentence has no place.
func refused(at Span, format string, args ...any) error {
	return &fault{at, fmt.Sprintf(format, args...), false}
}

// located turns faults into an Error about text; other errors stay.
func located(text string, err error) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	at := f.at
	at.Start = min(at.Start, len(text))
	at.End = min(max(at.End, at.Start), len(text))
	before := text[:at.Start]
	e := &Error{Start: utf8.RuneCountInString(before), Line: 1 + strings.Count(before, "\n"), Message: f.message}
	e.End = e.Start + utf8.RuneCountInString(text[at.Start:at.End])
	e.Position = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if f.place {
		e.Message = fmt.Sprintf("%s at line %d and position %d", f.message, e.Line, e.Position)
	}
	return e
}
