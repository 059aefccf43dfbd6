package insights

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
)

const (
	// loadAfter is how many names are looked up one by one before all are loaded.
	loadAfter = 64
	// maxLoaded bounds the names that are loaded so.
	maxLoaded = 200_000
	// maxDepth bounds queries within queries.
	maxDepth = 3
)

// errLater is what compiling meets when it needs the rows of another query but may not wait for them.
var errLater = errors.New("insights: not before the query has a place")

// env gives one query what it asks for from outside.
type env struct {
	j     *job
	known sync.Map // logs.GroupID -> groups.Group: of the query and of those within it

	mu     sync.RWMutex
	ctx    context.Context
	names  map[logs.StreamID]string
	missed int
	err    error // the first one that a function without an error met

	held  atomic.Int64 // bytes of rows that queries within it made
	count struct {
		sync.Mutex
		Statistics
	}
}

func newEnv(j *job) *env {
	e := &env{j: j, ctx: j.ctx, names: map[logs.StreamID]string{}}
	e.learn(j.selection.groups)
	return e
}

func (e *env) learn(found []groups.Group) {
	for _, g := range found {
		e.known.Store(g.ID, g)
	}
}

// begin sets the context of the run.
func (e *env) begin(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ctx = ctx
}

func (e *env) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

// failure returns the first error that a function without an error met.
func (e *env) failure() error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.err
}

func (e *env) context() context.Context {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.ctx
}

// inner returns the statistics of queries within the query.
func (e *env) inner() Statistics {
	e.count.Lock()
	defer e.count.Unlock()
	return e.count.Statistics
}

// insights returns the Env of the query itself. Unless run is set, errLater is the
// answer to what takes time.
func (e *env) insights(run bool) insightsql.Env {
	depth := 0
	if !run {
		depth = -1
	}
	return e.of(e.j.selection.groups, e.j.spec.Start, e.j.spec.End, e.j.spec.Limit, depth)
}

// of returns the Env of a query about some groups; depth is how many queries it is within,
// -1 when it cannot run others yet.
func (e *env) of(found []groups.Group, start, end int64, limit, depth int) insightsql.Env {
	return insightsql.Env{
		Now: e.j.createdMS, Start: start, End: end, Limit: limit,
		StreamName: e.streamName,
		GroupName:  e.groupName,
		StreamIDs:  func(name string) []logs.StreamID { return e.streamIDs(found, name) },
		GroupIDs: func(name string) (ids []logs.GroupID) {
			for _, g := range found {
				if shownGroup(g) == name {
					ids = append(ids, g.ID)
				}
			}
			return ids
		},
		Lookup: e.lookup,
		Run: func(ctx context.Context, sub insightsql.Sub) (*plan.Rows, error) {
			return e.run(ctx, sub, found, depth)
		},
	}
}

// shownGroup is what @log shows.
func shownGroup(g groups.Group) string { return g.Scope.Account + ":" + g.Name }

func (e *env) groupName(id logs.GroupID) string {
	if g, ok := e.known.Load(id); ok {
		return shownGroup(g.(groups.Group))
	}
	return ""
}

// streamName returns the name of a stream, "" when it was deleted meanwhile.
func (e *env) streamName(id logs.StreamID) string {
	e.mu.RLock()
	name, ok := e.names[id]
	e.mu.RUnlock()
	if ok {
		return name
	}
	e.mu.Lock()
	e.missed++
	load := e.missed == loadAfter
	e.mu.Unlock()
	if load {
		e.loadNames()
	}
	name, err := e.j.s.dir.StreamName(e.context(), id)
	if err != nil {
		e.fail(fmt.Errorf("look up the name of a log stream: %w", err))
		return ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.names) < maxLoaded {
		e.names[id] = name
	}
	return name
}

