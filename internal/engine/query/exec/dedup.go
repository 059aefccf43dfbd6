package exec

import (
	"slices"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// dedupOp keeps the first rows of each combination of keys, for one worker. With a
// limit it forgets rows, and keys, behind the rows that are wanted.
type dedupOp struct {
	query    *plan.Query
	step     plan.Dedup
	q        *quota
	s        *scratch
	g        grouper
	sort     []*node
	cols     []*node
	order    plan.TimeOrder
	frontier *atomic.Int64
	first    keyFilter

	rows []topRow
	of   [][]int32 // by group: where its rows are, the first in order first
	in   []int32   // by row: its group, -1: none
	null []uint8   // by group: 1 no key is Null, 2 one is; 0 not known yet
	last *topRow   // rows behind it are not wanted; nil: not known yet
	held int       // bytes of the tables

	// Of the block: rows that may be kept, with their sort keys and groups.
	fresh   []topRow
	groups  []int32
	vals    [][]plan.Value
	touched []touched
	stamp   []uint32 // by group: the number of the block that touched it
	block   uint32
	contend []uint32
	read    []uint32
	at      map[uint32]int32
}

// touched is a group that a block changed, and what it was before.
type touched struct {
	group int32
	was   []int32
}

func newDedup(query *plan.Query, step plan.Dedup, c *compiler, s *scratch, frontier *atomic.Int64, best *atomic.Pointer[plan.Value]) *dedupOp {
	o := &dedupOp{query: query, step: step, q: s.arena.q, s: s, order: query.ByAge, frontier: frontier}
	for _, k := range step.Keys {
		o.g.by = append(o.g.by, newGroupKey(c, k))
	}
	for _, k := range step.By {
		o.sort = append(o.sort, c.compile(k.Expr))
		o.vals = append(o.vals, make([]plan.Value, batch))
	}
	for _, k := range query.Cols {
		o.cols = append(o.cols, c.compile(k.Expr))
	}
	o.first = newKeyFilter(c, step.By, s, best)
	return o
}

func (o *dedupOp) skips(f *blockFrame, b plan.Block) bool { return o.first.skips(f, b, o.lastKey()) }

func (o *dedupOp) narrow(f *blockFrame, rows []uint32) ([]uint32, error) {
	return o.first.narrow(f, rows, o.lastKey())
}

// lastKey returns the first sort key of the last row that is wanted; nil when that is
// not known.
func (o *dedupOp) lastKey() *plan.Value {
	if o.last == nil || len(o.sort) == 0 {
		return nil
	}
	return &o.last.keys[0]
}

func (o *dedupOp) done() bool                           { return false }
func (o *dedupOp) header(plan.Block, int) (bool, error) { return false, nil }

func (o *dedupOp) compare(a, b *topRow) int { return compareRows(o.step.By, a, b) }

func (o *dedupOp) compareRows(a, b int32) int { return o.compare(&o.rows[a], &o.rows[b]) }

// row returns a row that is kept, or after those one of the block.
func (o *dedupOp) row(at int32) *topRow {
	if int(at) < len(o.rows) {
		return &o.rows[at]
	}
	return &o.fresh[int(at)-len(o.rows)]
}

// take adds the rows of a block. Nothing is kept of them until all that is needed
// was read.
func (o *dedupOp) take(f rowFrame, rows []uint32) error {
	mark := len(o.s.arena.Bytes)
	o.begin()
	err := o.gather(f, rows)
	if err == nil {
		err = o.readFresh(f)
	}
	o.s.arena.Bytes = o.s.arena.Bytes[:mark]
	if err != nil {
		for _, t := range o.touched {
			o.of[t.group] = t.was
		}
		return err
	}
	if err := o.keep(); err != nil {
		return err
	}
	return o.forget()
}

// begin starts a block.
func (o *dedupOp) begin() {
	o.fresh, o.groups, o.touched = o.fresh[:0], o.groups[:0], o.touched[:0]
	o.block++
}

// gather finds the rows of a block that may be kept.
func (o *dedupOp) gather(f rowFrame, rows []uint32) error {
	keys, err := f.rowKeys()
	if err != nil {
		return err
	}
	streams, err := f.streams()
	if err != nil {
		return err
	}
	if o.last != nil && o.order != plan.AnyOrder {
		o.contend = o.contend[:0]
		for _, r := range rows {
			if t := keys[r].Timestamp; t == o.last.e.Timestamp || t > o.last.e.Timestamp == (o.order == plan.NewestFirst) {
				o.contend = append(o.contend, r)
			}
		}
		rows = o.contend
	}
	if len(rows) == 0 {
		return nil
	}
	groups, err := o.g.assign(f, f.own(), rows, o.s)
	if err != nil {
		return err
	}
	if err := o.grow(); err != nil {
		return err
	}
	cand := topRow{keys: make([]plan.Value, len(o.sort))}
	for left := len(rows); left > 0; {
		// The last rows first: the newest are often among them.
		from := max(left-batch, 0)
		part := rows[from:left]
		left = from
		for j, k := range o.sort {
			if err := k.eval(f, part, o.vals[j], &o.s.arena, o.s.pace); err != nil {
				return err
			}
		}
		for i := len(part) - 1; i >= 0; i-- {
			if list := o.of[groups[from+i]]; len(o.sort) == 0 && len(list) == o.step.N && o.row(list[len(list)-1]).e.Timestamp > keys[part[i]].Timestamp {
				continue
			}
			for j := range o.sort {
				cand.keys[j] = o.vals[j][i]
			}
			cand.e, cand.row = f.event(part[i], keys, streams), part[i]
			o.offer(&cand, int32(groups[from+i]))
		}
		if err := o.s.pace.work(16 * batch); err != nil {
			return err
		}
	}
	return nil
}

// offer adds a row of the block when it is among the first of its group. It clones
// the sort keys, not their texts.
func (o *dedupOp) offer(cand *topRow, group int32) {
	if o.last != nil && o.compare(cand, o.last) > 0 {
		return
	}
	if o.null[group] == 0 {
		o.null[group] = 1
		for _, v := range plan.KeyValues(o.g.table.key(int(group)), nil) {
			if v.Kind == plan.Null && o.step.Null != plan.SameNull {
				o.null[group] = 2
			}
		}
	}
	list := o.of[group]
	if o.null[group] == 2 {
		if o.step.Null == plan.DropNull {
			return
		}
		group = -1
	} else if len(list) == o.step.N && o.compare(cand, o.row(list[len(list)-1])) >= 0 {
		return
	}
	at := int32(len(o.rows) + len(o.fresh))
	t := *cand
	t.keys = slices.Clone(cand.keys)
	o.fresh, o.groups = append(o.fresh, t), append(o.groups, group)
	if group < 0 {
		return
	}
	if o.stamp[group] != o.block {
		o.stamp[group] = o.block
		o.touched = append(o.touched, touched{group, list})
		list = slices.Clone(list)
	}
	i := len(list)
	for i > 0 && o.compare(cand, o.row(list[i-1])) < 0 {
		i--
	}
	if list = slices.Insert(list, i, at); len(list) > o.step.N {
		list = list[:o.step.N]
	}
	o.of[group] = list
}

// grow counts the memory of the keys and makes room for their rows.
func (o *dedupOp) grow() error {
	n := o.g.table.len()
	o.of, o.null, o.stamp = fit(o.of, n), fit(o.null, n), fit(o.stamp, n)
	grown := o.g.table.bytes() + (24+5+4*o.step.N)*cap(o.of) - o.held
	o.held += grown
	return o.q.grow(grown)
}

// wanted marks, by fresh row, those that are kept.
func (o *dedupOp) wanted() []bool {
	kept := make([]bool, len(o.fresh))
	for i, g := range o.groups {
		kept[i] = g < 0
	}
	for _, t := range o.touched {
		for _, at := range o.of[t.group] {
			if i := int(at) - len(o.rows); i >= 0 {
				kept[i] = true
			}
		}
	}
	return kept
}

// readFresh reads the columns of the rows of the block that are kept.
func (o *dedupOp) readFresh(f rowFrame) error {
	if o.at == nil {
		o.at = map[uint32]int32{}
	}
	clear(o.at)
	o.read = o.read[:0]
	for i, kept := range o.wanted() {
		if kept {
			t := &o.fresh[i]
			o.read = append(o.read, t.row)
			o.at[t.row] = int32(i)
			t.cols = make([]plan.Value, len(o.cols))
			t.held = rowBytes + valueBytes*(len(t.keys)+len(t.cols))
			for j := range t.keys {
				t.keys[j] = t.keys[j].Clone()
				t.held += len(t.keys[j].Text)
			}
		}
	}
	slices.Sort(o.read)
	for from := 0; from < len(o.read); from += batch {
		part := o.read[from:min(from+batch, len(o.read))]
		for j, c := range o.cols {
			mark := len(o.s.arena.Bytes)
			if err := c.eval(f, part, o.s.vals, &o.s.arena, o.s.pace); err != nil {
				return err
			}
			for i, r := range part {
				t := &o.fresh[o.at[r]]
				t.cols[j] = o.s.vals[i].Clone()
				t.held += len(t.cols[j].Text)
			}
			o.s.arena.Bytes = o.s.arena.Bytes[:mark]
		}
	}
	return nil
}

// keep puts the fresh rows that are wanted where those were that they replace, and
// behind them.
func (o *dedupOp) keep() error {
	n := len(o.rows)
	var free []int32
	for _, t := range o.touched {
		for _, at := range t.was {
			if !slices.Contains(o.of[t.group], at) {
				free = append(free, at)
			}
		}
	}
	slot := make([]int32, len(o.fresh))
	grown := 0
	for i, kept := range o.wanted() {
		if !kept {
			continue
		}
		grown += o.fresh[i].held
		if k := len(free); k > 0 {
			slot[i], free = free[k-1], free[:k-1]
			grown -= o.rows[slot[i]].held
			o.rows[slot[i]], o.in[slot[i]] = o.fresh[i], o.groups[i]
			continue
		}
		slot[i] = int32(len(o.rows))
		o.rows, o.in = append(o.rows, o.fresh[i]), append(o.in, o.groups[i])
	}
	for _, t := range o.touched {
		for i, at := range o.of[t.group] {
			if int(at) >= n {
				o.of[t.group][i] = slot[int(at)-n]
			}
		}
	}
	return o.q.grow(grown)
}

// forget drops what is behind the rows that are wanted, from time to time.
func (o *dedupOp) forget() error {
	limit := o.step.Limit
	if limit == 0 || len(o.rows) < limit || o.last != nil && len(o.rows) < limit+max(limit/4, 64) {
		return nil
	}
	order, err := ordered(len(o.rows), 0, o.compareRows, o.s.pace)
	if err != nil {
		return err
	}
	freed := 0
	for _, at := range order[limit:] {
		freed += o.rows[at].held
	}
	o.q.shrink(freed)
	rows, in := make([]topRow, 0, limit+limit/4), make([]int32, 0, limit+limit/4)
	var table keyTable
	var of [][]int32
	for _, at := range order[:limit] {
		group := o.in[at]
		if group >= 0 {
			group = int32(table.find(o.g.table.key(int(group))))
			if int(group) == len(of) {
				of = append(of, nil)
			}
			of[group] = append(of[group], int32(len(rows)))
		}
		rows, in = append(rows, o.rows[at]), append(in, group)
	}
	o.rows, o.in, o.g.table, o.of = rows, in, table, of
	o.null, o.stamp = nil, nil
	last := rows[limit-1]
	o.last = &last
	o.publish()
	if err := o.grow(); err != nil {
		return err
	}
	return o.s.pace.work(64 * len(order))
}

// publish tells the source which times are still wanted.
func (o *dedupOp) publish() {
	if last := o.lastKey(); last != nil {
		o.first.publish(last)
	}
	if o.order == plan.AnyOrder {
		return
	}
	t, newest := o.last.e.Timestamp, o.order == plan.NewestFirst
	for {
		was := o.frontier.Load()
		if newest && t <= was || !newest && t >= was || o.frontier.CompareAndSwap(was, t) {
			return
		}
	}
}

// merge adds the rows of another worker.
func (o *dedupOp) merge(h head) error {
	x := h.(*dedupOp)
	o.begin()
	for i := range x.rows {
		group := int32(-1)
		t := x.rows[i]
		t.held = mergedBytes
		if x.in[i] >= 0 {
			group = int32(o.g.table.find(x.g.table.key(int(x.in[i]))))
			if err := o.grow(); err != nil {
				return err
			}
			o.offer(&t, group)
		} else if o.last == nil || o.compare(&t, o.last) <= 0 {
			o.fresh, o.groups = append(o.fresh, t), append(o.groups, -1)
		}
		if err := o.s.pace.work(64); err != nil {
			return err
		}
	}
	return o.keep()
}

// table returns the rows in order.
func (o *dedupOp) table(matched int, rest []plan.Step, count counter) (*table, []plan.Step, error) {
	order, err := ordered(len(o.rows), o.step.Limit, o.compareRows, o.s.pace)
	if err != nil {
		return nil, nil, err
	}
	t, err := tableOf(o.rows, order, o.query, o.s)
	if err != nil {
		return nil, nil, err
	}
	count(o.step, matched, t.n)
	return t, rest, nil
}
