package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// delivery is what runs for a filter or policy.
type delivery struct {
	key      catalog.DocumentKey
	consumer string
	name     string // of the filter or policy
	group    string // "" of a policy
	spec     Spec
	match    func([]byte) bool // nil: every message
	values   *pattern.Matcher  // gives fields; nil: there are none
	nothing  bool              // no event of this scope is selected
	without  map[string]bool   // groups that a policy leaves out

	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{}

	position atomic.Uint64 // everything up to here was taken
	stored   atomic.Uint64 // the position in the catalog, or an older one
	fresh    atomic.Bool   // it has not yet read everything from its position on

	mu     sync.Mutex
	newest uint64 // log sequence number of the newest batch that was announced
	oldest int64  // ingestion of the oldest batch that was not taken; 0 = none, or not known
	bytes  int64  // weight of what was announced and not taken, roughly
	status Status // Lag is not kept here
	sums   Forwarded

	// Of the goroutine alone.
	upTo     uint64          // where the batch ends that is to be sent again; 0 = none
	size     int             // of that batch, so that its messages have the same names
	taken    map[string]bool // messages of the batch that ends at upTo, by name
	selected map[logs.GroupID]bool
	failures int
	target   sink.Target // of the last step
	zipper   zipper
	json     []byte
}

// newDelivery prepares a delivery at the position of the catalog.
func (s *Service) newDelivery(ctx context.Context, doc *catalog.Document) (*delivery, error) {
	spec, without, err := specOf(doc)
	if err != nil {
		return nil, err
	}
	p, err := pattern.Parse(spec.Pattern)
	if err != nil {
		return nil, err
	}
	d := &delivery{
		key: doc.DocumentKey, consumer: consumerOf(doc.DocumentKey), name: doc.Name, spec: spec, without: map[string]bool{},
		cancel: func() {}, done: make(chan struct{}), wake: make(chan struct{}, 1), selected: map[logs.GroupID]bool{},
	}
	d.fresh.Store(true)
	for _, g := range without {
		d.without[g] = true
	}
	if !p.All() {
		m := p.Compile()
		d.match = m.Match
		if p.Kind == pattern.Delimited {
			d.values = m
		}
	}
	if spec.Criteria != "" {
		c, err := metricfilters.ParseCriteria(spec.Criteria)
		if err != nil {
			return nil, err
		}
		d.nothing = !c.Selects(doc.Scope)
	}
	if doc.Kind == kindPolicy {
		_, d.name, _ = strings.Cut(doc.Name, "/")
	} else {
		g, err := s.o.Directory.GroupByID(ctx, doc.Scope, doc.Group)
		if err != nil {
			return nil, err
		}
		d.group = g.Name
	}
	at, err := s.o.Catalog.Position(ctx, d.consumer)
	if errors.Is(err, catalog.ErrNotFound) { // a document from before there were positions, or one put back by hand
		at, err = s.o.Feed.Applied(), nil
	}
	if err != nil {
		return nil, err
	}
	d.position.Store(at)
	d.stored.Store(at)
	d.status = Status{Scope: doc.Scope, Group: d.group, Filter: d.name, Destination: spec.Destination}
	v, _ := vendorOf(spec.Destination)
	d.sums = Forwarded{Vendor: v.service, Scope: doc.Scope, Group: d.group, Filter: d.name, Policy: doc.Kind == kindPolicy}
	return d, nil
}

// note says that a batch arrived.
func (d *delivery) note(c *store.Commit) {
	d.mu.Lock()
	if d.newest < c.LSN {
		d.newest = c.LSN
		d.bytes += weigh(c.Bytes(), c.Len())
		if d.oldest == 0 {
			d.oldest = c.Ingestion
		}
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// quiet advances the position to head when nothing was announced beyond the position, and says so. head must have been read
// before.
func (d *delivery) quiet(head uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.position.Load()
	if d.fresh.Load() || d.newest > at {
		return false
	}
	d.oldest, d.bytes = 0, 0
	raise(&d.position, head)
	return true
}

// deliver delivers until ctx ends.
func (s *Service) deliver(ctx context.Context, d *delivery) {
	for ctx.Err() == nil {
		wait, err := s.step(ctx, d)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = s.failed(d, err)
		case wait == 0:
			continue
		}
		if err == nil && wait < 0 { // until something arrives
			select {
			case <-ctx.Done():
				return
			case <-d.wake:
			}
			continue
		}
		d.hold(ctx, wait, err == nil)
	}
}

// hold waits, less long when enough gathers meanwhile.
func (d *delivery) hold(ctx context.Context, wait time.Duration, early bool) {
	t := time.NewTimer(wait)
	defer t.Stop()
	for {
		wake := d.wake
		if !early {
			wake = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case <-wake:
			if d.gathered() {
				return
			}
		}
	}
}

// gathered reports whether enough was announced for a batch.
func (d *delivery) gathered() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.target.Gather > 0 && d.bytes >= int64(d.target.Gather)
}

