package sqlexpr

// Expr is an expression: *Name, *Literal, *Interval, *Unary, *Binary, *Logic,
// *Is, *In, *Between, *Like, *Call, *Case, *Cast, *Element or *Sub.
type Expr interface {
	At() Span
	String() string // canonical; parsed again it is the same tree, but for spans
}

// Name is a column. Parts are joined by dots; the first may be the alias of a
// table.
type Name struct {
	Span
	Parts []string
}

// LiteralKind is the kind of a Literal.
type LiteralKind uint8

// The kinds.
const (
	NullLiteral LiteralKind = iota
	BoolLiteral
	NumberLiteral
	StringLiteral
)

// Literal is a constant. Text is the value of a string, else what was written;
// "true" and "false" in lower case.
type Literal struct {
	Span
	Kind LiteralKind
	Text string
}

// Interval is a length of time: X of a unit, in lower case and singular.
type Interval struct {
	Span
	X    Expr
	Unit string
}

// Unary is -X, or NOT X when Op is "not".
type Unary struct {
	Span
	Op string
	X  Expr
}

// Binary is an arithmetic operation (+ - * / %) or a comparison (= != < <= > >=
// <=>).
type Binary struct {
	Span
	Op   string
	A, B Expr
}

// Logic is a conjunction or disjunction of at least two expressions; Op is "and",
// "or" or "xor".
type Logic struct {
	Span
	Op string
	X  []Expr
}

// Is is X IS [NOT] What: null, true, false or unknown.
type Is struct {
	Span
	X    Expr
	What string
	Not  bool
}

// In is X [NOT] IN a list, or the rows of a subquery.
type In struct {
	Span
	X    Expr
	List []Expr
	Sub  Subquery
	Not  bool
}

// Between is X [NOT] BETWEEN Lo AND Hi.
type Between struct {
	Span
	X, Lo, Hi Expr
	Not       bool
}

// Like is X [NOT] LIKE, ILIKE or RLIKE a pattern; Op is in lower case.
type Like struct {
	Span
	Op     string
	X, Pat Expr
	Escape string // one character, of LIKE and ILIKE; "" is a backslash
	Not    bool
}

// Call is a call of a scalar, aggregate or window function; Func is in lower case.
type Call struct {
	Span
	Func     string
	Args     []Expr
	Star     bool // count(*)
	Distinct bool
	Filter   Expr // FILTER (WHERE …)
	Over     *Over
	Nulls    string // "ignore" or "respect", of window functions
}

// Order is one key of an order.
type Order struct {
	X     Expr
	Desc  bool
	Nulls string // "first", "last"; "" is first ascending and last descending
}

// Over is the window of a Call.
type Over struct {
	Span
	By    []Expr
	Order []Order
	Frame *Frame // nil: the default
}

// Frame is a part of the rows of a window, around each row.
type Frame struct {
	Rows   bool // else a range of equal rows
	Lo, Hi Edge
}

// Edge is an end of a Frame.
type Edge struct {
	Kind EdgeKind
	N    int
}

// EdgeKind is the kind of an Edge.
type EdgeKind uint8

// The kinds, in their order.
const (
	First EdgeKind = iota
	Preceding
	Current
	Following
	Last
)

// When is one branch of a Case.
type When struct{ Cond, Then Expr }

// Case is CASE [X] WHEN … THEN … [ELSE …] END.
type Case struct {
	Span
	X     Expr // nil: the branches are conditions
	Whens []When
	Else  Expr
}

// Cast is CAST(X AS Type); Type is in lower case. Try makes it TRY_CAST.
type Cast struct {
	Span
	X    Expr
	Type string
	Try  bool
}

// Element is an element of a list or an object: X[Index].
type Element struct {
	Span
	X, Index Expr
}

// Subquery is a query inside of an expression.
type Subquery interface{ String() string }

// Sub is the single value of a subquery, or whether it has rows.
type Sub struct {
	Span
	Query  Subquery
	Exists bool
}

// Walk calls f for e and the expressions in it, the outer ones first, until f
// returns false: then those inside are left out. Subqueries are not entered.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, k := range kids(e) {
		Walk(k, f)
	}
}

func kids(e Expr) []Expr {
	switch e := e.(type) {
	case *Interval:
		return []Expr{e.X}
	case *Unary:
		return []Expr{e.X}
	case *Binary:
		return []Expr{e.A, e.B}
	case *Logic:
		return e.X
	case *Is:
		return []Expr{e.X}
	case *In:
		return append([]Expr{e.X}, e.List...)
	case *Between:
		return []Expr{e.X, e.Lo, e.Hi}
	case *Like:
		return []Expr{e.X, e.Pat}
	case *Call:
		all := append([]Expr{}, e.Args...)
		if e.Filter != nil {
			all = append(all, e.Filter)
		}
		if e.Over != nil {
			all = append(all, e.Over.By...)
			for _, o := range e.Over.Order {
				all = append(all, o.X)
			}
		}
		return all
	case *Case:
		var all []Expr
		if e.X != nil {
			all = append(all, e.X)
		}
		for _, w := range e.Whens {
			all = append(all, w.Cond, w.Then)
		}
		if e.Else != nil {
			all = append(all, e.Else)
		}
		return all
	case *Cast:
		return []Expr{e.X}
	case *Element:
		return []Expr{e.X, e.Index}
	}
	return nil
}
