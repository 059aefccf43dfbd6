package actions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

// Targets finds what an ARN stands for; *sink.Registry does.
type Targets interface {
	Find(arn string) (sink.Sink, sink.Target, bool)
}

// ErrNoTarget: no target is configured for the ARN of an action.
var ErrNoTarget = errors.New("no target is configured for the ARN")

// Options configure a Service.
type Options struct {
	Catalog *catalog.DB // required
	Targets Targets     // required
	// History makes the line of history of an action that is done, or given up because of failure; nil: there is none.
	History func(r *Request, failure error, nowMS int64) (catalog.Entry, error)

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now; the clock of the pauses

	tune tuning
}

// tuning holds what no user can set well; tests do.
type tuning struct {
	list     int           // messages that are looked at together
	batch    int           // messages of one target that are sent in a row
	parallel int           // targets that are sent to at a time
	retryMin time.Duration // pause after the first failure; doubles
	retryMax time.Duration
	lifetime time.Duration // after which an action is given up
	tries    int64         // before which it is not, whatever the clock says
	look     time.Duration // longest time between two looks at the outbox
	trouble  time.Duration // pause when the catalog fails
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Stats counts what became of actions since the start.
type Stats struct {
	Done    int64 // taken by their targets
	Failed  int64 // tries that will be repeated
	Refused int64 // given up at once
	Dead    int64 // given up after a day
}

// Service does actions. Its methods are safe for concurrent use. Actions are done only while Run runs.
type Service struct {
	o    Options
	wake chan struct{}

	done, failed, refused, dead atomic.Int64
}

// New returns a Service. The caller runs Run.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Targets == nil {
		return nil, errors.New("actions: options Catalog and Targets are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.tune.list, 1000)
	setDefault(&o.tune.batch, 50)
	setDefault(&o.tune.parallel, 16)
	setDefault(&o.tune.retryMin, time.Second)
	setDefault(&o.tune.retryMax, 5*time.Minute)
	setDefault(&o.tune.lifetime, 24*time.Hour)
	setDefault(&o.tune.tries, 20)
	setDefault(&o.tune.look, 10*time.Second)
	setDefault(&o.tune.trouble, 5*time.Second)
	return &Service{o: o, wake: make(chan struct{}, 1)}, nil
}

// Rouse makes Run look at the outbox at once.
func (s *Service) Rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Stats returns the counts.
func (s *Service) Stats() Stats {
	return Stats{Done: s.done.Load(), Failed: s.failed.Load(), Refused: s.refused.Load(), Dead: s.dead.Load()}
}

// Run does what is in the outbox until ctx ends, and waits for the tries under way.
func (s *Service) Run(ctx context.Context) {
	r := runner{s: s, lanes: map[string]*lane{}, ended: make(chan *lane)}
	defer r.wait()
	for {
		wait, err := r.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.o.Logger.Error("look for actions", "error", err)
			wait = s.o.tune.trouble
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case l := <-r.ended:
			r.end(l)
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// runner is one Run.
type runner struct {
	s       *Service
	lanes   map[string]*lane // by ARN: under way, or in a pause
	running int
	ended   chan *lane
	work    sync.WaitGroup
}

// wait waits for the tries under way, whose context has ended.
func (r *runner) wait() {
	for ; r.running > 0; r.running-- {
		<-r.ended
	}
	r.work.Wait()
}

func (r *runner) end(l *lane) {
	r.running--
	if l.busy = false; l.until.IsZero() && !l.aside {
		delete(r.lanes, l.arn)
	}
}
