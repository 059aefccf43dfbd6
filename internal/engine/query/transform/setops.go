package transform

import (
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// SetOp combines two sets of rows.
type SetOp uint8

// The operations.
const (
	Union     SetOp = iota // rows of both
	Intersect              // rows that are in both
	Except                 // rows that are in the first but not in the second
)

var setNames = [...]string{"union", "intersect", "except"}

// Set combines rows with others, column by column: the names are those of the
// first. Values are equal when their texts are; Null is equal to Null. Without
// all each row comes once, where it came first. With all rows count as often as
// they occur: Union keeps all, Intersect the smaller number of the two, Except
// the difference. The first are columns, those that the rows have to have.
func Set(op SetOp, all bool, first []string, others *plan.Rows) (plan.Transform, error) {
	if int(op) >= len(setNames) || others == nil {
		return plan.Transform{}, wrong("there is no set operation %d, or nothing to combine with", op)
	}
	if err := checkNames(setNames[op], first...); err != nil {
		return plan.Transform{}, err
	}
	if len(first) == 0 || len(first) != len(others.Names) {
		return plan.Transform{}, wrong("%s of %d and %d columns", setNames[op], len(first), len(others.Names))
	}
	t := plan.Transform{Name: setNames[op], Reads: first, Columns: columns(first...)}
	if all {
		t.Name += " all"
	}
	return made(t, func(w *work) (*plan.Rows, error) {
		cols, err := w.sources(first)
		if err != nil {
			return nil, err
		}
		in := &plan.Rows{Names: first, Cols: cols, Len: w.in.Len, Grow: w.in.Grow}
		return (&work{ctx: w.ctx, in: in}).set(op, all, others)
	}), nil
}

// Distinct keeps the first of rows whose columns are all equal.
func Distinct(names []string) (plan.Transform, error) {
	none := &plan.Rows{Names: names, Cols: make([][]plan.Value, len(names))}
	t, err := Set(Union, false, names, none)
	t.Name = "distinct"
	return t, err
}

// set applies an operation; the columns of the work are those that it makes.
func (w *work) set(op SetOp, all bool, others *plan.Rows) (*plan.Rows, error) {
	counts := map[string]int{} // of others; for Union of all rows so far
	var buf []byte
	key := func(r *plan.Rows, i int) error {
		buf = buf[:0]
		for _, c := range r.Cols {
			buf = appendKey(buf, &c[i])
		}
		if _, ok := counts[string(buf)]; !ok {
			if err := w.grow(keyBytes + len(buf)); err != nil {
				return err
			}
		}
		return w.step()
	}
	if op != Union {
		for i := range others.Len {
			if err := key(others, i); err != nil {
				return nil, err
			}
			counts[string(buf)]++
		}
	}
	rows, err := w.indexes(w.in.Len)
	if err != nil {
		return nil, err
	}
	rows = rows[:0]
	taken := map[string]bool{}
	for i := range w.in.Len {
		if err := key(w.in, i); err != nil {
			return nil, err
		}
		keep := true
		switch n := counts[string(buf)]; {
		case op == Union:
			keep = all || n == 0
			counts[string(buf)]++
		case all:
			if keep = (n > 0) == (op == Intersect); n > 0 {
				counts[string(buf)]--
			}
		default:
			keep = (n > 0) == (op == Intersect) && !taken[string(buf)]
			taken[string(buf)] = true
		}
		if keep {
			rows = append(rows, i)
		}
	}
	out, err := w.take(rows)
	if err != nil {
		return nil, err
	}
	out.From = nil
	if op != Union {
		return out, nil
	}
	for i := range others.Len {
		if err := key(others, i); err != nil {
			return nil, err
		}
		if !all && counts[string(buf)] > 0 {
			continue
		}
		counts[string(buf)]++
		if err := w.grow(len(out.Cols) * valueBytes); err != nil {
			return nil, err
		}
		for k := range out.Cols {
			out.Cols[k] = append(out.Cols[k], others.Cols[k][i])
		}
		out.Len++
	}
	return out, nil
}
