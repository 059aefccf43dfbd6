package insights

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

// ErrExplainNeedsRun is about a query whose plan depends on the rows of another one in it.
var ErrExplainNeedsRun = errors.New("The plan of this query depends on the rows of a query in it; ask for it to be run.")

// Explanation says how a query is answered.
type Explanation struct {
	Plan    string // one line for each step, and the rules that changed it
	Columns []string
	Run     *Report // nil when it was not run
}

// Report says what the run of a query did.
type Report struct {
	Steps      []StepReport
	Statistics Statistics
	Rows       int
	Took       time.Duration

	Blocks        int64 // that were handed to the query
	BlocksCounted int64 // of them, answered from their header
	BlocksDamaged int64

	// Why blocks were left out.
	SkippedByTime   int64 // they lie outside of the range or the streams
	SkippedByIndex  int64 // the skip index says that nothing in them matches
	SkippedByBounds int64 // the least and greatest values of a column say so
	SkippedByOrder  int64 // enough rows come before theirs
	PartsSkipped    int64 // files that were not even opened

	BytesDecoded int64
	MemoryPeak   int64
}

// StepReport counts the rows of one step.
type StepReport struct {
	Step    string
	In, Out int64
}

// Explain says how a query is answered; run runs it, and keeps no result. The errors
// are those of Start, ErrExplainNeedsRun, and with run those that a query fails with.
func (s *Service) Explain(ctx context.Context, scope logs.Scope, r StartRequest, run bool) (*Explanation, error) {
	j, err := s.prepare(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	defer j.cancel(nil)
	if !run && j.compiled == nil {
		return nil, ErrExplainNeedsRun
	}
	select {
	case s.explains <- struct{}{}:
		defer func() { <-s.explains }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, errTimeout)
	defer cancel()
	c, q, err := j.planned(ctx)
	if err != nil {
		return nil, malformed(err)
	}
	out := &Explanation{Plan: q.Explain(), Columns: c.Columns}
	if !run || c.Estimate {
		return out, nil
	}
	out.Run, err = j.report(ctx, q)
	return out, err
}

// report runs the query and says what it did.
func (j *job) report(ctx context.Context, q *plan.Query) (*Report, error) {
	began := time.Now()
	result, err := j.ask(ctx, q)
	switch {
	case errors.Is(err, exec.ErrMemory) || errors.Is(err, store.ErrMemory):
		return nil, fmt.Errorf("%w: %w", events.ErrMemory, err)
	case err != nil:
		return nil, err
	}
	n := &result.Stats
	out := &Report{
		Statistics: j.env.inner(), Rows: len(result.Rows), Took: time.Since(began),
		Blocks: n.Blocks, BlocksCounted: n.BlocksCounted, BlocksDamaged: n.Source.BlocksDamaged,
		SkippedByTime: n.Source.BlocksSkippedTime, SkippedByIndex: n.Source.BlocksSkippedIndex,
		SkippedByBounds: n.BlocksSkippedBounds, SkippedByOrder: n.Source.BlocksSkippedOrder + n.BlocksSkippedOrder,
		PartsSkipped: n.Source.PartsSkipped, BytesDecoded: n.BytesDecoded, MemoryPeak: n.MemoryPeak,
	}
	out.Statistics.add(n)
	out.Statistics.GroupsScanned = int64(len(j.selection.groups))
	for _, x := range n.Steps {
		out.Steps = append(out.Steps, StepReport{x.Step, x.RowsIn, x.RowsOut})
	}
	return out, nil
}
