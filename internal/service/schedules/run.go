package schedules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
)

const (
	dueBatch     = 100       // schedules that are looked at together
	forgetEvery  = time.Hour // of runs that are too old
	forgetBatch  = 500
	resumeBatch  = 100_000 // runs that a crash may have left under way
	troublePause = 5 * time.Second
)

// Run runs what is due until ctx ends, and waits for the runs under way to
// notice that. They go on when Run is called again.
func (s *Service) Run(ctx context.Context) {
	r := runner{s: s, resumed: map[int64]bool{}, slots: make(chan struct{}, s.o.tune.running)}
	defer r.work.Wait()
	for !r.resume(ctx) {
		if !sleep(ctx, troublePause) {
			return
		}
	}
	for {
		wait, err := r.look(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Error("look for scheduled queries that are due", "error", err)
			wait = troublePause
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// runner is one Run.
type runner struct {
	s         *Service
	resumed   map[int64]bool // runs of an earlier process
	work      sync.WaitGroup
	slots     chan struct{} // held by runs
	forgotten time.Time
}

// resume goes on with the runs that an earlier process left under way.
func (r *runner) resume(ctx context.Context) bool {
	runs, err := r.s.o.Catalog.RunsIn(ctx, Running, resumeBatch)
	if err != nil {
		if ctx.Err() == nil {
			r.s.o.Logger.Error("list the runs under way", "error", err)
		}
		return false
	}
	for _, run := range runs {
		if r.resumed[run.Seq] {
			continue // before trouble
		}
		row, err := r.s.o.Catalog.Schedule(ctx, run.Schedule)
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil || !r.start(ctx, row, run) {
			return false
		}
		r.resumed[run.Seq] = true
	}
	return true
}

// look begins what is due, forgets old runs, and returns how long there is
// nothing more to do.
func (r *runner) look(ctx context.Context) (time.Duration, error) {
	s := r.s
	for {
		now := s.o.Now()
		if now.Sub(r.forgotten) >= forgetEvery || now.Before(r.forgotten) {
			if err := r.forget(ctx, now); err != nil {
				return 0, err
			}
			r.forgotten = now
		}
		due, err := s.o.Catalog.DueSchedules(ctx, dueBatch)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			return s.o.tune.look, nil
		}
		if first := time.UnixMilli(due[0].DueMS).Sub(now); first > 0 {
			return min(first, s.o.tune.look), nil
		}
		for i := range due {
			if due[i].DueMS > now.UnixMilli() {
				break
			}
			if err := r.trigger(ctx, due[i], now); err != nil {
				return 0, err
			}
		}
	}
}

// trigger records the run of a schedule for the latest of its times that have
// come, and begins it.
func (r *runner) trigger(ctx context.Context, row catalog.Schedule, now time.Time) error {
	q, err := describe(&row)
	if err != nil {
		return r.stop(ctx, row, err)
	}
	t, err := q.times()
	if err != nil {
		return r.stop(ctx, row, err)
	}
	until := now
	if t.end != nil && t.end.Before(until) {
		until = *t.end
	}
	at, found := t.Last(time.UnixMilli(row.DueMS), until, t.zone)
	if !found { // the clock was set back
		at = time.UnixMilli(row.DueMS)
	}
	o := outcome{Spec: q.Spec}
	if q.Destination != nil {
		o.Delivery = &Delivery{URI: q.Destination.URI, Status: InProgress}
	}
	body, err := json.Marshal(&o)
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	run, err := r.s.o.Catalog.BeginRun(ctx, row, catalog.ScheduleRun{Schedule: row.ID, TriggeredMS: at.UnixMilli(), Status: Running, Body: body}, t.after(row.State, now))
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil // it was changed meanwhile: look again
	}
	if err != nil {
		return err
	}
	if !r.start(ctx, row, run) {
		return ctx.Err()
	}
	return nil
}

// stop takes a schedule that cannot be read out of the way of the others.
func (r *runner) stop(ctx context.Context, row catalog.Schedule, reason error) error {
	r.s.o.Logger.Error("scheduled query cannot be run", "name", row.Name, "id", row.ID, "error", reason)
	row.DueMS = -1
	err := r.s.o.Catalog.UpdateSchedule(ctx, row)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// start does a run on a goroutine of its own, when there is a place for it; false
// when ctx ended first.
func (r *runner) start(ctx context.Context, row catalog.Schedule, run catalog.ScheduleRun) bool {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	r.work.Go(func() {
		defer func() { <-r.slots }()
		if err := r.s.do(ctx, row, run); err != nil && ctx.Err() == nil {
			r.s.o.Logger.Error("run of a scheduled query", "name", row.Name, "error", err)
		}
	})
	return true
}

func (r *runner) forget(ctx context.Context, now time.Time) error {
	for {
		n, err := r.s.o.Catalog.ForgetRuns(ctx, now.Add(-keepRuns).UnixMilli(), forgetBatch)
		if err != nil || n < forgetBatch {
			return err
		}
	}
}

// do brings a run to its end. An error is of the catalog, or that of ctx: then the
// run goes on after a restart.
func (s *Service) do(ctx context.Context, row catalog.Schedule, run catalog.ScheduleRun) error {
	var o outcome
	if err := json.Unmarshal(run.Body, &o); err != nil {
		return fmt.Errorf("decode run %d: %w", run.Seq, err)
	}
	at := time.UnixMilli(run.TriggeredMS)
	t, err := o.Spec.times()
	if err != nil {
		return fmt.Errorf("scheduled query %s: %w", row.ID, err)
	}
	request := o.Spec.request(&t, at)
	if o.QueryID == "" {
		id, status, err := s.begin(ctx, row.Scope, request)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			o.Error = err.Error()
			return s.end(ctx, run, &o, status)
		}
		o.QueryID = id
		if err := s.record(ctx, run, &o, Running); err != nil {
			return err
		}
	}
	if err := s.o.Queries.Wait(ctx, row.Scope, o.QueryID); err != nil {
		return err
	}
	page, err := s.o.Queries.Results(ctx, row.Scope, o.QueryID, nil, 0)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	status := Failed
	switch {
	case err != nil:
		o.Error = "The result could not be read: " + err.Error()
	case page.Status == insights.Complete:
		status = Complete
	case page.Status == insights.Timeout:
		status, o.Error = Timeout, page.Reason
	default:
		o.Error = page.Reason
	}
	if status == Complete && o.Delivery != nil {
		if err := s.deliver(ctx, row, at, &request, &o, page); err != nil {
			return err
		}
	}
	return s.end(ctx, run, &o, status)
}

// begin starts the query of a run; after trouble that may pass it tries again. The
// status is that of a run whose query does not start.
func (s *Service) begin(ctx context.Context, scope logs.Scope, request insights.StartRequest) (id, status string, err error) {
	wait := s.o.tune.retryMin
	for n := 1; ; n++ {
		id, err = s.o.Queries.Start(ctx, scope, request)
		if err == nil {
			return id, Running, nil
		}
		if errors.Is(err, groups.ErrGroupNotFound) {
			return "", InvalidQuery, errors.New("A log group of the query does not exist.")
		}
		if text, ok := invalid(err); ok {
			return "", InvalidQuery, errors.New(text)
		}
		if n == s.o.tune.attempts || !sleep(ctx, wait) {
			return "", Failed, err
		}
		wait *= 2
	}
}

// end records the end of a run. What was not delivered then never will be.
func (s *Service) end(ctx context.Context, run catalog.ScheduleRun, o *outcome, status string) error {
	if o.Delivery != nil && o.Delivery.Status == InProgress {
		o.Delivery.Status, o.Delivery.Error = Undelivered, "There is no result."
	}
	return s.record(ctx, run, o, status)
}

// record updates the history of a run; one of a deleted schedule has none.
func (s *Service) record(ctx context.Context, run catalog.ScheduleRun, o *outcome, status string) error {
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	run.Status, run.Body = status, body
	err = s.o.Catalog.UpdateRun(ctx, run)
	for errors.Is(err, catalog.ErrFull) && sleep(ctx, troublePause) {
		err = s.o.Catalog.UpdateRun(ctx, run)
	}
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}
