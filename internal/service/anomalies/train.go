package anomalies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Bounds of a training.
const (
	trainingTime  = 14 * 24 * time.Hour
	trainingSlice = time.Hour
	sliceBytes    = 64 << 20 // of messages; of an hour that has more the rest is not looked at
	maxGap        = 24 * time.Hour
)

// Train trains the detectors that are not, one after the other. It is called by one
// goroutine at a time; Run does so.
func (s *Service) Train(ctx context.Context) error {
	jobs, err := s.jobs(ctx, false)
	if err != nil {
		return err
	}
	var errs []error
	for i := range jobs {
		j := &jobs[i]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.w.change.Lock()
		ready := j.w.det != nil && j.w.state.Training == j.spec.Training || j.spec.Paused || j.w.gone ||
			j.w.waits(j.spec.Training, s.o.Now().UnixMilli())
		j.w.change.Unlock()
		if ready {
			continue
		}
		if err := s.train(ctx, j); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			errs = append(errs, err)
			j.w.change.Lock()
			j.w.trainingFailed(j.spec.Training, s.o.Now().UnixMilli())
			j.w.change.Unlock()
		}
	}
	return errors.Join(errs...)
}

// train lets a detector learn from the events that there are. Anomalies that were
// found before stay.
func (s *Service) train(ctx context.Context, j *job) error {
	w := j.w
	w.change.Lock()
	w.setStatus(Training)
	w.change.Unlock()

	period := j.spec.period().Milliseconds()
	det := anomaly.New(anomaly.Options{
		Period: j.spec.period(), Visible: time.Duration(j.spec.Visibility) * 24 * time.Hour,
		Seed: fmt.Sprintf("%s/%d", j.doc.Name, j.spec.Training), Memory: max(1<<20, s.o.Memory/8),
	})
	// The feed goes on behind what the training has seen.
	upTo := s.o.Store.Applied()
	now := s.o.Now()
	t := trainer{ctx: ctx, det: det, period: period, upTo: upTo}
	begin := max(now.Add(-trainingTime).UnixMilli(), 0)
	from, to := groups.Visible(j.group, now, &begin, nil)
	to = min(to, now.UnixMilli())
	from -= from % period
	query := store.Query{Group: j.group.ID}
	if j.spec.Filter != "" {
		p, err := patterns.Parse(j.spec.Filter)
		if err != nil {
			return err
		}
		m := p.Compile()
		query.Need, query.Match, query.Columns, query.Automaton = p.Need(), m.Match, m.Columns(), m.Automaton()
	}
	for from < to {
		query.Start, query.End = from, min(from-from%trainingSlice.Milliseconds()+trainingSlice.Milliseconds(), to)
		t.bytes = 0
		if _, err := s.o.Store.Scan(ctx, query, t.take); err != nil {
			return fmt.Errorf("train anomaly detector %s: %w", w.id, err)
		}
		t.until(query.End, t.bytes > sliceBytes)
		from = query.End
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	det.Trained()

	w.change.Lock()
	defer w.change.Unlock()
	if w.gone {
		return nil
	}
	if w.det != nil { // the anomalies as they are now: they may have been updated meanwhile
		*det.Book() = w.det.Book().Clone()
	}
	oldState, oldDet := w.state, w.det
	w.state = state{Training: j.spec.Training, Resumed: j.spec.Resumed, LSN: upTo, Window: now.UnixMilli() - now.UnixMilli()%period}
	w.det, w.resumed = det, now.UnixMilli()
	if err := w.save(s.o.FS); err != nil {
		w.state, w.det = oldState, oldDet
		return err
	}
	w.saved, w.dirty, w.pause = now.UnixMilli(), false, 0
	w.publish(Analyzing)
	return nil
}

// trainer gives events to a detector, in the order of their times.
type trainer struct {
	ctx    context.Context // of the training; until stops when it ends
	det    *anomaly.Detector
	period int64 // ms
	upTo   uint64
	window int64 // begin of the open evaluation; 0: none
	bytes  int64 // of the slice
}

func (t *trainer) take(e logs.Event) bool {
	if e.Seq.Batch() > t.upTo { // the feed will have it
		return true
	}
	if t.window == 0 {
		t.window = e.Timestamp - e.Timestamp%t.period
	}
	t.until(e.Timestamp, false)
	if t.ctx.Err() != nil {
		return false
	}
	t.det.Add(e.Timestamp, e.Message)
	t.bytes += int64(len(e.Message)) + 16
	return t.bytes <= sliceBytes
}

// until ends the evaluations that are over at a time. When events are missing, or
// there were none for very long, what is between teaches nothing. When ctx ends some
// are left.
func (t *trainer) until(at int64, missing bool) {
	if t.window == 0 {
		return
	}
	begin := at - at%t.period
	if missing || begin-t.window > maxGap.Milliseconds() {
		if begin > t.window {
			t.det.Learn(t.window, false)
			t.window = begin
		}
		return
	}
	for ; t.window < begin && t.ctx.Err() == nil; t.window += t.period {
		t.det.Learn(t.window, true)
	}
}
