package insights

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Statuses of a query.
const (
	Scheduled = "Scheduled"
	Running   = "Running"
	Complete  = "Complete"
	Failed    = "Failed"
	Cancelled = "Cancelled"
	Timeout   = "Timeout"
)

// Statistics count the work of a query.
type Statistics struct {
	RecordsMatched int64 `json:"matched"`
	RecordsScanned int64 `json:"scanned"`
	BytesScanned   int64 `json:"bytes"`
	RecordsSkipped int64 `json:"skipped"` // events of the range that indexes, bounds and limits left out
	BytesSkipped   int64 `json:"bytesSkipped"`
	GroupsScanned  int64 `json:"groups"`
}

func (s *Statistics) add(x *exec.Stats) {
	s.RecordsMatched += x.RowsMatched
	// What the store looked at and did not hand out counts too.
	s.RecordsScanned += max(x.RowsScanned, x.Source.RowsRead-x.RowsSkipped)
	s.BytesScanned += max(x.BytesScanned, x.Source.BytesRead-x.BytesSkipped)
	s.RecordsSkipped += x.RowsSkipped + x.Source.RowsSkipped - x.Source.RowsOutside
	s.BytesSkipped += x.BytesSkipped + x.Source.BytesSkipped - x.Source.BytesOutside
}

// job is a query in memory: from its start until its end is written.
type job struct {
	s         *Service
	id        string
	scope     logs.Scope
	language  string
	shown     string // the text as it was sent
	statement *statement
	selection selection
	spec      spec
	createdMS int64
	born      time.Time

	env *env

	ctx    context.Context // of the run; owned by the service
	cancel context.CancelCauseFunc

	recorded   chan struct{} // closed when its record is written, or cannot be
	unrecorded bool          // it cannot; set before
	done       chan struct{} // closed when it has ended
	saved      chan struct{} // closed when its end is written, or never will be

	mu        sync.Mutex
	status    string
	reason    string
	compiled  *insightsql.Compiled // nil: not yet
	startedMS int64                // 0: not yet
	endedMS   int64
	scanned   int64 // groups
	under     *exec.Running
	rows      *rowSet // so far, or all of them
	stats     Statistics

	look     sync.Mutex // held while a snapshot is taken
	lookNext time.Time  // no other snapshot before
}

// ended reports whether the job has ended.
func (j *job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// run brings a job that has a place to its end.
func (j *job) run() {
	if err := context.Cause(j.ctx); err != nil {
		j.end(nil, nil, err)
		return
	}
	j.mu.Lock()
	j.status, j.startedMS = Running, j.s.now().UnixMilli()
	j.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(j.ctx, j.s.o.Timeout, errTimeout)
	defer cancel()
	var result *exec.Result
	var rows *rowSet
	err := guarded(func() (err error) {
		if result, err = j.execute(ctx); err != nil {
			return err
		}
		j.mu.Lock()
		c := j.compiled
		j.mu.Unlock()
		rows, err = newRowSet(ctx, result, c)
		return err
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // whatever it was noticed by
	}
	j.end(result, rows, err)
}

// guarded returns the error of f, an *exec.PanicError when it panics: a defect that one query meets
// must not end the queries of others.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &exec.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return f()
}

// indexed returns the groups that have indexes of all the fields.
func (s *Service) indexed(ctx context.Context, found []groups.Group, fields []insightsql.IndexCond) ([]groups.Group, error) {
	if len(fields) == 0 || s.o.Indexed == nil {
		return found, nil
	}
	var out []groups.Group
	for _, g := range found {
		names, err := s.o.Indexed(ctx, g)
		if err != nil {
			return nil, fmt.Errorf("look up the field indexes of a log group: %w", err)
		}
		all := true
		for _, f := range fields {
			all = all && slices.Contains(names, f.Field)
		}
		if all {
			out = append(out, g)
		}
	}
	return out, nil
}

// end makes the outcome of a job visible. It is called once.
func (j *job) end(result *exec.Result, rows *rowSet, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil:
		j.status, j.rows = Complete, rows
	case errors.Is(err, errStopped):
		j.status = Cancelled
	case errors.Is(err, errTimeout):
		j.status = Timeout
	default:
		j.status = Failed
	}
	if err != nil {
		j.reason = reason(err)
		if p, ok := errors.AsType[*exec.PanicError](err); ok {
			j.s.o.Logger.Error("query met a defect of the server", "query", j.id, "text", j.shown, "panic", p.Value, "stack", string(p.Stack))
		}
		j.s.o.Logger.Info("query ended without an answer", "query", j.id, "status", j.status, "reason", j.reason)
	}
	j.stats = j.count(result)
	j.under = nil
	j.s.ends[slices.Index(endStatuses[:], j.status)].Add(1)
	j.endedMS = j.s.now().UnixMilli()
	close(j.done)
}