// failed notes a failure and returns how long to wait.
func (s *Service) failed(d *delivery, err error) time.Duration {
	wait := s.o.tune.retryMax
	if d.failures < 30 {
		wait = min(wait, s.o.tune.retryMin<<d.failures)
	}
	wait = wait*4/5 + rand.N(wait*2/5+1) // not all at the same time
	e := sink.Failure(err)
	wait = max(wait, e.After)
	first := d.failures == 0
	d.failures++
	d.mu.Lock()
	if first {
		d.status.FailingSinceMS = s.nowMS()
	}
	d.status.Error = err.Error()
	if e.Throttled {
		d.sums.Throttled++
	} else {
		d.sums.Errors++
	}
	d.mu.Unlock()
	if first {
		s.o.Logger.Warn("events are not delivered; trying again", "group", d.group, "filter", d.name, "destination", d.spec.Destination, "error", err)
	}
	return wait
}

// succeeded ends a row of failures.
func (s *Service) succeeded(d *delivery) {
	if d.failures == 0 {
		return
	}
	d.failures = 0
	d.mu.Lock()
	since := d.status.FailingSinceMS
	d.status.FailingSinceMS, d.status.Error = 0, ""
	d.mu.Unlock()
	s.o.Logger.Info("events are delivered again", "group", d.group, "filter", d.name, "destination", d.spec.Destination, "after", time.Duration(s.nowMS()-since)*time.Millisecond)
}

// batch is what one step delivers.
type batch struct {
	arena  []byte
	events []event // in the order of arrival
	fields int     // bytes of the fields of events
	next   uint64  // the position when all of it was taken
	last   int64   // ingestion of the newest
	more   bool    // something may be left behind next
}

// perEvent is roughly what an event takes in memory beside its message and fields, in a batch and again in a message.
const perEvent = 512

// weigh returns the bytes that events without fields are counted as.
func weigh(messages int64, events int) int64 { return messages + perEvent*int64(events) }

func (b *batch) weight() int64 { return weigh(int64(len(b.arena)), len(b.events)) }

// step delivers one batch. wait < 0: nothing is left; > 0: nothing is due before.
func (s *Service) step(ctx context.Context, d *delivery) (wait time.Duration, err error) {
	if d.quiet(s.engine.head.Load()) {
		return -1, nil
	}
	to, target, err := s.routeOf(ctx, d.key.Scope, d.spec.Destination)
	if err != nil {
		s.peek(ctx, d)
		return 0, &sink.Error{Retry: true, Err: err}
	}
	d.target = target
	d.mu.Lock()
	d.sums.Type = target.Type
	d.mu.Unlock()
	if wait := s.lingers(d); wait > 0 {
		return wait, nil
	}
	size, least := min(max(s.o.tune.batch, target.Gather), int(s.engine.share/4)), 0
	if d.upTo != 0 {
		size, least = d.size, d.size
	}
	held, done, err := s.engine.room(ctx, target.ARN, 4*int64(size), 4*int64(least))
	if err != nil {
		return 0, err
	}
	defer done()
	size = int(held / 4)
	b, err := s.read(ctx, d, size)
	if err != nil {
		return 0, err
	}
	if d.fresh.Load() && b.weight() < int64(target.Gather) { // only now it is known how old the events are
		d.mu.Lock()
		d.bytes = max(d.bytes, b.weight())
		d.mu.Unlock()
		if wait := s.lingers(d); wait > 0 {
			return wait, nil
		}
	}
	dead, err := s.send(ctx, d, to, target, &b)
	if err == nil {
		err = s.reached(ctx, d, &b, dead)
	}
	if err != nil {
		d.upTo, d.size = b.next, size
		return 0, err
	}
	if b.more {
		return 0, nil
	}
	d.fresh.Store(false)
	return 0, nil
}

// lingers returns how long to wait for more events before a batch is made.
func (s *Service) lingers(d *delivery) time.Duration {
	if d.target.Linger == 0 || d.upTo != 0 || d.gathered() {
		return 0
	}
	now := s.nowMS()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.oldest == 0 {
		return 0
	}
	d.oldest = min(d.oldest, now) // the clock was set back: the wait begins now
	return d.target.Linger - time.Duration(now-d.oldest)*time.Millisecond
}

// peek learns how old what is not delivered is, for the lag.
func (s *Service) peek(ctx context.Context, d *delivery) {
	d.mu.Lock()
	known := d.oldest != 0
	d.mu.Unlock()
	if known {
		return
	}
	// An error is met again when the batch is read.
	_, _ = s.o.Feed.Commits(ctx, store.CommitQuery{After: d.position.Load(), Groups: d.only(), Bytes: 1}, func(c *store.Commit) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.oldest == 0 {
			d.oldest = c.Ingestion
		}
		return false
	})
}

func (d *delivery) only() []logs.GroupID {
	if d.key.Kind == kindPolicy {
		return nil
	}
	return []logs.GroupID{d.key.Group}
}

