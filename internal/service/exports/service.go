package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// Errors that callers tell apart, beside groups.ErrGroupNotFound and
// groups.ErrUnavailable. The edge gives each its code and text.
var (
	ErrTaskNotFound     = errors.New("export task does not exist")
	ErrFinished         = errors.New("export task has already finished")
	ErrTooMany          = errors.New("too many export tasks under way")
	ErrTimeRange        = errors.New("from is not before to")
	ErrBeforeGroup      = errors.New("to is before the creation of the log group")
	ErrPrefix           = errors.New("destination prefix is too long for object keys")
	ErrNoBucket         = errors.New("bucket does not exist")
	ErrBucketAccess     = errors.New("bucket belongs to somebody else")
	ErrBucketPermission = errors.New("bucket refuses to be written")
	ErrBadToken         = errors.New("bad paging token")
)

// DefaultPrefix is the prefix of objects when none is given.
const DefaultPrefix = "exportedlogs"

// Limits and defaults of Describe.
const (
	MaxPage     = 50
	maxUnderWay = 1000 // tasks that wait or run in one (account, region)
)

// States of a task.
const (
	Pending       = "PENDING"
	Running       = "RUNNING"
	PendingCancel = "PENDING_CANCEL"
	Cancelled     = "CANCELLED"
	Completed     = "COMPLETED"
	Failed        = "FAILED"
)

const (
	taskKind      = "export"
	writeTestName = "aws-logs-write-test"
	writeTestBody = "Permission Check Successful"
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	GroupByID(ctx context.Context, scope logs.Scope, id logs.GroupID) (groups.Group, error)
	Streams(ctx context.Context, group logs.GroupID, prefix, after string, limit int) ([]groups.Stream, error)
}

// Events is what the service needs of the store; *store.Store is one.
type Events interface {
	Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error)
	HeadStats(group logs.GroupID) map[logs.StreamID]store.StreamStats
}

// Objects is what the service needs of buckets; *objects.Service is one.
type Objects interface {
	BucketExists(ctx context.Context, scope logs.Scope, name string) (bool, error)
	PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error
}

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB // required
	Directory Directory   // required
	Store     Events      // required
	Objects   Objects     // required

	// Strict allows one task under way in an (account, region), as the real
	// service does. Otherwise tasks wait for their turn.
	Strict bool

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now; the clock that stamps ingestion too

	tune tuning
}

// tuning holds what no user can set well; tests do.
type tuning struct {
	partBytes   int           // bytes of lines after which an object ends
	gatherBytes int           // memory for objects that are gathered; half as much again, or one object, is being written
	gather      int           // most streams scanned together
	share       int           // this many streams share gatherBytes before their objects are cut short
	writers     int           // objects written at once
	page        int           // streams listed at once
	attempts    int           // failures in a row, without an object between, that end a task
	retryMin    time.Duration // first wait after a failure; doubles

	watch func(memory, streams int) // sees each event taken
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Service is the entry to export tasks. Its methods are safe for concurrent
// use. Tasks are done only while Run runs.
type Service struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	current *current // the task being done
}

// current is the task that the runner works on.
type current struct {
	id     string
	cancel context.CancelCauseFunc
	status string // text for Describe; newer than the catalog's
}

// New returns a Service. The caller runs Run.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Directory == nil || o.Store == nil || o.Objects == nil {
		return nil, errors.New("exports: options Catalog, Directory, Store and Objects are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.tune.partBytes, 64<<20)
	setDefault(&o.tune.gatherBytes, 32<<20)
	setDefault(&o.tune.gather, 1000)
	setDefault(&o.tune.share, 128)
	setDefault(&o.tune.writers, 8)
	setDefault(&o.tune.page, 1000)
	setDefault(&o.tune.attempts, 6)
	setDefault(&o.tune.retryMin, time.Second)
	return &Service{o: o, wake: make(chan struct{}, 1)}, nil
}

// spec is the fixed part of a task, kept as JSON in the catalog.
type spec struct {
	Name         string       `json:"name,omitempty"`
	Group        string       `json:"group"`
	GroupID      logs.GroupID `json:"groupId"`
	StreamPrefix string       `json:"streamPrefix,omitempty"`
	From         int64        `json:"from"`
	To           int64        `json:"to"`
	Bucket       string       `json:"bucket"`
	Prefix       string       `json:"prefix"`   // as given
	Floor        int64        `json:"floor"`    // retention: older events are not exported
	Snapshot     int64        `json:"snapshot"` // events ingested later are not exported
}

// base returns what the keys of a task's bucket begin with, up to and without
// the slash before the task id; "" when there is no prefix.
func (s *spec) base() string { return strings.TrimRight(s.Prefix, "/") }

