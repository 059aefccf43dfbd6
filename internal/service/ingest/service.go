package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	ResolveStream(ctx context.Context, g groups.Group, name string) (groups.Stream, error)
}

// Appender stores a batch durably; *store.Store is one.
type Appender interface {
	Append(ctx context.Context, b store.Batch) (logs.Seq, error)
}

// Options configure a Service.
type Options struct {
	Directory Directory // required
	Store     Appender  // required
	// Now is the clock of ingestion times and of the acceptance window. nil
	// means time.Now.
	Now func() time.Time
}

// Service accepts batches. It is safe for concurrent use and starts no
// goroutine.
type Service struct {
	dir   Directory
	store Appender
	now   func() time.Time
}

// New returns a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{dir: o.Directory, store: o.Store, now: o.Now}
}

// Result is what became of a batch.
type Result struct {
	// NextSequenceToken is 56 digits for clients that still send tokens. It is
	// empty when every event was rejected.
	NextSequenceToken string
	// Rejected is nil when every event was stored.
	Rejected *Rejected
	// RejectedEntity is why the entity of the batch was not kept; empty when there was none.
	RejectedEntity EntityError
}

// Put stores the accepted events of a batch and returns when they are durable
// and visible. All of them get one ingestion time. The batch belongs to the
// service from the call on, whatever it returns.
//
// After an error nothing of the batch is stored, except that after a context
// error it may have been. Errors: those of this package, and the not-found
// errors of groups.
func (s *Service) Put(ctx context.Context, scope logs.Scope, group, stream string, b Batch) (Result, error) {
	if err := b.checkShape(); err != nil {
		return Result{}, err
	}
	now := s.now().UnixMilli()
	g, groupErr := s.dir.Resolve(ctx, scope, group)
	w := b.windowAt(now, retentionOf(g, groupErr))
	if groupErr != nil && !errors.Is(groupErr, groups.ErrGroupNotFound) {
		return Result{}, groupErr
	}
	if err := b.checkSpan(w); err != nil {
		return Result{}, err
	}
	if groupErr != nil {
		return Result{}, groupErr
	}
	st, err := s.dir.ResolveStream(ctx, g, stream)
	if err != nil {
		return Result{}, err
	}
	res := Result{Rejected: w.rejected(b.Len())}
	if b.Entity != nil {
		res.RejectedEntity = b.Entity.check()
	}
	if w.from == w.to {
		return res, nil
	}
	last := logs.EventID{Key: logs.Key{Timestamp: b.Timestamps[w.to-1]}, Group: g.ID, Stream: st.ID}
	first, err := s.store.Append(ctx, b.accepted(w, g.ID, st.ID, now))
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return Result{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return Result{}, fmt.Errorf("append to stream %d: %w", st.ID, err)
	}
	last.Seq = first + logs.Seq(w.to-w.from-1)
	res.NextSequenceToken = last.String()
	return res, nil
}

// accepted returns the events of the window as the store wants them: slices of
// the same memory.
func (b *Batch) accepted(w window, group logs.GroupID, stream logs.StreamID, ingestion int64) store.Batch {
	out := store.Batch{
		Group: group, Stream: stream, Ingestion: ingestion,
		Timestamps: b.Timestamps[w.from:w.to],
		Arena:      b.Arena[:b.Ends[w.to-1]],
		Ends:       b.Ends[w.from:w.to],
	}
	if w.from > 0 {
		out.Start = b.Ends[w.from-1]
	}
	return out
}

func retentionOf(g groups.Group, err error) int {
	if err != nil {
		return noExpiry
	}
	return g.RetentionDays
}
