package function_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func TestSearchable(t *testing.T) {
	m := plan.Field{Name: plan.Message}
	check := func(want, name string, args ...plan.Expr) {
		t.Helper()
		if got := function.Searchable(plan.Call{Func: function.Insights(name), Args: args}).String(); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
	check(`(@message contains "x")`, "strcontains", m, plan.Str("x"))
	check(`(@message contains "5")`, "strcontains", m, plan.Num(5), plan.Const{})
	check(`strcontains(@message, "x", 1)`, "strcontains", m, plan.Str("x"), plan.Num(1))
	check(`strcontains(@message, "x", f)`, "strcontains", m, plan.Str("x"), plan.Field{Name: "f"})
	check(`strcontains(@message, f)`, "strcontains", m, plan.Field{Name: "f"})
	check(`strcontains(@message, null)`, "strcontains", m, plan.Const{})
	check(`((@message contains "x") and startswith(@message, "x"))`, "startsWith", m, plan.Str("x"))
	check(`((@message contains "x") and endswith(@message, "x"))`, "endsWith", m, plan.Str("x"))
	check(`strlen(@message)`, "strlen", m)
	check(`trim(@message, "x")`, "trim", m, plan.Str("x"))
}
