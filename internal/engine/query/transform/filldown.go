package transform

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// FillDown replaces Nulls by the last value above them that is present, in the
// columns that fields name: names, in which * stands for any text. Without
// fields it fills every column. A name without * that no column has is ignored,
// since an absent field is a column of Nulls.
func FillDown(fields []string) (plan.Transform, error) {
	if err := checkNames("filldown", fields...); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{Name: "filldown", All: true, Columns: keep(), Events: true}
	if len(fields) > 0 {
		t.Name += " " + strings.Join(fields, ", ")
		if !slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(f, "*") }) {
			t.Reads, t.All = fields, false
		}
	}
	return made(t, func(w *work) (*plan.Rows, error) {
		out, err := w.same()
		if err != nil {
			return nil, err
		}
		for i, name := range out.Names {
			if len(fields) > 0 && !slices.ContainsFunc(fields, func(f string) bool { return wildcard(f, name) }) {
				continue
			}
			col, err := w.column(out.Len)
			if err != nil {
				return nil, err
			}
			copy(col, out.Cols[i])
			for k := 1; k < len(col); k++ {
				if col[k].Kind == plan.Null {
					col[k] = col[k-1]
				}
				if err := w.step(); err != nil {
					return nil, err
				}
			}
			out.Cols[i] = col
		}
		return out, nil
	}), nil
}

// wildcard reports whether name is what pattern describes, * being any text.
func wildcard(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, rest)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], more
	}
}
