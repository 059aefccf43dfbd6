package sqlexpr

import (
	"context"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

const valueBytes = int(unsafe.Sizeof(plan.Value{}))

// memory is the run of one transform.
type memory struct {
	ctx  context.Context
	in   *plan.Rows
	done int
}

// steps counts rows of work, and looks at the context now and then.
func (m *memory) steps(n int) error {
	if m.done += n + 1; m.done < 4096 {
		return nil
	}
	m.done = 0
	return context.Cause(m.ctx)
}

func (m *memory) grow(bytes int) error {
	if m.in.Grow == nil {
		return nil
	}
	return m.in.Grow(bytes)
}

// column makes a column of Null.
func (m *memory) column(n int) ([]plan.Value, error) {
	if err := m.grow(n * valueBytes); err != nil {
		return nil, err
	}
	return make([]plan.Value, n), nil
}

// columns returns columns by name; one that is not there is Null in every row.
func (m *memory) columns(names []string) [][]plan.Value {
	out := make([][]plan.Value, len(names))
	for i, n := range names {
		if out[i] = m.in.Column(n); out[i] == nil {
			out[i] = make([]plan.Value, m.in.Len)
		}
	}
	return out
}

// groups returns the rows of each combination of keys, in the order of their first
// rows. Without keys all rows are one group. Values are told apart as by
// plan.AppendKey.
func (m *memory) groups(keys [][]plan.Value, null bool) ([][]int, error) {
	var groups [][]int
	at := map[string]int{}
	var key []byte
	if err := m.grow(m.in.Len * 16); err != nil {
		return nil, err
	}
	for r := range m.in.Len {
		if err := m.steps(1); err != nil {
			return nil, err
		}
		var ok bool
		if key, ok = appendKey(key[:0], keys, r); !ok && !null {
			continue
		}
		g, found := at[string(key)]
		if !found {
			g = len(groups)
			if err := m.grow(len(key) + 64); err != nil {
				return nil, err
			}
			at[string(key)] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], r)
	}
	return groups, nil
}

// appendKey appends what tells the values of a row apart; ok is false when one is Null.
func appendKey(dst []byte, keys [][]plan.Value, r int) (key []byte, ok bool) {
	ok = true
	for _, k := range keys {
		ok = ok && k[r].Kind != plan.Null
		dst = plan.AppendKey(dst, &k[r])
	}
	return dst, ok
}

// take makes the rows that from lists, in this order, with all their columns.
func (m *memory) take(from []int) (*plan.Rows, error) {
	out := &plan.Rows{Names: m.in.Names, Cols: make([][]plan.Value, len(m.in.Cols)), Len: len(from), From: from}
	for i, c := range m.in.Cols {
		to, err := m.column(len(from))
		if err != nil {
			return nil, err
		}
		for k, f := range from {
			to[k] = c[f]
		}
		if err := m.steps(len(from)); err != nil {
			return nil, err
		}
		out.Cols[i] = to
	}
	return out, nil
}
