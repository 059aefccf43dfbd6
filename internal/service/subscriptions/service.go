package subscriptions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside *ParameterError, *AccessError, *patterns.Error, groups.ErrGroupNotFound and
// groups.ErrUnavailable.
var (
	ErrFilterNotFound      = errors.New("subscription filter does not exist")
	ErrDestinationNotFound = errors.New("destination does not exist")
	ErrPolicyNotFound      = errors.New("account policy does not exist")
	ErrLimit               = errors.New("too many subscription filters or account policies")
	ErrBadToken            = errors.New("bad paging token")
	ErrClass               = errors.New("log group class has no subscription filters")
	ErrTransformer         = errors.New("log group has no transformer")
)

// ParameterError says that a parameter has a value that is refused. Message is a complete sentence for the caller.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// AccessError says that an account may not use a destination or target.
type AccessError struct{ Account, Action, ARN string }

func (e *AccessError) Error() string {
	return fmt.Sprintf("User with accountId: %s is not authorized to perform: %s on resource: %s", e.Account, e.Action, e.ARN)
}

// Kinds of documents of the catalog.
const (
	kindFilter      = "subscription-filter"
	kindDestination = "destination"
	kindPolicy      = "account-policy"
	kindDead        = "dead-letter" // of the journal
)

// Limits.
const (
	StrictFilters = 2   // of a group, as AWS has it
	MaxFilters    = 100 // of a group
	MaxPage       = 50
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	GroupByID(ctx context.Context, scope logs.Scope, id logs.GroupID) (groups.Group, error)
	StreamNames(ctx context.Context, group logs.GroupID, ids []logs.StreamID) (map[logs.StreamID]string, error)
}

// Feed hands over what arrived; *store.Store has it.
type Feed interface {
	Commits(ctx context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (next uint64, err error)
	Applied() uint64
	AwaitCommit(ctx context.Context, after uint64) error
}

// Targets finds what ARNs stand for; *sink.Registry does.
type Targets interface {
	Find(arn string) (sink.Sink, sink.Target, bool)
}

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB // required
	Directory Directory   // required
	Feed      Feed        // required
	Targets   Targets     // nil: no ARN stands for anything

	Strict bool // apply AWS's quotas
	// OwnAccount refuses targets whose ARN names another account than that of the filter, policy or destination that uses it.
	// Without it destinations and their policies keep nobody from a target.
	OwnAccount bool
	// Memory bounds what deliveries hold at a time, roughly; 32 MiB when 0 and at least that.
	Memory int64
	// Count gets what was forwarded, every minute and at the end of Run; nil drops it. It must not block for long.
	Count func(ctx context.Context, counts []Forwarded)

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now

	tune tuning
}

// tuning holds what no user can set well; tests do.
type tuning struct {
	batch     int           // bytes of events that are read for one batch
	record    int           // bytes of JSON of one message
	retryMin  time.Duration // wait after the first failure; doubles
	retryMax  time.Duration
	persist   time.Duration // how often positions of idle filters are written
	countEach time.Duration // how often Count is called
	refresh   time.Duration // how often the filters of groups that are gone are dropped
	gather    time.Duration // how long arrivals are gathered before filters are woken
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Service is the entry to subscriptions. Its methods are safe for concurrent use. Events are delivered only while Run runs.
type Service struct {
	o Options

	change sync.Mutex // held by whoever changes filters, destinations or policies; before mu
	engine engine
}

// New returns a Service. The caller runs Run.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Directory == nil || o.Feed == nil {
		return nil, errors.New("subscriptions: options Catalog, Directory and Feed are required")
	}
	if o.Targets == nil {
		o.Targets = &sink.Registry{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.tune.batch, 1<<20)
	setDefault(&o.tune.record, 1<<20)
	setDefault(&o.tune.retryMin, time.Second)
	setDefault(&o.tune.retryMax, 5*time.Minute)
	setDefault(&o.tune.persist, 30*time.Second)
	setDefault(&o.tune.countEach, time.Minute)
	setDefault(&o.tune.refresh, time.Minute)
	setDefault(&o.tune.gather, 20*time.Millisecond)
	s := &Service{o: o}
	s.engine.init(max(o.Memory, 32<<20))
	return s, nil
}

func (s *Service) nowMS() int64 { return s.o.Now().UnixMilli() }

// translate gives errors of the catalog their meaning here; notFound is what ErrNotFound stands for in the call.
func translate(err, notFound error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrNotFound) && notFound != nil:
		return notFound
	case errors.Is(err, catalog.ErrTooMany):
		return ErrLimit
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}

// decode reads the body of a document.
func decode(d *catalog.Document, v any) error {
	j := json.NewDecoder(bytes.NewReader(d.Body))
	j.DisallowUnknownFields()
	if err := j.Decode(v); err != nil {
		return fmt.Errorf("decode %s %q: %w", d.Kind, d.Name, err)
	}
	return nil
}

// decodeText reads JSON of a caller, one value without unknown members.
func decodeText(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// page cuts a list of one element more than limit and makes the token of the next page, the name of the last element.
func page[T any](s *Service, list []T, limit int, kind logs.TokenKind, query uint64, name func(*T) string) ([]T, string) {
	if len(list) <= limit {
		return list, ""
	}
	list = list[:limit]
	return list, logs.EncodeToken(kind, query, s.nowMS(), []byte(name(&list[limit-1])))
}

// openToken returns the position in a token; "" without one.
func (s *Service) openToken(token *string, kind logs.TokenKind, query uint64) (string, error) {
	if token == nil {
		return "", nil
	}
	position, err := logs.DecodeToken(*token, kind, query, s.nowMS())
	if err != nil {
		return "", ErrBadToken
	}
	return string(position), nil
}
