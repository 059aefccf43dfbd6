package sqlexpr

import (
	"strconv"
	"strings"
)

// How tight expressions bind, loosest first.
const (
	bindOr = iota
	bindAnd
	bindNot
	bindPredicate
	bindSum
	bindProduct
	bindUnary
	bindPrimary
)

func binding(e Expr) int {
	switch e := e.(type) {
	case *Logic:
		if e.Op == "or" {
			return bindOr
		}
		return bindAnd
	case *Unary:
		if e.Op == "not" {
			return bindNot
		}
		return bindUnary
	case *Binary:
		switch e.Op {
		case "+", "-":
			return bindSum
		case "*", "/", "%":
			return bindProduct
		}
		return bindPredicate
	case *Is, *In, *Between, *Like:
		return bindPredicate
	}
	return bindPrimary
}

// in prints an operand, in parentheses when it binds less than least.
func in(e Expr, least int) string {
	if binding(e) < least {
		return "(" + e.String() + ")"
	}
	return e.String()
}

// QuoteName writes a name, in back-ticks when they are needed.
func QuoteName(s string) string {
	plain := s != ""
	for i := range len(s) {
		c := s[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			plain = plain && (c == '_' || i > 0 && c >= '0' && c <= '9')
		}
	}
	w := strings.ToLower(s)
	if plain && !reserved[PPL][w] && !reserved[SQL][w] && !bare[w] && w != "interval" && w != "source" && w != "search" {
		return s
	}
	return "`" + strings.ReplaceAll(s, "`", "``") + "`"
}

// QuoteText writes a text in quotes.
func QuoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "'"
}

// Join prints expressions with commas between them.
func Join(x []Expr) string {
	s := make([]string, len(x))
	for i, k := range x {
		s[i] = k.String()
	}
	return strings.Join(s, ", ")
}

// JoinOrder prints the keys of an order.
func JoinOrder(keys []Order) string {
	s := make([]string, len(keys))
	for i, k := range keys {
		s[i] = k.X.String()
		if k.Desc {
			s[i] += " DESC"
		}
		if k.Nulls != "" {
			s[i] += " NULLS " + strings.ToUpper(k.Nulls)
		}
	}
	return strings.Join(s, ", ")
}

func (e *Name) String() string {
	s := make([]string, len(e.Parts))
	for i, k := range e.Parts {
		s[i] = QuoteName(k)
	}
	return strings.Join(s, ".")
}

func (e *Literal) String() string {
	if e.Kind == StringLiteral {
		return QuoteText(e.Text)
	}
	return e.Text
}

func (e *Interval) String() string { return "INTERVAL " + in(e.X, bindUnary) + " " + e.Unit }

func (e *Unary) String() string {
	if e.Op == "not" {
		return "NOT " + in(e.X, bindNot)
	}
	// A second minus would begin a comment.
	return "-" + in(e.X, bindPrimary)
}

func (e *Binary) String() string {
	b := binding(e)
	right := b + 1
	if b == bindPredicate {
		return in(e.A, bindPredicate) + " " + e.Op + " " + in(e.B, bindSum)
	}
	return in(e.A, b) + " " + e.Op + " " + in(e.B, right)
}

func (e *Logic) String() string {
	b := binding(e) + 1
	s := make([]string, len(e.X))
	for i, k := range e.X {
		s[i] = in(k, b)
	}
	return strings.Join(s, " "+strings.ToUpper(e.Op)+" ")
}

func notText(not bool) string {
	if not {
		return "NOT "
	}
	return ""
}

func (e *Is) String() string {
	return in(e.X, bindPredicate) + " IS " + notText(e.Not) + strings.ToUpper(e.What)
}

func (e *In) String() string {
	s := in(e.X, bindPredicate) + " " + notText(e.Not) + "IN "
	if e.Sub != nil {
		return s + brackets(e.Sub)
	}
	return s + "(" + Join(e.List) + ")"
}

