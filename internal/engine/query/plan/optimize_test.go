package plan_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

var update = flag.Bool("update", false, "write the golden files anew")

func steps(s ...plan.Step) []plan.Step { return s }

func named(e plan.Expr, as string) plan.Named { return plan.Named{Expr: e, As: as} }

func where(e plan.Expr) plan.Step { return plan.Filter{Cond: e} }

func gt(a, b plan.Expr) plan.Expr { return plan.Cmp{Op: plan.Gt, A: a, B: b} }

var rows = plan.Agg{Func: plan.Count, As: "n"}

// TestExplain compares plans with testdata/explain.txt, so that a lost rule fails.
func TestExplain(t *testing.T) {
	var b strings.Builder
	for _, c := range []struct {
		name  string
		steps []plan.Step
	}{
		{"two fields", steps(where(plan.And{X: []plan.Expr{match(f(plan.Message), "time(out|d)"), eq(plan.Str("ERROR"), f("level")), gt(f("ms"), plan.Num(250))}}),
			plan.Stats{Aggs: []plan.Agg{rows}})},
		{"time range", steps(where(plan.And{X: []plan.Expr{gt(f(plan.Timestamp), plan.Num(1000.5)), plan.Cmp{Op: plan.Le, A: f(plan.Timestamp), B: plan.Num(5000)}}}),
			plan.Stats{By: []plan.Named{named(plan.Bin{X: f(plan.Timestamp), Every: 60_000}, "bin(1m)")}, Aggs: []plan.Agg{rows}})},
		{"streams", steps(where(plan.In{X: f(plan.LogStream), List: []plan.Value{plan.NumberValue(7), plan.NumberValue(3)}}), plan.Limit{N: 5})},
		{"aliases", steps(plan.Extend{Cols: []plan.Named{named(plan.Arith{Op: '/', A: f("ms"), B: plan.Num(1000)}, "s"), named(plan.Arith{Op: '*', A: f("s"), B: plan.Num(2)}, "t")}},
			where(gt(f("t"), plan.Arith{Op: '+', A: plan.Num(1), B: plan.Num(2)})), plan.Project{Cols: []plan.Named{named(f("t"), "t")}},
			plan.Sort{Keys: []plan.SortKey{{Expr: f("t"), Desc: true}}}, plan.Limit{N: 20})},
		{"limit into sort", steps(plan.Sort{Keys: []plan.SortKey{{Expr: f(plan.Timestamp), Desc: true}}, Limit: 100}, plan.Extend{Cols: []plan.Named{named(f("a"), "b")}}, plan.Limit{N: 7})},
		{"having", steps(plan.Stats{By: []plan.Named{named(f("path"), "path")}, Aggs: []plan.Agg{rows, {Func: plan.Pct, P: 99, Arg: f("ms"), As: "p99"}}},
			where(gt(f("n"), plan.Num(3))), plan.Sort{Keys: []plan.SortKey{{Expr: f("n"), Desc: true}}, Limit: 10})},
		{"de morgan", steps(where(plan.Not{X: plan.Or{X: []plan.Expr{plan.Present{X: f("a")}, plan.Not{X: eq(f("b"), plan.Str("x"))}}}}), plan.Stats{Aggs: []plan.Agg{rows}})},
		{"never", steps(where(eq(f("a"), plan.Const{})), plan.Stats{Aggs: []plan.Agg{rows}})},
		{"in of one", steps(where(plan.In{X: f("a"), List: []plan.Value{plan.TextValue("x")}}), plan.Stats{Aggs: []plan.Agg{rows}})},
		{"parts of a text", steps(plan.Extend{Cols: []plan.Named{named(part(0), "user"), named(part(1), "ms")}}, where(gt(f("ms"), plan.Num(5))),
			plan.Stats{By: []plan.Named{named(f("user"), "user")}, Aggs: []plan.Agg{rows, {Func: plan.TopK, P: 3, Arg: f("ms"), As: "t"}}})},
		{"parts that may be absent", steps(where(plan.Not{X: plan.Present{X: part(0)}}), plan.Stats{Aggs: []plan.Agg{rows}})},
		{"rows together", steps(plan.Extend{Cols: []plan.Named{named(f("a.b"), "x")}}, plan.Unnest{X: f("tags"), As: "tag"}, where(eq(f("tag"), plan.Str("red"))),
			plan.Dedup{Keys: []plan.Expr{f("x"), f("tag")}, N: 1}, plan.Transform{Name: "number rows", Reads: []string{"x"}, All: true, Events: true,
				Columns: func(in []string) []string { return append(in, "r") }, Apply: func(context.Context, *plan.Rows) (*plan.Rows, error) { return nil, nil }},
			plan.Limit{N: 7})},
		{"sort and dedup", steps(plan.Sort{Keys: []plan.SortKey{{Expr: f("ms"), Desc: true}}}, plan.Extend{Cols: []plan.Named{named(f("user"), "u")}},
			where(gt(f("ms"), plan.Num(5))), plan.Dedup{Keys: []plan.Expr{f("u")}, N: 2, Null: plan.DropNull}, plan.Limit{N: 20})},
		{"sort and stats", steps(plan.Sort{Keys: []plan.SortKey{{Expr: f("ms"), Desc: true}}}, where(gt(f("ms"), plan.Num(5))), plan.Stats{By: []plan.Named{named(f("user"), "user")}, Aggs: []plan.Agg{rows}})},
		{"elements of elements", steps(plan.Unnest{X: f("a"), As: "x"}, plan.Unnest{X: f("x"), As: "x"}, where(gt(f("ms"), plan.Num(5))),
			where(gt(f("x"), plan.Num(7))), plan.Stats{Aggs: []plan.Agg{rows}})},
		{"patterns", steps(where(eq(f("level"), plan.Str("ERROR"))), plan.Cluster{X: f(plan.Message)}, plan.Sort{Keys: []plan.SortKey{{Expr: f("@sampleCount")}}, Limit: 20})},
		{"closed names", steps(plan.Project{Cols: []plan.Named{named(f("a"), "x")}}, where(eq(f("a"), plan.Str("gone"))), plan.Limit{N: 1})},
	} {
		q, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, Start: 0, End: 1 << 40}, Steps: c.steps})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		b.WriteString("# " + c.name + "\n" + q.Explain() + "\n")
	}
	golden := filepath.Join("testdata", "explain.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func part(n int) plan.Expr {
	by := &plan.Extractor{Name: "glob \"user=* took * ms\"", Parts: 2, Literals: []string{"user=", " took ", " ms"},
		New: func() func([]byte, [][]byte) bool { return func([]byte, [][]byte) bool { return false } }}
	return plan.Extract{X: f(plan.Message), By: by, Part: n}
}

