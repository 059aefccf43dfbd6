package exec

import (
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// unnest makes a row of each element of a list.
func (t *table) unnest(step plan.Unnest, s *scratch) error {
	lists, err := t.compute(step.X, s)
	if err != nil {
		return err
	}
	var rows []uint32
	var vals []plan.Value
	held := 0
	for i := range lists {
		if lists[i].Kind == plan.Null {
			continue
		}
		before := len(vals)
		if lists[i].Kind != plan.List {
			vals = append(vals, lists[i])
		} else {
			vals = appendElements(vals, lists[i].Text, &s.arena)
		}
		for range len(vals) - before {
			rows = append(rows, uint32(i))
		}
		if grown := cap(vals)*valueBytes + 4*cap(rows) - held; grown > 0 {
			held += grown
			if err := t.q.grow(grown); err != nil {
				return err
			}
		}
		if err := s.pace.work(16 + len(lists[i].Text)); err != nil {
			return err
		}
	}
	if err := s.arena.charge(); err != nil {
		return err
	}
	if more := len(rows) - t.n; more > 0 {
		t.held += more * len(t.names) * valueBytes
		if err := t.q.grow(more * len(t.names) * valueBytes); err != nil {
			return err
		}
	}
	if err := t.pick(rows, s.pace); err != nil {
		return err
	}
	t.set(step.As, vals)
	return nil
}

// set makes vals the column of a name.
func (t *table) set(name string, vals []plan.Value) {
	if i := slices.Index(t.names, name); i >= 0 {
		t.cols[i] = vals
		return
	}
	t.names, t.cols = append(slices.Clip(t.names), name), append(t.cols, vals)
}

// dedup keeps the first rows of each combination of keys.
func (t *table) dedup(step plan.Dedup, s *scratch) error {
	mark := len(s.arena.Bytes)
	keys := make([][]plan.Value, len(step.Keys))
	for i, k := range step.Keys {
		var err error
		if keys[i], err = t.compute(k, s); err != nil {
			return err
		}
	}
	var seen keyTable
	var times []int
	var rows []uint32
	var key []byte
	held := 0
	for i := range t.n {
		key = key[:0]
		null := false
		for _, k := range keys {
			null = null || k[i].Kind == plan.Null
			key = plan.AppendKey(key, &k[i])
		}
		if null && step.Null != plan.SameNull {
			if step.Null == plan.KeepNull {
				rows = append(rows, uint32(i))
			}
			continue
		}
		g := int(seen.find(key))
		if g == len(times) {
			times = append(times, 0)
		}
		if times[g]++; times[g] <= step.N {
			rows = append(rows, uint32(i))
		}
		if grown := seen.bytes() + 8*cap(times) - held; grown > 0 {
			held += grown
			if err := t.q.grow(grown); err != nil {
				return err
			}
		}
		if err := s.pace.work(16 + len(key)); err != nil {
			return err
		}
	}
	t.q.shrink(held)
	s.arena.Bytes = s.arena.Bytes[:mark]
	return t.pick(rows, s.pace)
}

// transform gives the rows to a Transform.
func (t *table) transform(step plan.Transform, s *scratch) (*table, error) {
	in := &plan.Rows{Names: step.Reads, Len: t.n, Grow: t.q.grow}
	for _, name := range step.Reads {
		if i := slices.Index(t.names, name); i >= 0 {
			in.Cols = append(in.Cols, t.cols[i])
			continue
		}
		if err := t.q.grow(t.n * valueBytes); err != nil {
			return nil, err
		}
		in.Cols = append(in.Cols, make([]plan.Value, t.n))
	}
	out, err := step.Apply(s.pace.ctx, in)
	if err != nil {
		return nil, err
	}
	if err := checkRows(step, out, t.n); err != nil {
		return nil, err
	}
	made := &table{q: t.q, names: slices.Clone(out.Names), cols: slices.Clone(out.Cols), n: out.Len}
	if !step.Events {
		return made, nil
	}
	rows := make([]uint32, out.Len)
	for i, from := range out.From {
		rows[i] = uint32(from)
	}
	if more := out.Len - t.n; more > 0 {
		if err := t.q.grow(more * len(t.names) * valueBytes); err != nil {
			return nil, err
		}
	}
	if err := t.pick(rows, s.pace); err != nil {
		return nil, err
	}
	made.events = t.events
	for i, name := range t.names {
		if slices.Contains(made.names, name) || step.All && slices.Contains(step.Reads, name) {
			continue
		}
		made.set(name, t.cols[i])
	}
	return made, nil
}

// checkRows reports what is wrong with the rows of a Transform.
func checkRows(step plan.Transform, r *plan.Rows, from int) error {
	wrong := r == nil || len(r.Cols) != len(r.Names) ||
		slices.ContainsFunc(r.Cols, func(c []plan.Value) bool { return len(c) != r.Len }) ||
		step.Events && (len(r.From) != r.Len || slices.ContainsFunc(r.From, func(i int) bool { return i < 0 || i >= from }))
	if wrong {
		return fmt.Errorf("%w: %s made rows that do not fit together", plan.ErrInvalid, step)
	}
	return nil
}

// cluster makes the patterns of the texts of a column.
func (t *table) cluster(step plan.Cluster, s *scratch) (*table, error) {
	vals, err := t.compute(step.X, s)
	if err != nil {
		return nil, err
	}
	c := newClusters(s, step)
	if err := c.add(vals); err != nil {
		return nil, err
	}
	return c.rows()
}
