package exec

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// errEnough ends a scan early.
var errEnough = errors.New("query: enough rows")

// worker is the state of one goroutine. Between two blocks others look at it.
type worker struct {
	mu       sync.Mutex // held while a block is done; guards what blocks change
	run      *run
	pace     pace
	s        *scratch
	frame    *blockFrame
	conds    []predicate
	bufs     [2][]uint32
	unnests  []*unnester
	head     head
	fetch    []fieldRef    // columns that the head reads before it changes anything
	cuts     []*extraction // likewise: what it cuts out of messages that are not read for anything else
	n        Stats
	condRows []StepStats
	before   []StepStats
}

func (r *run) worker() *worker {
	w := &worker{run: r, pace: r.pace}
	w.s = newScratch(&w.pace, &r.q)
	w.frame = newBlockFrame(r.query.Request.Paths, &w.pace)
	c := r.compiler()
	for _, e := range r.query.Conds {
		w.conds = append(w.conds, compilePredicate(c, e, w.s))
	}
	w.condRows = make([]StepStats, len(w.conds))
	for i := range r.query.Unnests {
		w.unnests = append(w.unnests, newUnnester(c, &r.query.Unnests[i], i+1))
	}
	reads := headReads(r.query, c)
	w.fetch = reads.columns
	w.head = r.newHead(c, w.s)
	for _, e := range reads.cuts {
		if x := c.extraction(e); !slices.Contains(w.cuts, x) {
			x.use(e.Part)
			w.cuts = append(w.cuts, x)
		}
	}
	return w
}

// compiler resolves names to paths of the request.
func (r *run) compiler() *compiler {
	return &compiler{slot: func(name string) fieldRef {
		if plan.IsSystem(name) {
			return fieldRef{name: name, sys: true}
		}
		if plan.IsElement(name) {
			return fieldRef{name: name, element: elementLevel(name)}
		}
		for i, p := range r.query.Request.Paths {
			if p == name {
				return fieldRef{name: name, slot: i}
			}
		}
		panic("exec: a path of the query is not in its request: " + name)
	}}
}

// reads is what a head reads of every block. The messages of rows that a Sort,
// Limit or Dedup returns are not among it: they are read for those only.
type reads struct {
	columns []fieldRef
	cuts    []plan.Extract // of messages that are not among columns

	compiler *compiler
	seen     map[string]bool
}

func headReads(q *plan.Query, c *compiler) *reads {
	r := &reads{compiler: c, seen: map[string]bool{}}
	switch h := q.Head.(type) {
	case plan.Stats:
		for _, b := range h.By {
			r.expr(b.Expr)
		}
		for _, a := range h.Aggs {
			if a.Arg != nil {
				r.expr(a.Arg)
			}
			if a.Func == plan.Earliest || a.Func == plan.Latest {
				r.column(plan.Timestamp)
			}
		}
	case plan.Sort:
		for _, k := range h.Keys {
			r.expr(k.Expr)
		}
	case plan.Cluster:
		r.expr(h.X)
	case plan.Dedup:
		for _, k := range h.Keys {
			r.expr(k)
		}
		for _, k := range h.By {
			r.expr(k.Expr)
		}
	}
	for _, u := range q.Unnests {
		plan.Fields(u.X, r.column)
		for _, c := range u.Conds {
			plan.Fields(c, r.column)
		}
	}
	for _, k := range q.Cols {
		plan.Fields(k.Expr, func(name string) {
			if name != plan.Message || len(q.Unnests) > 0 { // the head takes a block in pieces then
				r.column(name)
			}
		})
	}
	if len(q.Unnests) > 0 { // its rows are not those of the block
		for range r.cuts {
			r.column(plan.Message)
		}
		r.cuts = nil
	}
	return r
}

func (r *reads) expr(e plan.Expr) {
	plan.FieldsBeside(e, func(x plan.Extract) bool {
		own := x.By.Glob != nil && x.X == (plan.Field{Name: plan.Message})
		if own {
			r.cuts = append(r.cuts, x)
		}
		return own
	}, r.column)
}

func (r *reads) column(name string) {
	if !r.seen[name] && !plan.IsElement(name) {
		r.seen[name] = true
		r.columns = append(r.columns, r.compiler.slot(name))
	}
}

// block does one block. When it fails, nothing of the block was kept: a source
// may leave out a block that turned out to be damaged.
func (w *worker) block(b plan.Block) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.n
	w.before = append(w.before[:0], w.condRows...)
	for _, u := range w.unnests {
		w.before = append(w.before, u.steps...)
		u.start()
	}
	err := w.add(b)
	if err != nil {
		w.n = n
		was := w.before[copy(w.condRows, w.before):]
		for _, u := range w.unnests {
			was = was[copy(u.steps, was):]
		}
	}
	return err
}

// add takes one block through the conditions to the head.
func (w *worker) add(b plan.Block) error {
	if err := context.Cause(w.pace.ctx); err != nil {
		return err
	}
	if w.head.done() {
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
	if len(w.conds) == 0 && len(w.unnests) == 0 {
		if done, err := w.head.header(b, rows); done || err != nil {
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
	if h, ok := w.head.(narrower); ok && len(w.unnests) == 0 && h.skips(w.frame, b) {
		w.n.BlocksSkippedOrder++
		return true
	}
	for i := range w.run.query.Bounds {
		x := &w.run.query.Bounds[i]
		name, ok := plan.JSONName(x.Path)
		if !ok {
			continue
		}
		if c, known := b.NamedBounds(name); known && x.Excludes(c) && w.frame.isWhole(b) {
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
	if h, ok := w.head.(narrower); ok && len(w.unnests) == 0 {
		var err error
		if sel, err = h.narrow(w.frame, sel); err != nil || len(sel) == 0 {
			return err
		}
	}
	if err := w.frame.fetch(w.fetch); err != nil {
		return err
	}
	for _, x := range w.cuts {
		if err := x.prepare(w.frame, sel, &w.s.arena, &w.pace); err != nil {
			return err
		}
	}
	return w.expand(0, w.frame, sel)
}
