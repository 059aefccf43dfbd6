package metricmath

import (
	"fmt"
	"strconv"
	"strings"
)

// Error says what is wrong with an expression, and where.
type Error struct {
	Offset  int // in bytes
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s at position %d", e.Message, e.Offset+1) }

type kind int

const (
	tokEnd kind = iota
	tokNumber
	tokString
	tokName // an id, a function or a keyword
	tokSymbol
)

type token struct {
	kind   kind
	text   string // of a string: without quotes
	number float64
	at     int
}

// symbols, longest first.
var symbols = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ","}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// lex takes text apart; the last token is tokEnd.
func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			n := numberEnd(text, i)
			v, err := strconv.ParseFloat(text[i:n], 64)
			if err != nil {
				return nil, &Error{i, fmt.Sprintf("number %.32s is out of range", text[i:n])}
			}
			out = append(out, token{tokNumber, text[i:n], v, i})
			i = n
			continue
		case isLetter(c):
			n := i + 1
			for n < len(text) && (isLetter(text[n]) || isDigit(text[n]) || text[n] == '_') {
				n++
			}
			out = append(out, token{kind: tokName, text: text[i:n], at: i})
			i = n
			continue
		case c == '\'' || c == '"':
			n := strings.IndexByte(text[i+1:], c)
			if n < 0 {
				return nil, &Error{i, "a quoted text does not end"}
			}
			out = append(out, token{kind: tokString, text: text[i+1 : i+1+n], at: i})
			i += n + 2
			continue
		}
		found := false
		for _, s := range symbols {
			if strings.HasPrefix(text[i:], s) {
				out = append(out, token{kind: tokSymbol, text: s, at: i})
				i += len(s)
				found = true
				break
			}
		}
		if !found {
			return nil, &Error{i, fmt.Sprintf("unexpected character %q", []rune(text[i:])[0])}
		}
	}
	return append(out, token{kind: tokEnd, at: len(text)}), nil
}

// numberEnd returns where the number at i ends: digits, a fraction, an exponent.
func numberEnd(text string, i int) int {
	digits := func() {
		for i < len(text) && isDigit(text[i]) {
			i++
		}
	}
	digits()
	if i < len(text) && text[i] == '.' {
		i++
		digits()
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		n := i + 1
		if n < len(text) && (text[n] == '+' || text[n] == '-') {
			n++
		}
		if n < len(text) && isDigit(text[n]) {
			i = n
			digits()
		}
	}
	return i
}
