package sqlexpr

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// SetOf combines rows that have the columns names with the rows of another query:
// op is "union", "intersect" or "except". Values are told apart by their texts.
func SetOf(op string, all bool, names []string, right *plan.Rows) plan.Transform {
	text := op
	if all {
		text += " all"
	}
	s := setRun{op, all, names, right}
	return plan.Transform{
		Name: text, Reads: slices.Clone(names), Apply: s.apply,
		Columns: func([]string) []string { return names },
	}
}

type setRun struct {
	op    string
	all   bool
	names []string
	right *plan.Rows
}

func (s setRun) apply(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
	m := &memory{ctx: ctx, in: in}
	left := m.columns(s.names)
	var rows []int // of the left side, or len and more of the right side
	counts := map[string]int{}
	var key []byte
	if s.op != "union" {
		for r := range s.right.Len {
			key, _ = appendKey(key[:0], s.right.Cols, r)
			counts[string(key)]++
			if err := m.steps(1); err != nil {
				return nil, err
			}
		}
	}
	seen := map[string]bool{}
	for r := range in.Len {
		if err := m.steps(1); err != nil {
			return nil, err
		}
		key, _ = appendKey(key[:0], left, r)
		if !s.all {
			if seen[string(key)] {
				continue
			}
			if err := m.grow(len(key) + 64); err != nil {
				return nil, err
			}
			seen[string(key)] = true
		}
		n := counts[string(key)]
		if s.all && n > 0 {
			counts[string(key)] = n - 1
		}
		if s.op == "union" || (n > 0) == (s.op == "intersect") {
			rows = append(rows, r)
		}
	}
	if s.op == "union" {
		for r := range s.right.Len {
			if err := m.steps(1); err != nil {
				return nil, err
			}
			if key, _ = appendKey(key[:0], s.right.Cols, r); !s.all {
				if seen[string(key)] {
					continue
				}
				seen[string(key)] = true
			}
			rows = append(rows, in.Len+r)
		}
	}
	out := &plan.Rows{Names: s.names, Cols: make([][]plan.Value, len(s.names)), Len: len(rows)}
	for c := range out.Cols {
		col, err := m.column(len(rows))
		if err != nil {
			return nil, err
		}
		for i, r := range rows {
			if r < in.Len {
				col[i] = left[c][r]
			} else {
				col[i] = s.right.Cols[c][r-in.Len]
			}
		}
		out.Cols[c] = col
	}
	return out, nil
}
