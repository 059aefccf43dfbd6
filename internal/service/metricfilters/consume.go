package metricfilters

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Feed gives batches in the order in which they became visible; *store.Store is one.
type Feed interface {
	Applied() uint64
	AwaitCommit(ctx context.Context, after uint64) error
	Commits(ctx context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (next uint64, err error)
}

// Metrics keeps datapoints; *series.DB is one. After an error of Add nothing was added.
type Metrics interface {
	Add(ctx context.Context, points []series.Point, reached map[string]uint64) error
	Reached(consumer string) (position uint64, ok bool)
	ReadSums(ctx context.Context, m series.Metric, unit string, period time.Duration, start, end int64) ([]series.Bucket, error)
}

// Names of the positions in the log of the metrics. Both are sequence numbers of events:
// those up to it are done.
const (
	consumerName = "metric-filters"          // events that are counted
	defaultsName = "metric-filters/defaults" // events that no default value is outstanding for
)

// Bounds of what is made ready before it is added.
const (
	passBytes  = 16 << 20 // message bytes read
	passSize   = 2 << 20  // bytes of datapoints, roughly; one event can make 12 MiB more, and a record of the log takes 16 MiB
	maxPass    = 12 << 20 // as passSize; what an event makes beyond it is dropped
	maxTargets = 50_000   // metrics that are remembered between passes, and as many of filters with dimensions
	maxGroups  = 50_000   // groups that are remembered
)

// errTooLarge is why datapoints of an event are dropped that makes too many.
var errTooLarge = errors.New("an event makes too many datapoints")

// lastIndex is the index beyond that of every event of a batch.
const lastIndex = 1<<logs.SeqIndexBits - 1

// whole is the position at which all of a batch is done.
func whole(lsn uint64) logs.Seq { return logs.MakeSeq(lsn, lastIndex) }

// batches returns the number of the last batch of which all is done.
func batches(p logs.Seq) uint64 {
	if p != whole(p.Batch()) && p.Batch() > 0 {
		return p.Batch() - 1
	}
	return p.Batch()
}

// consumer makes datapoints of the feed. Its methods are called by one goroutine, but for
// reached.
type consumer struct {
	s       *Service
	durable atomic.Uint64 // position up to which events are counted durably

	at       logs.Seq // position of what was read; at or ahead of durable
	ready    bool     // points up to at are made, and not added yet
	points   []series.Point
	groups   map[logs.GroupID]*work
	targets  map[string]*target
	dirty    []*target
	spare    spare
	size     int       // of what was added to dirty targets, in bytes
	warned   time.Time // when datapoints were dropped and that was logged
	defaults defaults
	disabled []*counter // since the last pass

	combinations int // targets that counters remember by their dimensions

	pruned int64 // hour in which groups that were deleted were looked for
	stats  Stats // guarded by s.mu

	// The event in hand.
	w       *work
	lsn     uint64
	time    int64
	onMatch func(i int)
	emf     emfReader
	key     []byte
}

// init finds the position, and makes one when there is none: what is appended from now on is
// counted, whenever it is read.
func (c *consumer) init(ctx context.Context, s *Service) error {
	c.s = s
	c.groups = map[logs.GroupID]*work{}
	c.targets = map[string]*target{}
	c.onMatch = c.matched
	c.defaults.init()
	applied := whole(s.o.Feed.Applied())
	c.at = applied
	// Without a position the data directory is older than metric filters; one behind the end of
	// the log was lost there.
	if p, ok := s.o.Metrics.Reached(consumerName); ok {
		c.at = min(logs.Seq(p), applied)
		if p > uint64(applied) {
			s.o.Logger.Warn("the log of events ends before the position of metric filters, which go on at its end", "position", p>>logs.SeqIndexBits, "end", applied.Batch())
		}
	}
	c.durable.Store(uint64(c.at))
	if p, ok := s.o.Metrics.Reached(defaultsName); ok && logs.Seq(p) < c.at {
		c.defaults.from, c.defaults.lost = logs.Seq(p), true
	}
	if p, ok := s.o.Metrics.Reached(consumerName); ok && logs.Seq(p) == c.at {
		return nil
	}
	err := s.o.Metrics.Add(ctx, nil, map[string]uint64{consumerName: uint64(c.at), defaultsName: uint64(c.at)})
	if errors.Is(err, series.ErrFull) {
		s.o.Logger.Warn("the position of metric filters is not durable until there is room on the disk", "error", err)
	} else if err != nil {
		return fmt.Errorf("begin to count events: %w", err)
	}
	return nil
}

// reached is the last batch that is counted durably.
func (c *consumer) reached() uint64 { return batches(logs.Seq(c.durable.Load())) }

// Step reads some of the feed and adds what it makes of it. more says that there is more
// to read. After an error the same is tried again. It is called by one goroutine at a
// time; Run does so.
func (s *Service) Step(ctx context.Context) (more bool, err error) {
	c := &s.consumer
	if c.defaults.lost {
		if err := c.recoverDefaults(ctx); err != nil {
			return false, err
		}
	}
	if c.ready {
		more = true // what came since is not read yet
	} else {
		if more, err = c.read(ctx); err != nil {
			return false, err
		}
		c.collect()
	}
	if err := c.add(ctx); err != nil {
		return true, err
	}
	if err := c.disable(ctx); err != nil {
		return more, err
	}
	if more {
		return true, nil
	}
	if more, err = c.closeDefaults(ctx); err != nil || more {
		return more, err
	}
	return false, s.forgetEnded(ctx)
}

// limit returns the filters that hold now and the last batch that they may be used for.
func (s *Service) limit(ctx context.Context) (*table, uint64, error) {
	for {
		s.mu.Lock()
		t, upTo := s.table, s.fence
		if !s.changing {
			upTo = s.o.Feed.Applied()
		}
		s.mu.Unlock()
		if t != nil {
			return t, upTo, nil
		}
		s.change.Lock()
		err := s.refresh(ctx)
		s.change.Unlock()
		if err != nil {
			return nil, 0, err
		}
	}
}

// read takes batches in hand until there are no more, or enough.
func (c *consumer) read(ctx context.Context) (more bool, err error) {
	t, upTo, err := c.s.limit(ctx)
	if err != nil {
		return false, err
	}
	c.bound()
	after := batches(c.at)
	if after >= upTo {
		return false, nil
	}
	stopped := false
	var failed error
	next, err := c.s.o.Feed.Commits(ctx, store.CommitQuery{After: after, Bytes: passBytes}, func(b *store.Commit) bool {
		if b.LSN > upTo {
			c.at, stopped = max(c.at, whole(upTo)), true
			return false
		}
		done, err := c.batch(ctx, t, b)
		if err != nil {
			failed, stopped = err, true
			return false
		}
		stopped = !done || c.size >= passSize
		return !stopped
	})
	switch {
	case failed != nil:
		err = failed
	case err != nil:
		err = fmt.Errorf("read the feed: %w", err)
	case !stopped:
		c.at = max(c.at, whole(next))
	}
	if err != nil && len(c.dirty) == 0 {
		return false, err
	}
	// What was read before an error is counted; the error comes again.
	return batches(c.at) < upTo, nil
}

// bound forgets what is remembered between passes when it is too much.
func (c *consumer) bound() {
	if len(c.groups) > maxGroups {
		clear(c.groups)
		c.combinations = 0
	}
	if len(c.targets) > maxTargets {
		clear(c.targets)
	}
	if c.combinations > maxTargets {
		for _, w := range c.groups {
			for _, k := range w.counters {
				k.byDims = map[string]*target{}
			}
		}
		c.combinations = 0
	}
}

// batch takes a batch in hand; done is false when it was left in the middle.
func (c *consumer) batch(ctx context.Context, t *table, b *store.Commit) (done bool, err error) {
	w, err := c.work(ctx, b.Group)
	if err != nil {
		return false, err
	}
	begun := c.at.Batch() == b.LSN && c.at != whole(b.LSN)
	if w.gone {
		c.at = whole(b.LSN)
		return true, nil
	}
	c.w, c.lsn = w, b.LSN
	if !begun {
		c.incoming(b)
	}
	w.use(c, t.groups[b.Group])
	active := w.covers(b.LSN)
	if !active && !w.standard {
		c.at = whole(b.LSN)
		return true, nil
	}
	for i := range b.Len() {
		seq := b.Seq(i)
		if seq <= c.at {
			continue
		}
		m := b.Message(i)
		c.time = b.Timestamp(i)
		if active {
			w.set.Match(m, c.onMatch)
			c.defaults.see(c, c.time, b.Ingestion)
		}
		if w.standard && mayBeEMF(m) {
			c.embedded(m, b.Ingestion)
		}
		c.at = seq
		if c.size >= passSize*3/2 {
			return false, nil
		}
	}
	c.at = whole(b.LSN)
	return true, nil
}

// work returns what is known of a group.
func (c *consumer) work(ctx context.Context, id logs.GroupID) (*work, error) {
	if w := c.groups[id]; w != nil {
		return w, nil
	}
	w := &work{id: id}
	g, err := c.s.o.Catalog.GroupByID(ctx, id)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		w.gone = true // its number does not come again
	case err != nil:
		return nil, fmt.Errorf("find the group of a batch: %w", err)
	default:
		w.init(&g)
	}
	c.groups[id] = w
	return w, nil
}

