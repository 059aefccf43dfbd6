package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// commitEvents are the events of batches, in the order in which a consumer saw them.
type commitEvents struct {
	lsns   []uint64
	groups []logs.GroupID // of each event
	events []logs.Event
}

// take copies a commit and checks its order.
func (e *commitEvents) take(t testing.TB, c *Commit) {
	t.Helper()
	if n := len(e.lsns); n > 0 && c.LSN <= e.lsns[n-1] {
		t.Fatalf("batch %d after %d", c.LSN, e.lsns[n-1])
	}
	e.lsns = append(e.lsns, c.LSN)
	bytes, last := int64(0), logs.Key{Timestamp: -1}
	for i := range c.Len() {
		if c.Seq(i).Batch() != c.LSN || c.Key(i) != (logs.Key{Timestamp: c.Timestamp(i), Seq: c.Seq(i)}) || !last.Less(c.Key(i)) {
			t.Fatalf("event %d of batch %d is at %v behind %v", i, c.LSN, c.Key(i), last)
		}
		last = c.Key(i)
		m := slices.Clone(c.Message(i))
		bytes += int64(len(m))
		e.groups = append(e.groups, c.Group)
		e.events = append(e.events, logs.Event{Key: c.Key(i), Stream: c.Stream, Ingestion: c.Ingestion, Message: m})
	}
	if c.Len() == 0 || c.Bytes() != bytes {
		t.Fatalf("batch %d: %d events of %d bytes, Bytes is %d", c.LSN, c.Len(), bytes, c.Bytes())
	}
}

// follow takes everything after a position.
func follow(t testing.TB, s *Store, q CommitQuery) commitEvents {
	t.Helper()
	var out commitEvents
	for {
		next, err := s.Commits(t.Context(), q, func(c *Commit) bool {
			out.take(t, c)
			return true
		})
		if err != nil {
			t.Fatalf("commits after %d: %v", q.After, err)
		}
		if used, _ := s.budget.bytes(); used != 0 {
			t.Fatalf("%d bytes stay reserved", used)
		}
		if next == s.Applied() {
			return out
		}
		if next <= q.After {
			t.Fatalf("commits after %d came to %d, applied is %d", q.After, next, s.Applied())
		}
		q.After = next
	}
}

// history is what was appended, by batch.
type history struct {
	batches map[uint64]Batch
	last    uint64
}

