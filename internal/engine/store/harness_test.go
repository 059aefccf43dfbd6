package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memManifest is a Manifest in memory that can be cloned together with a
// vfs.Mem.
type memManifest struct {
	mu         sync.Mutex
	segs       map[string]catalog.Segment
	checkpoint uint64
	tombs      []catalog.Tombstone
	lastTomb   int64
	lives      map[logs.GroupID]catalog.GroupLife
	streams    map[logs.StreamID]catalog.StreamStats
	bytes      map[logs.GroupID]int64
	// fail decides about the next Publish: err is returned, and applied says
	// whether it was done all the same.
	fail func() (applied bool, err error)
}

func newMemManifest() *memManifest {
	return &memManifest{
		segs:    make(map[string]catalog.Segment),
		lives:   make(map[logs.GroupID]catalog.GroupLife),
		streams: make(map[logs.StreamID]catalog.StreamStats),
		bytes:   make(map[logs.GroupID]int64),
	}
}

func (m *memManifest) clone() *memManifest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memManifest{
		segs: maps.Clone(m.segs), checkpoint: m.checkpoint, tombs: slices.Clone(m.tombs), lastTomb: m.lastTomb,
		lives: maps.Clone(m.lives), streams: maps.Clone(m.streams), bytes: maps.Clone(m.bytes),
	}
}

func (m *memManifest) Segments(context.Context) ([]catalog.Segment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.segs)), nil
}

func (m *memManifest) Checkpoint(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.checkpoint, nil
}

func (m *memManifest) Publish(_ context.Context, p catalog.Publication) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if applied, err := m.fail(); err != nil {
			if !applied {
				return err
			}
			return errors.Join(err, m.apply(p))
		}
	}
	return m.apply(p)
}

func (m *memManifest) apply(p catalog.Publication) error {
	for _, id := range p.Remove {
		if _, ok := m.segs[id]; !ok {
			return fmt.Errorf("segment %s does not exist", id)
		}
		delete(m.segs, id)
	}
	for _, g := range p.Add {
		if _, ok := m.segs[g.ID]; ok {
			return fmt.Errorf("segment %s exists", g.ID)
		}
		m.segs[g.ID] = g
	}
	m.checkpoint = max(m.checkpoint, p.Checkpoint)
	for _, s := range p.Streams {
		if have, ok := m.streams[s.Stream]; ok {
			s.First, s.Last = min(s.First, have.First), max(s.Last, have.Last)
			s.LastIngestion = max(s.LastIngestion, have.LastIngestion)
		}
		m.streams[s.Stream] = s
	}
	for _, g := range p.GroupBytes {
		m.bytes[g.Group] += g.Delta
	}
	m.tombs = slices.DeleteFunc(m.tombs, func(t catalog.Tombstone) bool { return slices.Contains(p.TombstonesDone, t.Seq) })
	return nil
}

func (m *memManifest) Tombstones(context.Context) ([]catalog.Tombstone, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.tombs), nil
}

func (m *memManifest) Lives(_ context.Context, groups []logs.GroupID) (map[logs.GroupID]catalog.GroupLife, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[logs.GroupID]catalog.GroupLife)
	for _, id := range groups {
		if l, ok := m.lives[id]; ok {
			out[id] = l
		}
	}
	return out, nil
}

func (m *memManifest) delete(group logs.GroupID, stream logs.StreamID, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastTomb++
	m.tombs = append(m.tombs, catalog.Tombstone{Seq: m.lastTomb, Group: group, Stream: stream, Created: now})
	if stream == 0 {
		l := m.lives[group]
		l.Dead = true
		m.lives[group] = l
	}
}

func (m *memManifest) retain(group logs.GroupID, days int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.lives[group]
	l.RetentionDays = days
	m.lives[group] = l
}

// baseTime is noon of a day, so that tests decide when to cross midnight.
const baseTime = int64(20_000)*dayMillis + dayMillis/2

// clock is a settable clock.
type clock struct {
	mu sync.Mutex
	ms int64
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.UnixMilli(c.ms)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ms += d.Milliseconds()
}

// manualTuning makes a store that does nothing by itself and cuts everything
// small, so that little data passes every path.
func manualTuning() tuning {
	return tuning{
		manual: true, memtableBytes: 256 << 10, blockBytes: 16 << 10, fileBytes: 128 << 10, cacheBytes: 256 << 10,
		workers: 3, walFile: 1 << 20, walReserve: -1, retryMin: time.Millisecond, retryMax: 10 * time.Millisecond,
	}
}