func TestRefusesBadPlans(t *testing.T) {
	deep := plan.Expr(f("a"))
	for range plan.MaxDepth {
		deep = plan.Not{X: deep}
	}
	double := []plan.Named{named(plan.Arith{Op: '+', A: f("a"), B: f("a")}, "a")}
	growing := plan.Extend{}
	for range 20 {
		growing.Cols = append(growing.Cols, double...)
	}
	for name, s := range map[string]plan.Step{
		"no condition":   plan.Filter{},
		"too deep":       where(deep),
		"grows":          growing,
		"negative limit": plan.Limit{N: -1},
		"nothing":        plan.Stats{},
		"no argument":    plan.Stats{Aggs: []plan.Agg{{Func: plan.Sum, As: "s"}}},
		"percentile":     plan.Stats{Aggs: []plan.Agg{{Func: plan.Pct, P: 101, Arg: f("a")}}},
		"aggregate":      plan.Stats{Aggs: []plan.Agg{{Func: 99, Arg: f("a")}}},
		"top of none":    plan.Stats{Aggs: []plan.Agg{{Func: plan.TopK, Arg: f("a")}}},
		"top of many":    plan.Stats{Aggs: []plan.Agg{{Func: plan.TopK, P: plan.MaxTopK + 1, Arg: f("a")}}},
		"unnest":         plan.Unnest{X: f("a")},
		"dedup":          plan.Dedup{N: 1},
		"dedup of none":  plan.Dedup{Keys: []plan.Expr{f("a")}},
		"transform":      plan.Transform{Name: "x"},
		"bin":            where(plan.Bin{X: f("a")}),
		"operator":       where(plan.Arith{Op: '!', A: f("a"), B: f("b")}),
		"no function":    where(plan.Call{}),
		"argument count": where(plan.Call{Func: function.Insights("abs")}),
		"no pattern":     where(plan.Match{X: f("a")}),
		"no name":        where(f("")),
		"own name":       where(f("\x001:a")),
		"long constant":  where(plan.Contains{X: f("a"), Sub: strings.Repeat("x", plan.MaxText+1)}),
		"long list":      where(plan.In{X: f("a"), List: make([]plan.Value, plan.MaxNodes+1)}),
		"many items":     plan.Sort{Keys: make([]plan.SortKey, plan.MaxItems+1)},
	} {
		if _, err := plan.Optimize(&plan.Plan{Steps: []plan.Step{s}}); !errors.Is(err, plan.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := plan.Optimize(&plan.Plan{Steps: make([]plan.Step, plan.MaxSteps+1)}); !errors.Is(err, plan.ErrInvalid) {
		t.Errorf("too many steps: %v", err)
	}
	if _, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Start: 2, End: 1}}); !errors.Is(err, plan.ErrInvalid) {
		t.Errorf("range: %v", err)
	}
	ok := plan.Expr(f("a"))
	for range plan.MaxDepth - 1 {
		ok = plan.Not{X: ok}
	}
	if _, err := plan.Optimize(&plan.Plan{Steps: steps(where(ok))}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}
