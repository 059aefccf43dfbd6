package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// engine runs one goroutine for each filter and policy. The goroutine of Run sees every batch once and wakes the filters of its
// group: filters of quiet groups cost nothing.
type engine struct {
	memory *semaphore.Weighted
	share  int64         // of the memory for one target
	spares int64         // bytes beside the memory, for one small batch of each target
	head   atomic.Uint64 // every batch up to here was announced

	mu       sync.Mutex      // a leaf
	ctx      context.Context // of Run; nil: it does not run
	all      map[string]*delivery
	groups   map[logs.GroupID][]*delivery
	policies []*delivery
	lanes    map[string]*lane // by pattern of the target
	changed  chan struct{}    // gets something when a delivery begins
	version  int              // counts the deliveries that began
}

func (e *engine) init(memory int64) {
	e.spares = memory / 4
	memory -= e.spares
	e.share = memory / 2
	e.memory = semaphore.NewWeighted(memory)
	e.all = map[string]*delivery{}
	e.groups = map[logs.GroupID][]*delivery{}
	e.lanes = map[string]*lane{}
	e.changed = make(chan struct{}, 1)
}

// Run delivers until ctx ends. It returns when nothing is being sent any more.
func (s *Service) Run(ctx context.Context) {
	e := &s.engine
	// Before the documents are read: what arrives meanwhile is announced.
	e.head.Store(s.o.Feed.Applied())
	if !s.begin(ctx) {
		return
	}
	s.rest(ctx)
	e.mu.Lock()
	e.ctx = nil
	all := make([]*delivery, 0, len(e.all))
	for _, d := range e.all {
		all = append(all, d)
	}
	e.mu.Unlock()
	for _, d := range all {
		s.end(d)
	}
	last := context.WithoutCancel(ctx)
	s.persist(last, all)
	s.count(last, all)
}

// begin starts the deliveries of all documents; it tries until it can read them. false: ctx ended.
func (s *Service) begin(ctx context.Context) bool {
	e := &s.engine
	for {
		s.change.Lock()
		e.mu.Lock()
		e.ctx = ctx
		e.mu.Unlock()
		err := s.startAll(ctx)
		s.change.Unlock()
		if err == nil {
			return ctx.Err() == nil
		}
		if ctx.Err() != nil || !s.pause(ctx, time.Second) {
			return false
		}
		s.o.Logger.Error("subscriptions cannot be read", "error", err)
	}
}

func (s *Service) startAll(ctx context.Context) error {
	docs, err := s.documents(ctx)
	if err != nil {
		return err
	}
	for i := range docs {
		if err := s.start(ctx, &docs[i]); err != nil {
			s.o.Logger.Error("a subscription is not delivered", "kind", docs[i].Kind, "name", docs[i].Name, "error", err)
		}
	}
	return nil
}

func (s *Service) documents(ctx context.Context) ([]catalog.Document, error) {
	filters, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: kindFilter})
	if err != nil {
		return nil, err
	}
	policies, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: kindPolicy})
	return append(filters, policies...), err
}

// pause waits; false: ctx ended.
func (s *Service) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// rest announces what arrives, and does what is due from time to time, until ctx ends.
func (s *Service) rest(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.housekeep(ctx)
	}()
	for ctx.Err() == nil {
		if err := s.announce(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, store.ErrClosed) {
				break
			}
			s.o.Logger.Error("reading what arrived", "error", err)
			s.pause(ctx, time.Second)
		}
	}
	<-done
}

