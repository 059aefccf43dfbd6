package insights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

const (
	// keepEvery is the time between two looks for what has expired.
	keepEvery = time.Minute
	// maxUnsaved bounds the results in memory that could not be written, and are tried again.
	maxUnsaved = 8
	// expireBatch is how many records are dropped at a time.
	expireBatch = 500
)

// save writes the end of a job: its rows, then its record. When that fails, it is left to
// the keeper, or given up when too many wait for that.
func (j *job) save() {
	<-j.recorded
	defer close(j.saved)
	if j.unrecorded {
		j.s.forget(j)
		return
	}
	err := guarded(j.write)
	if err == nil {
		j.s.forget(j)
		return
	}
	j.s.o.Logger.Error("write the result of a query", "query", j.id, "error", err)
	j.s.postpone(j)
}

// write writes the rows and the end of a job.
func (j *job) write() error {
	j.mu.Lock()
	rows := j.rows
	e := catalog.QueryEnd{Status: j.status, Reason: j.reason, EndedMS: j.endedMS}
	o := outcome{Rows: rows.len(), Stats: j.stats, Started: j.startedMS}
	j.mu.Unlock()
	if o.Rows > 0 {
		n, err := j.s.writeFile(j.id, rows)
		if err != nil {
			return err
		}
		e.Bytes = n
	}
	var err error
	if e.Outcome, err = json.Marshal(o); err != nil {
		return err
	}
	e.Bytes += int64(len(e.Outcome))
	err = j.s.o.Catalog.EndQuery(context.Background(), j.id, e)
	if errors.Is(err, catalog.ErrNotFound) || errors.Is(err, catalog.ErrConflict) {
		return nil // it was written by an attempt whose outcome was not known
	}
	return err
}

// postpone keeps a job whose end could not be written for another attempt.
func (s *Service) postpone(j *job) {
	s.mu.Lock()
	s.unsaved = append(s.unsaved, j)
	var dropped *job
	if len(s.unsaved) > maxUnsaved {
		dropped, s.unsaved = s.unsaved[0], s.unsaved[1:]
	}
	s.mu.Unlock()
	if dropped != nil {
		s.drop(dropped)
	}
}

// drop gives up the rows of a job that could not be written.
func (s *Service) drop(j *job) {
	e := catalog.QueryEnd{Status: Failed, Reason: "The result could not be written.", EndedMS: j.endedMS, Outcome: []byte(`{}`)}
	if err := s.o.Catalog.EndQuery(context.Background(), j.id, e); err != nil {
		s.o.Logger.Error("write the end of a query", "query", j.id, "error", err)
	}
	s.forget(j)
}

// keep looks after what is kept until ctx ends.
func (s *Service) keep(ctx context.Context) {
	if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
		s.o.Logger.Error("remove results without a query", "error", err)
	}
	t := time.NewTicker(keepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.retry()
		if err := s.Expire(ctx); err != nil && ctx.Err() == nil {
			s.o.Logger.Error("drop queries that have expired", "error", err)
		}
	}
}

// retry writes the ends that could not be written before.
func (s *Service) retry() {
	s.mu.Lock()
	unsaved := s.unsaved
	s.unsaved = nil
	s.mu.Unlock()
	for _, j := range unsaved {
		if err := guarded(j.write); err != nil {
			s.postpone(j)
			continue
		}
		s.forget(j)
	}
}

// sweep removes result files that no record knows: those of a crash.
func (s *Service) sweep(ctx context.Context) error {
	dirs, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if len(dir) != 2 {
			continue // not of this package
		}
		names, err := s.o.FS.List(filepath.Join(s.o.Dir, dir))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			id, ours := strings.CutSuffix(strings.TrimSuffix(name, tempSuffix), fileSuffix)
			if !ours || s.underWay(id) {
				continue
			}
			rec, err := s.o.Catalog.QueryByID(ctx, id)
			if err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return err
			}
			if err == nil && rec.EndedMS >= 0 && !strings.HasSuffix(name, tempSuffix) {
				continue
			}
			if err := s.remove(filepath.Join(s.o.Dir, dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// underWay reports whether a query is in memory.
func (s *Service) underWay(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[id] != nil
}

// remove removes a file that may be missing.
func (s *Service) remove(name string) error {
	if err := s.o.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// expired reports whether a query is older than what is kept.
func (s *Service) expired(q *catalog.Query) bool {
	return q.EndedMS >= 0 && q.EndedMS < s.now().Add(-s.o.Keep).UnixMilli()
}

// Expire drops queries and results that are older than is kept, and the oldest ones beyond what may
// be kept. The service does so by itself every minute.
func (s *Service) Expire(ctx context.Context) error {
	for first := true; ; first = false {
		n, bytes, err := s.o.Catalog.QueryUsage(ctx)
		if err != nil {
			return err
		}
		batch := expireBatch
		if first && n <= s.o.MaxQueries && bytes <= s.o.MaxBytes {
			batch = 1 // most often there is nothing to do
		}
		oldest, err := s.o.Catalog.OldestQueries(ctx, batch)
		if err != nil {
			return err
		}
		var ids []string
		for i := range oldest {
			q := &oldest[i]
			if !s.expired(q) && n <= s.o.MaxQueries && bytes <= s.o.MaxBytes {
				continue
			}
			ids = append(ids, q.ID)
			n--
			bytes -= q.Bytes
		}
		if len(ids) == 0 {
			return nil
		}
		if err := s.o.Catalog.DeleteQueries(ctx, ids); err != nil {
			return err
		}
		for _, id := range ids { // what a crash leaves of them goes with the next start
			if err := s.remove(s.path(id)); err != nil {
				return fmt.Errorf("remove a result: %w", err)
			}
		}
		if len(ids) < len(oldest) || len(oldest) < batch {
			return nil
		}
	}
}

// Stop stops a query that has not ended, and waits until it has. ErrNotFound, ErrEnded.
func (s *Service) Stop(ctx context.Context, scope logs.Scope, id string) error {
	j := s.find(scope, id)
	if j == nil {
		if _, err := s.lookUp(ctx, scope, id); err != nil {
			return err
		}
		return ErrEnded
	}
	if j.ended() {
		return ErrEnded
	}
	j.cancel(errStopped)
	s.dequeue(j)
	select {
	case <-j.done:
	case <-ctx.Done():
	}
	return nil
}

// endQueued ends a job that was taken out of the queue.
func (s *Service) endQueued(j *job) {
	j.end(nil, nil, context.Cause(j.ctx))
	j.save()
}
