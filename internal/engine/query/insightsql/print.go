package insightsql

import (
	"strconv"
	"strings"
)

// Levels of expressions, weakest first.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelCompare
	levelSum
	levelProduct
	levelPower
	levelUnary
	levelPrimary
)

// printer writes a query as text.
type printer struct {
	strings.Builder
	text string // what items without an alias are copied from; empty: they are printed as well
}

// String returns the query as text. Parse makes the same query of it, but for spans.
func (q *Query) String() string {
	b := &printer{text: q.text}
	b.query(q)
	return b.Builder.String()
}

func (b *printer) add(parts ...string) {
	for _, s := range parts {
		b.WriteString(s)
	}
}

func (b *printer) query(q *Query) {
	if len(q.Sources) > 0 {
		b.add("SOURCE")
		for i := range q.Sources {
			b.add(" ")
			b.source(&q.Sources[i])
		}
	}
	for i, c := range q.Commands {
		if i > 0 || len(q.Sources) > 0 {
			b.add(" | ")
		}
		c.print(b)
	}
}

// operand writes an expression, in parentheses when it binds weaker than level.
func (b *printer) operand(e Expr, level int) {
	if e.level() < level {
		b.add("(")
		e.print(b)
		b.add(")")
		return
	}
	e.print(b)
}

func (b *printer) exprs(list []Expr) {
	for i, e := range list {
		if i > 0 {
			b.add(", ")
		}
		e.print(b)
	}
}

func (b *printer) items(items []Item) {
	for i := range items {
		if i > 0 {
			b.add(", ")
		}
		x := &items[i]
		if x.Alias == "" && x.End > x.Start && b.text != "" {
			b.add(b.text[x.Start:x.End])
			continue
		}
		x.Expr.print(b)
		if x.Alias != "" {
			b.add(" as ", quoteName(x.Alias))
		}
	}
}

func (b *printer) names(names []Name) {
	for i, n := range names {
		if i > 0 {
			b.add(", ")
		}
		b.add(quoteName(n.Text))
	}
}

func (b *printer) fields(fields []*Field) {
	for i, f := range fields {
		if i > 0 {
			b.add(", ")
		}
		f.print(b)
	}
}

// quoteName writes a name whose dots need no back-ticks.
func quoteName(s string) string {
	for i, part := range strings.Split(s, ".") {
		if !plainName(part, i > 0) {
			return "`" + s + "`"
		}
	}
	if reserved(s) || isBool(s) {
		return "`" + s + "`"
	}
	return s
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// plainName reports whether a name needs no back-ticks.
func plainName(s string, inside bool) bool {
	for i, r := range s {
		if !isNamePart(r) || i == 0 && !inside && !isNameStart(r) {
			return false
		}
	}
	return s != ""
}

func (e *Field) print(b *printer) {
	word := len(e.Path) == 1 && (reserved(e.Path[0]) || isBool(e.Path[0]) || strings.EqualFold(e.Path[0], "where"))
	for i, part := range e.Path {
		if i > 0 {
			b.add(".")
		}
		if word || !plainName(part, i > 0) {
			part = "`" + part + "`"
		}
		b.add(part)
	}
}

func (e *Number) print(b *printer) { b.add(e.Text) }
func (e *String) print(b *printer) { b.add(quoteText(e.Value)) }
func (e *Bool) print(b *printer)   { b.add(strconv.FormatBool(e.Value)) }
func (e *Period) print(b *printer) { b.add(strconv.FormatInt(e.N, 10), unitTexts[e.Unit]) }
func (e *Regex) print(b *printer) {
	b.add("/", slashed(e.Source), "/")
}

// slashed puts a backslash before every slash of a regular expression.
func slashed(s string) string { return strings.ReplaceAll(s, "/", `\/`) }

var textEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

func quoteText(s string) string { return `"` + textEscapes.Replace(s) + `"` }

func (e *Negative) print(b *printer) {
	b.add("-")
	b.operand(e.X, levelUnary)
}

func (e *Arith) print(b *printer) {
	left, right := e.level(), e.level()+1
	if e.Op == '^' {
		left, right = levelUnary, levelPower
	}
	b.operand(e.A, left)
	b.add(" ", string(e.Op), " ")
	b.operand(e.B, right)
}

func (e *Compare) print(b *printer) {
	b.operand(e.A, levelSum)
	b.add(" ", e.Op, " ")
	b.operand(e.B, levelSum)
}

func (e *Like) print(b *printer) {
	b.operand(e.X, levelSum)
	if e.Not {
		b.add(" not")
	}
	b.add(" like ")
	if e.Regex != nil {
		e.Regex.print(b)
	} else {
		e.Sub.print(b)
	}
}

func (e *In) print(b *printer) {
	b.operand(e.X, levelSum)
	if e.Not {
		b.add(" not")
	}
	b.add(" in ")
	if e.Sub != nil {
		b.add("(")
		b.query(e.Sub)
		b.add(")")
		return
	}
	b.add("[")
	b.exprs(e.List)
	b.add("]")
}

func (e *Not) print(b *printer) {
	b.add("not ")
	b.operand(e.X, levelNot)
}

func (e *And) print(b *printer) { b.logic(e.X, " and ", levelNot) }
func (e *Or) print(b *printer)  { b.logic(e.X, " or ", levelAnd) }

func (b *printer) logic(x []Expr, op string, level int) {
	for i, e := range x {
		if i > 0 {
			b.add(op)
		}
		b.operand(e, level)
	}
}

func (e *Call) print(b *printer) {
	b.add(e.Name, "(")
	if e.Star {
		b.add("*")
	}
	b.exprs(e.Args)
	b.add(")")
}

func (e *Element) print(b *printer) {
	e.X.print(b)
	for _, part := range e.Path {
		if n, err := strconv.ParseInt(part, 10, 32); err == nil && n >= 0 && strconv.FormatInt(n, 10) == part {
			b.add("[", part, "]")
			continue
		}
		if !plainName(part, false) {
			part = "`" + part + "`"
		}
		b.add(".", part)
	}
}

func (*Field) level() int    { return levelPrimary }
func (*Number) level() int   { return levelPrimary }
func (*String) level() int   { return levelPrimary }
func (*Bool) level() int     { return levelPrimary }
func (*Regex) level() int    { return levelPrimary }
func (*Period) level() int   { return levelPrimary }
func (*Call) level() int     { return levelPrimary }
func (*Element) level() int  { return levelPrimary }
func (*Negative) level() int { return levelUnary }
func (*Compare) level() int  { return levelCompare }
func (*Like) level() int     { return levelCompare }
func (*In) level() int       { return levelCompare }
func (*Not) level() int      { return levelNot }
func (*And) level() int      { return levelAnd }
func (*Or) level() int       { return levelOr }
func (e *Arith) level() int {
	switch e.Op {
	case '^':
		return levelPower
	case '+', '-':
		return levelSum
	}
	return levelProduct
}

// starred writes a name with stars, which stand outside of back-ticks.
func starred(s string) string {
	parts := strings.Split(s, "*")
	for i, part := range parts {
		if part != "" {
			parts[i] = quoteName(part)
		}
	}
	return strings.Join(parts, "*")
}
