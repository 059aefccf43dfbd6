package insightsql

// kids returns the operands of an expression.
func kids(e Expr) []Expr {
	switch e := e.(type) {
	case *Negative:
		return []Expr{e.X}
	case *Arith:
		return []Expr{e.A, e.B}
	case *Compare:
		return []Expr{e.A, e.B}
	case *Like:
		return []Expr{e.X}
	case *In:
		return []Expr{e.X}
	case *Not:
		return []Expr{e.X}
	case *And:
		return e.X
	case *Or:
		return e.X
	case *Call:
		return e.Args
	case *Element:
		return []Expr{e.X}
	}
	return nil
}

// walk calls visit for an expression and, when it says so, for its operands.
func walk(e Expr, visit func(Expr) bool) {
	if !visit(e) {
		return
	}
	for _, k := range kids(e) {
		walk(k, visit)
	}
}

// height returns the number of levels of an expression.
func height(e Expr) int {
	h := 0
	for _, k := range kids(e) {
		h = max(h, height(k))
	}
	return h + 1
}
