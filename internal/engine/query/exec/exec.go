package exec

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// Options configure a run.
type Options struct {
	Workers int   // goroutines; 0 means GOMAXPROCS
	Memory  int64 // bytes that the query may hold; 0 means 64 MiB
}

const (
	defaultMemory = 64 << 20
	maxWorkers    = 256
)

// Event is the identity of an event.
type Event struct {
	logs.Key
	Group  logs.GroupID
	Stream logs.StreamID
}

// Result is the answer of a query. It shares no memory with the source.
type Result struct {
	Columns []string
	Rows    [][]plan.Value
	Events  []Event // of each row, when the rows are events
	Stats   Stats
}

// Stats say what a run did. All counts are of work that was done, not estimates.
type Stats struct {
	Source plan.SourceStats // what the source left out

	Blocks              int64 // handed out by the source
	BlocksSkippedBounds int64 // of them: excluded by the bounds of their columns
	BlocksSkippedOrder  int64 // excluded because enough rows come before theirs
	BlocksCounted       int64 // answered from their header

	RowsScanned  int64 // rows that conditions were applied to, or that were counted
	BytesScanned int64 // message bytes of the blocks they are in
	RowsMatched  int64 // rows that passed all conditions
	RowsSkipped  int64 // rows of the blocks skipped here
	BytesSkipped int64 // message bytes of them
	BytesDecoded int64 // made by decoding columns, keys and messages
	MemoryPeak   int64 // bytes held at most

	Steps []StepStats // the conditions, the head, and the steps after it
}

// StepStats count the rows of one step.
type StepStats struct {
	Step    string // as Explain writes it
	RowsIn  int64
	RowsOut int64
}

// errEnough ends a scan early.
var errEnough = errors.New("query: enough rows")

// run is one query under way.
type run struct {
	query    *plan.Query
	q        quota
	found    atomic.Int64
	frontier atomic.Int64
	workers  []*worker
}

// worker is the state of one goroutine.
type worker struct {
	run   *run
	pace  pace
	s     *scratch
	frame *blockFrame
	conds []predicate
	bufs  [2][]uint32
	stats *statsOp
	top   *topOp
	fetch []fieldRef // columns that the head reads before it changes anything

	n        Stats
	condRows []StepStats
	before   []StepStats
}

