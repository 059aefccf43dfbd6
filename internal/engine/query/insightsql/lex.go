package insightsql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokName             // a path: names joined by '.'
	tokNumber           //
	tokPeriod           // a number and a unit
	tokString           //
	tokRegex            // only from lexer.regex
	tokOp               // an operator, a bracket or a comma
)

// token is one token; what it means is in text or path.
type token struct {
	kind   tokenKind
	at     Span
	text   string   // of a string: its value; of a regex: its source; else as written
	path   []string // of a name
	quoted bool     // a name with back-ticks
}

// lexer cuts a text into tokens, one at a time.
type lexer struct {
	text string
	pos  int
}

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:])
		switch {
		case unicode.IsSpace(r) || r == '\uFEFF':
			l.pos += n
		case r == '#':
			if end := strings.IndexByte(l.text[l.pos:], '\n'); end >= 0 {
				l.pos += end
			} else {
				l.pos = len(l.text)
			}
		default:
			return
		}
	}
}

// next returns the next token.
func (l *lexer) next() (token, error) {
	l.skip()
	from := l.pos
	if from == len(l.text) {
		return token{kind: tokEOF, at: Span{from, from}, text: "<EOF>"}, nil
	}
	r, size := utf8.DecodeRuneInString(l.text[from:])
	switch {
	case isNameStart(r) || r == '`':
		return l.name()
	case r >= '0' && r <= '9':
		return l.number()
	case r == '"' || r == '\'':
		return l.quoted()
	}
	for _, op := range [...]string{"!=", "<=", ">=", "=~", "{{"} {
		if strings.HasPrefix(l.text[from:], op) {
			l.pos += len(op)
			return l.op(from), nil
		}
	}
	if strings.ContainsRune("|,()[]{}:=<>+-*/%^.$", r) {
		l.pos += size
		return l.op(from), nil
	}
	return token{}, unexpected(Span{from, from + size}, l.text[from:from+size])
}

func (l *lexer) op(from int) token {
	return token{kind: tokOp, at: Span{from, l.pos}, text: l.text[from:l.pos]}
}

func unexpected(at Span, symbol string) error {
	return wrong(at, "unexpected symbol found %s", symbol)
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isNameStart(r rune) bool {
	return r == '_' || r == '@' || unicode.IsLetter(r)
}

func isNamePart(r rune) bool {
	return isNameStart(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// name reads a path: names and back-ticked names joined by dots.
func (l *lexer) name() (token, error) {
	t := token{kind: tokName, at: Span{Start: l.pos}}
	for {
		if l.pos < len(l.text) && l.text[l.pos] == '`' {
			end := strings.IndexByte(l.text[l.pos+1:], '`')
			if end <= 0 {
				return token{}, unexpected(Span{l.pos, l.pos + 1}, "`")
			}
			t.quoted = true
			t.path = append(t.path, l.text[l.pos+1:l.pos+1+end])
			l.pos += end + 2
		} else {
			from := l.pos
			for l.pos < len(l.text) {
				r, n := utf8.DecodeRuneInString(l.text[l.pos:])
				if !isNamePart(r) {
					break
				}
				l.pos += n
			}
			t.path = append(t.path, l.text[from:l.pos])
		}
		if l.pos+1 >= len(l.text) || l.text[l.pos] != '.' {
			break
		}
		if r, _ := utf8.DecodeRuneInString(l.text[l.pos+1:]); r != '`' && !isNamePart(r) {
			break
		}
		l.pos++
	}
	t.at.End = l.pos
	t.text = l.text[t.at.Start:t.at.End]
	if len(t.path) > maxPath {
		return token{}, refused(t.at, "a field name has more than %d parts", maxPath)
	}
	return t, nil
}

// number reads a number or a period.
func (l *lexer) number() (token, error) {
	from := l.pos
	digits := func() {
		for l.pos < len(l.text) && isDigit(l.text[l.pos]) {
			l.pos++
		}
	}
	digits()
	if l.pos+1 < len(l.text) && l.text[l.pos] == '.' && isDigit(l.text[l.pos+1]) {
		l.pos++
		digits()
	}
	if rest := l.text[l.pos:]; rest != "" && rest[0]|0x20 == 'e' {
		sign := 1
		if len(rest) > 1 && (rest[1] == '+' || rest[1] == '-') {
			sign = 2
		}
		if len(rest) > sign && isDigit(rest[sign]) {
			l.pos += sign
			digits()
		}
	}
	kind := tokNumber
	for l.pos < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:])
		if !isNamePart(r) {
			break
		}
		kind = tokPeriod
		l.pos += n
	}
	t := token{kind: kind, at: Span{from, l.pos}, text: l.text[from:l.pos]}
	if kind == tokPeriod {
		if _, ok := parsePeriod(t.text); !ok {
			return token{}, unexpected(t.at, t.text)
		}
	}
	return t, nil
}

// quoted reads a string.
func (l *lexer) quoted() (token, error) {
	from, quote := l.pos, l.text[l.pos]
	var b strings.Builder
	for l.pos++; l.pos < len(l.text); l.pos++ {
		c := l.text[l.pos]
		switch {
		case c == quote:
			l.pos++
			return token{kind: tokString, at: Span{from, l.pos}, text: b.String()}, nil
		case c == '\\' && l.pos+1 < len(l.text):
			l.pos++
			switch c = l.text[l.pos]; c {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '"', '\'', '\\':
				b.WriteByte(c)
			default: // \d and the like mean themselves
				b.WriteByte('\\')
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, unexpected(Span{from, from + 1}, string(quote))
}

// regex reads a regular expression; from is where its slash is.
func (l *lexer) regex(from int) (token, error) {
	var b strings.Builder
	for l.pos = from + 1; l.pos < len(l.text); l.pos++ {
		c := l.text[l.pos]
		switch {
		case c == '/':
			l.pos++
			return token{kind: tokRegex, at: Span{from, l.pos}, text: b.String()}, nil
		case c == '\\' && l.pos+1 < len(l.text):
			l.pos++
			if l.text[l.pos] != '/' {
				b.WriteByte('\\')
			}
			b.WriteByte(l.text[l.pos])
		default:
			b.WriteByte(c)
		}
	}
	return token{}, unexpected(Span{from, from + 1}, "/")
}
