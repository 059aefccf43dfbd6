package sqlexpr

// Substitute replaces names of one part by the expressions they stand for. It
// changes nothing inside of subqueries.
func Substitute(e Expr, by map[string]Expr) Expr {
	if len(by) == 0 || e == nil {
		return e
	}
	sub := func(x Expr) Expr { return Substitute(x, by) }
	list := func(x []Expr) []Expr {
		if x == nil {
			return nil
		}
		out := make([]Expr, len(x))
		for i, k := range x {
			out[i] = sub(k)
		}
		return out
	}
	switch e := e.(type) {
	case *Name:
		if len(e.Parts) == 1 && by[e.Parts[0]] != nil {
			return by[e.Parts[0]]
		}
	case *Interval:
		return &Interval{e.Span, sub(e.X), e.Unit}
	case *Unary:
		return &Unary{e.Span, e.Op, sub(e.X)}
	case *Binary:
		return &Binary{e.Span, e.Op, sub(e.A), sub(e.B)}
	case *Logic:
		return &Logic{e.Span, e.Op, list(e.X)}
	case *Is:
		return &Is{e.Span, sub(e.X), e.What, e.Not}
	case *In:
		return &In{e.Span, sub(e.X), list(e.List), e.Sub, e.Not}
	case *Between:
		return &Between{e.Span, sub(e.X), sub(e.Lo), sub(e.Hi), e.Not}
	case *Like:
		c := *e
		c.X, c.Pat = sub(e.X), sub(e.Pat)
		return &c
	case *Call:
		if _, aggregate := aggregates[e.Func]; aggregate {
			return e // its arguments are about the rows before
		}
		c := *e
		c.Args = list(e.Args)
		return &c
	case *Case:
		c := *e
		c.X, c.Else = sub(e.X), sub(e.Else)
		c.Whens = make([]When, len(e.Whens))
		for i, w := range e.Whens {
			c.Whens[i] = When{sub(w.Cond), sub(w.Then)}
		}
		return &c
	case *Cast:
		c := *e
		c.X = sub(e.X)
		return &c
	case *Element:
		return &Element{e.Span, sub(e.X), sub(e.Index)}
	}
	return e
}

// HasWindow reports whether there is a window function in e.
func HasWindow(e Expr) bool {
	found := false
	Walk(e, func(x Expr) bool {
		c, ok := x.(*Call)
		found = found || ok && c.Over != nil
		return !found
	})
	return found
}
