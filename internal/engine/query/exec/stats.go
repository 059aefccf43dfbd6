package exec

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// statsOp is a Stats over blocks or over rows in memory, by one goroutine.
type statsOp struct {
	step   plan.Stats
	q      *quota
	s      *scratch
	g      grouper
	aggs   []aggregator
	inputs []*input // distinct ones
	of     []int    // input of each aggregate
	forms  forms    // of the input that is open
	held   int      // bytes counted for the table

	rowsOnly bool  // all aggregates count rows
	simple   bool  // and there is no key but bin(@timestamp)
	binOnly  int64 // the period of it
	tallied  []tally

	bounded bool // bounds of columns may tell all aggregates
	known   []column.Bounds
	whole   column.Bitmap
}

func newStats(step plan.Stats, c *compiler, s *scratch, q *quota) *statsOp {
	o := &statsOp{step: step, q: q, s: s, rowsOnly: true}
	for _, b := range step.By {
		o.g.by = append(o.g.by, newGroupKey(c, b.Expr))
	}
	seen := map[string]int{}
	for _, a := range step.Aggs {
		text := ""
		if a.Arg != nil {
			text = a.Arg.String()
		}
		at, ok := seen[text]
		if !ok {
			at = len(o.inputs)
			seen[text] = at
			o.inputs = append(o.inputs, newInput(c, a.Arg, s, &o.forms))
		}
		o.of = append(o.of, at)
		o.aggs = append(o.aggs, newAggregator(a, s.pace))
		o.rowsOnly = o.rowsOnly && a.Func == plan.Count && a.Arg == nil
	}
	o.simple = o.rowsOnly && len(step.By) == 0
	o.bounded = len(step.By) == 0 && !slices.ContainsFunc(step.Aggs, func(a plan.Agg) bool {
		f, isField := a.Arg.(plan.Field)
		return a.Func != plan.Count && a.Func != plan.Min && a.Func != plan.Max || a.Arg != nil && (!isField || plan.IsSystem(f.Name))
	})
	if len(step.By) == 1 && o.g.by[0].bin > 0 {
		o.simple, o.binOnly = o.rowsOnly, o.g.by[0].bin
	}
	return o
}

// fromHeader counts the rows of a block without decoding anything, if it can.
func (o *statsOp) fromHeader(b plan.Block, rows int) (bool, error) {
	if !o.simple {
		return o.fromBounds(b, rows)
	}
	var key []byte
	if o.binOnly > 0 {
		first, last := b.Span()
		at := plan.BinOf(first, o.binOnly)
		if plan.BinOf(last, o.binOnly) != at {
			return false, nil
		}
		key = plan.AppendKey(o.g.key[:0], &plan.Value{Kind: plan.Time, Num: float64(at)})
	}
	o.g.key = key
	group := o.g.table.find(key)
	if err := o.grow(); err != nil {
		return false, err
	}
	for _, a := range o.aggs {
		a.(*counts).n[group] += int64(rows)
	}
	return true, nil
}

// fromBounds takes all rows of a block by what is known of its columns, if all
// aggregates can be told by that.
func (o *statsOp) fromBounds(b plan.Block, rows int) (bool, error) {
	if !o.bounded || rows != b.Len() || b.Sel() != nil {
		return false, nil
	}
	o.known = o.known[:0]
	for _, a := range o.step.Aggs {
		var c column.Bounds
		if a.Arg != nil {
			name, ok := plan.JSONName(a.Arg.(plan.Field).Name)
			if !ok {
				return false, nil
			}
			if c, ok = b.NamedBounds(name); !ok || c.Rows > 0 && !c.Exact {
				return false, nil
			}
			if c.Rows < rows && !o.isWhole(b) { // the others may have values too
				return false, nil
			}
		}
		o.known = append(o.known, c)
	}
	group := o.g.table.find(nil)
	if err := o.grow(); err != nil {
		return false, err
	}
	for i, a := range o.aggs {
		c := &o.known[i]
		switch a := a.(type) {
		case *counts:
			if a.of {
				a.n[group] += int64(c.Rows)
			} else {
				a.n[group] += int64(rows)
			}
		case *extremes:
			if c.Rows > 0 {
				a.number(&a.b[group], plan.Decimal(c.Min, c.Scale))
				a.number(&a.b[group], plan.Decimal(c.Max, c.Scale))
			}
		}
	}
	return true, nil
}

// isWhole reports whether all messages of a block are JSON objects that are known.
func (o *statsOp) isWhole(b plan.Block) bool {
	o.whole = o.whole.Fit(b.Len())
	return b.Whole(o.whole) == nil && o.whole.Count() == b.Len()
}