// brackets prints a subquery in the brackets of its language.
func brackets(q Subquery) string {
	if s := q.String(); strings.HasPrefix(s, "SELECT") || strings.HasPrefix(s, "(") {
		return "(" + s + ")"
	}
	return "[ " + q.String() + " ]"
}

func (e *Between) String() string {
	return in(e.X, bindPredicate) + " " + notText(e.Not) + "BETWEEN " + in(e.Lo, bindSum) + " AND " + in(e.Hi, bindSum)
}

func (e *Like) String() string {
	s := in(e.X, bindPredicate) + " " + notText(e.Not) + strings.ToUpper(e.Op) + " " + in(e.Pat, bindSum)
	if e.Escape != "" {
		s += " ESCAPE " + QuoteText(e.Escape)
	}
	return s
}

func (e *Call) String() string {
	var b strings.Builder
	b.WriteString(e.Func + "(")
	switch {
	case e.Star:
		b.WriteByte('*')
	case e.Func == "extract" && len(e.Args) == 2:
		b.WriteString(QuoteText(e.Args[0].(*Literal).Text) + " FROM " + e.Args[1].String())
	case e.Func == "position" && len(e.Args) > 0:
		// The first argument ends where IN could stand.
		b.WriteString(in(e.Args[0], bindSum))
		if len(e.Args) > 1 {
			b.WriteString(", " + Join(e.Args[1:]))
		}
	default:
		if e.Distinct {
			b.WriteString("DISTINCT ")
		}
		b.WriteString(Join(e.Args))
	}
	b.WriteByte(')')
	if e.Filter != nil {
		b.WriteString(" FILTER (WHERE " + e.Filter.String() + ")")
	}
	if e.Nulls != "" {
		s := " " + strings.ToUpper(e.Nulls) + " NULLS"
		if e.Over == nil { // inside, where both dialects have it
			t := strings.TrimSuffix(b.String(), ")")
			return t + s + ")"
		}
		b.WriteString(s)
	}
	if e.Over != nil {
		b.WriteString(" OVER (" + e.Over.String() + ")")
	}
	return b.String()
}

// String prints what stands in the parentheses behind OVER.
func (o *Over) String() string {
	var parts []string
	if len(o.By) > 0 {
		parts = append(parts, "PARTITION BY "+Join(o.By))
	}
	if len(o.Order) > 0 {
		parts = append(parts, "ORDER BY "+JoinOrder(o.Order))
	}
	if o.Frame != nil {
		kind := "RANGE"
		if o.Frame.Rows {
			kind = "ROWS"
		}
		parts = append(parts, kind+" BETWEEN "+o.Frame.Lo.String()+" AND "+o.Frame.Hi.String())
	}
	return strings.Join(parts, " ")
}

// String prints an edge.
func (e Edge) String() string {
	switch e.Kind {
	case First:
		return "UNBOUNDED PRECEDING"
	case Preceding:
		return strconv.Itoa(e.N) + " PRECEDING"
	case Following:
		return strconv.Itoa(e.N) + " FOLLOWING"
	case Last:
		return "UNBOUNDED FOLLOWING"
	}
	return "CURRENT ROW"
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE")
	if e.X != nil {
		b.WriteString(" " + e.X.String())
	}
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + w.Cond.String() + " THEN " + w.Then.String())
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + e.Else.String())
	}
	return b.String() + " END"
}

func (e *Cast) String() string {
	name := "CAST("
	if e.Try {
		name = "TRY_CAST("
	}
	return name + e.X.String() + " AS " + strings.ToUpper(e.Type) + ")"
}

func (e *Element) String() string { return in(e.X, bindPrimary) + "[" + e.Index.String() + "]" }

func (e *Sub) String() string {
	if e.Exists {
		return "EXISTS " + brackets(e.Query)
	}
	return brackets(e.Query)
}