// loadNames loads the names of the streams of all groups, as far as there is room.
func (e *env) loadNames() {
	ctx := e.context()
	e.known.Range(func(id, _ any) bool {
		after := ""
		for {
			page, err := e.j.s.dir.Streams(ctx, id.(logs.GroupID), "", after, 5000)
			if err != nil {
				e.fail(fmt.Errorf("list log streams: %w", err))
				return false
			}
			e.mu.Lock()
			for _, st := range page {
				e.names[st.ID] = st.Name
			}
			full := len(e.names) >= maxLoaded
			e.mu.Unlock()
			if full {
				return false
			}
			if len(page) < 5000 {
				return true
			}
			after = page[len(page)-1].Name
		}
	})
}

func (e *env) streamIDs(found []groups.Group, name string) (ids []logs.StreamID) {
	ctx := e.context()
	for _, g := range found {
		st, err := e.j.s.dir.ResolveStream(ctx, g, name)
		switch {
		case err == nil:
			ids = append(ids, st.ID)
		case !errors.Is(err, groups.ErrStreamNotFound):
			e.fail(fmt.Errorf("look up a log stream: %w", err))
			return ids
		}
	}
	return ids
}

func (e *env) lookup(ctx context.Context, table string) (*insightsql.Table, error) {
	if e.j.s.o.Lookup == nil {
		return nil, insightsql.ErrNoTable
	}
	return e.j.s.o.Lookup(ctx, e.j.scope, table)
}

// memory returns what the query may still hold; exec.ErrMemory when the rows of queries within it
// have taken everything.
func (e *env) memory() (int64, error) {
	all := e.j.s.o.Memory
	if left := all - e.held.Load(); left > 0 {
		return left, nil
	}
	return 0, fmt.Errorf("%w: its share is %d MiB, and the rows of the queries within it take all of that", exec.ErrMemory, all>>20)
}

// run runs a query within a query and returns its rows, which count as memory of
// the query until it ends.
func (e *env) run(ctx context.Context, sub insightsql.Sub, outer []groups.Group, depth int) (*plan.Rows, error) {
	switch {
	case depth < 0:
		return nil, errLater
	case depth == maxDepth:
		return nil, parameterf("There are more than %d queries within each other.", maxDepth)
	}
	s := e.j.s
	st := &statement{text: sub.Other}
	if sub.Other != nil {
		st.sources = sub.Other.Selectors()
	} else {
		st = statementOf(sub.Query)
	}
	found := outer
	if len(st.sources) > 0 {
		sel, err := s.bySource(ctx, e.j.scope, st.sources)
		if err != nil {
			return nil, err
		}
		found = sel.groups
		e.learn(found)
	}
	if err := st.checkClasses(found); err != nil {
		return nil, err
	}
	c, err := st.Compile(ctx, e.of(found, sub.Start, sub.End, min(sub.MaxRows, MaxRows), depth+1))
	if err != nil {
		return nil, err
	}
	q, err := s.plan(ctx, found, sub.Start, sub.End, c)
	if err != nil {
		return nil, err
	}
	left, err := e.memory()
	if err != nil {
		return nil, err
	}
	result, err := exec.Run(ctx, q, explore.Source{Store: s.o.Store}, exec.Options{Memory: (left + 1) / 2})
	if err != nil {
		return nil, fmt.Errorf("a query within the query: %w", err)
	}
	e.count.Lock()
	e.count.add(&result.Stats)
	e.count.Unlock()
	return e.rowsOf(result), nil
}

// rowsOf turns rows into columns.
func (e *env) rowsOf(r *exec.Result) *plan.Rows {
	out := &plan.Rows{Names: r.Columns, Cols: make([][]plan.Value, len(r.Columns)), Len: len(r.Rows)}
	bytes := 0
	for i := range out.Cols {
		out.Cols[i] = make([]plan.Value, len(r.Rows))
		for n, row := range r.Rows {
			out.Cols[i][n] = row[i]
			bytes += valueBytes + len(row[i].Text)
		}
	}
	e.held.Add(int64(bytes))
	return out
}

// valueBytes is the memory of a value beside its text, roughly.
const valueBytes = 48
