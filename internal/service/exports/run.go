package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// Texts of the status.
const (
	startedText   = "Started Successfully"
	completedText = "Completed successfully"
	cancelledText = "Cancelled by user"
)

var errCancelled = errors.New("export task was cancelled")

// errDamaged: events of the range cannot be read.
var errDamaged = errors.New("log data is damaged")

// progress is how far a task is, kept as JSON in the catalog.
type progress struct {
	Message    string `json:"message,omitempty"`
	FinishedMS int64  `json:"finished,omitempty"`

	// After is the last stream, by name, that is done; Now is the folder being
	// written behind it.
	After string      `json:"after,omitempty"`
	Now   *folderMark `json:"now,omitempty"`
	// Marks holds the streams behind After of which objects are written.
	Marks map[logs.StreamID]mark `json:"marks,omitempty"`
	// Skip names folders of several streams that are done although streams of
	// theirs come later: folder to its last stream.
	Skip map[string]string `json:"skip,omitempty"`

	Streams int64 `json:"streams,omitempty"` // done, empty ones too
	Total   int64 `json:"total,omitempty"`
	Events  int64 `json:"events,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"` // of lines, before compression
	Objects int64 `json:"objects,omitempty"`
}

// mark is a position within a stream: the objects before Part are written and
// hold its events up to Key, none when Key is nil.
type mark struct {
	Key  *logs.Key `json:"key,omitempty"`
	Part int       `json:"part"`
}

// folderMark is a position within a folder of several streams: the mark is that
// of Stream, and the streams of the folder before it are written.
type folderMark struct {
	Folder string        `json:"folder"`
	Leader string        `json:"leader"` // the first stream of the folder, where progress.After will be
	Stream string        `json:"stream"`
	ID     logs.StreamID `json:"id"`
	mark
}

func (p *progress) status() string {
	if p.Objects == 0 && p.Streams == 0 {
		return startedText
	}
	percent := int64(0)
	if p.Total > 0 {
		percent = min(100*p.Streams/p.Total, 99)
	}
	return fmt.Sprintf("%s: %d of %d streams (%d %%), %d events in %d objects so far", startedText, min(p.Streams, p.Total), p.Total, percent, p.Events, p.Objects)
}

// finished returns the last progress of a task.
func finished(p progress, message string, now time.Time) []byte {
	p.Message, p.FinishedMS = message, now.UnixMilli()
	p.Now, p.Skip, p.Marks = nil, nil, nil
	return p.encode()
}

func (p *progress) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic("exports: progress does not encode: " + err.Error()) // plain fields only
	}
	return b
}

// Run does tasks one after another, oldest first, until ctx ends; a task under
// way is then left to the next Run. It returns when nothing of it runs any
// more. At most one Run may be active.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		rows, err := s.o.Catalog.Tasks(ctx, taskKind, catalog.TaskFilter{
			States: []string{Running, PendingCancel, Pending}, Oldest: true, Limit: 1,
		})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.o.Logger.Error("list export tasks", "error", err)
			s.sleep(ctx, s.o.tune.retryMin)
		case len(rows) == 0:
			select {
			case <-ctx.Done():
			case <-s.wake:
			}
		default:
			if !s.do(ctx, &rows[0]) {
				s.sleep(ctx, s.o.tune.retryMin)
			}
		}
	}
}

func (s *Service) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// do brings one task to its end; false when it was interrupted.
func (s *Service) do(ctx context.Context, row *catalog.Task) bool {
	log := s.o.Logger.With("task", row.ID)
	tctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.current = &current{id: row.ID, cancel: cancel}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.current = nil
		s.mu.Unlock()
	}()

	e := &export{s: s, id: row.ID, scope: row.Scope, stored: row.State}
	err := e.decode(row)
	if err == nil && row.State != PendingCancel {
		log.Info("export task starts", "group", e.spec.Group, "bucket", e.spec.Bucket, "streams", e.p.Streams)
		err = e.runRetrying(tctx)
	}
	cause := context.Cause(tctx)
	switch {
	case row.State == PendingCancel || errors.Is(cause, errCancelled) || errors.Is(err, catalog.ErrConflict):
		return s.end(ctx, e, []string{PendingCancel}, Cancelled, cancelledText)
	case ctx.Err() != nil || errors.Is(err, store.ErrClosed) || errors.Is(err, catalog.ErrClosed):
		log.Info("export task is interrupted", "streams", e.p.Streams, "objects", e.p.Objects)
		return false
	case err != nil:
		log.Error("export task failed", "error", err)
		return s.end(ctx, e, []string{Running, Pending}, Failed, reason(err))
	}
	return s.end(ctx, e, []string{Running}, Completed, completedText)
}