// announce waits for batches and wakes the deliveries that they are for.
func (s *Service) announce(ctx context.Context) error {
	e := &s.engine
	e.mu.Lock()
	idle := len(e.all) == 0
	e.mu.Unlock()
	if idle {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.changed:
		}
		return nil // a delivery begins by reading from its position
	}
	after := e.head.Load()
	if err := s.o.Feed.AwaitCommit(ctx, after); err != nil {
		return err
	}
	s.pause(ctx, s.o.tune.gather)
	e.mu.Lock()
	version := e.version
	var only []logs.GroupID
	if len(e.policies) == 0 && len(e.groups) <= 16 {
		only = make([]logs.GroupID, 0, len(e.groups))
		for g := range e.groups {
			only = append(only, g)
		}
	}
	e.mu.Unlock()
	next, err := s.o.Feed.Commits(ctx, store.CommitQuery{After: after, Groups: only}, func(c *store.Commit) bool {
		e.mu.Lock()
		of, policies := e.groups[c.Group], e.policies
		e.mu.Unlock()
		for _, d := range of {
			d.note(c)
		}
		for _, d := range policies {
			d.note(c)
		}
		return true
	})
	e.mu.Lock()
	again := only != nil && e.version != version // the groups of deliveries that began meanwhile were left out
	e.mu.Unlock()
	if !again {
		raise(&e.head, next)
	}
	return err
}

// housekeep writes positions, counts, and drops what belongs to groups that are gone.
func (s *Service) housekeep(ctx context.Context) {
	ticks := func(d time.Duration) *time.Ticker { return time.NewTicker(d) }
	persist, count, refresh := ticks(s.o.tune.persist), ticks(s.o.tune.countEach), ticks(s.o.tune.refresh)
	defer persist.Stop()
	defer count.Stop()
	defer refresh.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-persist.C:
			s.persist(ctx, s.deliveries())
		case <-count.C:
			s.count(ctx, s.deliveries())
		case <-refresh.C:
			if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
				s.o.Logger.Error("tidying subscriptions", "error", err)
			}
		}
	}
}

// deliveries returns those that run, by consumer.
func (s *Service) deliveries() []*delivery {
	e := &s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]*delivery, 0, len(e.all))
	for _, d := range e.all {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b *delivery) int { return compareText(a.consumer, b.consumer) })
	return out
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// persist writes the positions of deliveries that had nothing to deliver.
func (s *Service) persist(ctx context.Context, all []*delivery) {
	reached := map[string]int64{}
	head := s.engine.head.Load()
	for _, d := range all {
		d.quiet(head)
		if at := d.position.Load(); at > d.stored.Load() {
			reached[d.consumer] = int64(at)
		}
	}
	if len(reached) == 0 {
		return
	}
	if err := s.o.Catalog.Apply(ctx, catalog.Changes{Reached: reached}); err != nil {
		if ctx.Err() == nil {
			s.o.Logger.Warn("positions of subscriptions are not written; after a restart more is read again", "error", err)
		}
		return
	}
	for _, d := range all {
		if at, ok := reached[d.consumer]; ok {
			raise(&d.stored, uint64(at))
		}
	}
}

func raise(p *atomic.Uint64, v uint64) {
	for {
		old := p.Load()
		if old >= v || p.CompareAndSwap(old, v) {
			return
		}
	}
}

// refresh ends the deliveries whose documents are gone, as they are when their group is, and begins those that could not be
// begun before.
func (s *Service) refresh(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	docs, err := s.documents(ctx)
	if err != nil {
		return err
	}
	live := map[string]*catalog.Document{}
	for i := range docs {
		live[consumerOf(docs[i].DocumentKey)] = &docs[i]
	}
	for _, d := range s.deliveries() {
		if live[d.consumer] != nil {
			delete(live, d.consumer)
			continue
		}
		s.stop(d.key)
		if err := s.o.Catalog.ForgetPosition(ctx, d.consumer); err != nil {
			return err
		}
	}
	var errs []error
	for _, doc := range live {
		errs = append(errs, s.start(ctx, doc))
	}
	return errors.Join(errs...)
}

// keepDead is how long dead letters are listed.
const keepDead = 30 * 24 * time.Hour

// tidy removes what is not needed any more.
func (s *Service) tidy(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = s.o.Catalog.ForgetJournal(ctx, kindDead, s.o.Now().Add(-keepDead).UnixMilli(), 1000); err != nil {
			return err
		}
	}
	return s.refresh(ctx)
}

// restart ends the delivery of a document and begins it anew as the document is now. The caller holds change.
func (s *Service) restart(ctx context.Context, key catalog.DocumentKey) error {
	s.stop(key)
	doc, err := s.o.Catalog.Document(ctx, key)
	if err != nil {
		return translate(err, nil)
	}
	return s.start(ctx, &doc)
}