func (h *history) append(t testing.TB, s *Store, b Batch) uint64 {
	t.Helper()
	seq, err := s.Append(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if h.batches == nil {
		h.batches = make(map[uint64]Batch)
	}
	lsn := seq.Batch()
	if lsn <= h.last {
		t.Fatalf("batch %d after %d", lsn, h.last)
	}
	h.batches[lsn], h.last = b, lsn
	return lsn
}

// want returns the events a consumer sees after a position; alive says which
// events are left.
func (h *history) want(after uint64, groups []logs.GroupID, alive func(*Batch, int64) bool) commitEvents {
	var out commitEvents
	for lsn := after + 1; lsn <= h.last; lsn++ {
		b, ok := h.batches[lsn]
		if !ok || groups != nil && !slices.Contains(groups, b.Group) {
			continue
		}
		from, some := b.Start, false
		for i, end := range b.Ends {
			if alive == nil || alive(&b, b.Timestamps[i]) {
				some = true
				out.groups = append(out.groups, b.Group)
				out.events = append(out.events, logs.Event{
					Key:    logs.Key{Timestamp: b.Timestamps[i], Seq: logs.MakeSeq(lsn, i)},
					Stream: b.Stream, Ingestion: b.Ingestion, Message: b.Arena[from:end],
				})
			}
			from = end
		}
		if some {
			out.lsns = append(out.lsns, lsn)
		}
	}
	return out
}

func sameCommits(t testing.TB, what string, got, want commitEvents) {
	t.Helper()
	if !slices.Equal(got.lsns, want.lsns) {
		t.Fatalf("%s: batches %v, want %v", what, got.lsns, want.lsns)
	}
	if !slices.Equal(got.groups, want.groups) {
		t.Fatalf("%s: events of the groups %v, want %v", what, got.groups, want.groups)
	}
	sameEvents(t, what, got.events, want.events)
}

// randomBatch makes a batch whose events may lie on several days.
func randomBatch(rng *rand.Rand, group logs.GroupID, stream logs.StreamID, now int64, size int) Batch {
	ts := now - rng.Int64N(2*dayMillis)
	var events []logs.Event
	for i := range 1 + rng.IntN(30) {
		events = append(events, event(ts, fmt.Sprintf("event %d of %d/%d %s", i, group, stream, strings.Repeat("y", rng.IntN(size)))))
		if rng.IntN(3) == 0 {
			ts += rng.Int64N(dayMillis / 20)
		}
	}
	return makeBatch(group, stream, now, events...)
}

func TestCommits(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.memtableBytes, tune.mergeFanIn = 4<<20, 2
	s := openStore(t, fs, m, c.now, tune)
	defer func() { s.Close() }()
	rng := rand.New(rand.NewPCG(1, 2))
	h := &history{}
	put := func(n int) {
		t.Helper()
		for range n {
			g := logs.GroupID(1 + rng.IntN(3))
			h.append(t, s, randomBatch(rng, g, logs.StreamID(10*int(g)+rng.IntN(3)), c.ms, 400))
			c.advance(time.Second)
		}
	}
	check := func(what string) {
		t.Helper()
		if s.Applied() != h.last {
			t.Fatalf("%s: applied %d, want %d", what, s.Applied(), h.last)
		}
		for _, groups := range [][]logs.GroupID{nil, {}, {2}, {3, 1, 3}, {7}} {
			for _, after := range []uint64{0, h.last / 3, h.last - 1, h.last, h.last + 5} {
				for _, bytes := range []int64{0, 1, 3000} {
					q := CommitQuery{After: after, Groups: groups, Bytes: bytes}
					sameCommits(t, fmt.Sprintf("%s: %+v", what, q), follow(t, s, q), h.want(after, groups, nil))
				}
			}
		}
	}
	check("empty")
	put(60)
	check("in memory")
	flush := func() {
		t.Helper()
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	check("flushed")
	put(40)
	check("flushed and in memory")
	flush()
	put(3)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("merged")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, fs, m, c.now, tune)
	check("replayed")
	put(5)
	check("after the replay")
}

// TestCommitsOfManyGroups passes the list of all groups instead of that of each.
func TestCommitsOfManyGroups(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, manualTuning())
	defer s.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	h := &history{}
	for i := range 200 {
		h.append(t, s, randomBatch(rng, logs.GroupID(1+i%50), logs.StreamID(1+i%50), baseTime, 10))
	}
	var even []logs.GroupID
	for g := logs.GroupID(2); g <= 50; g += 2 {
		even = append(even, g)
	}
	for _, what := range []string{"in memory", "flushed"} {
		sameCommits(t, what, follow(t, s, CommitQuery{Groups: even}), h.want(0, even, nil))
		sameCommits(t, what, follow(t, s, CommitQuery{Groups: even[:16]}), h.want(0, even[:16], nil))
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommitsBudget(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, manualTuning())
	defer s.Close()
	h := &history{}
	for i := range 10 {
		h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime+int64(i), strings.Repeat("m", 100))))
	}
	first := h.last - 9
	for _, where := range []string{"in memory", "in a part"} {
		for _, test := range []struct {
			bytes int64
			want  int
		}{{1, 1}, {100, 1}, {101, 2}, {999, 10}, {1000, 10}, {1001, 10}} {
			n := 0
			next, err := s.Commits(t.Context(), CommitQuery{Bytes: test.bytes}, func(*Commit) bool { n++; return true })
			if err != nil {
				t.Fatal(err)
			}
			// From parts it may be less, as what a row costs beside its message counts.
			if where == "in memory" && n != test.want || n < 1 || n > test.want || next != first+uint64(n)-1 {
				t.Errorf("%s: %d bytes: %d batches up to %d, want %d up to %d", where, test.bytes, n, next, test.want, first+uint64(test.want)-1)
			}
		}
		n := 0
		next, err := s.Commits(t.Context(), CommitQuery{}, func(*Commit) bool { n++; return n < 4 })
		if err != nil || n != 4 || next != first+3 {
			t.Errorf("%s: stopped after %d batches at %d, %v; want 4 at %d", where, n, next, err, first+3)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCommitsWithLittleMemory reads batches that lie all over their blocks, when
// queries hold nearly everything.
func TestCommitsWithLittleMemory(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.patience, tune.queryBytes = 8<<20, 64<<10, time.Nanosecond, 24<<20
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
	defer s.Close()
	h := &history{}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 300 {
		h.append(t, s, randomBatch(rng, 1, logs.StreamID(1+i%7), baseTime, 500))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := h.want(0, nil, nil)
	sameCommits(t, "all at once", follow(t, s, CommitQuery{}), want)
	sameCommits(t, "in pieces", follow(t, s, CommitQuery{Bytes: 50_000}), want)

	for _, free := range []int64{maxReadCost + leastFeed + 2<<20, maxReadCost + leastFeed} {
		var others []*account
		for n := s.budget.total - free; n > 0; n -= 1 << 20 {
			a := &account{b: s.budget}
			if err := a.reserve(t.Context(), min(n, 1<<20)); err != nil {
				t.Fatal(err)
			}
			others = append(others, a)
		}
		got := commitEvents{}
		for after := uint64(0); after < h.last; {
			next, err := s.Commits(t.Context(), CommitQuery{After: after}, func(c *Commit) bool { got.take(t, c); return true })
			if err != nil || next <= after {
				t.Fatalf("with %d bytes: after %d to %d: %v", free, after, next, err)
			}
			after = next
		}
		sameCommits(t, fmt.Sprintf("with %d bytes", free), got, want)
		for _, a := range others {
			a.release(a.used)
		}
	}
	// Without memory for one block it says so, and keeps nothing.
	all := &account{b: s.budget}
	if err := all.reserve(t.Context(), s.budget.share); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Commits(t.Context(), CommitQuery{}, func(*Commit) bool { return true }); !errors.Is(err, ErrMemory) || next != 0 {
		t.Errorf("without memory: %d, %v", next, err)
	}
	all.release(s.budget.share)
	sameCommits(t, "in the end", follow(t, s, CommitQuery{}), want)
}

// TestCommitsOfWhatIsLeft: merges remove what was deleted or has expired, also some
// events of a batch.
func TestCommitsOfWhatIsLeft(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, fs, m, c.now, manualTuning())
	defer s.Close()
	h := &history{}
	old := baseTime - 20*dayMillis
	for i := range 20 {
		h.append(t, s, makeBatch(1, 10, c.ms, event(old, "old"), event(old+1, "old too"), event(baseTime, fmt.Sprint("new ", i))))
		h.append(t, s, makeBatch(1, 11, c.ms, event(baseTime, "of a stream that goes")))
		h.append(t, s, makeBatch(2, 20, c.ms, event(baseTime, "of a group that goes")))
	}
	m.retain(1, 7)
	m.delete(1, 11, c.ms)
	m.delete(2, 0, c.ms)
	sameCommits(t, "as long as they are there", follow(t, s, CommitQuery{}), h.want(0, nil, nil))
	c.advance(time.Hour)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := h.want(0, nil, func(b *Batch, ts int64) bool { return b.Stream == 10 && ts == baseTime })
	if len(left.events) != 20 {
		t.Fatal(len(left.events))
	}
	sameCommits(t, "after a merge", follow(t, s, CommitQuery{}), left)
	sameCommits(t, "after a merge, from the middle", follow(t, s, CommitQuery{After: h.last - 6}),
		h.want(h.last-6, nil, func(b *Batch, ts int64) bool { return b.Stream == 10 && ts == baseTime }))
}

func TestCommitsLeavesDamageOut(t *testing.T) {
	fs, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.blockBytes = 70 << 10 // so that blocks have frames of their own
	s := openStore(t, fs, m, (&clock{ms: baseTime}).now, tune)
	defer func() { s.Close() }()
	h := &history{}
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 40 {
		b := make([]byte, 10_000)
		for k := range b {
			b[k] = byte(rng.IntN(256))
		}
		h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime+int64(i), string(b))))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for id, seg := range m.segs {
		damage(t, fs, partPath("/data/parts", id), seg.FileBytes/2)
	}
	s = openStore(t, fs, m, (&clock{ms: baseTime}).now, tune)
	got := follow(t, s, CommitQuery{Bytes: 30_000})
	if n := len(got.lsns); n < 20 || n >= 40 {
		t.Errorf("%d of 40 batches were read around one damaged block", n)
	}
	for i, lsn := range got.lsns {
		if b := h.batches[lsn]; !bytes.Equal(got.events[i].Message, b.Arena[b.Start:b.Ends[0]]) {
			t.Errorf("batch %d has other bytes", lsn)
		}
	}
	if s.Health().DamagedBlocks == 0 {
		t.Error("the damage is not known")
	}
}