// Run runs a query. A cancelled context ends it with the cause; so does the
// first error of the source.
func Run(ctx context.Context, query *plan.Query, src plan.Source, o Options) (*Result, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = min(o.Workers, maxWorkers)
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	r := &run{query: query, q: quota{limit: o.Memory}}
	r.frontier.Store(math.MinInt64)
	if query.Request.Order == plan.OldestFirst {
		r.frontier.Store(math.MaxInt64)
	}
	request := query.Request
	request.Skip = r.beyond
	r.workers = make([]*worker, o.Workers)
	var stats Stats
	if !r.nothing() {
		var err error
		stats.Source, err = src.ScanBlocks(ctx, request, o.Workers, func(i int, b plan.Block) error {
			if r.workers[i] == nil { // no two calls with the same i overlap
				r.workers[i] = r.worker(ctx)
			}
			return r.workers[i].block(b)
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	return r.finish(ctx, stats)
}

// beyond reports whether no row with a time in [first, last] can be in the answer.
func (r *run) beyond(first, last int64) bool {
	switch r.query.Request.Order {
	case plan.NewestFirst:
		return last < r.frontier.Load()
	case plan.OldestFirst:
		return first > r.frontier.Load()
	}
	l, ok := r.query.Head.(plan.Limit)
	return ok && r.found.Load() >= int64(l.N)
}

// nothing reports whether no event can be read or matched.
func (r *run) nothing() bool {
	s := &r.query.Request
	if len(s.Groups) == 0 || s.Start >= s.End || s.Streams != nil && len(s.Streams) == 0 {
		return true
	}
	for _, c := range r.query.Conds {
		if k, ok := c.(plan.Const); ok && !k.V.True() {
			return true
		}
	}
	l, ok := r.query.Head.(plan.Limit)
	return ok && l.N == 0
}

func (r *run) worker(ctx context.Context) *worker {
	w := &worker{run: r, pace: pace{ctx: ctx, left: checkEvery}}
	w.s = newScratch(&w.pace, &r.q)
	w.frame = newBlockFrame(r.query.Request.Paths)
	c := &compiler{slot: func(name string) fieldRef {
		if plan.IsSystem(name) {
			return fieldRef{name: name, sys: true}
		}
		for i, p := range r.query.Request.Paths {
			if p == name {
				return fieldRef{name: name, slot: i}
			}
		}
		panic("exec: a path of the query is not in its request: " + name)
	}}
	for _, e := range r.query.Conds {
		w.conds = append(w.conds, compilePredicate(c, e, w.s))
	}
	w.condRows = make([]StepStats, len(w.conds))
	w.fetch = headColumns(r.query, c)
	if s, ok := r.query.Head.(plan.Stats); ok {
		w.stats = newStats(s, c, w.s, &r.q)
	} else {
		w.top = newTop(r.query, c, w.s, &r.q, &r.found, &r.frontier)
	}
	return w
}

// headColumns returns what the head reads of every block. The messages of rows
// that a Sort or Limit returns are not among it: they are read for those only.
func headColumns(q *plan.Query, c *compiler) []fieldRef {
	var refs []fieldRef
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			refs = append(refs, c.slot(name))
		}
	}
	switch h := q.Head.(type) {
	case plan.Stats:
		for _, b := range h.By {
			plan.Fields(b.Expr, add)
		}
		for _, a := range h.Aggs {
			if a.Arg != nil {
				plan.Fields(a.Arg, add)
			}
			if a.Func == plan.Earliest || a.Func == plan.Latest {
				add(plan.Timestamp)
			}
		}
	case plan.Sort:
		for _, k := range h.Keys {
			plan.Fields(k.Expr, add)
		}
	}
	for _, k := range q.Cols {
		plan.Fields(k.Expr, func(name string) {
			if name != plan.Message {
				add(name)
			}
		})
	}
	return refs
}

// block does one block. When it fails, nothing of the block was kept: a source
// may leave out a block that turned out to be damaged.
func (w *worker) block(b plan.Block) error {
	n := w.n
	w.before = append(w.before[:0], w.condRows...)
	err := w.add(b)
	if err != nil {
		w.n = n
		copy(w.condRows, w.before)
	}
	return err
}

// add takes one block through the conditions to the head.
func (w *worker) add(b plan.Block) error {
	if err := context.Cause(w.pace.ctx); err != nil {
		return err
	}
	if w.top != nil && w.top.done() {
		return errEnough
	}
	sel := b.Sel()
	rows := b.Len()
	if sel != nil {
		rows = len(sel)
	}
	w.n.Blocks++
	if rows == 0 {
		return nil
	}
	if w.skip(b) {
		w.n.RowsSkipped += int64(rows)
		w.n.BytesSkipped += b.Bytes()
		return nil
	}
	w.n.RowsScanned += int64(rows)
	w.n.BytesScanned += b.Bytes()
	if w.stats != nil && len(w.conds) == 0 {
		if done, err := w.stats.fromHeader(b, rows); done || err != nil {
			w.n.BlocksCounted++
			w.n.RowsMatched += int64(rows)
			return err
		}
	}
	w.frame.open(b)
	before := b.Decoded()
	err := w.rows(sel)
	w.n.BytesDecoded += b.Decoded() - before
	w.frame.Block = nil
	return err
}

// skip reports whether a block cannot add to the answer.
func (w *worker) skip(b plan.Block) bool {
	if first, last := b.Span(); w.run.beyond(first, last) {
		w.n.BlocksSkippedOrder++
		return true
	}
	for i := range w.run.query.Bounds {
		x := &w.run.query.Bounds[i]
		if c, known := b.Bounds(x.Path); known && x.Excludes(c) {
			w.n.BlocksSkippedBounds++
			return true
		}
	}
	return false
}

func (w *worker) rows(sel []uint32) error {
	if sel == nil {
		sel = w.s.seq[:w.frame.n]
	}
	for i, c := range w.conds {
		w.condRows[i].RowsIn += int64(len(sel))
		// A buffer is written while the other one is read, and never the block's own rows.
		out, err := c.keep(w.frame, sel, w.bufs[i&1][:0])
		if err != nil {
			return err
		}
		if len(out) > 0 || cap(out) > cap(w.bufs[i&1]) {
			w.bufs[i&1] = out
		}
		sel = out
		w.condRows[i].RowsOut += int64(len(sel))
		if len(sel) == 0 {
			return nil
		}
	}
	w.n.RowsMatched += int64(len(sel))
	if err := w.frame.fetch(w.fetch); err != nil {
		return err
	}
	if w.stats != nil {
		return w.stats.rows(w.frame, w.frame, sel)
	}
	return w.top.take(w.frame, sel)
}

// finish merges the workers and runs the rest of the steps.
func (r *run) finish(ctx context.Context, n Stats) (*Result, error) {
	if r.workers[0] == nil {
		r.workers[0] = r.worker(ctx)
	}
	w := r.workers[0]
	n.Steps = make([]StepStats, len(w.conds))
	var tops []*topOp
	for i, x := range r.workers {
		if x == nil {
			continue
		}
		n.add(&x.n)
		for j := range x.condRows {
			n.Steps[j].RowsIn += x.condRows[j].RowsIn
			n.Steps[j].RowsOut += x.condRows[j].RowsOut
		}
		if i == 0 {
			continue
		}
		if x.stats != nil {
			if err := w.stats.merge(x.stats); err != nil {
				return nil, err
			}
		}
		tops = append(tops, x.top)
	}
	for i, c := range r.query.Conds {
		n.Steps[i].Step = "where " + c.String()
	}
	count := func(s plan.Step, in, out int) {
		n.Steps = append(n.Steps, StepStats{s.String(), int64(in), int64(out)})
	}
	t, rest, err := w.result(tops, count)
	if err != nil {
		return nil, err
	}
	if t, err = t.run(rest, w.s, count); err != nil {
		return nil, err
	}
	if err := r.q.grow(t.n * len(r.query.Columns) * valueBytes); err != nil {
		return nil, err
	}
	n.MemoryPeak = r.q.peak.Load()
	return t.result(r.query.Columns, n), nil
}

// result returns the rows of the head and the steps that are left to do.
func (w *worker) result(tops []*topOp, count func(s plan.Step, in, out int)) (t *table, rest []plan.Step, err error) {
	q := w.run.query
	matched := 0
	for _, x := range w.run.workers {
		if x != nil {
			matched += int(x.n.RowsMatched)
		}
	}
	if w.stats == nil {
		names := make([]string, len(q.Cols))
		for i, c := range q.Cols {
			names[i] = c.As
		}
		if t, err = w.top.table(tops, names); err != nil {
			return nil, nil, err
		}
		count(q.Head, matched, t.n)
		return t, q.Rest, nil
	}
	n, err := w.stats.finish()
	if err != nil {
		return nil, nil, err
	}
	count(q.Head, matched, n)
	if len(q.Rest) > 0 {
		if top := newTopGroups(w.stats, q.Rest[0]); top != nil {
			groups, err := top.pick()
			if err != nil {
				return nil, nil, err
			}
			count(q.Rest[0], n, len(groups))
			t, err = w.stats.table(groups)
			return t, q.Rest[1:], err
		}
	}
	t, err = w.stats.table(nil)
	return t, q.Rest, err
}

// result returns some columns of a table.
func (t *table) result(columns []string, n Stats) *Result {
	r := &Result{Columns: columns, Rows: make([][]plan.Value, t.n), Stats: n}
	k := len(columns)
	cells := make([]plan.Value, t.n*k)
	for j, name := range columns {
		if at := t.ref(name).slot; at >= 0 {
			for i, v := range t.cols[at] {
				cells[i*k+j] = v
			}
		}
	}
	for i := range r.Rows {
		r.Rows[i] = cells[i*k : (i+1)*k : (i+1)*k]
	}
	if t.events != nil {
		r.Events = make([]Event, t.n)
		for i, e := range t.events {
			r.Events[i] = Event{e.Key, e.group, e.stream}
		}
	}
	return r
}

func (s *Stats) add(o *Stats) {
	s.Blocks += o.Blocks
	s.BlocksSkippedBounds += o.BlocksSkippedBounds
	s.BlocksSkippedOrder += o.BlocksSkippedOrder
	s.BlocksCounted += o.BlocksCounted
	s.RowsScanned += o.RowsScanned
	s.BytesScanned += o.BytesScanned
	s.RowsMatched += o.RowsMatched
	s.RowsSkipped += o.RowsSkipped
	s.BytesSkipped += o.BytesSkipped
	s.BytesDecoded += o.BytesDecoded
}
