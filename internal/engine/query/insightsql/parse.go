package insightsql

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a query.
const (
	MaxLength = 10_000  // characters of a query
	MaxLimit  = 100_000 // rows of limit
	MaxStats  = 10      // stats commands

	maxDepth    = 100 // levels of an expression
	maxPath     = 50  // names of a field
	maxCommands = 60  // of a query
	maxItems    = 500 // of one command
)

// Parse reads a query and checks everything that can be checked without its
// data. Its error is an *Error.
func Parse(text string) (*Query, error) {
	q, err := parse(text)
	if err == nil {
		err = check(q)
	}
	if err != nil {
		return nil, located(text, err)
	}
	return q, nil
}

func parse(text string) (*Query, error) {
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, refused(Span{0, len(text)}, "the query has %d characters, more than %d", n, MaxLength)
	}
	p := &parser{lex: lexer{text: text}}
	p.advance()
	q := p.query(false)
	return q, p.err
}

// parser reads a query with one token of look-ahead. After its first error
// there are no more tokens.
type parser struct {
	lex   lexer
	tok   token // the next one
	last  int   // where the token before it ends
	depth int
	subs  int // queries around this one
	err   error
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.lex.pos = len(p.lex.text)
	p.tok = token{kind: tokEOF, at: Span{p.lex.pos, p.lex.pos}, text: "<EOF>"}
}

func (p *parser) advance() {
	p.last = p.tok.at.End
	t, err := p.lex.next()
	if err != nil {
		p.fail(err)
		return
	}
	p.tok = t
}

// unexpected refuses the next token.
func (p *parser) unexpected() {
	text := p.lex.text[p.tok.at.Start:p.tok.at.End]
	if p.tok.kind == tokEOF {
		text = "<EOF>"
	}
	p.fail(unexpected(p.tok.at, text))
}

// from returns the span from a place to the end of the last token.
func (p *parser) from(start int) Span { return Span{start, max(start, p.last)} }

func (p *parser) isOp(op string) bool { return p.tok.kind == tokOp && p.tok.text == op }

func (p *parser) accept(op string) bool {
	if p.isOp(op) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(op string) {
	if !p.accept(op) {
		p.unexpected()
	}
}

// isWord reports whether the next token is a word of the language.
func (p *parser) isWord(word string) bool {
	return p.tok.kind == tokName && !p.tok.quoted && strings.EqualFold(p.tok.text, word)
}

func (p *parser) word(word string) bool {
	if p.isWord(word) {
		p.advance()
		return true
	}
	return false
}

// oneOf takes one of some words, and returns it as it is in the list.
func (p *parser) oneOf(words ...string) string {
	for _, w := range words {
		if p.word(w) {
			return w
		}
	}
	return ""
}

// query reads a query; that of a sub ends before a parenthesis.
func (p *parser) query(sub bool) *Query {
	q := &Query{text: p.lex.text}
	p.accept("|")
	if p.word("source") {
		p.sources(q)
		if p.ended(sub) {
			return q
		}
		p.expect("|")
	} else if p.ended(sub) {
		return q
	}
	for {
		q.Commands = append(q.Commands, p.command())
		if len(q.Commands) > maxCommands {
			p.fail(refused(p.from(q.Commands[maxCommands].where().Start), "a query has at most %d commands", maxCommands))
		}
		if p.err != nil || p.ended(sub) {
			return q
		}
		p.expect("|")
	}
}

func (p *parser) ended(sub bool) bool { return p.tok.kind == tokEOF || sub && p.isOp(")") }

// name reads a name of a column.
func (p *parser) name() Name {
	t := p.tok
	if t.kind != tokName || !t.quoted && reserved(t.text) {
		p.unexpected()
		return Name{}
	}
	p.advance()
	return Name{t.at, strings.Join(t.path, ".")}
}

// names reads names with commas between them.
func (p *parser) names() []Name {
	n := []Name{p.name()}
	for p.accept(",") {
		n = append(n, p.name())
	}
	p.bound(len(n))
	return n
}

// field reads a field.
func (p *parser) field() *Field {
	from := p.tok.at.Start
	e := p.primary()
	if f, ok := e.(*Field); ok {
		return f
	}
	if p.err == nil {
		p.fail(unexpected(p.from(from), p.lex.text[from:p.last]))
	}
	return &Field{Path: []string{""}}
}

// fields reads fields with commas between them.
func (p *parser) fields() []*Field {
	f := []*Field{p.field()}
	for p.accept(",") {
		f = append(f, p.field())
	}
	p.bound(len(f))
	return f
}

// bound refuses lists of more than maxItems.
func (p *parser) bound(n int) {
	if n > maxItems {
		p.fail(refused(p.tok.at, "a command has at most %d items", maxItems))
	}
}

// items reads expressions with aliases.
func (p *parser) items() []Item {
	var items []Item
	for {
		from := p.tok.at.Start
		i := Item{Expr: p.expr()}
		i.Span = p.from(from)
		i.as = i.Span
		if p.word("as") {
			n := p.name()
			i.Alias, i.as = n.Text, n.Span
		}
		if i.name = i.Alias; i.name == "" {
			i.name = p.lex.text[i.Start:i.End]
			if _, ok := i.Expr.(*Field); ok {
				i.name = strings.ReplaceAll(i.name, "`", "")
			}
		}
		items = append(items, i)
		if !p.accept(",") {
			p.bound(len(items))
			return items
		}
	}
}

// text reads a string.
func (p *parser) text() *String {
	t := p.tok
	if t.kind != tokString {
		p.unexpected()
		return &String{}
	}
	p.advance()
	return &String{t.at, t.text}
}

// texts reads a string, or a list of strings.
func (p *parser) texts() []string {
	if !p.accept("[") {
		list := []string{p.text().Value}
		for p.accept(",") {
			list = append(list, p.text().Value)
		}
		return list
	}
	var list []string
	for p.err == nil {
		list = append(list, p.text().Value)
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return list
}

// integer reads a whole number between two others.
func (p *parser) integer(least, most int) int {
	t := p.tok
	n, err := strconv.Atoi(t.text)
	if t.kind != tokNumber || err != nil || n < least || n > most {
		p.unexpected()
		return least
	}
	p.advance()
	return n
}

// period reads a period that is not 0.
func (p *parser) period() *Period {
	t := p.tok
	x, ok := Period{}, false
	if t.kind == tokPeriod {
		x, ok = parsePeriod(t.text)
	}
	if !ok || x.N == 0 {
		p.unexpected()
		return &Period{N: 1, Unit: Second}
	}
	p.advance()
	x.Span = t.at
	return &x
}