func TestAwaitCommit(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, manualTuning())
	h := &history{}
	first := h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime, "a")))
	if err := s.AwaitCommit(t.Context(), first-1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	wait := func(ctx context.Context, after uint64) {
		err := s.AwaitCommit(ctx, after)
		if err == nil && s.Applied() <= after {
			err = fmt.Errorf("woken at %d while it waits for more than %d", s.Applied(), after)
		}
		done <- err
	}
	for range 3 {
		go wait(t.Context(), first+1)
	}
	h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime, "b")))
	h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime, "c")))
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go wait(ctx, h.last)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	go wait(t.Context(), h.last)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := s.AwaitCommit(t.Context(), h.last); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed store: %v", err)
	}
	if next, err := s.Commits(t.Context(), CommitQuery{}, func(*Commit) bool { return true }); !errors.Is(err, ErrClosed) || next != 0 {
		t.Errorf("commits of a closed store: %d, %v", next, err)
	}
}

// A batch that is visible and does not count as applied yet is not handed over twice.
func TestCommitsBeforeApplied(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, manualTuning())
	defer s.Close()
	h := &history{}
	h.append(t, s, makeBatch(1, 1, baseTime, event(baseTime, "a")))
	early := makeBatch(1, 1, baseTime, event(baseTime, "b")).Commit(h.last + 1).mem
	s.add(early, 0)
	after := uint64(0)
	for i, want := range []int{2, 0, 0} {
		n := 0
		next, err := s.Commits(t.Context(), CommitQuery{After: after}, func(*Commit) bool { n++; return true })
		if err != nil || n != want || next != h.last+1 {
			t.Errorf("call %d: %d batches up to %d, %v; want %d", i, n, next, err, want)
		}
		after = next
	}
}

