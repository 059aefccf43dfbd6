package livetail

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

const (
	passBytes  = 1 << 20                // of one look at the feed
	passEvery  = 10 * time.Millisecond  // least time between passes while batches keep coming
	behindTime = time.Second            // after which batches are left out
	workBurst  = 100 * time.Millisecond // of work at once, before the share of it counts
	workDebt   = time.Second            // of work that is owed at most: a pass that was stalled must not count for minutes
)

// workShare is how much of the processors sessions may cost, whatever their patterns are.
const workShare = 0.15

// Run follows the feed for all sessions until ctx ends or the store closes, and
// then ends the sessions. It is called once.
func (s *Service) Run(ctx context.Context) {
	defer s.Close()
	r := runner{s: s, pos: s.feed.Applied(), share: min(1, workShare*float64(runtime.GOMAXPROCS(0)))}
	r.hit = func(i int) { r.hits[i] = append(r.hits[i], r.event) }
	for ctx.Err() == nil {
		r.follow()
		if len(r.w.sessions) == 0 {
			select {
			case <-s.changed:
			case <-ctx.Done():
			}
			continue
		}
		if err := r.await(ctx); err != nil {
			if !errors.Is(err, store.ErrClosed) {
				s.log.Error("the feed of live tail ended", "error", err)
			}
			return
		}
		if s.current.Load() == r.w && ctx.Err() == nil {
			r.pass(ctx)
		}
	}
}

// runner is the state of Run.
type runner struct {
	s       *Service
	w       *watch
	pos     uint64                    // done up to here
	passed  time.Time                 // end of the last pass
	behind  time.Time                 // since when passes end before the feed does; zero: they do not
	share   float64                   // of a processor that passes may take
	saved   time.Duration             // of work that might be done then; negative: what was owed
	streams map[logs.StreamID]*stream // of the groups of w
	lanes   map[string]*lanes         // by the ids of their sessions
	batch   batch
	event   uint32     // the one that is matched
	hits    [][]uint32 // by pattern: the events that match
	hit     func(i int)
}

// stream is what is known of a stream.
type stream struct {
	name  string
	lanes *lanes // nil: nobody wants it, or it is gone
}

// follow takes up the sessions that are there now.
func (r *runner) follow() {
	w := r.s.current.Load()
	if w == r.w {
		return
	}
	if r.w == nil || len(r.w.sessions) == 0 {
		r.pos = r.s.feed.Applied() // nobody has missed what was before
	}
	r.w, r.streams, r.lanes = w, make(map[logs.StreamID]*stream), make(map[string]*lanes)
	for _, sn := range w.sessions {
		if !sn.seen {
			sn.seen = true
			close(sn.attached)
		}
	}
}

// await returns when there may be batches, or other sessions, or ctx has ended.
func (r *runner) await(ctx context.Context) error {
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	r.s.mu.Lock()
	r.s.interrupt = cancel
	r.s.mu.Unlock()
	if r.s.current.Load() != r.w {
		return nil
	}
	if left := r.rest(time.Now()); left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-wait.Done():
			return nil
		}
	}
	err := r.s.feed.AwaitCommit(wait, r.pos)
	if wait.Err() != nil {
		return nil
	}
	return err
}

// rest returns how long to wait before the next pass: for batches that come close
// together, as they are looked at together, and until the work is within its share.
func (r *runner) rest(now time.Time) time.Duration {
	left := -time.Duration(float64(min(r.credit(now), 0)) / r.share)
	if r.behind.IsZero() {
		left = max(left, passEvery-now.Sub(r.passed))
	}
	return left
}

// credit returns the work that may be done now; negative: what is owed.
func (r *runner) credit(now time.Time) time.Duration {
	earned := float64(now.Sub(r.passed)) * r.share
	return r.saved + time.Duration(min(earned, float64(workBurst-r.saved)))
}