// read reads the events behind the position that are selected, until they weigh size bytes.
func (s *Service) read(ctx context.Context, d *delivery, size int) (batch, error) {
	b := batch{}
	from := d.position.Load()
	last := from // the last batch that is in b
	stopped := false
	var inner error
	next, err := s.o.Feed.Commits(ctx, store.CommitQuery{After: from, Groups: d.only()}, func(c *store.Commit) bool {
		if d.upTo != 0 && c.LSN > d.upTo {
			stopped = true
			return false
		}
		last = c.LSN
		selected, err := s.selects(ctx, d, c.Group)
		if err != nil {
			inner = err
			return false
		}
		if selected {
			d.take(&b, c)
		}
		stopped = b.weight()+int64(b.fields) >= int64(size)
		return !stopped
	})
	if err = errors.Join(inner, err); err != nil {
		return b, fmt.Errorf("reading events: %w", err)
	}
	switch {
	case stopped:
		b.next, b.more = max(last, from), true
	default:
		b.next, b.more = next, next < s.o.Feed.Applied()
	}
	if d.upTo != 0 {
		b.next, b.more = min(b.next, d.upTo), true
	}
	if len(b.events) > 0 {
		d.mu.Lock()
		if d.oldest == 0 {
			d.oldest = b.events[0].ingest
		}
		d.mu.Unlock()
	}
	return b, nil
}

// selects reports whether events of a group are delivered at all.
func (s *Service) selects(ctx context.Context, d *delivery, id logs.GroupID) (bool, error) {
	if d.nothing {
		return false, nil
	}
	if d.key.Kind != kindPolicy {
		return true, nil
	}
	yes, known := d.selected[id]
	if known {
		return yes, nil
	}
	g, err := s.o.Directory.GroupByID(ctx, d.key.Scope, id)
	if errors.Is(err, groups.ErrGroupNotFound) { // deleted, or of another scope; ids are never used again
		d.selected[id] = false
		return false, nil
	}
	if err != nil {
		return false, err
	}
	yes = g.Class == groups.ClassStandard && !d.without[g.Name]
	d.selected[id] = yes
	return yes, nil
}

// perField is roughly what a field takes beside its name and value.
const perField = 32

// take copies the events of a batch that match.
func (d *delivery) take(b *batch, c *store.Commit) {
	for i := range c.Len() {
		message := c.Message(i)
		if d.match != nil && !d.match(message) {
			continue
		}
		e := event{id: logs.EventID{Key: c.Key(i), Group: c.Group, Stream: c.Stream}, ingest: c.Ingestion, from: len(b.arena)}
		b.arena = append(b.arena, message...)
		e.to = len(b.arena)
		e.fields = d.fieldsOf(message)
		for i := range e.fields {
			b.fields += perField + len(e.fields[i].Name) + len(e.fields[i].Value)
		}
		b.events = append(b.events, e)
	}
	b.last = c.Ingestion
}

// fieldsOf returns what goes with an event: system fields, then what the pattern extracts, by name.
func (d *delivery) fieldsOf(message []byte) []sink.Field {
	var out []sink.Field
	for _, name := range d.spec.SystemFields {
		value := d.key.Scope.Account
		if name == FieldRegion {
			value = d.key.Scope.Region
		}
		out = append(out, sink.Field{Name: name, Value: value})
	}
	if d.values == nil {
		return out
	}
	values, _ := d.values.Values(message)
	at := len(out)
	for name, v := range values {
		out = append(out, sink.Field{Name: strings.TrimPrefix(name, "$"), Value: v})
	}
	slices.SortFunc(out[at:], func(a, b sink.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// reached notes that the target has a batch, in the catalog before anything else.
func (s *Service) reached(ctx context.Context, d *delivery, b *batch, dead []deadEvents) error {
	if len(b.events) > 0 || len(dead) > 0 {
		changes := catalog.Changes{Reached: map[string]int64{d.consumer: int64(b.next)}}
		for i := range dead {
			entry, err := dead[i].entry(d, s.nowMS())
			if err != nil {
				return err
			}
			changes.Journal = append(changes.Journal, entry)
		}
		if err := s.o.Catalog.Apply(ctx, changes); err != nil {
			return fmt.Errorf("writing the position: %w", err)
		}
		raise(&d.stored, b.next)
	}
	raise(&d.position, b.next)
	if b.next >= d.upTo {
		d.upTo, d.size, d.taken = 0, 0, nil
	}
	d.mu.Lock()
	if d.bytes = max(0, d.bytes-b.weight()); !b.more {
		d.bytes = 0
	}
	if b.last != 0 && d.oldest != 0 {
		d.oldest = max(d.oldest, b.last)
	}
	for i := range dead {
		d.status.Dead += int64(dead[i].Count)
	}
	d.mu.Unlock()
	s.succeeded(d)
	return nil
}

// hash tells the messages of deliveries apart that share a target.
func (d *delivery) hash() uint64 {
	h := fnv.New64a()
	h.Write([]byte(d.consumer))
	return h.Sum64()
}
