package sqlexpr

import (
	"strconv"
	"strings"
)

// Limits of a query. The depth keeps the stack of the parser and the plan small.
const (
	MaxDepth = 60   // levels of an expression
	MaxItems = 500  // of one list of columns, keys or commands
	MaxList  = 2000 // values of one IN
)

// Parser reads a query from left to right.
type Parser struct {
	Text string
	// Subquery reads the query inside of an expression: what stands behind "(" in
	// SQL and behind "[" in PPL, without the closing bracket.
	Subquery func() (Subquery, error)

	dialect Dialect
	toks    []Token
	pos     int
	depth   int
}

// NewParser cuts a text into words. The error is an *insightsql.Error.
func NewParser(text string, d Dialect) (*Parser, error) {
	toks, err := lex(text, d)
	if err != nil {
		return nil, err
	}
	return &Parser{Text: text, dialect: d, toks: toks}, nil
}

// Peek returns the token n after the next one; PeekAt(0) is the next.
func (p *Parser) PeekAt(n int) Token { return p.toks[min(p.pos+n, len(p.toks)-1)] }

// Peek returns the next token.
func (p *Parser) Peek() Token { return p.PeekAt(0) }

// Next takes the next token.
func (p *Parser) Next() Token {
	t := p.Peek()
	if p.pos < len(p.toks)-1 {
		p.pos++
	}
	return t
}

// Last returns the token that was taken last.
func (p *Parser) Last() Token { return p.toks[max(p.pos-1, 0)] }

// From returns the span from a token to the one that was taken last.
func (p *Parser) From(t Token) Span { return Span{t.Start, p.Last().End} }

// TakeWord takes the next tokens if they are these keywords.
func (p *Parser) TakeWord(words ...string) bool {
	for i, w := range words {
		if !p.PeekAt(i).Is(w) {
			return false
		}
	}
	p.pos += len(words)
	return true
}

// IsSign reports whether the next token is an operator or bracket.
func (p *Parser) IsSign(s string) bool {
	t := p.Peek()
	return t.Kind == Sign && t.Text == s
}

// TakeSign takes the next token if it is an operator or bracket.
func (p *Parser) TakeSign(s string) bool {
	if p.IsSign(s) {
		p.pos++
		return true
	}
	return false
}

// WantWord takes a keyword.
func (p *Parser) WantWord(w string) error {
	if !p.TakeWord(w) {
		return p.Unexpected()
	}
	return nil
}

// WantSign takes an operator or bracket.
func (p *Parser) WantSign(s string) error {
	if !p.TakeSign(s) {
		return p.Unexpected()
	}
	return nil
}

// Unexpected is the error about the next token.
func (p *Parser) Unexpected() error { return Unexpected(p.Text, p.Peek()) }

// Errorf is an error about a part of the text.
func (p *Parser) Errorf(at Span, format string, args ...any) error {
	return Errorf(p.Text, at, format, args...)
}

// Enter counts a level; whoever calls it calls Leave when it is done.
func (p *Parser) Enter() error {
	if p.depth++; p.depth > MaxDepth {
		return p.Errorf(p.Peek().Span, "the query is nested more than %d levels deep", MaxDepth)
	}
	return nil
}

// Leave ends a level.
func (p *Parser) Leave() { p.depth-- }

// Integer takes a number that is an integer from lo to hi; what names it in the error.
func (p *Parser) Integer(what string, lo, hi int) (int, error) {
	t := p.Peek()
	if t.Kind != Number {
		return 0, p.Unexpected()
	}
	n, err := strconv.Atoi(t.Text)
	if err != nil || n < lo || n > hi {
		return 0, p.Errorf(t.Span, "%s must be an integer from %d to %d", what, lo, hi)
	}
	p.pos++
	return n, nil
}

// Name takes a column or table name without dots.
func (p *Parser) Name() (string, error) {
	t := p.Peek()
	if t.Kind != Quoted && (t.Kind != Word || IsReserved(p.dialect, t.Text)) {
		return "", p.Unexpected()
	}
	if t.Text == "" {
		return "", p.Errorf(t.Span, "a name is empty")
	}
	p.pos++
	return t.Text, nil
}

// Column takes a column name, dots and indexes included.
func (p *Parser) Column() (*Name, error) {
	from := p.Peek()
	first, err := p.Name()
	if err != nil {
		return nil, err
	}
	n := &Name{Parts: []string{first}}
	for p.IsSign(".") && (p.PeekAt(1).Kind == Word || p.PeekAt(1).Kind == Quoted) || p.isIndex() {
		if p.TakeSign("[") {
			n.Parts = append(n.Parts, p.Next().Text)
			p.pos++
			continue
		}
		p.pos++
		t := p.Next()
		if t.Text == "" {
			return nil, p.Errorf(t.Span, "a name is empty")
		}
		n.Parts = append(n.Parts, t.Text)
	}
	n.Span = p.From(from)
	return n, nil
}

// isIndex reports whether a constant index follows right behind.
func (p *Parser) isIndex() bool {
	t, n, c := p.Peek(), p.PeekAt(1), p.PeekAt(2)
	return t.Kind == Sign && t.Text == "[" && t.Start == p.Last().End && n.Kind == Number && strings.Trim(n.Text, "0123456789") == "" &&
		c.Kind == Sign && c.Text == "]"
}

// List takes one or more items with commas between them.
func List[T any](p *Parser, item func() (T, error)) ([]T, error) {
	var all []T
	for {
		at := p.Peek().Span
		x, err := item()
		if err != nil {
			return nil, err
		}
		if all = append(all, x); len(all) > MaxItems {
			return nil, p.Errorf(at, "a list has more than %d items", MaxItems)
		}
		if !p.TakeSign(",") {
			return all, nil
		}
	}
}

var reserved = [...]map[string]bool{
	PPL: words("and as between by case else end false from ilike in is like not null or rlike then true when where"),
	SQL: words("all and as asc between by case cross desc distinct else end except false for from full group having ilike in inner " +
		"intersect is join lateral left like limit minus natural not null offset on or order outer over pivot regexp right rlike select " +
		"sort then true union unpivot using when where window with"),
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// IsReserved reports whether a word is no name unless it stands in back-ticks.
func IsReserved(d Dialect, word string) bool { return reserved[d][strings.ToLower(word)] }