func TestCommitOfBatch(t *testing.T) {
	b := makeBatch(4, 5, 6, event(7, "x"), event(8, "yz"))
	c := b.Commit(9)
	got := commitEvents{}
	got.take(t, c)
	h := history{batches: map[uint64]Batch{9: b}, last: 9}
	sameCommits(t, "a batch", got, h.want(0, nil, nil))
}

// TestCommitsWhileEverythingMoves: a consumer that restarts at positions it has
// noted, with budgets and groups as they come, sees each batch once while others
// append, flush and merge.
func TestCommitsWhileEverythingMoves(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.memtableBytes, tune.mergeFanIn, tune.manual, tune.memtableAge = 24<<10, 2, false, 20*time.Millisecond
	s := openStore(t, fs, m, c.now, tune)
	defer s.Close()
	h := &history{}
	const batches = 600
	done := make(chan struct{})
	go func() {
		defer close(done)
		rng := rand.New(rand.NewPCG(9, 10))
		for i := range batches {
			g := logs.GroupID(1 + rng.IntN(4))
			h.append(t, s, randomBatch(rng, g, logs.StreamID(g), c.ms, 60))
			if i%50 == 49 {
				if err := s.Merge(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	type consumer struct {
		groups []logs.GroupID
		got    commitEvents
		after  uint64
	}
	consumers := []*consumer{{}, {}, {groups: []logs.GroupID{2}}, {groups: []logs.GroupID{4, 1}}}
	rng := rand.New(rand.NewPCG(11, 12))
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for i, x := range consumers {
			if running && i == 1 && rng.IntN(20) > 0 {
				continue // it is slow and reads from parts
			}
			for {
				stop := 1 + rng.IntN(40)
				q := CommitQuery{After: x.after, Groups: x.groups, Bytes: []int64{0, 1, 5000}[rng.IntN(3)]}
				next, err := s.Commits(t.Context(), q, func(c *Commit) bool {
					x.got.take(t, c)
					stop--
					return stop > 0
				})
				if err != nil {
					t.Fatal(err)
				}
				x.after = next
				if running || next >= s.Applied() {
					break
				}
			}
		}
	}
	for i, x := range consumers {
		sameCommits(t, fmt.Sprintf("consumer %d", i), x.got, h.want(0, x.groups, nil))
	}
}
