package schedules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
)

// Errors that callers tell apart, beside *ParameterError and groups.ErrGroupNotFound.
var (
	ErrNotFound = errors.New("scheduled query does not exist")
	ErrExists   = errors.New("scheduled query already exists")
	ErrTooMany  = errors.New("too many scheduled queries")
	ErrBadToken = errors.New("bad paging token")
	// ErrUnavailable: the disk is full or failed; the same call may succeed
	// later.
	ErrUnavailable = errors.New("schedules: storage unavailable")
)

// ParameterError says that a parameter has a value that is refused. Message is
// a complete sentence for the caller.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// States of a scheduled query.
const (
	Enabled  = "ENABLED"
	Disabled = "DISABLED"
)

// Limits.
const (
	MaxSchedules = 1000 // in one (account, region)
	MaxPage      = 1000
	DefaultPage  = 50
)

// keepRuns is how long the history reaches back.
const keepRuns = 30 * 24 * time.Hour

// Queries runs queries; *insights.Service does.
type Queries interface {
	Check(ctx context.Context, scope logs.Scope, r insights.StartRequest) error
	Start(ctx context.Context, scope logs.Scope, r insights.StartRequest) (id string, err error)
	Wait(ctx context.Context, scope logs.Scope, id string) error
	Results(ctx context.Context, scope logs.Scope, id string, token *string, limit int) (insights.Page, error)
}

// Objects writes to buckets; *objects.Service does.
type Objects interface {
	PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error
}

// Options configure a Service.
type Options struct {
	Catalog *catalog.DB // required
	Queries Queries     // required
	Objects Objects     // required

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now; the clock of the schedules

	tune tuning
}