// end writes the final state of a task, and tries again until it is written or
// ctx ends; false when it could not be written.
func (s *Service) end(ctx context.Context, e *export, from []string, state, message string) bool {
	for wait := s.o.tune.retryMin; ; wait = min(2*wait, time.Minute) {
		err := s.o.Catalog.UpdateTask(ctx, e.id, from, state, finished(e.p, message, s.o.Now()))
		switch {
		case err == nil:
			s.o.Logger.Info("export task ends", "task", e.id, "state", state, "events", e.p.Events, "objects", e.p.Objects)
			return true
		case errors.Is(err, catalog.ErrConflict) && state != Cancelled:
			// It was cancelled at the last moment.
			from, state, message = []string{PendingCancel}, Cancelled, cancelledText
			continue
		case errors.Is(err, catalog.ErrConflict), errors.Is(err, catalog.ErrNotFound):
			return true // it ended otherwise
		case errors.Is(err, catalog.ErrClosed), ctx.Err() != nil:
			return false
		}
		s.o.Logger.Error("end export task", "task", e.id, "error", err)
		s.sleep(ctx, wait)
	}
}

// reason is what the owner of a failed task reads.
func reason(err error) string {
	switch {
	case errors.Is(err, groups.ErrGroupNotFound):
		return "The log group was deleted before the export was complete."
	case errors.Is(err, objstore.ErrNoSuchBucket):
		return "The bucket was deleted before the export was complete."
	case errors.Is(err, objstore.ErrDenied), errors.Is(err, objects.ErrAccessDenied):
		return "The bucket denies access."
	case errors.Is(err, objstore.ErrKeyTooLong):
		return "The prefix and a log stream name give a key of more than 1,024 bytes."
	case errors.Is(err, objstore.ErrNoSpace):
		return "There is no space left for objects."
	case errors.Is(err, errDamaged):
		return "Some of the log data is damaged and cannot be read; the export is not complete."
	}
	return "The export could not be completed: " + err.Error()
}

// final reports errors that another attempt cannot mend.
func final(err error) bool {
	for _, f := range []error{
		groups.ErrGroupNotFound, objstore.ErrNoSuchBucket, objstore.ErrInvalidBucketName, objstore.ErrDenied, objects.ErrAccessDenied,
		objstore.ErrKeyTooLong, objstore.ErrInvalidKey, errDamaged, catalog.ErrConflict, catalog.ErrNotFound,
		store.ErrClosed, catalog.ErrClosed,
	} {
		if errors.Is(err, f) {
			return true
		}
	}
	return false
}

func (e *export) decode(row *catalog.Task) error {
	if err := json.Unmarshal(row.Spec, &e.spec); err != nil {
		return fmt.Errorf("decode the task: %w", err)
	}
	if err := json.Unmarshal(row.Progress, &e.p); err != nil {
		return fmt.Errorf("decode the progress of the task: %w", err)
	}
	return nil
}

// runRetrying runs the export, again after a failure that may pass.
func (e *export) runRetrying(ctx context.Context) error {
	t := &e.s.o.tune
	wait, failures := t.retryMin, 0
	for {
		before := e.p.Objects
		err := e.run(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return err
		}
		if e.p.Objects > before {
			wait, failures = t.retryMin, 0
		}
		if failures++; failures >= t.attempts {
			return err
		}
		e.s.o.Logger.Warn("export task is tried again", "task", e.id, "error", err, "wait", wait)
		e.s.sleep(ctx, wait)
		wait = min(2*wait, time.Minute)
	}
}
