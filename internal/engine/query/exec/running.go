package exec

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Running is a query under way. Its methods may be called from several goroutines.
type Running struct {
	run  *run
	done chan struct{}

	result *Result // once done is closed
	err    error
}

// run is one query under way.
type run struct {
	query    *plan.Query
	q        quota
	found    atomic.Int64
	frontier atomic.Int64
	best     atomic.Pointer[plan.Value] // see keyFilter
	source   atomic.Pointer[func() plan.SourceStats]

	mu      sync.Mutex // guards the elements of workers
	workers []*worker

	looks sync.Mutex // held while the workers' heads are merged
	ended bool       // they were merged for good, or something failed

	pace pace
}

// Start starts a query, which ends by itself or when the context is cancelled.
// Its goroutines are gone when Wait returns.
func Start(ctx context.Context, query *plan.Query, src plan.Source, o Options) *Running {
	r := &Running{run: newRun(ctx, query, o), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.result, r.err = r.run.guard(src)
	}()
	return r
}

// Run runs a query. A cancelled context ends it with the cause; so does the
// first error of the source. A panic is an error, *PanicError.
func Run(ctx context.Context, query *plan.Query, src plan.Source, o Options) (*Result, error) {
	return newRun(ctx, query, o).guard(src)
}

// Wait returns the answer when the query has ended.
func (r *Running) Wait() (*Result, error) {
	<-r.done
	return r.result, r.err
}

// Done is closed when the query has ended.
func (r *Running) Done() <-chan struct{} { return r.done }

// Stats returns what was done so far. It waits for blocks that are being read,
// some milliseconds each.
func (r *Running) Stats() Stats {
	select {
	case <-r.done:
		if r.result != nil {
			return r.result.Stats
		}
	default:
	}
	var n Stats
	for _, w := range r.run.started() {
		w.mu.Lock()
		n.add(&w.n)
		w.mu.Unlock()
	}
	n.MemoryPeak = r.run.q.peak.Load()
	n.Source = r.run.sourceStats()
	return n
}

// Snapshot returns the answer of the blocks read so far, and the final one when
// the query has ended. Workers go on meanwhile; each waits only while its own part
// is copied. The copy may take the memory that the query does not hold: an ErrMemory
// of it leaves the query alone.
func (r *Running) Snapshot() (*Result, error) {
	r.run.looks.Lock()
	if !r.run.ended {
		defer r.run.looks.Unlock()
		var result *Result
		err := guarded(func() (err error) {
			result, err = r.run.look()
			return err
		})
		return result, err
	}
	r.run.looks.Unlock()
	return r.Wait()
}

func newRun(ctx context.Context, query *plan.Query, o Options) *run {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	r := &run{query: query, q: quota{limit: o.Memory}, pace: pace{ctx: ctx, left: checkEvery}}
	r.frontier.Store(math.MinInt64)
	if query.ByAge == plan.OldestFirst {
		r.frontier.Store(math.MaxInt64)
	}
	r.workers = make([]*worker, min(o.Workers, maxWorkers))
	return r
}

// guard runs the query.
func (r *run) guard(src plan.Source) (result *Result, err error) {
	err = guarded(func() (err error) {
		result, err = r.do(src)
		return err
	})
	return result, err
}

// do runs the query.
func (r *run) do(src plan.Source) (*Result, error) {
	request := r.query.Request
	request.Skip = r.beyond
	request.Watch = func(counts func() plan.SourceStats) { r.source.Store(&counts) }
	var source plan.SourceStats
	var err error
	if !r.nothing() {
		source, err = src.ScanBlocks(r.pace.ctx, request, len(r.workers), func(i int, b plan.Block) error {
			w := r.workers[i]
			if w == nil { // no two calls with the same i overlap
				w = r.worker()
				r.mu.Lock()
				r.workers[i] = w
				r.mu.Unlock()
			}
			return guarded(func() error { return w.block(b) })
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
	}
	all := func() plan.SourceStats { return source }
	r.source.Store(&all)
	r.looks.Lock()
	defer r.looks.Unlock()
	r.ended = true
	if err != nil {
		return nil, err
	}
	w := r.workers[0]
	if w == nil {
		w = r.worker()
	}
	result, err := r.answer(w.head, w.s)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// look returns the answer so far.
func (r *run) look() (*Result, error) {
	q := &quota{limit: max(r.q.limit-r.q.used.Load(), 0)}
	p := r.pace
	s := newScratch(&p, q)
	return r.answer(r.newHead(r.compiler(), s), s)
}

// sourceStats returns what the source did so far.
func (r *run) sourceStats() plan.SourceStats {
	if counts := r.source.Load(); counts != nil {
		return (*counts)()
	}
	return plan.SourceStats{}
}

// started returns the workers that there are.
func (r *run) started() []*worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.workers), func(w *worker) bool { return w == nil })
}

// answer merges the workers into h, which may be the head of one of them, and
// runs the rest of the steps.
func (r *run) answer(h head, s *scratch) (*Result, error) {
	var n Stats
	steps := r.noSteps()
	for _, w := range r.started() {
		if err := w.mergeInto(h, &n, steps); err != nil {
			return nil, err
		}
	}
	n.Steps = steps
	count := func(s plan.Step, in, out int) {
		n.Steps = append(n.Steps, StepStats{s.String(), int64(in), int64(out)})
	}
	t, rest, err := h.table(int(n.RowsMatched), r.query.Rest, count)
	if err != nil {
		return nil, err
	}
	if t, err = t.run(rest, s, count); err != nil {
		return nil, err
	}
	if err := s.arena.q.grow(t.n * len(r.query.Columns) * valueBytes); err != nil {
		return nil, err
	}
	if err := context.Cause(s.pace.ctx); err != nil {
		return nil, err
	}
	n.MemoryPeak = r.q.peak.Load()
	n.Source = r.sourceStats()
	return t.result(r.query.Columns, n), nil
}

// noSteps are the steps before the head with no rows.
func (r *run) noSteps() (s []StepStats) {
	add := func(what string) { s = append(s, StepStats{Step: what}) }
	for _, c := range r.query.Conds {
		add("where " + c.String())
	}
	for _, u := range r.query.Unnests {
		add("unnest " + u.X.String() + " as " + plan.Field{Name: u.Name}.String())
		for _, c := range u.Conds {
			add("where " + c.String())
		}
	}
	return s
}

// steps returns how many rows passed the conditions and the elements.
func (w *worker) steps() []StepStats {
	s := slices.Clone(w.condRows)
	for _, u := range w.unnests {
		s = append(s, u.steps...)
	}
	return s
}

// mergeInto adds the state of a worker to h, unless it is its own, and to the counts.
func (w *worker) mergeInto(h head, n *Stats, steps []StepStats) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.add(&w.n)
	for i, x := range w.steps() {
		steps[i].RowsIn += x.RowsIn
		steps[i].RowsOut += x.RowsOut
	}
	if w.head == h {
		return nil
	}
	return h.merge(w.head)
}

// beyond reports whether no row with a time in [first, last] can be in the answer.
func (r *run) beyond(first, last int64) bool {
	switch r.query.ByAge {
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