// add adds the points that are made, once.
func (c *consumer) add(ctx context.Context) error {
	if !c.ready && uint64(c.at) == c.durable.Load() {
		return nil
	}
	if err := c.send(ctx, uint64(c.at)); err != nil {
		return err
	}
	c.durable.Store(uint64(c.at))
	c.ready = false
	c.forget()
	return nil
}

// send adds c.points and moves the positions. Points that would make too many metrics, and those
// that the metrics do not keep, are left out and counted: they do not stop the others.
func (c *consumer) send(ctx context.Context, at uint64) error {
	from := uint64(c.defaults.oldest(logs.Seq(at)))
	for {
		err := c.s.o.Metrics.Add(ctx, c.points, map[string]uint64{consumerName: at, defaultsName: from})
		if err == nil {
			return nil
		}
		refused := refusedOf(err, c.points)
		if len(refused) == 0 {
			return fmt.Errorf("add datapoints: %w", err)
		}
		c.drop(len(refused), err)
		c.points = without(c.points, refused)
	}
}

// refusedOf returns the indexes of the points without which an addition that failed may succeed, ascending.
// There are none when the same is to be tried again.
func refusedOf(err error, points []series.Point) (refused []int) {
	if many, ok := errors.AsType[*series.TooManySeriesError](err); ok {
		return many.Refused
	}
	from := len(points)
	switch {
	case errors.Is(err, series.ErrInvalid):
		for i := range points {
			if points[i].Check() != nil {
				refused = append(refused, i)
			}
		}
		if len(refused) > 0 {
			return refused
		}
		from = 0
	case errors.Is(err, series.ErrTooLarge):
		from = len(points) / 2
	}
	for i := from; i < len(points); i++ {
		refused = append(refused, i)
	}
	return refused
}

