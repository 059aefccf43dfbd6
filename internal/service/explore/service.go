package explore

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
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors of this package beside those of groups, events and patterns.
var (
	// ErrTimeRange is a range that is missing, or ends before it begins.
	ErrTimeRange = errors.New("startTime and endTime are required, and startTime must be less than or equal to endTime.")
	// ErrBuckets is a request for too many or too narrow buckets.
	ErrBuckets = errors.New("The range must be divided into 1 to 2000 buckets of at least one millisecond.")
	// ErrFields is a list of fields that is too long, or a name that no field has.
	ErrFields = errors.New("1 to 20 fields of 1 to 255 bytes can be asked for.")
	// ErrSystemField is a field that events have beside their message.
	ErrSystemField = errors.New("Only fields of messages can be asked for, not @timestamp, @ingestionTime, @message, @logStream or @log.")
	// ErrTop is a number of values outside 1 to MaxTop.
	ErrTop = errors.New("top must be between 1 and 100.")
	// ErrGroups is a question about no group, too many, or both one and several.
	ErrGroups = errors.New("Either logGroupIdentifier or logGroupIdentifiers, which holds 1 to 50 log groups, must be given.")
	// ErrPrefix is a prefix that stands for more than MaxPrefixStreams streams.
	ErrPrefix = errors.New("More than 10000 log streams begin with logStreamNamePrefix. Give a longer one, or none.")
	// ErrDataSource is a data source that no log group has.
	ErrDataSource = errors.New("The specified data source does not exist.")
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	ResolveStream(ctx context.Context, g groups.Group, name string) (groups.Stream, error)
	Streams(ctx context.Context, group logs.GroupID, prefix, after string, limit int) ([]groups.Stream, error)
	DeadStreams(ctx context.Context, group logs.GroupID) ([]logs.StreamID, error)
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

// run asks the executor what steps make of the events of a question.
func (s *Service) run(ctx context.Context, q *question, steps ...plan.Step) (*exec.Result, error) {
	query, err := plan.Optimize(&plan.Plan{Scan: q.scan, Steps: append(q.where[:len(q.where):len(q.where)], steps...)})
	if err != nil {
		return nil, err
	}
	r, err := exec.Run(ctx, query, Source{s.store}, exec.Options{Memory: s.memory})
	if errors.Is(err, exec.ErrMemory) || errors.Is(err, store.ErrMemory) {
		return nil, fmt.Errorf("%w: %w", events.ErrMemory, err)
	}
	return r, err
}

// checkField checks the name of a field that is asked for.
func checkField(name string) error {
	switch {
	case name == "" || len(name) > maxFieldName:
		return ErrFields
	case plan.IsSystem(name):
		return ErrSystemField
	}
	return nil
}

// valueOf is the value of a field as a column of its own name, which no aggregate
// has.
func valueOf(field string) plan.Named {
	return plan.Named{Expr: plan.Field{Name: field}, As: "value"}
}
