package sqlexpr_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// compiled translates text in three ways: its value, and what holds where it is
// true and where it is false.
func compiled(t testing.TB, text string) (value, isTrue, isFalse plan.Expr) {
	t.Helper()
	compile := func(text string, f func(*sqlexpr.Compiler, sqlexpr.Expr) (plan.Expr, error)) plan.Expr {
		p, err := sqlexpr.NewParser(text, sqlexpr.SQL)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		e, err := p.Expr()
		if err != nil || p.Peek().Kind != sqlexpr.End {
			t.Fatalf("%s: %v, at %v", text, err, p.Peek())
		}
		c := sqlexpr.NewCompiler(text, sqlexpr.SQL, &insightsql.Env{})
		c.Function = function.SQL
		c.Column = func(n *sqlexpr.Name) (plan.Expr, error) { return plan.Field{Name: strings.Join(n.Parts, ".")}, nil }
		x, err := f(c, e)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return x
	}
	return compile(text, (*sqlexpr.Compiler).Value), compile(text, (*sqlexpr.Compiler).Cond), compile("NOT ("+text+")", (*sqlexpr.Compiler).Cond)
}

// randomCondition makes a condition on the columns a to d.
func randomCondition(rng *rand.Rand, depth int) string {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	operand := func() string {
		return pick("a", "b", "c", "d", "1", "2", "'x'", "'1'", "NULL", "true", "upper(a)", "a + b", "nullif(c, 1)")
	}
	sub := func() string { return "(" + randomCondition(rng, depth-1) + ")" }
	if depth > 0 {
		switch rng.IntN(7) {
		case 0:
			return sub() + " AND " + sub()
		case 1:
			return sub() + " OR " + sub() + " OR " + sub()
		case 2:
			return "NOT " + sub()
		case 3:
			return sub() + " IS " + pick("", "NOT ") + pick("TRUE", "FALSE", "NULL", "UNKNOWN")
		case 4:
			return sub() + pick(" = ", " <> ", " <=> ") + pick(sub(), "true", "NULL")
		case 5:
			return "CASE WHEN " + sub() + " THEN " + sub() + " ELSE " + operand() + " END"
		}
	}
	switch rng.IntN(6) {
	case 0, 1:
		return operand() + " " + pick("=", "<>", "<", "<=", ">", ">=", "<=>") + " " + operand()
	case 2:
		return operand() + pick(" IN (", " NOT IN (") + operand() + ", " + operand() + ")"
	case 3:
		return operand() + pick(" BETWEEN ", " NOT BETWEEN ") + operand() + " AND " + operand()
	case 4:
		return operand() + pick(" LIKE ", " NOT LIKE ", " ILIKE ", " RLIKE ") + pick("'x%'", "'%1%'", "'_'", "'X'", "NULL")
	}
	return operand() + pick(" IS NULL", " IS NOT NULL", "")
}

// TestConditionsAgree computes random conditions as values and as filters, also
// negated: the three have to say the same.
func TestConditionsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	values := []plan.Value{{}, plan.NumberValue(1), plan.NumberValue(2), plan.NumberValue(0), plan.TextValue("x"), plan.TextValue("1"),
		plan.TextValue("true"), sqlexpr.Truth(true), sqlexpr.Truth(false)}
	var rows []row
	for range 60 {
		r := row{}
		for _, n := range []string{"a", "b", "c", "d"} {
			r[n] = values[rng.IntN(len(values))]
		}
		rows = append(rows, r)
	}
	known := 0
	for range 400 {
		text := randomCondition(rng, 3)
		v, yes, no := compiled(t, text)
		for _, r := range rows {
			value, t1, f1 := r.eval(v), r.eval(yes), r.eval(no)
			isTrue, isFalse := t1.True(), f1.True()
			holds := value.Kind != plan.Null && value.Kind != plan.List && value.True() || strings.EqualFold(string(value.Text), "true")
			if isTrue && isFalse || holds != isTrue {
				t.Fatalf("%s: value %s, true %v, false %v", text, value.AppendText(nil), isTrue, isFalse)
			}
			if value.Kind == plan.Bool && value.Num == 0 != isFalse || value.Kind == plan.Null && isFalse {
				t.Fatalf("%s: value %s, false %v", text, value.AppendText(nil), isFalse)
			}
			if value.Kind == plan.Bool {
				known++
			}
		}
	}
	if known < 1000 {
		t.Errorf("%d values are true or false", known)
	}
}

// row is a row that expressions are computed for, one node after the other.
type row map[string]plan.Value

func (r row) eval(e plan.Expr) plan.Value {
	switch e := e.(type) {
	case plan.Field:
		return r[e.Name]
	case plan.Const:
		return e.V
	case plan.Cmp:
		a, b := r.eval(e.A), r.eval(e.B)
		return plan.BoolValue(plan.Holds(e.Op, &a, &b))
	case plan.And:
		for _, k := range e.X {
			if v := r.eval(k); !v.True() {
				return plan.BoolValue(false)
			}
		}
		return plan.BoolValue(true)
	case plan.Or:
		for _, k := range e.X {
			if v := r.eval(k); v.True() {
				return plan.BoolValue(true)
			}
		}
		return plan.BoolValue(false)
	case plan.Not:
		v := r.eval(e.X)
		return plan.BoolValue(!v.True())
	case plan.In:
		v := r.eval(e.X)
		return plan.BoolValue(plan.InList(&v, e.List))
	case plan.Present:
		return plan.BoolValue(r.eval(e.X).Kind != plan.Null)
	case plan.Contains:
		v := r.eval(e.X)
		return plan.BoolValue(plan.HasText(&v) && strings.Contains(string(v.AppendText(nil)), e.Sub))
	case plan.Match:
		v := r.eval(e.X)
		return plan.BoolValue(plan.HasText(&v) && e.Re.Match(v.AppendText(nil)))
	case plan.Arith:
		a, b := r.eval(e.A), r.eval(e.B)
		return plan.Arithmetic(e.Op, &a, &b)
	case plan.Call:
		args := make([]plan.Value, len(e.Args))
		for i, k := range e.Args {
			args[i] = r.eval(k)
		}
		eval, err := e.Bound()
		if err != nil {
			panic(err)
		}
		return eval(args, &plan.Arena{})
	}
	panic(fmt.Sprintf("no value of %T", e))
}
