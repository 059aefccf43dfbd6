package transform

import (
	"cmp"
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Key is a column by which rows are ordered.
type Key struct {
	Field string
	Desc  bool

	// NullsLast puts Nulls after everything else, whatever the direction;
	// otherwise Null is the least value.
	NullsLast bool
}

// ordering compares rows by keys.
type ordering struct {
	keys []Key
	cols [][]plan.Value
}

func (w *work) ordering(keys []Key) (ordering, error) {
	o := ordering{keys: keys}
	for _, k := range keys {
		c, err := w.source(k.Field)
		if err != nil {
			return o, err
		}
		o.cols = append(o.cols, c)
	}
	return o, nil
}

func (o ordering) compare(a, b int) int {
	for i, k := range o.keys {
		x, y := &o.cols[i][a], &o.cols[i][b]
		if k.NullsLast && (x.Kind == plan.Null) != (y.Kind == plan.Null) {
			if x.Kind == plan.Null {
				return 1
			}
			return -1
		}
		if c := plan.Order(x, y); c != 0 {
			if k.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// sort orders indexes by compare, equal ones by their value. It looks at the
// context while it does.
func (w *work) sort(x []int, compare func(a, b int) int) (err error) {
	slices.SortFunc(x, func(a, b int) int {
		if err != nil {
			return 0
		}
		if w.done++; w.done%every == 0 {
			err = context.Cause(w.ctx)
		}
		return cmp.Or(compare(a, b), cmp.Compare(a, b))
	})
	return err
}

// groups returns the number of the group of each row, counted from 0 in the order
// in which the groups come, and how many there are. Rows are of the same group
// when all of cols are equal.
func (w *work) groups(cols [][]plan.Value) (of []int, n int, err error) {
	if of, err = w.indexes(w.in.Len); err != nil {
		return nil, 0, err
	}
	if len(cols) == 0 {
		clear(of)
		return of, min(1, len(of)), nil
	}
	known := map[string]int{}
	var buf []byte
	for i := range of {
		buf = buf[:0]
		for _, c := range cols {
			buf = plan.AppendKey(buf, &c[i])
		}
		g, ok := known[string(buf)]
		if !ok {
			if err := w.grow(keyBytes + len(buf)); err != nil {
				return nil, 0, err
			}
			g = len(known)
			known[string(buf)] = g
		}
		of[i] = g
		if err := w.step(); err != nil {
			return nil, 0, err
		}
	}
	return of, len(known), nil
}

// sources returns the columns of these names.
func (w *work) sources(names []string) ([][]plan.Value, error) {
	cols := make([][]plan.Value, len(names))
	for i, n := range names {
		c, err := w.source(n)
		if err != nil {
			return nil, err
		}
		cols[i] = c
	}
	return cols, nil
}
