package events_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

const (
	start = int64(1_790_000_000_000)
	day   = int64(24 * 60 * 60 * 1000)
)

var scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}

// engine is what a world stores its events in.
type engine interface {
	events.Scanner
	groups.HeadStats
	Append(ctx context.Context, b store.Batch) (logs.Seq, error)
}

// world is a service over real groups, with a clock.
type world struct {
	t      *testing.T
	groups *groups.Service
	events *events.Service
	store  engine
	now    atomic.Int64 // also read by the store's background work
}

func newWorld(t *testing.T, open opener) *world {
	t.Helper()
	w := &world{t: t}
	w.now.Store(start)
	db, err := catalog.Open(context.Background(), filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	clock := func() time.Time { return time.UnixMilli(w.now.Load()) }
	w.store = open(t, db, clock)
	w.groups, err = groups.New(groups.Options{Catalog: db, Store: w.store, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	w.events = events.New(events.Options{Directory: w.groups, Store: w.store, Now: clock})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// create makes the group when it is missing and adds streams to it.
func (w *world) create(group string, streams ...string) {
	w.t.Helper()
	ctx := context.Background()
	if _, err := w.groups.Resolve(ctx, scope, group); err != nil {
		w.must(w.groups.Create(ctx, scope, groups.CreateRequest{Name: group}))
	}
	errs := make(chan error, len(streams))
	for _, s := range streams { // at once: they share commits
		go func() { errs <- w.groups.CreateStream(ctx, scope, group, s) }()
	}
	for range streams {
		w.must(<-errs)
	}
}

func (w *world) ids(group, stream string) (logs.GroupID, logs.StreamID) {
	w.t.Helper()
	g, err := w.groups.Resolve(context.Background(), scope, group)
	w.must(err)
	st, err := w.groups.ResolveStream(context.Background(), g, stream)
	w.must(err)
	return g.ID, st.ID
}

// event is an event of a test: offset from start in ms and message.
type event struct {
	at      int64
	message string
}

// put stores one batch and returns its keys.
func (w *world) put(group, stream string, list ...event) []logs.Key {
	w.t.Helper()
	b := store.Batch{Ingestion: w.now.Load()}
	b.Group, b.Stream = w.ids(group, stream)
	for _, e := range list {
		b.Arena = append(b.Arena, e.message...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		b.Timestamps = append(b.Timestamps, start+e.at)
	}
	times := slices.Clone(b.Timestamps)
	first, err := w.store.Append(context.Background(), b)
	w.must(err)
	keys := make([]logs.Key, len(list))
	for i := range keys {
		keys[i] = logs.Key{Timestamp: times[i], Seq: first + logs.Seq(i)}
	}
	return keys
}

func messages(p *events.Page) []string {
	out := []string{}
	for i := range p.Len() {
		out = append(out, string(p.Event(i).Message))
	}
	return out
}

func at(offset int64) *int64 {
	v := start + offset
	return &v
}

func numbered(from, n int) []event {
	list := make([]event, n)
	for i := range list {
		list[i] = event{int64(from+i) * 1000, fmt.Sprintf("e%d", from+i)}
	}
	return list
}

// oracle is the naive engine: every event in one slice, sorted on demand.
type oracle struct {
	mu     sync.Mutex
	lsn    uint64
	events map[logs.GroupID][]logs.Event
}

func (o *oracle) HeadStats(logs.GroupID) map[logs.StreamID]store.StreamStats { return nil }

func (o *oracle) HeadBytes(logs.GroupID) int64 { return 0 }

func (o *oracle) HeadStreamStats(logs.GroupID, []logs.StreamID) map[logs.StreamID]store.StreamStats {
	return nil
}

func (o *oracle) Append(_ context.Context, b store.Batch) (logs.Seq, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lsn++
	from := b.Start
	for i, end := range b.Ends {
		o.events[b.Group] = append(o.events[b.Group], logs.Event{
			Key:    logs.Key{Timestamp: b.Timestamps[i], Seq: logs.MakeSeq(o.lsn, i)},
			Stream: b.Stream, Ingestion: b.Ingestion, Message: b.Arena[from:end],
		})
		from = end
	}
	return logs.MakeSeq(o.lsn, 0), nil
}

func (o *oracle) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	if q.Start > q.End {
		return store.Stats{}, store.ErrBadQuery
	}
	o.mu.Lock()
	list := slices.Clone(o.events[q.Group])
	applied := logs.MakeSeq(o.lsn+1, 0) - 1
	o.mu.Unlock()
	slices.SortFunc(list, func(a, b logs.Event) int { return a.Compare(b.Key) })
	if q.Reverse {
		slices.Reverse(list)
	}
	for _, e := range list {
		if e.Timestamp < q.Start || e.Timestamp >= q.End ||
			q.Streams != nil && !slices.Contains(q.Streams, e.Stream) ||
			q.After != nil && !q.After.Less(e.Key) || q.Before != nil && !e.Less(*q.Before) ||
			q.Match != nil && !q.Match(e.Message) {
			continue
		}
		e.Message = slices.Clone(e.Message)
		more := yield(e)
		clear(e.Message) // it is not the callee's to keep
		if !more {
			break
		}
	}
	return store.Stats{Applied: applied}, ctx.Err()
}