// count returns the statistics at the end. The lock is held.
func (j *job) count(result *exec.Result) Statistics {
	n := j.env.inner()
	switch {
	case result != nil:
		n.add(&result.Stats)
	case j.under != nil:
		under := j.under.Stats()
		n.add(&under)
	}
	n.GroupsScanned = j.scanned
	return n
}

// reason is what the owner of a query that failed reads.
func reason(err error) string {
	if m, ok := errors.AsType[*MalformedError](malformed(err)); ok {
		return m.Message
	}
	for _, known := range []error{errStopped, errTimeout, errShutdown} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "The query could not be completed: " + err.Error()
}

// compileEarly compiles the query when nothing has to be read for that, so that what
// is wrong with it is known at once.
func (j *job) compileEarly(ctx context.Context) error {
	var c *insightsql.Compiled
	err := guarded(func() (err error) {
		c, err = j.statement.Compile(ctx, j.env.insights(false))
		return err
	})
	switch {
	case errors.Is(err, errLater):
		return nil
	case err != nil:
		return malformed(err)
	}
	j.compiled = c
	return nil
}

// execute runs the query.
func (j *job) execute(ctx context.Context) (*exec.Result, error) {
	c, q, err := j.planned(ctx)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	j.scanned = int64(len(q.Request.Groups))
	j.mu.Unlock()
	if c.Estimate {
		return j.s.estimate(ctx, q)
	}
	return j.ask(ctx, q)
}

// ask runs the plan of the query over the store.
func (j *job) ask(ctx context.Context, q *plan.Query) (*exec.Result, error) {
	left, err := j.env.memory()
	if err != nil {
		return nil, err
	}
	running := exec.Start(ctx, q, explore.Source{Store: j.s.o.Store}, exec.Options{Memory: left})
	j.mu.Lock()
	j.under = running
	j.mu.Unlock()
	result, err := running.Wait()
	if err == nil {
		err = j.env.failure()
	}
	return result, err
}

// planned compiles the query, unless that was done early, and makes its plan.
func (j *job) planned(ctx context.Context) (*insightsql.Compiled, *plan.Query, error) {
	j.mu.Lock()
	c := j.compiled
	j.mu.Unlock()
	j.env.begin(ctx)
	if c == nil {
		var err error
		if c, err = j.statement.Compile(ctx, j.env.insights(true)); err != nil {
			return nil, nil, err
		}
		j.mu.Lock()
		j.compiled = c
		j.mu.Unlock()
	}
	q, err := j.s.plan(ctx, j.selection.groups, j.spec.Start, j.spec.End, c)
	return c, q, err
}

// plan makes the plan of a compiled query.
func (s *Service) plan(ctx context.Context, found []groups.Group, start, end int64, c *insightsql.Compiled) (*plan.Query, error) {
	found, err := s.indexed(ctx, found, c.Index)
	if err != nil {
		return nil, err
	}
	scan, hide, err := s.scan(ctx, found, start, end)
	if err != nil {
		return nil, err
	}
	q, err := plan.Optimize(&plan.Plan{Scan: scan, Steps: append(hide, c.Steps...)})
	if err != nil {
		return nil, fmt.Errorf("plan the query: %w", err)
	}
	return q, nil
}
