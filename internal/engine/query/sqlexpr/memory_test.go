package sqlexpr

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// randomRows makes n rows of the columns k, o and v.
func randomRows(rng *rand.Rand, n int) *plan.Rows {
	in := &plan.Rows{Names: []string{"k", "o", "v"}, Cols: make([][]plan.Value, 3), Len: n}
	for range n {
		v := plan.NumberValue(float64(rng.IntN(20)))
		switch rng.IntN(6) {
		case 0:
			v = plan.Value{}
		case 1:
			v = plan.TextValue("t")
		}
		in.Cols[0] = append(in.Cols[0], plan.NumberValue(float64(rng.IntN(3))))
		in.Cols[1] = append(in.Cols[1], plan.NumberValue(float64(rng.IntN(10))))
		in.Cols[2] = append(in.Cols[2], v)
	}
	return in
}

// TestRunningAggregates compares aggregates that grow with ones computed anew.
func TestRunningAggregates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		in := randomRows(rng, 1+rng.IntN(40))
		for fn := range runs {
			item := windowItem{fn: fn, args: []string{"v"}, by: []string{"k"}, order: []windowKey{{column: "o"}}, frame: Frame{Hi: Edge{Kind: Current}}, as: "w"}
			out, err := windowRun{[]windowItem{item}}.apply(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			for r := range in.Len {
				var rows []int
				for s := range in.Len {
					if in.Cols[0][s].Num == in.Cols[0][r].Num && in.Cols[1][s].Num <= in.Cols[1][r].Num {
						rows = append(rows, s)
					}
				}
				want := compute(fn, in.Cols[2:], 0, rows)
				if got := out.Column("w")[r]; got.Kind != want.Kind || string(got.AppendText(nil)) != string(want.AppendText(nil)) {
					t.Fatalf("%s of row %d: %s, want %s", fn, r, got.AppendText(nil), want.AppendText(nil))
				}
			}
		}
	}
}

// transforms are one of each kind, over the columns of randomRows.
func transforms() map[string]plan.Transform {
	g := &Grouping{Keys: []GroupKey{{Plan: plan.Field{Name: "k"}}}, aggs: []agg{{aggregate: aggregates["mode"], args: []plan.Expr{plan.Field{Name: "v"}}, as: "m"}}}
	group := g.Steps()[1].(plan.Transform)
	inner := group.Apply
	group.Apply = func(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
		return inner(ctx, &plan.Rows{Names: group.Reads, Cols: [][]plan.Value{in.Cols[0], in.Cols[2]}, Len: in.Len, Grow: in.Grow})
	}
	right := randomRows(rand.New(rand.NewPCG(9, 9)), 10)
	return map[string]plan.Transform{
		"group":  group,
		"offset": Offset(3),
		"union":  SetOf("union", false, []string{"k", "o", "v"}, right),
		"except": SetOf("except", true, []string{"k", "o", "v"}, right),
		"window": windows([]windowItem{{fn: "list", args: []string{"v"}, by: []string{"k"}, frame: Frame{Hi: Edge{Kind: Last}}, as: "w"}}, []string{"v", "k"}),
	}
}

func TestTransformsAreBounded(t *testing.T) {
	errFull, errStop := errors.New("full"), errors.New("stop")
	for name, s := range transforms() {
		in := randomRows(rand.New(rand.NewPCG(1, 1)), 20_000)
		before := in.Cols[2][7]
		asked := 0
		in.Grow = func(n int) error { asked += n; return nil }
		out, err := s.Apply(context.Background(), in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, c := range out.Cols {
			if len(c) != out.Len {
				t.Errorf("%s: column %s has %d values, not %d", name, out.Names[i], len(c), out.Len)
			}
		}
		if d := cmp.Diff(before, in.Cols[2][7]); d != "" {
			t.Errorf("%s changes what it gets", name)
		}
		if asked == 0 {
			t.Errorf("%s asks for no memory", name)
		}
		in.Grow = func(int) error { return errFull }
		if _, err := s.Apply(context.Background(), in); !errors.Is(err, errFull) {
			t.Errorf("%s without memory: %v", name, err)
		}
		in.Grow = nil
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errStop)
		if _, err := s.Apply(ctx, in); !errors.Is(err, errStop) {
			t.Errorf("%s when stopped: %v", name, err)
		}
	}
}
