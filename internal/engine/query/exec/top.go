package exec

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// topOp keeps the first rows of a Sort, or any rows of a Limit, for one worker.
// Rows are compared by their sort keys while a block is open; the columns of
// those that were kept are read at its end.
type topOp struct {
	query           *plan.Query
	q               *quota
	s               *scratch
	sort            plan.Sort
	keys            []*node
	cols            []*node
	rows            []topRow // a heap when it is full: the last one in order is rows[0]
	full            bool
	saved           []topRow // rows before the block, once it changed them
	changed         bool
	first           keyFilter
	grown           int // bytes since the block began
	order           plan.TimeOrder
	vals            [][]plan.Value
	fresh           []uint32 // rows of the block that were kept, ascending
	sorted, contend []uint32
	times           []int64 // scratch of firstTimes

	any      int           // of a Limit: how many rows are wanted by all workers; -1: this is a Sort
	found    *atomic.Int64 // by all workers
	frontier *atomic.Int64 // of the worst time that can still be among the first; of all workers
}

type topRow struct {
	keys  []plan.Value
	e     event
	cols  []plan.Value
	fresh bool
	row   uint32 // while fresh: in the open block
	held  int
}

func newTop(query *plan.Query, c *compiler, s *scratch, q *quota, found, frontier *atomic.Int64, best *atomic.Pointer[plan.Value]) *topOp {
	o := &topOp{query: query, q: q, s: s, any: -1, order: query.ByAge, found: found, frontier: frontier}
	switch h := query.Head.(type) {
	case plan.Limit:
		o.any = h.N
	case plan.Sort:
		o.sort = h
		for _, k := range h.Keys {
			o.keys = append(o.keys, c.compile(k.Expr))
			o.vals = append(o.vals, make([]plan.Value, batch))
		}
	}
	for _, k := range query.Cols {
		o.cols = append(o.cols, c.compile(k.Expr))
	}
	o.first = newKeyFilter(c, o.sort.Keys, s, best)
	return o
}

func (o *topOp) skips(f *blockFrame, b plan.Block) bool { return o.first.skips(f, b, o.lastKey()) }

func (o *topOp) narrow(f *blockFrame, rows []uint32) ([]uint32, error) {
	return o.first.narrow(f, rows, o.lastKey())
}

// lastKey returns the first key of the last row; nil when more rows are wanted.
func (o *topOp) lastKey() *plan.Value {
	if !o.full || len(o.keys) == 0 {
		return nil
	}
	return &o.rows[0].keys[0]
}

// newest reports whether the first rows are the newest ones.
func (o *topOp) newest() bool { return o.order == plan.NewestFirst }

// done reports whether a Limit has its rows.
func (o *topOp) done() bool { return o.any >= 0 && o.found.Load() >= int64(o.any) }

func (o *topOp) compare(a, b *topRow) int { return compareRows(o.sort.Keys, a, b) }

