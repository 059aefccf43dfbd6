package livetail

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Limits of sessions.
const (
	MaxGroups       = 10            // of a session
	MaxStreams      = 100           // names or prefixes of a session
	SessionTime     = 3 * time.Hour // after which a session ends
	DefaultSessions = 1000          // at a time, of all accounts
	StrictSessions  = 15            // as on the real service

	defaultMemory     = 64 << 20
	maxUpdateEvents   = 500
	maxUpdateBytes    = 3 << 20 // of messages: six times that still fits into a frame of an event stream
	keptUpdates       = 10      // of a client that is slow
	keptEvents        = 5000
	updateEvery       = time.Second
	streamEvery       = 50 * time.Millisecond // least distance of updates of a session that gets them at once
	streamBeat        = 5 * time.Second       // largest distance of those
	eventOverhead     = 160
	maxStreamsInCache = 20_000
)

// Feed is the feed of a store; *store.Store is one.
type Feed interface {
	Commits(ctx context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (next uint64, err error)
	Applied() uint64
	AwaitCommit(ctx context.Context, after uint64) error
}

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	StreamName(ctx context.Context, id logs.StreamID) (string, error)
}

// Options configure a Service.
type Options struct {
	Store     Feed      // required
	Directory Directory // required
	Sessions  int       // at a time; 0 means DefaultSessions
	Memory    int64     // bytes of events that all sessions hold; 0 means 64 MiB
	Logger    *slog.Logger
}

// Service holds the sessions. Run must be running for them to see anything. Its
// methods are safe for concurrent use.
type Service struct {
	feed   Feed
	dir    Directory
	limit  int
	memory int64
	log    *slog.Logger

	held    atomic.Int64 // bytes of events in sessions
	current atomic.Pointer[watch]
	changed chan struct{} // tells Run of a new watch; capacity 1

	mu        sync.Mutex // guards what follows
	sessions  []*Session
	closed    bool
	interrupt context.CancelFunc // of what Run waits for
}

// New returns a Service.
func New(o Options) *Service {
	if o.Sessions == 0 {
		o.Sessions = DefaultSessions
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{feed: o.Store, dir: o.Directory, limit: o.Sessions, memory: o.Memory, log: o.Logger, changed: make(chan struct{}, 1)}
	s.current.Store(&watch{})
	return s
}

// Request describes a session.
type Request struct {
	Groups   []string // names or ARNs, 1 to MaxGroups
	Streams  []string // names; nil: all streams. With Prefixes or several groups an error
	Prefixes []string // of names of streams; nil: all
	Pattern  string   // filter pattern; "" matches everything

	// AtOnce asks for updates as soon as there are events, not every second.
	AtOnce bool
}

// Open begins a session: it sees every event whose Append begins after Open has
// returned. Close must follow. The errors are those of this package, of
// groups.Service.Resolve and *patterns.Error.
func (s *Service) Open(ctx context.Context, scope logs.Scope, r Request) (*Session, error) {
	sn, err := s.prepare(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	if err := s.add(sn); err != nil {
		return nil, err
	}
	select {
	case <-sn.attached:
		return sn, nil
	case <-sn.ended:
		return nil, sn.err
	case <-ctx.Done():
		sn.Close()
		return nil, ctx.Err()
	}
}

// prepare checks a request.
func (s *Service) prepare(ctx context.Context, scope logs.Scope, r Request) (*Session, error) {
	switch {
	case len(r.Groups) == 0 || len(r.Groups) > MaxGroups:
		return nil, ErrGroups
	case len(r.Streams) > 0 && len(r.Prefixes) > 0:
		return nil, ErrNamesAndPrefixes
	case len(r.Groups) > 1 && len(r.Streams)+len(r.Prefixes) > 0:
		return nil, ErrStreamsOfGroups
	case len(r.Streams) > MaxStreams || len(r.Prefixes) > MaxStreams:
		return nil, ErrTooManyStreams
	}
	p, err := patterns.Parse(r.Pattern)
	if err != nil {
		return nil, err
	}
	sn := &Session{
		ID: uuid.NewString(), s: s, began: time.Now(), streams: r.Streams, prefixes: r.Prefixes, every: updateEvery, atOnce: r.AtOnce,
		attached: make(chan struct{}), ended: make(chan struct{}), arrived: make(chan struct{}, 1),
	}
	sn.windowEnd = sn.began.Add(updateEvery)
	if r.AtOnce {
		sn.every = streamEvery
	}
	if !p.All() {
		sn.pattern = p.String()
		sn.matcher = p.Compile()
	}
	for _, name := range r.Groups {
		g, err := s.dir.Resolve(ctx, scope, name)
		if err != nil {
			return nil, err
		}
		if g.Class != groups.ClassStandard {
			return nil, ErrClass
		}
		if !slices.ContainsFunc(sn.groups, func(o groups.Group) bool { return o.ID == g.ID }) {
			sn.groups = append(sn.groups, g)
		}
	}
	return sn, nil
}

// add puts a session into what is watched.
func (s *Service) add(sn *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case len(s.sessions) >= s.limit:
		return ErrTooManySessions
	}
	s.sessions = append(s.sessions, sn)
	s.changeLocked()
	return nil
}

func (s *Service) remove(sn *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.sessions, sn); i >= 0 {
		s.sessions = slices.Delete(s.sessions, i, i+1)
		s.changeLocked()
	}
}