// start begins the delivery of a document, if Run runs. The caller holds change.
func (s *Service) start(ctx context.Context, doc *catalog.Document) error {
	e := &s.engine
	e.mu.Lock()
	running := e.ctx
	e.mu.Unlock()
	if running == nil {
		return nil
	}
	d, err := s.newDelivery(ctx, doc)
	if err != nil {
		return fmt.Errorf("starting the delivery of %s %q: %w", doc.Kind, doc.Name, err)
	}
	var own context.Context
	own, d.cancel = context.WithCancel(running)
	e.mu.Lock()
	if len(e.all) == 0 { // nobody was told of what arrived until now; the delivery reads it by itself
		raise(&e.head, s.o.Feed.Applied())
	}
	e.version++
	e.all[d.consumer] = d
	if doc.Kind == kindPolicy {
		e.policies = append(slices.Clone(e.policies), d)
	} else {
		e.groups[d.key.Group] = append(slices.Clone(e.groups[d.key.Group]), d)
	}
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default:
	}
	go func() {
		defer close(d.done)
		s.deliver(own, d)
	}()
	return nil
}

// stop ends the delivery of a document, if there is one, and waits for it. The caller holds change.
func (s *Service) stop(key catalog.DocumentKey) {
	e := &s.engine
	consumer := consumerOf(key)
	e.mu.Lock()
	d := e.all[consumer]
	if d != nil {
		delete(e.all, consumer)
		e.policies = without(e.policies, d)
		if rest := without(e.groups[key.Group], d); len(rest) > 0 {
			e.groups[key.Group] = rest
		} else {
			delete(e.groups, key.Group)
		}
	}
	e.mu.Unlock()
	if d != nil {
		s.end(d)
	}
}

func (s *Service) end(d *delivery) {
	d.cancel()
	<-d.done
}

func without(list []*delivery, d *delivery) []*delivery {
	return slices.DeleteFunc(slices.Clone(list), func(x *delivery) bool { return x == d })
}

// lane is the memory of a target.
type lane struct {
	share *semaphore.Weighted // of the engine's memory
	spare chan struct{}       // holds something while the small batch beside that is in use
}

// minLanes is the number of targets up to which spares are not smaller than for fewer.
const minLanes = 8

// room waits until a delivery to a target may hold n bytes and returns how many it holds and how to give them back. No target
// gets all of the memory, and when it is used up each target can still have one batch: however slow others are, it goes on. That
// batch may be smaller, but not smaller than least.
func (e *engine) room(ctx context.Context, target string, n, least int64) (held int64, done func(), err error) {
	n = min(n, e.share)
	e.mu.Lock()
	l := e.lanes[target]
	if l == nil {
		l = &lane{semaphore.NewWeighted(e.share), make(chan struct{}, 1)}
		e.lanes[target] = l
	}
	spare := min(n, e.spares/int64(max(minLanes, len(e.lanes))))
	e.mu.Unlock()
	free := func() {
		e.memory.Release(n)
		l.share.Release(n)
	}
	freeSpare := func() { <-l.spare }
	if l.share.TryAcquire(n) {
		if e.memory.TryAcquire(n) {
			return n, free, nil
		}
		l.share.Release(n)
	}
	if spare < least {
		return n, free, e.acquire(ctx, l, n)
	}
	select {
	case l.spare <- struct{}{}:
		return spare, freeSpare, nil
	default:
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	acquired := make(chan error, 1)
	go func() { acquired <- e.acquire(waiting, l, n) }()
	select {
	case l.spare <- struct{}{}:
		cancel()
		if <-acquired == nil { // both at once
			freeSpare()
			return n, free, nil
		}
		return spare, freeSpare, nil
	case err := <-acquired:
		return n, free, err
	}
}

// acquire waits for n bytes of the memory.
func (e *engine) acquire(ctx context.Context, l *lane, n int64) error {
	if err := l.share.Acquire(ctx, n); err != nil {
		return err
	}
	if err := e.memory.Acquire(ctx, n); err != nil {
		l.share.Release(n)
		return err
	}
	return nil
}