// tuning holds what no user can set well; tests do.
type tuning struct {
	running  int           // runs under way at a time
	attempts int           // tries to start a query or to write an object
	retryMin time.Duration // wait before the second try; doubles
	look     time.Duration // longest time between two looks at the clock
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Service is the entry to scheduled queries. Its methods are safe for
// concurrent use. Queries run only while Run runs.
type Service struct {
	o    Options
	wake chan struct{}
}

// New returns a Service. The caller runs Run.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Queries == nil || o.Objects == nil {
		return nil, errors.New("schedules: options Catalog, Queries and Objects are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.tune.running, 8)
	setDefault(&o.tune.attempts, 6)
	setDefault(&o.tune.retryMin, time.Second)
	setDefault(&o.tune.look, time.Minute)
	return &Service{o: o, wake: make(chan struct{}, 1)}, nil
}

// rouse makes Run look at the schedules again.
func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Destination is where results go to.
type Destination struct {
	URI     string `json:"uri"` // s3://BUCKET/PREFIX
	RoleARN string `json:"role"`
	Owner   string `json:"owner,omitempty"`
	KMSKey  string `json:"kmsKey,omitempty"`
}

// Spec is what a scheduled query does.
type Spec struct {
	Description string       `json:"description,omitempty"`
	Language    string       `json:"language"`
	Query       string       `json:"query"`
	Groups      []string     `json:"groups,omitempty"` // names or ARNs
	Expression  string       `json:"expression"`
	Zone        string       `json:"zone,omitempty"`      // "" = UTC
	LookBack    *int64       `json:"lookBack,omitempty"`  // s
	LookUntil   *int64       `json:"lookUntil,omitempty"` // s before the run that its range ends; nil: 0
	Destination *Destination `json:"destination,omitempty"`
	Start       *int64       `json:"start,omitempty"` // as given: s since the Unix epoch, or ms from 10^11 on
	End         *int64       `json:"end,omitempty"`
	Role        string       `json:"role"`
	State       string       `json:"-"` // "" = Enabled
}

// Query is a scheduled query.
type Query struct {
	ARN, Name string
	Spec
	CreatedMS  int64
	UpdatedMS  int64
	LastMS     int64  // time of the last run; -1 = none
	LastStatus string // "" = none
}

func describe(row *catalog.Schedule) (Query, error) {
	q := Query{
		ARN: row.Scope.ScheduledQueryARN(row.ID), Name: row.Name, CreatedMS: row.CreatedMS, UpdatedMS: row.UpdatedMS,
		LastMS: row.LastMS, LastStatus: row.LastStatus,
	}
	if err := json.Unmarshal(row.Spec, &q.Spec); err != nil {
		return Query{}, fmt.Errorf("decode scheduled query %s: %w", row.ID, err)
	}
	q.State = row.State
	return q, nil
}

func translate(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, catalog.ErrExists):
		return ErrExists
	case errors.Is(err, catalog.ErrTooMany):
		return ErrTooMany
	case errors.Is(err, catalog.ErrFull), errors.Is(err, groups.ErrUnavailable):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// Create makes a scheduled query. *ParameterError, ErrExists, ErrTooMany,
// groups.ErrGroupNotFound, ErrUnavailable.
func (s *Service) Create(ctx context.Context, scope logs.Scope, name string, spec Spec, tags map[string]string) (Query, error) {
	if err := groups.CheckTags(tags); err != nil {
		return Query{}, parameterf("%s", err)
	}
	now := s.o.Now()
	row := catalog.Schedule{
		ID: uuid.NewString(), Scope: scope, Name: name, CreatedMS: now.UnixMilli(), LastMS: -1,
	}
	if err := s.fill(ctx, &row, spec, now); err != nil {
		return Query{}, err
	}
	if err := s.o.Catalog.CreateSchedule(ctx, row, scope.ScheduledQueryARN(row.ID), tags, MaxSchedules); err != nil {
		return Query{}, translate(err)
	}
	s.rouse()
	return describe(&row)
}

// fill checks a spec and puts it into a row.
func (s *Service) fill(ctx context.Context, row *catalog.Schedule, spec Spec, now time.Time) error {
	t, err := spec.check(ctx, s.o.Queries, row.Scope, now)
	if err != nil {
		return err
	}
	setDefault(&spec.State, Enabled)
	row.State, row.UpdatedMS = spec.State, now.UnixMilli()
	row.DueMS = t.after(spec.State, now)
	if row.Spec, err = json.Marshal(&spec); err != nil {
		return fmt.Errorf("encode scheduled query: %w", err)
	}
	return nil
}

// find returns a scheduled query by name or ARN.
func (s *Service) find(ctx context.Context, scope logs.Scope, identifier string) (catalog.Schedule, error) {
	arn, err := logs.ParseARN(identifier)
	if err != nil {
		row, err := s.o.Catalog.ScheduleByName(ctx, scope, identifier)
		return row, translate(err)
	}
	id, ok := arn.ScheduledQuery()
	if !ok || arn.Scope != scope || arn.Partition != logs.Partition(scope.Region) {
		return catalog.Schedule{}, ErrNotFound
	}
	row, err := s.o.Catalog.Schedule(ctx, id)
	if err == nil && row.Scope != scope {
		return catalog.Schedule{}, ErrNotFound
	}
	return row, translate(err)
}

// Get returns a scheduled query by name or ARN. ErrNotFound, ErrUnavailable.
func (s *Service) Get(ctx context.Context, scope logs.Scope, identifier string) (Query, error) {
	row, err := s.find(ctx, scope, identifier)
	if err != nil {
		return Query{}, err
	}
	return describe(&row)
}

// Update replaces what a scheduled query does; what the spec leaves out is cleared.
// *ParameterError, ErrNotFound, groups.ErrGroupNotFound, ErrUnavailable.
func (s *Service) Update(ctx context.Context, scope logs.Scope, identifier string, spec Spec) (Query, error) {
	row, err := s.find(ctx, scope, identifier)
	if err != nil {
		return Query{}, err
	}
	if err := s.fill(ctx, &row, spec, s.o.Now()); err != nil {
		return Query{}, err
	}
	if err := s.o.Catalog.UpdateSchedule(ctx, row); err != nil {
		return Query{}, translate(err)
	}
	s.rouse()
	return describe(&row)
}

// Delete removes a scheduled query and its history. A run that is under way goes
// on without being recorded. ErrNotFound, ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, identifier string) error {
	row, err := s.find(ctx, scope, identifier)
	if err != nil {
		return err
	}
	return translate(s.o.Catalog.DeleteSchedule(ctx, row.ID, scope.ScheduledQueryARN(row.ID)))
}

// Page is one page of scheduled queries by name. Next is the token of the next page,
// "" on the last.
type Page struct {
	Queries []Query
	Next    string
}

// List lists scheduled queries in a state ("" = any), up to limit (0 = DefaultPage).
// ErrBadToken, ErrUnavailable.
func (s *Service) List(ctx context.Context, scope logs.Scope, state string, token *string, limit int) (Page, error) {
	setDefault(&limit, DefaultPage)
	limit = min(limit, MaxPage)
	query := logs.QueryHash(scope.Account, scope.Region, state)
	now := s.o.Now().UnixMilli()
	after := ""
	if token != nil {
		position, err := logs.DecodeToken(*token, logs.TokenSchedules, query, now)
		if err != nil {
			return Page{}, ErrBadToken
		}
		after = string(position)
	}
	rows, err := s.o.Catalog.Schedules(ctx, scope, state, after, limit+1)
	if err != nil {
		return Page{}, translate(err)
	}
	var page Page
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = logs.EncodeToken(logs.TokenSchedules, query, now, []byte(rows[limit-1].Name))
	}
	for i := range rows {
		q, err := describe(&rows[i])
		if err != nil {
			return Page{}, err
		}
		page.Queries = append(page.Queries, q)
	}
	return page, nil
}