// pass looks at the batches that have arrived. When batches come faster than
// they can be looked at, it leaves some out, and sessions say so.
func (r *runner) pass(ctx context.Context) {
	began, bytes := time.Now(), int64(0)
	next, err := r.s.feed.Commits(ctx, store.CommitQuery{After: r.pos, Groups: r.w.ids, Bytes: passBytes}, func(c *store.Commit) bool {
		bytes += c.Bytes()
		if err := r.look(ctx, c); err != nil {
			r.s.log.Warn("a batch is missing in live tail", "group", c.Group, "stream", c.Stream, "error", err)
			for _, sn := range r.w.groups[c.Group].sessions {
				sn.lag()
			}
		}
		return r.s.current.Load() == r.w
	})
	now := time.Now()
	r.saved = max(r.credit(now)-now.Sub(began), -workDebt)
	r.pos, r.passed = max(r.pos, next), now
	failed := err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed)
	switch {
	case failed:
		r.s.log.Warn("batches are missing in live tail", "error", err)
	case bytes < passBytes || r.pos >= r.s.feed.Applied():
		r.behind = time.Time{}
		return
	case r.behind.IsZero():
		r.behind = began
		return
	case now.Sub(r.behind) < behindTime:
		return
	}
	r.behind, r.pos = time.Time{}, r.s.feed.Applied()
	for _, sn := range r.w.sessions {
		sn.lag()
	}
}

// look offers the events of a batch to the sessions.
func (r *runner) look(ctx context.Context, c *store.Commit) error {
	st := r.streams[c.Stream]
	if st == nil {
		var err error
		if st, err = r.find(ctx, c); err != nil {
			return err
		}
	}
	l := st.lanes
	if l == nil {
		return nil
	}
	now := time.Now()
	r.batch.reset(c, r.w.groups[c.Group].identifier, st.name)
	for _, sn := range l.all {
		sn.offer(now, &r.batch, nil, c.Len())
	}
	r.match(c, l)
	for i := range l.patterns {
		if hits := r.hits[i]; len(hits) > 0 {
			for _, sn := range l.patterns[i].sessions {
				sn.offer(now, &r.batch, hits, len(hits))
			}
		}
	}
	return nil
}

// find looks up the stream of a batch and who wants it.
func (r *runner) find(ctx context.Context, c *store.Commit) (*stream, error) {
	name, err := r.s.dir.StreamName(ctx, c.Stream)
	if err != nil {
		return nil, err
	}
	st := &stream{name: name}
	if name != "" {
		var wanted []*Session
		key := ""
		for _, sn := range r.w.groups[c.Group].sessions {
			if sn.wants(name) {
				wanted = append(wanted, sn)
				key += sn.ID
			}
		}
		if len(wanted) > 0 {
			if st.lanes = r.lanes[key]; st.lanes == nil {
				st.lanes = lanesOf(wanted)
				r.lanes[key] = st.lanes
			}
		}
	}
	if len(r.streams) >= maxStreamsInCache {
		clear(r.streams)
		clear(r.lanes)
	}
	r.streams[c.Stream] = st
	return st, nil
}

// match fills hits.
func (r *runner) match(c *store.Commit, l *lanes) {
	n := len(l.patterns)
	for len(r.hits) < n {
		r.hits = append(r.hits, nil)
	}
	for i := range n {
		r.hits[i] = r.hits[i][:0]
	}
	if n == 0 {
		return
	}
	for i := range c.Len() {
		r.event = uint32(i)
		l.set.Match(c.Message(i), r.hit)
	}
}

// batch makes events of a commit. The text of each is copied once.
type batch struct {
	c      *store.Commit
	group  string
	stream string
	texts  []string
	copied []bool
}

func (b *batch) reset(c *store.Commit, group, stream string) {
	n := c.Len()
	b.c, b.group, b.stream = c, group, stream
	clear(b.texts)
	if cap(b.texts) < n {
		b.texts, b.copied = make([]string, n), make([]bool, n)
	}
	b.texts, b.copied = b.texts[:n], b.copied[:n]
	clear(b.copied)
}

// size is what event i counts in memory.
func (b *batch) size(i int) int64 { return int64(len(b.c.Message(i))) + eventOverhead }

func (b *batch) event(i int) Event {
	if !b.copied[i] {
		b.texts[i], b.copied[i] = string(b.c.Message(i)), true
	}
	return Event{
		ID:    logs.EventID{Key: b.c.Key(i), Group: b.c.Group, Stream: b.c.Stream},
		Group: b.group, Stream: b.stream, Message: b.texts[i], Timestamp: b.c.Timestamp(i), Ingestion: b.c.Ingestion,
	}
}
