package transform_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/transform"
)

const scores = `k n
	a 3
	b 1
	a 1
	a 3
	a -
	b 2`

// window checks the column that a function over windows of scores makes.
func window(t *testing.T, x transform.Window, want string) {
	t.Helper()
	x.As = "r"
	s, err := transform.Windows([]transform.Window{x})
	lines := strings.Split(scores, "\n")
	for i, r := range append([]string{"r"}, strings.Fields(want)...) {
		lines[i] += " " + r
	}
	apply(t, s, err, scores, strings.Join(lines, "\n"))
}

func TestWindowRanks(t *testing.T) {
	by := transform.Window{PartitionBy: []string{"k"}, OrderBy: []transform.Key{{Field: "n"}}}
	check := func(f transform.WindowFunc, want string) {
		t.Helper()
		x := by
		x.Func = f
		window(t, x, want)
	}
	// In the order of n the rows of a are null, 1, 3 and 3.
	check(transform.RowNumber, "3 1 2 4 1 2")
	check(transform.Rank, "3 1 2 3 1 2")
	check(transform.DenseRank, "3 1 2 3 1 2")
	check(transform.PercentRank, "0.6666666666666666 0 0.3333333333333333 0.6666666666666666 0 1")
	check(transform.CumeDist, "1 0.5 0.5 1 0.25 1")
	window(t, transform.Window{Func: transform.RowNumber}, "1 2 3 4 5 6")
	window(t, transform.Window{Func: transform.Rank}, "1 1 1 1 1 1")
	window(t, transform.Window{Func: transform.RowNumber, OrderBy: []transform.Key{{Field: "n", Desc: true}}}, "1 4 5 2 6 3")
	window(t, transform.Window{Func: transform.RowNumber, OrderBy: []transform.Key{{Field: "n", NullsLast: true}}}, "4 1 2 5 6 3")
	window(t, transform.Window{Func: transform.DenseRank, OrderBy: []transform.Key{{Field: "n", Desc: true}}}, "1 3 3 1 4 2")
	window(t, transform.Window{Func: transform.Ntile, N: 4}, "1 1 2 2 3 4")
	window(t, transform.Window{Func: transform.Ntile, N: 10}, "1 2 3 4 5 6")
	window(t, transform.Window{Func: transform.PercentRank, PartitionBy: []string{"k", "n"}}, "0 0 0 0 0 0")
}

func TestWindowOffsets(t *testing.T) {
	window(t, transform.Window{Func: transform.Lag, Field: "n"}, "- 3 1 1 3 -")
	window(t, transform.Window{Func: transform.Lead, Field: "n", N: 2, Default: plan.TextValue("end")}, "1 3 - 2 end end")
	window(t, transform.Window{Func: transform.Lag, Field: "n", N: -1}, "1 1 3 - 2 -")
	window(t, transform.Window{Func: transform.Lag, Field: "n", PartitionBy: []string{"k"}}, "- - 3 1 3 1")
	window(t, transform.Window{Func: transform.FirstValue, Field: "n"}, "3 3 3 3 3 3")
	window(t, transform.Window{Func: transform.LastValue, Field: "k"}, "b b b b b b")
	window(t, transform.Window{Func: transform.LastValue, Field: "n", OrderBy: []transform.Key{{Field: "n"}}}, "3 1 1 3 - 2")
	window(t, transform.Window{Func: transform.FirstValue, Field: "n", OrderBy: []transform.Key{{Field: "n"}}}, "- - - - - -")
	window(t, transform.Window{Func: transform.FirstValue, Field: "n", IgnoreNulls: true, OrderBy: []transform.Key{{Field: "n"}}}, "1 1 1 1 - 1")
	window(t, transform.Window{Func: transform.LastValue, Field: "n", IgnoreNulls: true, PartitionBy: []string{"k"}}, "3 2 3 3 3 2")
	window(t, transform.Window{Func: transform.NthValue, Field: "n", N: 2}, "1 1 1 1 1 1")
	window(t, transform.Window{Func: transform.NthValue, Field: "n", N: 7}, "- - - - - -")
	window(t, transform.Window{Func: transform.NthValue, Field: "n", N: 5, IgnoreNulls: true}, "2 2 2 2 2 2")
}

