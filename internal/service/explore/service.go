package explore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Errors of this package beside those of groups, events and patterns.
var (
	// ErrTimeRange is a range that is missing, or ends before it begins.
	ErrTimeRange = errors.New("startTime and endTime are required, and startTime must be less than or equal to endTime.")
	// ErrBuckets is a request for too many or too narrow buckets.
	ErrBuckets = errors.New("The range must be divided into 1 to 2000 buckets of at least one millisecond.")
	// ErrFields is a list of fields that is too long, or a name that no field has.
	ErrFields = errors.New("1 to 20 fields of 1 to 255 bytes can be asked for.")
	// ErrTop is a number of values outside 1 to MaxTop.
	ErrTop = errors.New("top must be between 1 and 100.")
	// ErrDataSource is a data source that no log group has.
	ErrDataSource = errors.New("The specified data source does not exist.")
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	ResolveStream(ctx context.Context, g groups.Group, name string) (groups.Stream, error)
	List(ctx context.Context, scope logs.Scope, r groups.ListRequest) (groups.Page, error)
}

// Store finds events and blocks; *store.Store is one.
type Store interface {
	BlockScanner
	Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error)
}

// Options configure a Service.
type Options struct {
	Directory Directory // required
	Store     Store     // required
	// Memory bounds in bytes what one question may hold; 0 means 64 MiB.
	Memory int64
	// Now is the clock of retention and of open ranges. nil means time.Now.
	Now func() time.Time
}

// Service answers questions about events. It is safe for concurrent use.
type Service struct {
	dir    Directory
	store  Store
	memory int64
	now    func() time.Time
}

// New returns a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{dir: o.Directory, store: o.Store, memory: o.Memory, now: o.Now}
}

// Selection says which events a question is about.
type Selection struct {
	Group   string   // name or ARN
	Streams []string // nil: all
	Start   *int64   // ms, inclusive; required
	End     *int64   // ms, inclusive; required
	Pattern string   // filter pattern; empty matches all
}

// Stats count the work of a question.
type Stats struct {
	Matched      int64 // events
	Scanned      int64
	Skipped      int64 // events that did not have to be looked at
	BytesScanned int64
}

func statsOf(s *exec.Stats) Stats {
	return Stats{Matched: s.RowsMatched, Scanned: s.RowsScanned, Skipped: s.RowsSkipped + s.Source.RowsSkipped, BytesScanned: s.BytesScanned}
}

// readable resolves a group for reading.
func (s *Service) readable(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error) {
	g, err := s.dir.Resolve(ctx, scope, nameOrARN)
	if err == nil && g.Class != groups.ClassStandard {
		err = events.ErrClass
	}
	return g, err
}

// scan resolves a selection to what the executor reads and the condition on it.
func (s *Service) scan(ctx context.Context, scope logs.Scope, sel *Selection) (plan.Scan, []plan.Step, error) {
	if sel.Start == nil || sel.End == nil || *sel.Start > *sel.End {
		return plan.Scan{}, nil, ErrTimeRange
	}
	if len(sel.Streams) > events.MaxStreamNames {
		return plan.Scan{}, nil, events.ErrTooManyStreams
	}
	p, err := patterns.Parse(sel.Pattern)
	if err != nil {
		return plan.Scan{}, nil, err
	}
	g, err := s.readable(ctx, scope, sel.Group)
	if err != nil {
		return plan.Scan{}, nil, err
	}
	end := *sel.End
	if end < math.MaxInt64 {
		end++
	}
	from, to := groups.Visible(g, s.now(), sel.Start, &end)
	out := plan.Scan{Groups: []logs.GroupID{g.ID}, Start: from, End: to}
	for _, name := range sel.Streams {
		st, err := s.dir.ResolveStream(ctx, g, name)
		if err != nil {
			return plan.Scan{}, nil, err
		}
		out.Streams = append(out.Streams, st.ID)
	}
	var steps []plan.Step
	if !p.All() {
		m := p.Compile()
		steps = append(steps, plan.Filter{Cond: plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}})
	}
	return out, steps, nil
}

// run asks the executor.
func (s *Service) run(ctx context.Context, scan plan.Scan, steps []plan.Step) (*exec.Result, error) {
	q, err := plan.Optimize(&plan.Plan{Scan: scan, Steps: steps})
	if err != nil {
		return nil, err
	}
	r, err := exec.Run(ctx, q, Source{s.store}, exec.Options{Memory: s.memory})
	if errors.Is(err, exec.ErrMemory) || errors.Is(err, store.ErrMemory) {
		return nil, fmt.Errorf("%w: %w", events.ErrMemory, err)
	}
	return r, err
}

// valueOf is the value of a field as a column of its own name, which no aggregate
// has.
func valueOf(field string) plan.Named {
	return plan.Named{Expr: plan.Field{Name: field}, As: "value"}
}
