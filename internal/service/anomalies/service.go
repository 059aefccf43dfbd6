package anomalies

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Directory finds groups; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	GroupByID(ctx context.Context, scope logs.Scope, id logs.GroupID) (groups.Group, error)
}

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB // required
	Directory Directory   // required
	Store     Store       // required by Run
	FS        vfs.FS      // required
	Dir       string      // required; made when missing

	// Memory bounds, in bytes, what all detectors together know of patterns; 128 MiB when
	// 0. One has at most an eighth of it, and at least 1 MiB.
	Memory int

	// Count is told how many anomalies were found, after they are durable; nil: nobody
	// is. After an error it is told again at the next look. After a crash it may not be
	// told of those found last.
	Count func(context.Context, Found) error

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now
}

// Found says how many anomalies an evaluation found.
type Found struct {
	Scope    logs.Scope
	Detector string // name; may be empty
	ARN      string // of the detector
	Priority string
	AtMS     int64
	Count    int
}

// Service is the entry to anomaly detectors. Its methods are safe for concurrent
// use. Detectors work only while Run runs.
type Service struct {
	o      Options
	change sync.Mutex // held by whoever creates a detector, so that their number stays bounded

	mu      sync.RWMutex
	workers map[string]*worker // by the id of the detector

	// Of Analyze: the time of the last look, and since when there was no pause.
	lastLook, since int64
}

// Open returns a Service. The caller runs Run.
func Open(o Options) (*Service, error) {
	if o.Catalog == nil || o.Directory == nil || o.FS == nil || o.Dir == "" {
		return nil, errors.New("anomalies: options Catalog, Directory, FS and Dir are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Memory == 0 {
		o.Memory = 128 << 20
	}
	s := &Service{o: o, workers: map[string]*worker{}}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// load finds the detectors that have files. Those of detectors that are no more
// are removed by Run.
func (s *Service) load() error {
	if err := s.o.FS.MkdirAll(s.o.Dir); err != nil {
		return fmt.Errorf("open anomaly detectors: %w", err)
	}
	ids, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		return fmt.Errorf("open anomaly detectors: %w", err)
	}
	for _, id := range ids {
		w := newWorker(s.o.Dir, id)
		if err := w.load(s.o.FS); err != nil {
			// It is trained anew.
			s.o.Logger.Error("anomaly detector cannot be read", "detector", id, "error", err)
		}
		s.workers[id] = w
	}
	return nil
}

// worker returns the worker of a detector; nil when there is none yet.
func (s *Service) worker(id string) *worker {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.workers[id]
}

// status says what a detector is doing.
func (s *Service) status(id string, p *spec) string {
	if p.Paused {
		return Paused
	}
	if w := s.worker(id); w != nil {
		return w.view.Load().status
	}
	return Initializing
}