// changeLocked makes a new watch of the sessions and tells Run of it.
func (s *Service) changeLocked() {
	s.current.Store(newWatch(s.sessions))
	select {
	case s.changed <- struct{}{}:
	default:
	}
	if s.interrupt != nil {
		s.interrupt()
	}
}

// Sessions returns how many there are.
func (s *Service) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Held returns the bytes of events that sessions hold.
func (s *Service) Held() int64 { return s.held.Load() }

// Close ends all sessions with ErrClosed and refuses new ones. It does not wait
// for their readers.
func (s *Service) Close() error {
	s.mu.Lock()
	all := s.sessions
	s.sessions, s.closed = nil, true
	s.changeLocked()
	s.mu.Unlock()
	for _, sn := range all {
		sn.end(ErrClosed)
	}
	return nil
}

// watch is what Run looks for; it never changes.
type watch struct {
	sessions []*Session
	ids      []logs.GroupID
	groups   map[logs.GroupID]*watched
}

// watched is a group of a watch.
type watched struct {
	identifier string // in results: account:name
	group      logs.GroupID
	sessions   []*Session
}

func newWatch(sessions []*Session) *watch {
	w := &watch{sessions: slices.Clone(sessions), groups: make(map[logs.GroupID]*watched)}
	for _, sn := range sessions {
		for i := range sn.groups {
			g := &sn.groups[i]
			x := w.groups[g.ID]
			if x == nil {
				x = &watched{identifier: g.Scope.Account + ":" + g.Name, group: g.ID}
				w.groups[g.ID] = x
				w.ids = append(w.ids, g.ID)
			}
			x.sessions = append(x.sessions, sn)
		}
	}
	return w
}

// lane is the sessions that watch a stream with the same pattern.
type lane struct {
	matcher  *pattern.Matcher // nil: everything matches
	sessions []*Session
}

// lanes are the sessions that watch some streams of a group. They are used by one
// goroutine.
type lanes struct {
	all      []*Session // without a pattern
	patterns []lane
	set      *pattern.Set // of patterns
}

// lanesOf sorts sessions by their patterns.
func lanesOf(sessions []*Session) *lanes {
	out := &lanes{}
	at := make(map[string]int)
	var members []pattern.Member
	for _, sn := range sessions {
		if sn.matcher == nil {
			out.all = append(out.all, sn)
			continue
		}
		i, ok := at[sn.pattern]
		if !ok {
			i = len(out.patterns)
			at[sn.pattern] = i
			out.patterns = append(out.patterns, lane{matcher: sn.matcher})
			members = append(members, pattern.Member{Matcher: sn.matcher})
		}
		out.patterns[i].sessions = append(out.patterns[i].sessions, sn)
	}
	out.set = pattern.NewSet(members)
	return out
}

// wants reports whether the session watches a stream of that name.
func (sn *Session) wants(stream string) bool {
	switch {
	case len(sn.streams) > 0:
		return slices.Contains(sn.streams, stream)
	case len(sn.prefixes) > 0:
		return slices.ContainsFunc(sn.prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
	}
	return true
}