func join(base, name string) string {
	if base == "" {
		return name
	}
	return base + "/" + name
}

// CreateRequest describes an export.
type CreateRequest struct {
	Group        string // name
	StreamPrefix string // only streams whose names begin so
	From, To     int64  // ms since the Unix epoch, both inclusive
	Bucket       string
	Prefix       string // "" = DefaultPrefix
	Name         string
}

// Create checks the request, writes the test object, and queues the task.
// groups.ErrGroupNotFound, ErrTimeRange, ErrBeforeGroup, ErrPrefix, ErrNoBucket,
// ErrBucketAccess, ErrBucketPermission, ErrTooMany, groups.ErrUnavailable.
func (s *Service) Create(ctx context.Context, scope logs.Scope, r CreateRequest) (taskID string, err error) {
	if r.From >= r.To {
		return "", ErrTimeRange
	}
	g, err := s.o.Directory.Resolve(ctx, scope, r.Group)
	if err != nil {
		return "", err
	}
	if r.To < g.CreatedMS {
		return "", ErrBeforeGroup
	}
	sp := spec{
		Name: r.Name, Group: g.Name, GroupID: g.ID, StreamPrefix: r.StreamPrefix,
		From: r.From, To: r.To, Bucket: r.Bucket, Prefix: r.Prefix,
	}
	if sp.Prefix == "" {
		sp.Prefix = DefaultPrefix
	}
	id := uuid.NewString()
	if len(objectKey(&sp, id, "x", 0)) > objstore.MaxKey || len(join(sp.base(), writeTestName)) > objstore.MaxKey {
		return "", ErrPrefix
	}
	if err := s.tryBucket(ctx, scope, &sp); err != nil {
		return "", err
	}
	now := s.o.Now().UnixMilli()
	if g.RetentionDays > 0 {
		sp.Floor = now - int64(g.RetentionDays)*24*time.Hour.Milliseconds()
	}
	// Events may carry a later ingestion time than now when the clock was set
	// back; they were acknowledged all the same.
	sp.Snapshot = now
	for _, h := range s.o.Store.HeadStats(g.ID) {
		sp.Snapshot = max(sp.Snapshot, h.LastIngestion)
	}
	specJSON, err := json.Marshal(&sp)
	if err != nil {
		return "", fmt.Errorf("encode export task: %w", err)
	}
	limit := catalog.TaskLimit{States: []string{Pending, Running, PendingCancel}, Max: maxUnderWay}
	if s.o.Strict {
		limit.Max = 1
	}
	_, err = s.o.Catalog.CreateTask(ctx, catalog.Task{
		ID: id, Kind: taskKind, Scope: scope, State: Pending, CreatedMS: now, Spec: specJSON, Progress: []byte("{}"),
	}, limit)
	if err != nil {
		return "", translate(err)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return id, nil
}

// tryBucket finds out whether the bucket exists and can be written.
func (s *Service) tryBucket(ctx context.Context, scope logs.Scope, sp *spec) error {
	exists, err := s.o.Objects.BucketExists(ctx, scope, sp.Bucket)
	switch {
	case errors.Is(err, objects.ErrAccessDenied), errors.Is(err, objstore.ErrDenied):
		return ErrBucketAccess
	case err != nil:
		return fmt.Errorf("%w: look at bucket %s: %w", groups.ErrUnavailable, sp.Bucket, err)
	case !exists:
		return ErrNoBucket
	}
	err = s.o.Objects.PutObject(ctx, scope, sp.Bucket, join(sp.base(), writeTestName), strings.NewReader(writeTestBody), int64(len(writeTestBody)), "text/plain")
	switch {
	case errors.Is(err, objects.ErrNoSuchBucket):
		return ErrNoBucket
	case errors.Is(err, objects.ErrAccessDenied), errors.Is(err, objstore.ErrDenied):
		return ErrBucketPermission
	case errors.Is(err, objects.ErrInvalidKey), errors.Is(err, objects.ErrKeyTooLong):
		return ErrPrefix
	case err != nil:
		return fmt.Errorf("%w: write to bucket %s: %w", groups.ErrUnavailable, sp.Bucket, err)
	}
	return nil
}

func translate(err error) error {
	switch {
	case errors.Is(err, catalog.ErrTooMany):
		return ErrTooMany
	case errors.Is(err, catalog.ErrNotFound):
		return ErrTaskNotFound
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}

// Task is an export task as callers see it.
type Task struct {
	ID, Name, Group string
	From, To        int64
	Bucket, Prefix  string // as given; the default filled in
	State           string
	Message         string // "" while it waits
	CreatedMS       int64
	FinishedMS      int64 // 0 while it is under way
}

// DescribeRequest selects and pages tasks.
type DescribeRequest struct {
	ID    *string
	State string // "" = any
	Token *string
	Limit int // 0 = MaxPage
}

// Page is one page of tasks, newest first. Next is the token of the next page,
// "" on the last.
type Page struct {
	Tasks []Task
	Next  string
}

// Describe lists tasks of the scope. An unknown id gives an empty page.
// ErrBadToken, groups.ErrUnavailable.
func (s *Service) Describe(ctx context.Context, scope logs.Scope, r DescribeRequest) (Page, error) {
	limit := r.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	id := ""
	if r.ID != nil {
		id = *r.ID
	}
	query := logs.QueryHash(scope.Account, scope.Region, id, r.State)
	now := s.o.Now().UnixMilli()
	f := catalog.TaskFilter{Scope: &scope, Limit: limit + 1}
	if r.State != "" {
		f.States = []string{r.State}
	}
	if r.Token != nil {
		position, err := openToken(*r.Token, query, now)
		if err != nil {
			return Page{}, err
		}
		f.Before = position
	}
	var rows []catalog.Task
	if r.ID != nil {
		row, err := s.task(ctx, scope, id)
		switch {
		case errors.Is(err, ErrTaskNotFound) || err == nil && r.State != "" && row.State != r.State || r.Token != nil:
		case err != nil:
			return Page{}, err
		default:
			rows = append(rows, row)
		}
	} else {
		var err error
		if rows, err = s.o.Catalog.Tasks(ctx, taskKind, f); err != nil {
			return Page{}, translate(err)
		}
	}
	var page Page
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = makeToken(rows[limit-1].Position, query, now)
	}
	page.Tasks = make([]Task, len(rows))
	for i := range rows {
		t, err := s.describe(&rows[i])
		if err != nil {
			return Page{}, err
		}
		page.Tasks[i] = t
	}
	return page, nil
}

func (s *Service) describe(row *catalog.Task) (Task, error) {
	var sp spec
	var p progress
	if err := json.Unmarshal(row.Spec, &sp); err != nil {
		return Task{}, fmt.Errorf("decode export task %s: %w", row.ID, err)
	}
	if err := json.Unmarshal(row.Progress, &p); err != nil {
		return Task{}, fmt.Errorf("decode progress of export task %s: %w", row.ID, err)
	}
	t := Task{
		ID: row.ID, Name: sp.Name, Group: sp.Group, From: sp.From, To: sp.To, Bucket: sp.Bucket, Prefix: sp.Prefix,
		State: row.State, Message: p.Message, CreatedMS: row.CreatedMS, FinishedMS: p.FinishedMS,
	}
	if row.State == Running {
		s.mu.Lock()
		if s.current != nil && s.current.id == row.ID && s.current.status != "" {
			t.Message = s.current.status
		}
		s.mu.Unlock()
	}
	return t, nil
}

// task returns a task of the scope.
func (s *Service) task(ctx context.Context, scope logs.Scope, id string) (catalog.Task, error) {
	row, err := s.o.Catalog.Task(ctx, id)
	if err != nil {
		return catalog.Task{}, translate(err)
	}
	if row.Kind != taskKind || row.Scope != scope {
		return catalog.Task{}, ErrTaskNotFound
	}
	return row, nil
}

// Cancel stops a task that waits or runs; objects already written stay. A
// running task is PENDING_CANCEL until the runner has stopped.
// ErrTaskNotFound, ErrFinished, groups.ErrUnavailable.
func (s *Service) Cancel(ctx context.Context, scope logs.Scope, id string) error {
	row, err := s.task(ctx, scope, id)
	if err != nil {
		return err
	}
	// From PENDING to RUNNING to the end is all the way a task can go, so
	// three tries see it through.
	for range 3 {
		switch row.State {
		case Pending:
			err = s.o.Catalog.UpdateTask(ctx, id, []string{Pending}, Cancelled, finished(progress{}, cancelledText, s.o.Now()))
		case Running:
			if err = s.o.Catalog.UpdateTask(ctx, id, []string{Running}, PendingCancel, nil); err == nil {
				s.interrupt(id)
			}
		default:
			return ErrFinished
		}
		if !errors.Is(err, catalog.ErrConflict) {
			return translate(err)
		}
		if row, err = s.task(ctx, scope, id); err != nil {
			return err
		}
	}
	return ErrFinished
}

// interrupt stops the work on a task.
func (s *Service) interrupt(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.id == id {
		s.current.cancel(errCancelled)
	}
}
