package exec

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// TestMemoryOfExpressions: what evaluation needs grows with the depth of an expression, not with its size, and
// the arguments of aggregates share their memory.
func TestMemoryOfExpressions(t *testing.T) {
	const n = 1000
	in := &table{names: []string{"a"}, cols: [][]plan.Value{make([]plan.Value, batch)}, n: batch, q: &quota{limit: 1 << 30}}
	for i := range in.cols[0] {
		in.cols[0][i] = plan.NumberValue(float64(i))
	}
	s := newScratch(&pace{ctx: context.Background()}, in.q)
	var some plan.Or
	var all plan.And
	for i := range n {
		x := plan.Cmp{Op: plan.Eq, A: plan.Field{Name: "a"}, B: plan.Num(float64(2 * i))}
		some.X, all.X = append(some.X, x), append(all.X, plan.Not{X: x})
	}
	for _, e := range []plan.Expr{some, all, plan.Or{X: []plan.Expr{all, some}}} {
		c := in.compiler()
		out := make([]plan.Value, batch)
		if err := c.compile(e).eval(in, s.seq[:batch], out, &s.arena, s.pace); err != nil {
			t.Fatal(err)
		}
		if k := len(c.lent.all); k > 10 || c.lent.used != 0 {
			t.Errorf("%.20s: %d operands, %d in use", e, k, c.lent.used)
		}
		for i := range out {
			even := i%2 == 0
			if _, both := e.(plan.Or); !both && even == out[i].True() {
				t.Fatalf("%.20s: %d is %v", e, i, out[i].True())
			}
		}
	}

	step := plan.Stats{}
	for i := range 50 {
		arg := plan.Arith{Op: '+', A: plan.Field{Name: "a"}, B: plan.Num(float64(i))}
		for _, f := range []plan.AggFunc{plan.Sum, plan.Count, plan.Max} {
			step.Aggs = append(step.Aggs, plan.Agg{Func: f, Arg: arg, As: fmt.Sprint(f, i)})
		}
	}
	out, err := in.stats(step, s)
	if err != nil {
		t.Fatal(err)
	}
	var got, want strings.Builder
	for i := range 50 {
		fmt.Fprintln(&want, batch*(batch-1)/2+batch*i, batch, batch-1+i)
		for k := range 3 {
			text := out.cols[3*i+k][0].AppendText(nil)
			fmt.Fprint(&got, string(text), map[bool]string{true: "\n", false: " "}[k == 2])
		}
	}
	if got.String() != want.String() {
		t.Errorf("got %s\nwant %s", got.String(), want.String())
	}
}
