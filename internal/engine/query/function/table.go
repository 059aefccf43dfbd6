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

var insights = table(numbers, texts, general, dates, jsons, addresses, codes, regexps)

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

// between makes a function of least to most arguments.
func between(name string, least, most int, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: least, Max: most, Eval: eval}
}

// anyNumber makes a function of one or more arguments; absent says that Null ones do not make it Null.
func anyNumber(name string, absent bool, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: plan.MaxArgs, Eval: eval, Absent: absent}
}

// predicate makes a function of n arguments whose result is 1 or 0, whatever they are.
func predicate(name string, n int, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: n, Max: n, Eval: eval, Predicate: true, Absent: true}
}

// binding makes a function that looks at its constants before it computes.
func binding(name string, least, most int, bind func(consts []*plan.Value) (plan.Eval, error)) *plan.Function {
	return &plan.Function{Name: name, Min: least, Max: most, Bind: bind}
}

// absent makes of f one that can give something else than Null for Null.
func absent(f *plan.Function) *plan.Function { f.Absent = true; return f }

// asPredicate makes of f one whose result is 1 or 0 for every row.
func asPredicate(f *plan.Function) *plan.Function {
	f.Predicate, f.Absent = true, true
	return f
}