// compareRows orders rows by their sort keys, then newest first.
func compareRows(keys []plan.SortKey, a, b *topRow) int {
	for i := range a.keys {
		c := plan.Order(&a.keys[i], &b.keys[i])
		if keys[i].Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return a.e.newer(&b.e)
}

// take adds the rows of a block. When a message of them cannot be read, none is.
func (o *topOp) take(f rowFrame, rows []uint32) error {
	found := len(rows)
	if o.any >= 0 {
		room := int64(o.any) - (o.found.Add(int64(found)) - int64(found))
		rows = rows[:min(max(room, 0), int64(found))]
	}
	o.changed, o.grown = false, 0
	full := o.full
	err := o.add(f, rows)
	if err == nil {
		o.publish()
		return nil
	}
	if o.any >= 0 {
		o.found.Add(-int64(found))
	}
	if o.changed {
		o.rows, o.full = append(o.rows[:0], o.saved...), full
		o.q.shrink(o.grown)
	}
	return err
}

// grow counts memory that is given back when the block fails.
func (o *topOp) grow(n int) error {
	o.grown += n
	return o.q.grow(n)
}

func (o *topOp) add(f rowFrame, rows []uint32) error {
	keys, err := f.rowKeys()
	if err != nil {
		return err
	}
	streams, err := f.streams()
	if err != nil {
		return err
	}
	if rows, err = o.recent(keys, rows); err != nil {
		return err
	}
	var cand topRow
	cand.keys = make([]plan.Value, len(o.keys))
	for left := rows; len(left) > 0; {
		// The last rows first when the newest are wanted: what they leave out is not
		// even looked at.
		part := left[max(len(left)-batch, 0):]
		left = left[:len(left)-len(part)]
		o.contend = o.contenders(keys, part, o.contend)
		if part = o.contend; len(part) == 0 {
			continue
		}
		mark := len(o.s.arena.Bytes)
		for i, k := range o.keys {
			if err := k.eval(f, part, o.vals[i], &o.s.arena, o.s.pace); err != nil {
				return err
			}
		}
		for i, r := range part {
			for j := range o.keys {
				cand.keys[j] = o.vals[j][i]
			}
			cand.e = f.event(r, keys, streams)
			if err := o.offer(&cand, r); err != nil {
				return err
			}
		}
		o.s.arena.Bytes = o.s.arena.Bytes[:mark]
		if err := o.s.pace.work(16 * batch); err != nil {
			return err
		}
	}
	return o.read(f)
}

// recent returns rows sorted so that the last of them are the first in order, when
// rows are ordered by age; the block's rows may be sorted by stream first.
func (o *topOp) recent(keys []logs.Key, rows []uint32) ([]uint32, error) {
	if o.order == plan.AnyOrder {
		return rows, nil
	}
	o.sorted = o.contenders(keys, rows, o.sorted)
	if rows = o.sorted; len(rows) > o.sort.Limit {
		rows = o.firstTimes(keys, rows)
	}
	less := func(a, b uint32) int { return cmp.Compare(keys[a].Timestamp, keys[b].Timestamp) }
	if !o.newest() {
		up := less
		less = func(a, b uint32) int { return up(b, a) }
	}
	if slices.IsSortedFunc(rows, less) {
		return rows, nil
	}
	slices.SortFunc(rows, less)
	return rows, o.s.pace.work(16 * len(rows))
}

// firstTimes keeps of rows those that are not behind Limit others by their times.
func (o *topOp) firstTimes(keys []logs.Key, rows []uint32) []uint32 {
	sign := int64(1) // the times to keep are the greatest of sign*t
	if !o.newest() {
		sign = -1
	}
	// A heap of the Limit greatest times, the least of them first.
	h := fit(o.times[:0], o.sort.Limit)
	o.times = h
	down := func(i int) {
		for {
			k := 2*i + 1
			if k >= len(h) {
				return
			}
			if k+1 < len(h) && h[k+1] < h[k] {
				k++
			}
			if h[i] <= h[k] {
				return
			}
			h[i], h[k] = h[k], h[i]
			i = k
		}
	}
	for i := range h {
		h[i] = sign * keys[rows[i]].Timestamp
	}
	for i := len(h)/2 - 1; i >= 0; i-- {
		down(i)
	}
	for _, r := range rows[len(h):] {
		if t := sign * keys[r].Timestamp; t > h[0] {
			h[0] = t
			down(0)
		}
	}
	kept := rows[:0]
	for _, r := range rows {
		if sign*keys[r].Timestamp >= h[0] {
			kept = append(kept, r)
		}
	}
	return kept
}

// contenders returns, in the memory of dst, the rows that are not too old (or too
// new) to be kept.
func (o *topOp) contenders(keys []logs.Key, rows, dst []uint32) []uint32 {
	dst = dst[:0]
	if !o.full || o.order == plan.AnyOrder {
		return append(dst, rows...)
	}
	worst, newest := o.rows[0].e.Timestamp, o.newest()
	for _, r := range rows {
		if t := keys[r].Timestamp; t == worst || t > worst == newest {
			dst = append(dst, r)
		}
	}
	return dst
}

const (
	rowBytes    = 160
	mergedBytes = 112 // of a row that shares what it holds with another
)

func (o *topOp) offer(cand *topRow, r uint32) error {
	if o.full {
		if o.compare(cand, &o.rows[0]) >= 0 {
			return nil
		}
	}
	if !o.changed {
		if err := o.save(); err != nil {
			return err
		}
	}
	if o.full {
		if err := o.grow(-o.rows[0].held); err != nil {
			return err
		}
		o.rows[0] = topRow{}
	}
	t := topRow{e: cand.e, fresh: true, row: r, held: rowBytes + valueBytes*(len(cand.keys)+len(o.cols))}
	if len(cand.keys) > 0 {
		t.keys = make([]plan.Value, len(cand.keys))
		for i := range cand.keys {
			t.keys[i] = cand.keys[i].Clone()
			t.held += len(t.keys[i].Text)
		}
	}
	if err := o.grow(t.held); err != nil {
		return err
	}
	if o.full {
		o.rows[0] = t
		o.down(0)
		return o.s.pace.work(downWork)
	}
	o.rows = append(o.rows, t)
	if o.any < 0 && len(o.rows) == o.sort.Limit {
		o.full = true
		for i := len(o.rows)/2 - 1; i >= 0; i-- {
			o.down(i)
			if err := o.s.pace.work(64); err != nil {
				return err
			}
		}
	}
	return nil
}

// downWork is what it takes to move a row down in a heap, as bytes of work: some 30 comparisons.
const downWork = 1024

// save keeps the rows before the block.
func (o *topOp) save() error {
	o.saved = o.saved[:0]
	for from := 0; from < len(o.rows); from += batch {
		o.saved = append(o.saved, o.rows[from:min(from+batch, len(o.rows))]...)
		if err := o.s.pace.work(64 * batch); err != nil {
			return err
		}
	}
	o.changed = true
	return nil
}

func (o *topOp) down(i int) {
	h := o.rows
	for {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && o.compare(&h[k+1], &h[k]) > 0 {
			k++
		}
		if o.compare(&h[k], &h[i]) <= 0 {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

// read reads the columns of the rows that were kept of this block.
func (o *topOp) read(f rowFrame) error {
	o.fresh = o.fresh[:0]
	at := map[uint32]int{}
	for i := range o.rows {
		if t := &o.rows[i]; t.fresh {
			o.fresh = append(o.fresh, t.row)
			at[t.row] = i
			t.fresh = false
			t.cols = make([]plan.Value, len(o.cols))
			if err := o.s.pace.work(128); err != nil {
				return err
			}
		}
	}
	slices.Sort(o.fresh)
	for from := 0; from < len(o.fresh); from += batch {
		part := o.fresh[from:min(from+batch, len(o.fresh))]
		for j, c := range o.cols {
			mark := len(o.s.arena.Bytes)
			if err := c.eval(f, part, o.s.vals, &o.s.arena, o.s.pace); err != nil {
				return err
			}
			for i, r := range part {
				t := &o.rows[at[r]]
				t.cols[j] = o.s.vals[i].Clone()
				t.held += len(t.cols[j].Text)
				if err := o.grow(len(t.cols[j].Text)); err != nil {
					return err
				}
			}
			o.s.arena.Bytes = o.s.arena.Bytes[:mark]
		}
	}
	return nil
}

// publish moves the frontier to the last row of a full heap.
func (o *topOp) publish() {
	if last := o.lastKey(); last != nil {
		o.first.publish(last)
	}
	if !o.full || o.order == plan.AnyOrder {
		return
	}
	t := o.rows[0].e.Timestamp
	for {
		was := o.frontier.Load()
		if o.newest() && t <= was || !o.newest() && t >= was || o.frontier.CompareAndSwap(was, t) {
			return
		}
	}
}

func (o *topOp) header(plan.Block, int) (bool, error) { return false, nil }

// merge adds the rows of another worker.
func (o *topOp) merge(x head) error {
	for _, r := range x.(*topOp).rows {
		if err := o.q.grow(mergedBytes); err != nil {
			return err
		}
		o.rows = append(o.rows, r)
		if err := o.s.pace.work(128); err != nil {
			return err
		}
	}
	return o.s.pace.work(checkEvery)
}

// table returns the rows of all workers in order.
func (o *topOp) table(matched int, rest []plan.Step, count counter) (*table, []plan.Step, error) {
	order, err := ordered(len(o.rows), o.sort.Limit, func(a, b int32) int { return o.compare(&o.rows[a], &o.rows[b]) }, o.s.pace)
	if err != nil {
		return nil, nil, err
	}
	t, err := tableOf(o.rows, order, o.query, o.s)
	if err != nil {
		return nil, nil, err
	}
	count(o.query.Head, matched, t.n)
	return t, rest, nil
}

// tableOf returns rows in an order as a table.
func tableOf(rows []topRow, order []int32, query *plan.Query, s *scratch) (*table, error) {
	t := &table{q: s.arena.q, events: make([]event, len(order))}
	for _, c := range query.Cols {
		t.names = append(t.names, c.As)
	}
	if err := t.alloc(len(order)); err != nil {
		return nil, err
	}
	for i, at := range order {
		t.events[i] = rows[at].e
		for j := range t.cols {
			t.cols[j][i] = rows[at].cols[j]
		}
		if err := s.pace.work(64 * (1 + len(t.cols))); err != nil {
			return nil, err
		}
	}
	return t, nil
}
