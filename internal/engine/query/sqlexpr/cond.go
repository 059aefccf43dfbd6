package sqlexpr

import (
	"regexp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Cond translates a condition to an expression that holds where e is true, for a
// plan.Filter.
func (c *Compiler) Cond(e Expr) (plan.Expr, error) { return c.holds(e, true) }

// holds makes what holds where e is want; where e is unknown it does not hold.
func (c *Compiler) holds(e Expr, want bool) (plan.Expr, error) {
	if c.Replace != nil {
		x, err := c.Replace(e)
		if err != nil {
			return nil, err
		}
		if x != nil {
			return truth(x, want), nil
		}
	}
	switch e := e.(type) {
	case *Logic:
		list := make([]plan.Expr, len(e.X))
		for i, k := range e.X {
			x, err := c.holds(k, want)
			if err != nil {
				return nil, err
			}
			list[i] = x
		}
		if (e.Op == "and") == want {
			return plan.And{X: list}, nil
		}
		return plan.Or{X: list}, nil
	case *Unary:
		if e.Op == "not" {
			return c.holds(e.X, !want)
		}
	case *Binary:
		if _, ok := cmpOps[e.Op]; ok || e.Op == "<=>" {
			return c.compare(e.Op, e.A, e.B, want)
		}
	case *Between:
		return c.between(e, want != e.Not)
	case *Is:
		return c.is(e, want != e.Not)
	case *Call:
		if null := e.Func == "isnull"; (null || e.Func == "isnotnull") && len(e.Args) == 1 && e.plain() {
			return c.is(&Is{Span: e.Span, X: e.Args[0], What: "null"}, want == null)
		}
	case *In:
		return c.in(e, want != e.Not)
	case *Like:
		return c.like(e, want != e.Not)
	}
	x, err := c.Value(e)
	if err != nil {
		return nil, err
	}
	return truth(x, want), nil
}

// truth holds where a value is true, or false.
func truth(x plan.Expr, want bool) plan.Expr {
	if k, ok := x.(plan.Const); ok {
		b, known := truthOf(&k.V)
		return plan.Const{V: plan.BoolValue(known && b == want)}
	}
	if want {
		return call(isFunction(true), x)
	}
	return call(isFunction(false), x)
}

// isFunction is a predicate: whether a value is true, or false.
func isFunction(want bool) *plan.Function {
	name := "is_false"
	if want {
		name = "is_true"
	}
	return &plan.Function{Name: "when_" + name, Min: 1, Max: 1, Predicate: true, Absent: true, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		b, known := truthOf(&args[0])
		return plan.BoolValue(known && b == want)
	}}
}

// present holds where x is not Null.
func present(x plan.Expr) []plan.Expr {
	if k, ok := x.(plan.Const); ok {
		if k.V.Kind == plan.Null {
			return []plan.Expr{never()}
		}
		return nil
	}
	return []plan.Expr{plan.Present{X: x}}
}

func never() plan.Expr  { return plan.Const{V: plan.BoolValue(false)} }
func always() plan.Expr { return plan.Const{V: plan.BoolValue(true)} }

// compare makes what holds where "a op b" is want.
func (c *Compiler) compare(op string, ea, eb Expr, want bool) (plan.Expr, error) {
	if op == "=" || op == "!=" {
		if x, err := c.identity(ea, eb, (op == "=") == want); x != nil || err != nil {
			return x, err
		}
		if x, err := c.identity(eb, ea, (op == "=") == want); x != nil || err != nil {
			return x, err
		}
	}
	a, b, err := c.sides(ea, eb)
	if err != nil {
		return nil, err
	}
	return compareWant(op, a, b, want), nil
}

func compareWant(op string, a, b plan.Expr, want bool) plan.Expr {
	if op == "<=>" {
		same := plan.Or{X: []plan.Expr{
			plan.Cmp{Op: plan.Eq, A: a, B: b},
			plan.And{X: []plan.Expr{plan.Not{X: plan.Present{X: a}}, plan.Not{X: plan.Present{X: b}}}},
		}}
		if want {
			return same
		}
		return plan.Not{X: same}
	}
	if !want {
		op = negated[op]
	}
	x := plan.Cmp{Op: cmpOps[op], A: a, B: b}
	if op != "!=" {
		return x // Null never holds
	}
	return plan.And{X: append(append(present(a), present(b)...), x)}
}

// identity makes a condition on the number that a system field is in the plan.
func (c *Compiler) identity(field, value Expr, want bool) (plan.Expr, error) {
	n, ok := field.(*Name)
	v, constant := Constant(value)
	if !ok || !constant || v.Kind != plan.Text || c.IDs == nil {
		return nil, nil
	}
	x, err := c.Column(n)
	if err != nil {
		return nil, err
	}
	f, ok := x.(plan.Field)
	if !ok {
		return nil, nil
	}
	ids, ok := c.IDs(f.Name, string(v.Text))
	if !ok {
		return nil, nil
	}
	return not(plan.In{X: x, List: ids}, !want), nil
}

