package anomalies

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Store is where events come from; *store.Store is one.
type Store interface {
	Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error)
	Commits(ctx context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (next uint64, err error)
	Applied() uint64
}

// look is how often Run looks at the clock and at what arrived.
const look = time.Second

// Run lets detectors work until ctx ends. It runs once at a time.
func (s *Service) Run(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	for _, step := range []func(context.Context) error{s.Analyze, s.Train} {
		wait.Go(func() {
			timer := time.NewTimer(0)
			defer timer.Stop()
			failed := ""
			for {
				select {
				case <-ctx.Done():
					return
				case <-timer.C:
				}
				err := step(ctx)
				if ctx.Err() != nil {
					return
				}
				text := ""
				if err != nil {
					text = err.Error()
				}
				if text != failed && text != "" {
					s.o.Logger.Error("anomaly detection", "error", err)
				}
				failed = text
				timer.Reset(look)
			}
		})
	}
}

// job is a detector with the group that it watches.
type job struct {
	doc   catalog.Document
	spec  spec
	group groups.Group
	w     *worker
}

// jobs returns the detectors that there are. With sweep, files of others are removed.
func (s *Service) jobs(ctx context.Context, sweep bool) ([]job, error) {
	// Whoever has no document afterwards had none before either, or is deleted.
	s.mu.RLock()
	var old []*worker
	for _, w := range s.workers {
		old = append(old, w)
	}
	s.mu.RUnlock()
	docs, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: documentKind})
	if err != nil {
		return nil, err
	}
	var out []job
	there := map[string]bool{}
	for _, d := range docs {
		p, err := decodeSpec(d.Body)
		if err != nil {
			return nil, err
		}
		there[d.Name] = true
		g, err := s.o.Directory.GroupByID(ctx, d.Scope, d.Group)
		if errors.Is(err, groups.ErrGroupNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		w := s.workers[d.Name]
		if w == nil {
			w = newWorker(s.o.Dir, d.Name)
			s.workers[d.Name] = w
		}
		s.mu.Unlock()
		out = append(out, job{d, p, g, w})
	}
	for _, w := range old {
		if sweep && !there[w.id] {
			if err := s.drop(w); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// drop removes a detector that was deleted.
func (s *Service) drop(w *worker) error {
	w.change.Lock()
	defer w.change.Unlock()
	if err := s.o.FS.RemoveAll(w.dir); err != nil {
		return fmt.Errorf("remove anomaly detector %s: %w", w.id, err)
	}
	if err := s.o.FS.SyncDir(s.o.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove anomaly detector %s: %w", w.id, err)
	}
	w.det = nil
	w.gone = true
	s.mu.Lock()
	delete(s.workers, w.id)
	s.mu.Unlock()
	return nil
}

// Analyze gives what arrived to the detectors that are trained, and evaluates
// what is over by the clock. It is called by one goroutine at a time; Run does so.
func (s *Service) Analyze(ctx context.Context) error {
	now := s.o.Now().UnixMilli()
	// After a pause, of the process or by a clock that was set, nobody knows what
	// was missed.
	if s.lastLook == 0 || now-s.lastLook > time.Minute.Milliseconds() || now < s.lastLook {
		s.since = now
	}
	s.lastLook = now
	jobs, err := s.jobs(ctx, true)
	if err != nil {
		return err
	}
	var errs []error
	for i := range jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.analyze(ctx, &jobs[i], now, len(jobs)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Bounds of what is read at a time, and of what is lost by a crash: that is read
// again.
const (
	readBytes = 8 << 20
	saveAfter = time.Minute
	maxReads  = 8 // of one detector in a row
)

// analyze lets one detector catch up.
func (s *Service) analyze(ctx context.Context, j *job, now int64, detectors int) error {
	w := j.w
	w.change.Lock()
	defer w.change.Unlock()
	if w.det == nil || w.gone || w.state.Training != j.spec.Training {
		return nil // Train is next
	}
	if j.spec.Paused {
		return nil
	}
	period := j.spec.period().Milliseconds()
	if w.state.Resumed != j.spec.Resumed {
		w.state.Resumed, w.state.LSN = j.spec.Resumed, s.o.Store.Applied()
		w.state.Window = now - now%period
		w.resumed, w.dirty = now, true
	}
	w.det.SetVisible(time.Duration(j.spec.Visibility) * 24 * time.Hour)
	w.det.SetMemory(max(1<<20, s.o.Memory/max(detectors, 8)))
	match, err := matcher(j.spec.Filter)
	if err != nil {
		return err
	}
	c := consumer{ctx: ctx, s: s, j: j, w: w, period: period, now: now, match: match}
	for range maxReads { // then others are next
		upTo := s.o.Store.Applied()
		if w.state.LSN >= upTo {
			w.state.LSN = min(w.state.LSN, upTo) // the end of the log was lost
			if !c.until(now - lateness) {
				return ctx.Err()
			}
			return c.save()
		}
		next, err := s.o.Store.Commits(ctx, store.CommitQuery{After: w.state.LSN, Groups: []logs.GroupID{j.group.ID}, Bytes: readBytes}, c.take)
		if c.refused > 0 {
			next = c.refused - 1
		}
		w.state.LSN = max(next, w.state.LSN)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read events for anomaly detector %s: %w", w.id, err)
		}
		if err := c.save(); err != nil {
			return err
		}
	}
	return nil
}

// matcher returns what decides about messages; nil: all are wanted.
func matcher(filter string) (func([]byte) bool, error) {
	if filter == "" {
		return nil, nil
	}
	p, err := patterns.Parse(filter)
	if err != nil {
		return nil, err
	}
	return p.Compile().Match, nil
}

// lateness is how long an evaluation waits for batches that are under way, ms.
const lateness = 2000

// backfill is how old an event may be that counts. What is older was kept
// somewhere, and says nothing about now.
const backfill = 2 * time.Hour

// consumer gives batches to a detector until ctx ends.
type consumer struct {
	ctx     context.Context
	s       *Service
	j       *job
	w       *worker
	period  int64 // ms
	now     int64
	match   func([]byte) bool
	refused uint64 // log sequence number of the batch at which ctx ended; 0: none
}

// take counts the events of a batch. An evaluation is a range of ingestion times.
func (c *consumer) take(b *store.Commit) bool {
	if !c.until(b.Ingestion) {
		c.refused = b.LSN
		return false
	}
	w := c.w
	w.dirty = true
	for i := range b.Len() {
		at := b.Timestamp(i)
		if at < b.Ingestion-backfill.Milliseconds() {
			continue
		}
		if m := b.Message(i); c.match == nil || c.match(m) {
			w.det.Add(at, m)
		}
	}
	return true
}

// until ends the evaluations that are over at a time. It returns false when ctx ended
// before that.
func (c *consumer) until(at int64) bool {
	w := c.w
	begin := at - at%c.period
	if w.state.Window == 0 || begin < w.state.Window-c.period { // the clock was set back
		w.state.Window = begin
		w.resumed = c.now
	}
	since := max(c.s.since, w.resumed)
	for begin > w.state.Window {
		if c.ctx.Err() != nil {
			return false
		}
		start := w.state.Window
		for _, a := range w.det.Evaluate(start, start >= since) {
			if w.uncounted == nil {
				w.uncounted = map[string]int{}
			}
			w.uncounted[a.Priority]++
			w.foundAt = start + c.period
		}
		w.state.Window += c.period
		if w.state.Window+c.period <= since { // nobody looked at the time between
			w.state.Window = min(begin, since-since%c.period)
		}
		w.dirty, w.closed = true, true
	}
	return true
}

// save makes what was done durable, when there is enough of it, and counts the
// anomalies that are durable.
func (c *consumer) save() error {
	w := c.w
	if !w.dirty || !w.closed && c.now-w.saved < saveAfter.Milliseconds() && c.now >= w.saved {
		return c.count()
	}
	if err := w.save(c.s.o.FS); err != nil {
		w.setStatus(Failed)
		return err
	}
	w.saved, w.dirty, w.closed = c.now, false, false
	w.publish(Analyzing)
	return c.count()
}

// count tells how many anomalies were found. What cannot be told is told at the next
// look.
func (c *consumer) count() error {
	w := c.w
	var errs []error
	for priority, n := range w.uncounted {
		if c.s.o.Count != nil {
			if err := c.s.o.Count(c.ctx, Found{Scope: c.j.doc.Scope, Detector: c.j.spec.Name, ARN: c.j.doc.Scope.AnomalyDetectorARN(w.id), Priority: priority, AtMS: w.foundAt - 1, Count: n}); err != nil {
				errs = append(errs, fmt.Errorf("count anomalies of detector %s: %w", w.id, err))
				continue
			}
		}
		delete(w.uncounted, priority)
	}
	return errors.Join(errs...)
}
