package querytest

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func (g *Generator) list() plan.Expr {
	if name := pick(g.Rand, "mix", "tags", "tags"); slices.Contains(g.names, name) && g.Rand.IntN(3) > 0 {
		return field(name)
	}
	if g.Rand.IntN(3) == 0 {
		return plan.Const{V: plan.Value{Kind: plan.List, Text: []byte(pick(g.Rand, "[]", ` [ "a\n" , {"b":[1,2]},null,7 ]`, `["x"]`, "{}"))}}
	}
	return g.scalar(1)
}

func (g *Generator) dedup() plan.Dedup {
	d := plan.Dedup{N: pick(g.Rand, 1, 1, 2, 5), Null: plan.DedupNull(g.Rand.IntN(3))}
	for range 1 + g.Rand.IntN(2) {
		d.Keys = append(d.Keys, pick(g.Rand, g.field(), g.scalar(1)))
	}
	return d
}

// transform returns a step that numbers every second row by its position, last
// row first, or one that keeps two columns and is no longer about events.
func (g *Generator) transform() plan.Transform {
	x := pick(g.Rand, g.names...)
	s := plan.Transform{Name: "every second of " + x, Reads: []string{x}, All: g.Rand.IntN(2) == 0, Events: g.Rand.IntN(2) == 0}
	s.Columns = func(in []string) []string {
		if !s.Events {
			return []string{"r", x}
		}
		return append(slices.DeleteFunc(slices.Clone(in), func(n string) bool { return n == "r" }), "r")
	}
	s.Apply = func(_ context.Context, in *plan.Rows) (*plan.Rows, error) {
		out := &plan.Rows{Names: s.Columns(in.Names)}
		for i := in.Len - 1; i >= 0; i -= 2 {
			out.From = append(out.From, i)
		}
		out.Len = len(out.From)
		for _, n := range out.Names {
			col := make([]plan.Value, 0, out.Len)
			for _, i := range out.From {
				v := plan.NumberValue(float64(i))
				if n != "r" {
					v = in.Column(n)[i]
				}
				col = append(col, v)
			}
			out.Cols = append(out.Cols, col)
		}
		return out, in.Grow(1)
	}
	return s
}