func not(x plan.Expr, not bool) plan.Expr {
	if not {
		return plan.Not{X: x}
	}
	return x
}

func (c *Compiler) between(e *Between, want bool) (plan.Expr, error) {
	lo, hi, err := c.bounds(e)
	if err != nil {
		return nil, err
	}
	x, err := c.Value(e.X)
	if err != nil {
		return nil, err
	}
	if want {
		return plan.And{X: []plan.Expr{compareWant(">=", x, lo, true), compareWant("<=", x, hi, true)}}, nil
	}
	return plan.Or{X: []plan.Expr{compareWant("<", x, lo, true), compareWant(">", x, hi, true)}}, nil
}

func (c *Compiler) is(e *Is, want bool) (plan.Expr, error) {
	switch e.What {
	case "true", "false":
		x, err := c.holds(e.X, e.What == "true")
		return not(x, !want), err
	case "unknown":
		x, err := c.Value(e.X)
		known := plan.Or{X: []plan.Expr{truth(x, true), truth(x, false)}}
		return not(known, want), err
	}
	x, err := c.raw(e.X)
	return not(plan.Present{X: x}, want), err
}

// in makes what holds where X is, or is not, in the list.
func (c *Compiler) in(e *In, want bool) (plan.Expr, error) {
	list, constant, err := c.list(e)
	if err != nil {
		return nil, err
	}
	if !constant {
		x, err := c.inValue(&In{e.Span, e.X, e.List, e.Sub, false})
		if err != nil {
			return nil, err
		}
		return truth(x, want), nil
	}
	if x, err := c.identities(e, list, want); x != nil || err != nil {
		return x, err
	}
	x, err := c.Value(e.X)
	if err != nil {
		return nil, err
	}
	var known []plan.Value
	null := false
	for _, v := range list {
		if v.Kind == plan.Null {
			null = true
			continue
		}
		known = append(known, v)
	}
	switch {
	case len(list) == 0 && !want:
		return always(), nil
	case null && !want:
		return never(), nil
	case len(known) > 1000:
		return truth(call(in3(NewSet(list)), x), want), nil
	case want:
		return plan.In{X: x, List: known}, nil
	}
	return plan.And{X: append(present(x), plan.Not{X: plan.In{X: x, List: known}})}, nil
}

// identities is identity for a list.
func (c *Compiler) identities(e *In, list []plan.Value, want bool) (plan.Expr, error) {
	n, ok := e.X.(*Name)
	if !ok || c.IDs == nil {
		return nil, nil
	}
	x, err := c.Column(n)
	f, ok := x.(plan.Field)
	if err != nil || !ok {
		return nil, err
	}
	var all []plan.Value
	for _, v := range list {
		if v.Kind == plan.Null {
			if !want {
				return nil, nil
			}
			continue
		}
		ids, ok := c.IDs(f.Name, string(v.AppendText(nil)))
		if !ok {
			return nil, nil
		}
		all = append(all, ids...)
	}
	return not(plan.In{X: x, List: all}, !want), nil
}

// pattern makes the regular expression of a LIKE with a constant; nil for Null.
func (c *Compiler) pattern(e *Like, v *plan.Value) (*regexp.Regexp, error) {
	if v.Kind == plan.Null {
		return nil, nil
	}
	re, err := compileLike(e, string(v.AppendText(nil)))
	if err != nil {
		return nil, c.errorf(e.Pat.At(), "the regular expression is not valid: %s", RegexpReason(err))
	}
	return re, nil
}

// like makes what holds where X matches, or does not.
func (c *Compiler) like(e *Like, want bool) (plan.Expr, error) {
	v, constant := Constant(e.Pat)
	if !constant {
		x, err := c.calls(dynamicLike(e), e.X, e.Pat)
		if err != nil {
			return nil, err
		}
		return truth(x, want), nil
	}
	re, err := c.pattern(e, &v)
	if err != nil {
		return nil, err
	}
	x, err := c.Value(e.X)
	if err != nil {
		return nil, err
	}
	if re == nil {
		return never(), nil
	}
	m := plan.Expr(plan.Match{X: x, Re: re})
	if w := parseLike(string(v.AppendText(nil)), e.Escape); e.Op == "like" && w.simple {
		m = plan.Contains{X: x, Sub: w.contains}
	}
	if want {
		return m, nil
	}
	return plan.And{X: append(present(x), plan.Not{X: m})}, nil
}

// RegexpReason is what is wrong with a regular expression, without the words of the
// package that reports it.
func RegexpReason(err error) string {
	if se, ok := err.(interface{ Unwrap() error }); ok && se.Unwrap() != nil {
		err = se.Unwrap()
	}
	const prefix = "error parsing regexp: "
	if s := err.Error(); len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):]
	}
	return err.Error()
}