// rows adds the rows of a block.
func (o *statsOp) rows(f frame, block *blockFrame, rows []uint32) error {
	if len(rows) == 0 {
		return nil
	}
	mark := len(o.s.arena.Bytes)
	if o.rowsOnly && len(o.step.By) == 1 && block != nil {
		if done, err := o.count(block, rows); done || err != nil {
			o.s.arena.Bytes = o.s.arena.Bytes[:mark]
			return err
		}
	}
	groups, err := o.g.assign(f, block, rows, o.s)
	if err != nil {
		return err
	}
	if err := o.grow(); err != nil {
		return err
	}
	for at, in := range o.inputs {
		in.open(f, block, rows)
		for i, a := range o.aggs {
			if o.of[i] != at {
				continue
			}
			grown, err := a.update(in, groups)
			if err != nil {
				return err
			}
			if err := o.q.grow(grown); err != nil {
				return err
			}
			if err := o.s.pace.work(checkEvery); err != nil {
				return err
			}
		}
	}
	o.s.arena.Bytes = o.s.arena.Bytes[:mark]
	return nil
}

// tally is how many rows of a block a group has.
type tally struct {
	group uint32
	n     int64
}

// count adds the rows of a block when all aggregates count rows by one key.
func (o *statsOp) count(block *blockFrame, rows []uint32) (bool, error) {
	o.tallied = o.tallied[:0]
	ok, err := o.g.tally(block, rows, o.s, func(group uint32, n int64) {
		o.tallied = append(o.tallied, tally{group, n})
	})
	if !ok || err != nil {
		return false, err
	}
	if err := o.grow(); err != nil {
		return false, err
	}
	for _, a := range o.aggs {
		n := a.(*counts).n
		for _, t := range o.tallied {
			n[t.group] += t.n
		}
	}
	return true, nil
}

// grow makes states for the groups of the table and counts their memory.
func (o *statsOp) grow() error {
	n := o.g.table.len()
	grown := o.g.table.bytes() - o.held
	o.held += grown
	for _, a := range o.aggs {
		grown += a.grow(n)
	}
	if grown == 0 {
		return nil
	}
	return o.q.grow(grown)
}

// merge adds the groups of another worker, which stay as they are.
func (o *statsOp) merge(x *statsOp) error {
	to := make([]uint32, x.g.table.len())
	for i := range to {
		to[i] = o.g.table.find(x.g.table.key(i))
		if err := o.s.pace.work(64); err != nil {
			return err
		}
	}
	if err := o.grow(); err != nil {
		return err
	}
	for i, a := range o.aggs {
		for from := 0; from < len(to); from += mergedGroups {
			part := to[from:min(from+mergedGroups, len(to))]
			if err := o.q.grow(a.merge(x.aggs[i], from, part)); err != nil {
				return err
			}
			if err := o.s.pace.work(64 * len(part)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergedGroups is how many groups are merged without looking at the context. The states of one may be
// 100 kB.
const mergedGroups = 32

// names returns the columns of the result.
func (o *statsOp) names() []string {
	var names []string
	for _, b := range o.step.By {
		names = append(names, b.As)
	}
	for _, a := range o.step.Aggs {
		names = append(names, a.As)
	}
	return names
}

// table returns the rows of some groups in their order; nil means all groups, which
// are put in the order of their keys later.
func (o *statsOp) table(groups []int) (*table, error) {
	n := len(groups)
	if groups == nil {
		n = o.g.table.len()
	}
	t := &table{q: o.q, names: o.names()}
	if err := t.alloc(n); err != nil {
		return nil, err
	}
	keys := make([]plan.Value, 0, len(o.step.By))
	for i := range n {
		g := i
		if groups != nil {
			g = groups[i]
		}
		keys = plan.KeyValues(o.g.table.key(g), keys[:0])
		for j := range keys {
			t.cols[j][i] = keys[j]
		}
		for j, a := range o.aggs {
			v := a.value(g)
			if v.Kind == plan.List { // made now
				if err := o.q.grow(len(v.Text)); err != nil {
					return nil, err
				}
			}
			t.cols[len(o.step.By)+j][i] = v
		}
		if err := o.s.pace.work(64 * len(t.cols)); err != nil {
			return nil, err
		}
	}
	if groups == nil {
		t.ties = len(o.step.By)
	}
	return t, nil
}

// finish makes the row that a Stats without keys has even when nothing was read,
// and returns how many groups there are.
func (o *statsOp) finish() (int, error) {
	if len(o.step.By) == 0 {
		o.g.table.find(nil)
		if err := o.grow(); err != nil {
			return 0, err
		}
	}
	return o.g.table.len(), nil
}
