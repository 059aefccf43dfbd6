package insights

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Limits of queries.
const (
	MaxText      = 10_000  // characters of a query, also after saved queries were put in
	MaxRows      = 100_000 // of one result
	DefaultRows  = 10_000  // of one result, when neither request nor query say otherwise
	MaxPage      = 10_000  // rows of one answer
	maxDescribed = 1000    // queries or definitions of one answer
	maxExplains  = 2       // that run at a time

	// AWS's quotas of queries under way in one account and Region.
	awsConcurrency           = 100 // Logs Insights QL
	awsConcurrencyOpenSearch = 15  // PPL and SQL
	awsConcurrencyInfrequent = 5   // about log groups of class INFREQUENT_ACCESS
)

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB          // required
	Directory Directory            // required
	Store     explore.BlockScanner // required

	// FS and Dir are where results are kept. The service owns the directory, which is
	// made when it is missing.
	FS  vfs.FS
	Dir string

	// Concurrency bounds the queries that run at a time; 0 means twice the number of CPUs, 4 to 16.
	Concurrency int
	// MaxQueued bounds the queries that wait to run; 0 means 1,000.
	MaxQueued int
	// Memory bounds in bytes what one query may hold; 0 means 64 MiB.
	Memory int64
	// Timeout bounds the run of a query; 0 means 60 minutes.
	Timeout time.Duration

	// Keep is how long queries and their results can be seen; 0 means 7 days.
	Keep time.Duration
	// MaxQueries and MaxBytes bound how many queries are kept and how many bytes they and their
	// results take; the oldest go first. 0 means 100,000 and 2 GiB.
	MaxQueries int64
	MaxBytes   int64

	// Strict applies AWS's quotas instead of letting queries wait.
	Strict bool

	// Lookup finds lookup tables; it wraps ErrNoTable when there is none of the
	// name. nil: there are no tables.
	Lookup func(ctx context.Context, scope logs.Scope, name string) (*Table, error)

	// Indexed returns the names of the fields of a group that are indexed, which filterIndex asks for.
	// nil: fields of all groups are.
	Indexed func(ctx context.Context, g groups.Group) ([]string, error)

	// Now is the clock of creation times, retention and expiry. nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger // nil: none
}

func (o *Options) fill() error {
	if o.Catalog == nil || o.Directory == nil || o.Store == nil || o.FS == nil || o.Dir == "" {
		return errors.New("insights: options Catalog, Directory, Store, FS and Dir are required")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = min(max(2*runtime.NumCPU(), 4), 16)
	}
	if o.MaxQueued <= 0 {
		o.MaxQueued = 1000
	}
	if o.Memory <= 0 {
		o.Memory = 64 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Hour
	}
	if o.Keep <= 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.MaxQueries <= 0 {
		o.MaxQueries = 100_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Service runs queries and keeps their results. It is safe for concurrent use.
type Service struct {
	o         Options
	dir       Directory
	languages map[string]language
	codec     codec

	mu      sync.Mutex
	closed  bool
	jobs    map[string]*job // that wait, run, or are not written yet
	queue   []*job          // that wait, in order
	running int             // jobs that have a place
	unsaved []*job          // of jobs: those whose end could not be written

	explains chan struct{} // has room for those that run

	ends [4]atomic.Int64 // queries that ended, by endStatuses

	work sync.WaitGroup // jobs and the keeper
	stop context.CancelFunc
}

// New returns a Service. Queries that ended without a trace when the process before
// ended are marked as failed. Close must be called.
func New(ctx context.Context, o Options) (*Service, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	c, err := newCodec()
	if err != nil {
		return nil, err
	}
	s := &Service{o: o, dir: o.Directory, languages: languages(), codec: c, jobs: map[string]*job{}, explains: make(chan struct{}, maxExplains)}
	if err := s.recover(ctx); err != nil {
		c.close()
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.keep(run) })
	return s, nil
}

// recover ends the queries of the process before.
func (s *Service) recover(ctx context.Context) error {
	if err := s.o.FS.MkdirAll(s.o.Dir); err != nil {
		return err
	}
	n, err := s.o.Catalog.EndOpenQueries(ctx, catalog.QueryEnd{Status: Failed, Reason: crashReason, EndedMS: s.now().UnixMilli()})
	if n > 0 {
		s.o.Logger.Warn("queries of the server before are failed", "queries", n)
	}
	return translate(err, nil)
}

// Close stops all queries, which end as failed, and waits for everything that the
// service started.
func (s *Service) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	waiting := s.queue
	s.queue = nil
	for _, j := range s.jobs {
		j.cancel(errShutdown)
	}
	for _, j := range waiting {
		s.work.Go(func() { s.endQueued(j) })
	}
	s.mu.Unlock()
	s.stop()
	s.work.Wait()
	s.retry()
	s.codec.close()
	return nil
}

func (s *Service) now() time.Time { return s.o.Now() }

// endStatuses are the statuses of queries that have ended.
var endStatuses = [...]string{Complete, Failed, Cancelled, Timeout}

// Health counts queries.
type Health struct {
	Running, Waiting int
	Ended            map[string]int64 // since the start of the service, by status
}

// Health returns what the service is doing.
func (s *Service) Health() Health {
	h := Health{Ended: map[string]int64{}}
	for i, status := range endStatuses {
		h.Ended[status] = s.ends[i].Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Running, h.Waiting = s.running, len(s.queue)
	return h
}

// path returns the name of a result file.
func (s *Service) path(id string) string { return filepath.Join(s.o.Dir, id[:2], id+fileSuffix) }

const fileSuffix = ".rows"
