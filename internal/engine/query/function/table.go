package function

import (
	"maps"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Insights returns the function that Logs Insights calls by a name, whose case
// does not matter; nil when there is none.
func Insights(name string) *plan.Function { return insights[strings.ToLower(name)] }

// InsightsNames returns the names of all functions of Logs Insights, sorted.
func InsightsNames() []string { return slices.Sorted(maps.Keys(insights)) }

var insights = table(numbers, texts, general, dates)

// table puts families of functions together.
func table(families ...[]*plan.Function) map[string]*plan.Function {
	t := map[string]*plan.Function{}
	for _, fs := range families {
		for _, f := range fs {
			t[f.Name] = f
		}
	}
	return t
}

// fixed makes a function of n arguments.
func fixed(name string, n int, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: n, Max: n, Eval: eval}
}

// anyNumber makes a function of one or more arguments; absent says that Null ones do not make it Null.
func anyNumber(name string, absent bool, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: plan.MaxArgs, Eval: eval, Absent: absent}
}

// predicate makes a function of n arguments whose result is 1 or 0, whatever they are.
func predicate(name string, n int, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: n, Max: n, Eval: eval, Predicate: true, Absent: true}
}

// textOf returns the text of a value, made in the arena if need be; ok is false
// for Null and lists.
func textOf(v *plan.Value, a *plan.Arena) (t []byte, ok bool) {
	switch v.Kind {
	case plan.Null, plan.List:
		return nil, false
	case plan.Number, plan.Time:
		from := len(a.Bytes)
		a.Bytes = v.AppendText(a.Bytes)
		return a.Text(from), true
	}
	return v.Text, true
}