func openStore(t testing.TB, fsys vfs.FS, m Manifest, now func() time.Time, tune tuning) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{FS: fsys, Dir: "/data", Manifest: m, Now: now, tune: tune})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func makeBatch(group logs.GroupID, stream logs.StreamID, ingestion int64, events ...logs.Event) Batch {
	b := Batch{Group: group, Stream: stream, Ingestion: ingestion, Start: 3, Arena: []byte("---")}
	for _, e := range events {
		b.Timestamps = append(b.Timestamps, e.Timestamp)
		b.Arena = append(b.Arena, e.Message...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
	}
	b.Arena = append(b.Arena, "+++"...)
	return b
}

func event(ts int64, msg string) logs.Event {
	return logs.Event{Key: logs.Key{Timestamp: ts}, Message: []byte(msg)}
}

// oracle is the naive store: a sorted slice.
type oracle struct {
	groups map[logs.GroupID][]logs.Event
}

func newOracle() *oracle { return &oracle{groups: make(map[logs.GroupID][]logs.Event)} }

// append records an acknowledged batch.
func (o *oracle) append(b *Batch, first logs.Seq) {
	from := b.Start
	list := o.groups[b.Group]
	for i, end := range b.Ends {
		list = append(list, logs.Event{
			Key:    logs.Key{Timestamp: b.Timestamps[i], Seq: first + logs.Seq(i)},
			Stream: b.Stream, Ingestion: b.Ingestion, Message: b.Arena[from:end],
		})
		from = end
	}
	slices.SortFunc(list, func(a, b logs.Event) int { return a.Key.Compare(b.Key) })
	o.groups[b.Group] = list
}

func (o *oracle) drop(group logs.GroupID, stream logs.StreamID) {
	if stream == 0 {
		delete(o.groups, group)
		return
	}
	o.groups[group] = slices.DeleteFunc(o.groups[group], func(e logs.Event) bool { return e.Stream == stream })
}

func (o *oracle) scan(q Query) []logs.Event {
	var out []logs.Event
	for _, e := range o.groups[q.Group] {
		if e.Timestamp < q.Start || e.Timestamp >= q.End ||
			q.Streams != nil && !slices.Contains(q.Streams, e.Stream) ||
			q.After != nil && !q.After.Less(e.Key) || q.Before != nil && !e.Key.Less(*q.Before) ||
			!q.Need.Meets(string(e.Message)) || q.Match != nil && !q.Match(e.Message) {
			continue
		}
		out = append(out, e)
	}
	if q.Reverse {
		slices.Reverse(out)
	}
	return out
}

// collect scans at most limit events; dead streams are left out, as a service
// does.
func collect(t testing.TB, s *Store, q Query, limit int, dead map[logs.StreamID]bool) []logs.Event {
	t.Helper()
	var out []logs.Event
	_, err := s.Scan(t.Context(), q, func(e logs.Event) bool {
		if !dead[e.Stream] {
			e.Message = bytes.Clone(e.Message)
			out = append(out, e)
		}
		return len(out) < limit
	})
	if err != nil {
		t.Fatalf("scan %+v: %v", q, err)
	}
	if used, _ := s.budget.bytes(); used != 0 {
		t.Fatalf("scan %+v: %d bytes stay reserved", q, used)
	}
	return out
}

func sameEvents(t testing.TB, what string, got, want []logs.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d events, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.Key != w.Key || g.Stream != w.Stream || g.Ingestion != w.Ingestion || !bytes.Equal(g.Message, w.Message) {
			t.Fatalf("%s: event %d is %v stream %d ingestion %d %.40q, want %v stream %d ingestion %d %.40q",
				what, i, g.Key, g.Stream, g.Ingestion, g.Message, w.Key, w.Stream, w.Ingestion, w.Message)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// checkAll compares one group with the oracle: whole, page by page in both
// directions, some streams, some bounds, with a matcher.
func checkAll(t testing.TB, s *Store, o *oracle, group logs.GroupID, floor int64, dead map[logs.StreamID]bool, rng *rand.Rand) {
	t.Helper()
	all := Query{Group: group, Start: floor, End: math.MaxInt64}
	want := o.scan(all)
	sameEvents(t, "forward", collect(t, s, all, math.MaxInt, dead), want)
	rev := all
	rev.Reverse = true
	sameEvents(t, "reverse", collect(t, s, rev, math.MaxInt, dead), o.scan(rev))
	if len(want) == 0 {
		return
	}
	pick := func() logs.Event { return want[rng.IntN(len(want))] }

	q := Query{Group: group, Start: max(floor, pick().Timestamp), End: pick().Timestamp + rng.Int64N(3), Reverse: rng.IntN(2) == 0}
	sameEvents(t, "time bounds", collect(t, s, q, math.MaxInt, dead), o.scan(q))

	q = all
	q.Streams = []logs.StreamID{}
	sameEvents(t, "no streams", collect(t, s, q, math.MaxInt, dead), nil)
	for range 1 + rng.IntN(12) {
		q.Streams = append(q.Streams, pick().Stream)
	}
	q.Streams = append(q.Streams, 999_999)
	q.Reverse = rng.IntN(2) == 0
	sameEvents(t, "streams", collect(t, s, q, math.MaxInt, dead), o.scan(q))
	q.Match = func(m []byte) bool { return bytes.IndexByte(m, 'a'+byte(len(q.Streams))) >= 0 }
	sameEvents(t, "streams and match", collect(t, s, q, math.MaxInt, dead), o.scan(q))
	q.Streams = nil
	sameEvents(t, "match", collect(t, s, q, math.MaxInt, dead), o.scan(q))

	for range 4 {
		m := pick().Message
		if len(m) == 0 {
			continue
		}
		from := rng.IntN(len(m))
		part := m[from:min(len(m), from+1+rng.IntN(6))]
		q.Match = func(m []byte) bool { return bytes.Contains(m, part) && len(m)%3 > 0 }
		q.Need = hint.Text(string(part))
		q.Reverse = rng.IntN(2) == 0
		if rng.IntN(3) == 0 {
			q.Streams = append(q.Streams, pick().Stream)
		}
		sameEvents(t, "need", collect(t, s, q, math.MaxInt, dead), o.scan(q))
		q.Need = hint.Or(hint.And(q.Need, hint.Text(string(part[:1]))), hint.Text("no such text"))
		sameEvents(t, "need of several", collect(t, s, q, math.MaxInt, dead), o.scan(q))
	}
	q.Need, q.Match = hint.Need{}, nil

	blocks := BlockQuery{Groups: []logs.GroupID{group}, Streams: q.Streams, Start: floor, End: pick().Timestamp + 1}
	if rng.IntN(2) == 0 {
		blocks.Streams = []logs.StreamID{pick().Stream, pick().Stream}
	}
	got, _ := collectBlocks(t, s, blocks, 1+rng.IntN(3))
	got = slices.DeleteFunc(got, func(e logs.Event) bool { return dead[e.Stream] })
	sameEvents(t, "blocks", got, o.scan(Query{Group: group, Streams: blocks.Streams, Start: blocks.Start, End: blocks.End}))

	// What a message must contain, as a hint beside the matcher and alone.
	part := func() string {
		m := pick().Message
		from := rng.IntN(len(m) + 1)
		return string(m[from:min(len(m), from+rng.IntN(14))])
	}
	x, y := part(), part()
	for _, need := range []hint.Need{hint.Text(x), hint.And(hint.Text(x), hint.Text(y)), hint.Or(hint.Text(x), hint.Text(y)), hint.Text(x + y)} {
		q = all
		q.Need, q.Reverse = need, rng.IntN(2) == 0
		if rng.IntN(3) == 0 {
			q.Streams = []logs.StreamID{pick().Stream, pick().Stream}
		}
		what := fmt.Sprintf("need of %q and %q", x, y)
		sameEvents(t, what+" alone", collect(t, s, q, math.MaxInt, dead), o.scan(q))
		q.Match = func(m []byte) bool { return need.Meets(string(m)) && len(m)%3 != 0 }
		sameEvents(t, what, collect(t, s, q, math.MaxInt, dead), o.scan(q))
	}

	a, b := pick().Key, pick().Key
	q = all
	q.After, q.Before, q.Reverse = &a, &b, rng.IntN(2) == 0
	if rng.IntN(2) == 0 {
		q.Streams = []logs.StreamID{pick().Stream}
	}
	sameEvents(t, "keys", collect(t, s, q, math.MaxInt, dead), o.scan(q))

	for _, reverse := range []bool{false, true} {
		page := Query{Group: group, Start: floor, End: math.MaxInt64, Reverse: reverse}
		switch rng.IntN(3) {
		case 0:
			page.Streams = []logs.StreamID{pick().Stream}
		case 1:
			page.Need = hint.Text(part())
		}
		whole := page
		size := 1 + rng.IntN(len(want)/3+20)
		var got []logs.Event
		for {
			events := collect(t, s, page, size, dead)
			got = append(got, events...)
			if len(events) < size {
				break
			}
			k := events[len(events)-1].Key
			if reverse {
				page.Before = &k
			} else {
				page.After = &k
			}
		}
		sameEvents(t, fmt.Sprintf("pages of %d, reverse %v", size, reverse), got, o.scan(whole))
	}
}