func TestWindowAggregates(t *testing.T) {
	sum := transform.Aggregate{Func: plan.Sum, Field: "n"}
	order := []transform.Key{{Field: "n"}}
	rows := func(from, to transform.Edge) *transform.Frame { return &transform.Frame{From: from, To: to} }
	at := func(n int) transform.Edge { return transform.Edge{Offset: n} }
	all := transform.Edge{Unbounded: true}
	window(t, transform.Window{Agg: sum}, "10 10 10 10 10 10")
	window(t, transform.Window{Agg: sum, PartitionBy: []string{"k"}}, "7 3 7 7 7 3")
	// Null, 1, 1, 2, 3, 3; equal rows count together.
	window(t, transform.Window{Agg: sum, OrderBy: order}, "10 2 2 10 - 4")
	window(t, transform.Window{Agg: sum, OrderBy: order, PartitionBy: []string{"k"}}, "7 1 1 7 - 3")
	window(t, transform.Window{Agg: transform.Aggregate{Func: plan.Count}, OrderBy: order}, "6 3 3 6 1 4")
	window(t, transform.Window{Agg: sum, Frame: rows(all, at(0))}, "3 4 5 8 8 10")
	window(t, transform.Window{Agg: sum, Frame: rows(at(-1), at(1))}, "4 5 5 4 5 2")
	window(t, transform.Window{Agg: sum, Frame: rows(at(0), all)}, "10 7 6 5 2 2")
	window(t, transform.Window{Agg: sum, Frame: rows(at(1), at(2))}, "2 4 3 2 2 -")
	window(t, transform.Window{Agg: sum, Frame: rows(at(-9), at(-5))}, "- - - - - 3")
	window(t, transform.Window{Agg: sum, OrderBy: order, Frame: &transform.Frame{Range: true, From: at(0), To: at(0)}}, "6 2 2 6 - 2")
	window(t, transform.Window{Agg: sum, OrderBy: order, Frame: &transform.Frame{Range: true, From: at(0), To: all}}, "6 10 10 6 10 8")
	window(t, transform.Window{Agg: transform.Aggregate{Func: plan.Max, Field: "n"}, Frame: rows(at(-1), at(0))}, "3 3 1 3 3 2")
	window(t, transform.Window{Agg: transform.Aggregate{Func: plan.CountDistinct, Field: "n"}, Frame: rows(at(-2), at(0))}, "1 2 2 2 2 2")
}

func TestWindowRefused(t *testing.T) {
	check := func(what string, x transform.Window) {
		t.Helper()
		_, err := transform.Windows([]transform.Window{x})
		refused(t, what, err)
	}
	_, err := transform.Windows(nil)
	refused(t, "nothing", err)
	check("no name", transform.Window{Func: transform.Rank})
	check("unknown", transform.Window{Func: 99, As: "r"})
	check("no field", transform.Window{Func: transform.Lag, As: "r"})
	check("far", transform.Window{Func: transform.Lag, Field: "a", N: transform.MaxLag + 1, As: "r"})
	check("no parts", transform.Window{Func: transform.Ntile, As: "r"})
	check("no number", transform.Window{Func: transform.NthValue, Field: "a", As: "r"})
	check("no aggregate", transform.Window{Agg: transform.Aggregate{Func: plan.Sum}, As: "r"})
	check("partition", transform.Window{Func: transform.Rank, PartitionBy: []string{""}, As: "r"})
	check("frame", transform.Window{Func: transform.FirstValue, Field: "a", As: "r", Frame: &transform.Frame{From: transform.Edge{Offset: -transform.MaxLag - 1}}})
	check("range", transform.Window{Func: transform.FirstValue, Field: "a", As: "r", Frame: &transform.Frame{Range: true, From: transform.Edge{Offset: -1}}})
}
