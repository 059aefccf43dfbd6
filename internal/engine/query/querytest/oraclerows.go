package querytest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func naiveUnnest(s plan.Unnest, recs []record) (out []record) {
	for _, r := range recs {
		v := r.eval(s.X)
		vals := []plan.Value{v}
		switch v.Kind {
		case plan.Null:
			continue
		case plan.List:
			var list []json.RawMessage
			if json.Unmarshal(v.Text, &list) == nil {
				vals = nil
				for _, t := range list {
					vals = append(vals, written(string(t)))
				}
			}
		}
		for _, v := range vals {
			x := r
			x.cols = append(slices.Clone(r.cols), cell{s.As, v})
			out = append(out, x)
		}
	}
	return out
}

func naiveDedup(s plan.Dedup, recs []record) (out []record) {
	seen := map[string]int{}
	for _, r := range recs {
		key, null := "", false
		for _, k := range s.Keys {
			v := r.eval(k)
			null = null || v.Kind == plan.Null
			key += fmt.Sprintf("%t %t %q,", v.Kind == plan.Null, v.Kind == plan.Time, v.AppendText(nil))
		}
		switch {
		case null && s.Null == plan.DropNull:
		case null && s.Null == plan.KeepNull:
			out = append(out, r)
		default:
			if seen[key]++; seen[key] <= s.N {
				out = append(out, r)
			}
		}
	}
	return out
}

func naiveCluster(s plan.Cluster, recs []record) ([]string, []record) {
	c := cluster.New(cluster.Options{Values: s.Values})
	for _, r := range recs {
		if v := r.eval(s.X); plan.HasText(&v) {
			c.Add(v.AppendText(nil))
		}
	}
	var out []record
	names := s.Columns()
	for _, p := range c.Patterns() {
		out = append(out, record{cols: []cell{{names[0], plan.TextValue(p.Text)}, {names[1], plan.NumberValue(float64(p.Count))},
			{names[2], plan.RatioValue(p.Count, c.Total())}, {names[3], plan.TextValue(p.Severity)}}})
		if s.Values {
			last := &out[len(out)-1]
			last.cols = append(last.cols, cell{names[4], plan.TextValue(cluster.TokensJSON(p.Tokens))})
		}
	}
	return names, out
}

// naiveTransform gives all rows to a Transform.
func naiveTransform(s plan.Transform, names []string, recs []record) ([]string, []record) {
	in := &plan.Rows{Len: len(recs), Grow: func(int) error { return nil }}
	if s.All {
		in.Names = append(in.Names, names...)
	}
	for _, n := range s.Reads {
		if !slices.Contains(in.Names, n) {
			in.Names = append(in.Names, n)
		}
	}
	for _, n := range in.Names {
		var col []plan.Value
		for _, r := range recs {
			col = append(col, r.field(n))
		}
		in.Cols = append(in.Cols, col)
	}
	made, err := s.Apply(context.Background(), in)
	if err != nil {
		panic(err)
	}
	var out []record
	for i := range made.Len {
		var r record
		if s.Events {
			r = recs[made.From[i]]
			r.cols = slices.Clone(r.cols)
			if s.All { // what it leaves out is gone
				for _, n := range in.Names {
					r.cols = append(r.cols, cell{n, plan.Value{}})
				}
			}
		}
		for j, n := range made.Names {
			r.cols = append(r.cols, cell{n, made.Cols[j][i]})
		}
		out = append(out, r)
	}
	if !s.Events || s.All {
		names = nil
	}
	for _, n := range s.Columns(in.Names) {
		if !slices.Contains(names, n) {
			names = append(slices.Clip(names), n)
		}
	}
	return names, out
}
