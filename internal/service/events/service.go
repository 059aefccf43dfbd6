package events

import (
	"context"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Directory finds groups and streams by name and by id; *groups.Service is
// one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	ResolveStream(ctx context.Context, g groups.Group, name string) (groups.Stream, error)
	GroupByID(ctx context.Context, scope logs.Scope, id logs.GroupID) (groups.Group, error)
	StreamNames(ctx context.Context, group logs.GroupID, ids []logs.StreamID) (map[logs.StreamID]string, error)
	Streams(ctx context.Context, group logs.GroupID, prefix, after string, limit int) ([]groups.Stream, error)
}

// Scanner finds events; *store.Store is one.
type Scanner interface {
	Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error)
}

// Options configure a Service.
type Options struct {
	Directory Directory // required
	Store     Scanner   // required
	// Now is the clock of retention. nil means time.Now.
	Now func() time.Time
}

// Service reads events. It is safe for concurrent use and starts no
// goroutine.
type Service struct {
	dir   Directory
	store Scanner
	now   func() time.Time

	pageTime  time.Duration // after which a search returns what it has
	emptyTime time.Duration // after which it returns even nothing

	ended *endedTokens
}

// Both are below the time for which clients wait for an answer: 60 seconds in the
// AWS SDKs.
const (
	maxPageTime  = 10 * time.Second
	maxEmptyTime = 45 * time.Second
)

// New returns a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{dir: o.Directory, store: o.Store, now: o.Now, pageTime: maxPageTime, emptyTime: maxEmptyTime, ended: newEndedTokens()}
}

// readable resolves a group for reading.
func (s *Service) readable(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error) {
	g, err := s.dir.Resolve(ctx, scope, nameOrARN)
	if err != nil {
		return g, err
	}
	if g.Class != groups.ClassStandard {
		return g, ErrClass
	}
	return g, nil
}

// visible returns the range of timestamps [from, to) that a query may see: the
// part of [start, end) that the retention of the group leaves. nil is an open
// side.
func (s *Service) visible(g groups.Group, start, end *int64) (from, to int64) {
	return groups.Visible(g, s.now(), start, end)
}

// pageLimit returns the limit of a page for a requested one, 0 being none.
func pageLimit(requested int) (int, error) {
	switch {
	case requested == 0:
		return MaxPageEvents, nil
	case requested < 0 || requested > MaxPageEvents:
		return 0, ErrLimit
	}
	return requested, nil
}