// drop notes that datapoints are lost.
func (c *consumer) drop(n int, why error) {
	if now := c.s.o.Now(); now.Sub(c.warned).Abs() >= time.Minute {
		c.warned = now
		c.s.o.Logger.Warn("datapoints are dropped", "error", why, "count", n)
	}
	c.s.mu.Lock()
	c.stats.Dropped += int64(n)
	c.s.mu.Unlock()
}

// Times of Run.
const (
	gather     = 200 * time.Millisecond // how long batches are gathered before they are read
	tick       = time.Second            // how often default values are looked at
	retryFirst = 100 * time.Millisecond
	retryLast  = 10 * time.Second
)

// Run consumes the feed until ctx ends or the store is closed.
func (s *Service) Run(ctx context.Context) {
	retry := retryFirst
	for ctx.Err() == nil {
		more, err := s.Step(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, store.ErrClosed) || errors.Is(err, series.ErrClosed):
			return
		case err != nil:
			s.o.Logger.Warn("metric filters wait", "error", err, "again_in", retry)
			pause(ctx, retry)
			retry = min(2*retry, retryLast)
			continue
		case !more:
			wait, cancel := context.WithTimeout(ctx, tick)
			err := s.o.Feed.AwaitCommit(wait, batches(s.consumer.at))
			cancel()
			if errors.Is(err, store.ErrClosed) {
				return
			}
			if err == nil {
				pause(ctx, gather)
			}
		}
		retry = retryFirst
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Stats are counts since the service was opened.
type Stats struct {
	Behind   uint64 // batches that are not counted yet
	Dropped  int64  // datapoints that would have made too many metrics, or that cannot be kept
	Disabled int64  // filters that made too many dimension values
}

// Stats returns them.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.consumer.stats
	if applied, at := s.o.Feed.Applied(), s.consumer.reached(); applied > at {
		st.Behind = applied - at
	}
	return st
}
