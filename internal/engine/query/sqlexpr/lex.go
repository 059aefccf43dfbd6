package sqlexpr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dialect is one of the languages.
type Dialect uint8

// The dialects. They differ in comments (// and --) and reserved words.
const (
	PPL Dialect = iota
	SQL
)

// MaxLength is the longest query in characters.
const MaxLength = 10_000

// Kind is the kind of a Token.
type Kind uint8

// The kinds.
const (
	End    Kind = iota // of the text
	Word               // a name or keyword
	Quoted             // a name in back-ticks
	String             // in quotes
	Number             // digits, with a fraction and an exponent
	Sign               // an operator or bracket
)

// Token is one word of a query.
type Token struct {
	Span
	Kind Kind
	Text string // of Quoted and String without quotes and escapes, else as written
}

// Is reports whether a token is a keyword, written in any case.
func (t Token) Is(word string) bool { return t.Kind == Word && strings.EqualFold(t.Text, word) }

// Span is a range of bytes of the query.
type Span struct{ Start, End int }

// At returns the span; nodes embed it.
func (s Span) At() Span { return s }

// lexer cuts a text into tokens.
type lexer struct {
	text    string
	pos     int
	dialect Dialect
	toks    []Token
}

// signs of two and three characters; all others have one.
var signs = []string{"<=>", "<=", ">=", "<>", "!=", "==", "->", "=>", "||"}

// lex returns the tokens of a text, the last one is End.
func lex(text string, d Dialect) ([]Token, error) {
	if !utf8.ValidString(text) {
		return nil, Errorf(text, Span{0, len(text)}, "the query is not valid UTF-8")
	}
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, Errorf(text, Span{0, len(text)}, "the query is longer than %d characters", MaxLength)
	}
	l := lexer{text: text, dialect: d}
	for {
		if err := l.space(); err != nil {
			return nil, err
		}
		from := l.pos
		if from == len(text) {
			l.toks = append(l.toks, Token{Span{from, from}, End, ""})
			return l.toks, nil
		}
		kind, s, err := l.next()
		if err != nil {
			return nil, err
		}
		l.toks = append(l.toks, Token{Span{from, l.pos}, kind, s})
	}
}

// space skips white space and comments.
func (l *lexer) space() error {
	line := "//"
	if l.dialect == SQL {
		line = "--"
	}
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r):
			l.pos += n
		case strings.HasPrefix(rest, line):
			if n = strings.IndexByte(rest, '\n'); n < 0 {
				n = len(rest)
			}
			l.pos += n
		case strings.HasPrefix(rest, "/*"):
			if n = strings.Index(rest[2:], "*/"); n < 0 {
				return Errorf(l.text, Span{l.pos, len(l.text)}, "the comment is not closed")
			}
			l.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() (Kind, string, error) {
	rest := l.text[l.pos:]
	r, n := utf8.DecodeRuneInString(rest)
	switch {
	case r == '`':
		s, err := l.quoted('`')
		return Quoted, s, err
	case r == '\'' || r == '"':
		s, err := l.quoted(byte(r))
		return String, s, err
	case l.afterDot() && isNameRune(r):
		return Word, l.run(isNameRune), nil
	case isDigit(r) || r == '.' && len(rest) > 1 && isDigit(rune(rest[1])) && !l.afterName():
		return Number, l.number(), nil
	case isNameRune(r):
		return Word, l.run(isNameRune), nil
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s) {
			l.pos += len(s)
			return Sign, s, nil
		}
	}
	if !strings.ContainsRune("()[]{}.,;:+-*/%=<>!|?&^~", r) {
		return 0, "", Unexpected(l.text, Token{Span{l.pos, l.pos + n}, Sign, string(r)})
	}
	l.pos += n
	return Sign, string(r), nil
}

// afterName reports whether a name ends right here, so that a dot continues it.
func (l *lexer) afterName() bool {
	if len(l.toks) == 0 {
		return false
	}
	t := l.toks[len(l.toks)-1]
	return t.End == l.pos && (t.Kind == Word || t.Kind == Quoted || t.Kind == Sign && (t.Text == "]" || t.Text == ")"))
}

// afterDot reports whether a dot that continues a name ends right here.
func (l *lexer) afterDot() bool {
	n := len(l.toks)
	if n < 2 || l.toks[n-1].End != l.pos || l.toks[n-1].Text != "." || l.toks[n-1].Kind != Sign {
		return false
	}
	t := l.toks[n-2]
	return t.End == l.toks[n-1].Start && (t.Kind == Word || t.Kind == Quoted || t.Text == "]" || t.Text == ")")
}

func (l *lexer) run(ok func(rune) bool) string {
	from := l.pos
	for l.pos < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:])
		if !ok(r) {
			break
		}
		l.pos += n
	}
	return l.text[from:l.pos]
}

func (l *lexer) number() string {
	from := l.pos
	l.run(isDigit)
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		l.pos++
		l.run(isDigit)
	}
	if e := l.peek(0); e == 'e' || e == 'E' {
		if isDigit(l.peek(1)) || (l.peek(1) == '-' || l.peek(1) == '+') && isDigit(l.peek(2)) {
			l.pos += 2
			l.run(isDigit)
		}
	}
	return l.text[from:l.pos]
}

func (l *lexer) peek(n int) rune {
	if l.pos+n < len(l.text) {
		return rune(l.text[l.pos+n])
	}
	return 0
}

// quoted reads the quoted text at pos. The quote is written twice inside, or
// after a backslash. Of the other escapes only \\, \n, \r and \t stand for
// something (ours): a backslash before anything else stays, so that regular
// expressions and patterns of LIKE need no second one.
func (l *lexer) quoted(q byte) (string, error) {
	var b strings.Builder
	open := l.pos
	for i := open + 1; i < len(l.text); i++ {
		c := l.text[i]
		next := byte(0)
		if i+1 < len(l.text) {
			next = l.text[i+1]
		}
		switch {
		case c == q && next == q:
			i++
			b.WriteByte(q)
		case c == q:
			l.pos = i + 1
			return b.String(), nil
		case c == '\\' && q != '`' && strings.IndexByte(`\'"nrt`, next) >= 0 && next != 0:
			i++
			b.WriteByte(unescape(next))
		default:
			b.WriteByte(c)
		}
	}
	return "", Errorf(l.text, Span{open, len(l.text)}, "the closing %c is missing", q)
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isNameRune(r rune) bool {
	return r == '_' || r == '@' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
