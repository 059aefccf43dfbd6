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
	FS        vfs.FS      // required
	Dir       string      // required; made when missing

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now
}

// Service is the entry to anomaly detectors. Its methods are safe for concurrent
// use. Detectors work only while Run runs.
type Service struct {
	o      Options
	change sync.Mutex // held by whoever creates a detector, so that their number stays bounded
	wake   chan struct{}

	mu      sync.RWMutex
	workers map[string]*worker // by the id of the detector
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
	s := &Service{o: o, wake: make(chan struct{}, 1), workers: map[string]*worker{}}
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

// rouse makes Run look at the detectors again.
func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
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
