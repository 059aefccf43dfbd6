package function_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// call computes a call; its arguments are constants of Go or values.
func call(t *testing.T, name string, args ...any) string {
	t.Helper()
	f := function.Insights(name)
	if f == nil {
		t.Fatalf("there is no function %s", name)
	}
	if len(args) < f.Min || len(args) > f.Max {
		t.Fatalf("%s takes %s", name, f.Arity())
	}
	exprs := make([]plan.Expr, len(args))
	vals := make([]plan.Value, len(args))
	for i, x := range args {
		switch x := x.(type) {
		case nil:
		case int:
			vals[i] = plan.NumberValue(float64(x))
		case float64:
			vals[i] = plan.NumberValue(x)
		case string:
			vals[i] = plan.TextValue(x)
		case plan.Value:
			vals[i] = x
		}
		exprs[i] = plan.Const{V: vals[i]}
	}
	eval, err := plan.Call{Func: f, Args: exprs}.Bound()
	if err != nil {
		return "error: " + err.Error()
	}
	v := eval(vals, &plan.Arena{})
	if v.Kind == plan.Null {
		return "null"
	}
	return string(v.AppendText(nil))
}

func TestFunctions(t *testing.T) {
	check := func(want, name string, args ...any) {
		t.Helper()
		if got := call(t, name, args...); got != want {
			t.Errorf("%s(%v) = %q, want %q", name, args, got, want)
		}
	}
	check("2.5", "abs", -2.5)
	check("null", "abs", "x")
	check("2", "ceil", 1.2)
	check("0", "ceil", -0.5)
	check("-2", "floor", -1.2)
	check("3", "sqrt", 9)
	check("null", "sqrt", -1)
	check("0", "log", 1)
	check("3", "strlen", "añb")
	check("AÉ", "toUpper", "aé")
	check("ab", "tolower", "AB")
	check("5", "coalesce", nil, 5)
	check("a1", "concat", "a", 1, nil)
	check("1", "isempty", "")
	check("0", "isempty", " ")
	check("1", "isblank", " ")
	check("1", "isblank", nil)
	check("7", "greatest", 1, 7, 3)
	check("0.5", "least", 1, "0.5")
	check("null", "least", 1, "x")
	check("5", "tomillis", plan.Value{Kind: plan.Time, Num: 5})
	check("5", "frommillis", 5.5)
	if n := len(call(t, "concat", strings.Repeat("x", plan.MaxMade), "y")); n != plan.MaxMade {
		t.Errorf("concat makes %d bytes", n)
	}
}

func TestNoFunctionPanicsOnNull(t *testing.T) {
	for _, name := range function.InsightsNames() {
		f := function.Insights(name)
		exprs := make([]plan.Expr, f.Min)
		for i := range exprs {
			exprs[i] = plan.Field{Name: "x"}
		}
		eval, err := plan.Call{Func: f, Args: exprs}.Bound()
		if err == nil {
			eval(make([]plan.Value, f.Min), &plan.Arena{})
		}
	}
	if function.Insights("nope") != nil {
		t.Error("an unknown function")
	}
}
