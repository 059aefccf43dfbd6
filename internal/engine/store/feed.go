package store

import (
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/cumulog/cumulog/internal/logs"
)

// Commit is what is left of the events of one Append: all of one stream, in the
// order of their timestamps and sequence numbers. Events that were deleted or have
// expired may be missing, so Seq(i) need not be followed by Seq(i)+1. A Commit and
// what its methods return are valid until the yield that got it returns.
type Commit struct {
	LSN       uint64 // log sequence number of the batch
	Group     logs.GroupID
	Stream    logs.StreamID
	Ingestion int64 // ms since the Unix epoch

	mem   *chunk    // where the events are when they are in memory
	rows  []feedRow // and when they came from parts; their messages are in arena
	arena []byte
}

// Len returns the number of events, at least 1.
func (c *Commit) Len() int {
	if c.mem != nil {
		return len(c.mem.timestamps)
	}
	return len(c.rows)
}

// Timestamp returns the time of event i in ms since the Unix epoch.
func (c *Commit) Timestamp(i int) int64 {
	if c.mem != nil {
		return c.mem.timestamps[i]
	}
	return c.rows[i].timestamp
}

// Message returns the message of event i.
func (c *Commit) Message(i int) []byte {
	if c.mem != nil {
		return c.mem.message(i)
	}
	r := &c.rows[i]
	return c.arena[r.from:r.to:r.to]
}

// Seq returns the sequence number of event i.
func (c *Commit) Seq(i int) logs.Seq {
	if c.mem != nil {
		return logs.MakeSeq(c.LSN, i)
	}
	return logs.MakeSeq(c.LSN, int(c.rows[i].index))
}

// Key returns the position of event i in its group.
func (c *Commit) Key(i int) logs.Key { return logs.Key{Timestamp: c.Timestamp(i), Seq: c.Seq(i)} }

// Bytes returns the length of all messages together.
func (c *Commit) Bytes() int64 {
	if c.mem != nil {
		return c.mem.messageBytes()
	}
	n := int64(0)
	for i := range c.rows {
		n += int64(c.rows[i].to - c.rows[i].from)
	}
	return n
}

// Commit returns what Commits hands over of a batch that got this log sequence
// number and has not been in parts: for tests of consumers without a store.
func (b Batch) Commit(lsn uint64) *Commit {
	c := &chunk{
		lsn: lsn, group: b.Group, stream: b.Stream, ingestion: b.Ingestion,
		timestamps: b.Timestamps, ends: b.Ends, start: b.Start, arena: b.Arena,
	}
	return &Commit{LSN: lsn, Group: b.Group, Stream: b.Stream, Ingestion: b.Ingestion, mem: c}
}

// CommitQuery selects the batches of a call of Commits.
type CommitQuery struct {
	After  uint64         // batches with higher log sequence numbers; one beyond Applied counts as Applied
	Groups []logs.GroupID // nil: of every group; empty: of none

	// Bytes ends the call once so many message bytes were handed over; 0 means
	// 16 MiB. It is at least one batch. When memory is short it is less.
	Bytes int64
}

const defaultCommitBytes = 16 << 20

// Commits calls yield for the batches that q selects in the order of their log
// sequence numbers, which is the order in which they became visible, until
// yield returns false, the budget is spent, or nothing is left. Batches come
// from memory as long as it holds them, from parts otherwise.
//
// next says how far the call came: every batch up to it that q selects was
// handed over, including the one for which yield returned false. Whoever calls
// again with After set to next sees every batch once, whatever is flushed or
// merged meanwhile. When nothing was left it is at least what Applied was when
// the call began. It is valid when there is an error, too. A part or block that is damaged is
// logged and left out, as in every read. ErrMemory and errors of the file system
// may pass: the same call may succeed later.
//
// Batches of groups and streams that were deleted are handed over as long as
// they are there, and so are events beyond the retention of their group: who
// consumes them resolves names and leaves out what has none.
//
// While yield runs, the call keeps memory and files that others may wait for:
// it must not wait for anything slow. It may call methods of the store but Close.
func (s *Store) Commits(ctx context.Context, q CommitQuery, yield func(*Commit) bool) (next uint64, err error) {
	// What was applied by now is in the view that is acquired afterwards.
	applied := s.newest.Load()
	if err := ctx.Err(); err != nil {
		return q.After, err
	}
	v, err := s.acquire()
	if err != nil {
		return q.After, err
	}
	defer s.release(v)
	// A view may hold a batch for a moment before it counts as applied, and the caller may have seen it there.
	next = min(q.After, max(applied, v.applied().Batch()))
	f := feed{s: s, ctx: ctx, v: v, after: next, left: q.Bytes, yield: yield}
	if f.left <= 0 {
		f.left = defaultCommitBytes
	}
	if q.Groups != nil {
		f.groups = slices.Clone(q.Groups)
		slices.Sort(f.groups)
		f.groups = slices.Compact(f.groups)
		f.some = true
	}
	done, err := f.parts()
	if err != nil || !done {
		return f.after, err
	}
	for _, m := range v.mems {
		if done, err := f.memtable(m); err != nil || !done {
			return f.after, err
		}
	}
	return max(f.after, applied), nil
}

// Applied returns the log sequence number of the newest batch that Commits and
// Scan see; 0 when there never was one.
func (s *Store) Applied() uint64 { return s.newest.Load() }

// AwaitCommit returns nil once Applied is above after, at once when it is. It
// returns ErrClosed when the store closes and the error of ctx when that ends.
func (s *Store) AwaitCommit(ctx context.Context, after uint64) error {
	for {
		// Before the look at newest, so that no batch comes between the two.
		arrived := s.arrivals.channel()
		if s.newest.Load() > after {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return ErrClosed
		}
	}
}

// arrivals wakes those that wait for batches.
type arrivals struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next batch; nil: nobody asked for it
}

func (a *arrivals) channel() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = make(chan struct{})
	}
	return a.next
}

func (a *arrivals) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next != nil {
		close(a.next)
		a.next = nil
	}
}

// feed is one running Commits.
type feed struct {
	s      *Store
	ctx    context.Context
	v      *view
	groups []logs.GroupID // sorted; meant only with some
	some   bool           // not every group is wanted
	after  uint64         // done up to here
	left   int64          // of the budget
	yield  func(*Commit) bool
	c      Commit // handed to yield
	calls  int
}

func (f *feed) wants(g logs.GroupID) bool {
	if !f.some {
		return true
	}
	_, ok := slices.BinarySearch(f.groups, g)
	return ok
}

// hand hands f.c over; false ends the call.
func (f *feed) hand(bytes int64) (more bool, err error) {
	if f.calls++; f.calls%64 == 0 {
		if err := f.ctx.Err(); err != nil {
			return false, err
		}
		if f.s.ctx.Err() != nil {
			return false, ErrClosed
		}
	}
	more = f.yield(&f.c)
	f.after = f.c.LSN
	f.left -= bytes
	return more && f.left > 0, nil
}

// memtable hands over the batches of a memtable; false ends the call.
func (f *feed) memtable(m *memtable) (more bool, err error) {
	lists, last := m.feedLists(f.groups, f.some)
	for i := range lists {
		lists[i] = lists[i][sort.Search(len(lists[i]), func(k int) bool { return lists[i][k].lsn > f.after }):]
	}
	for {
		var c *chunk
		from := 0
		for i, l := range lists {
			if len(l) > 0 && (c == nil || l[0].lsn < c.lsn) {
				c, from = l[0], i
			}
		}
		if c == nil {
			f.after = max(f.after, last)
			return true, nil
		}
		lists[from] = lists[from][1:]
		if !f.wants(c.group) {
			continue
		}
		f.c = Commit{LSN: c.lsn, Group: c.group, Stream: c.stream, Ingestion: c.ingestion, mem: c}
		if more, err := f.hand(c.messageBytes()); err != nil || !more {
			return false, err
		}
	}
}

// fewGroups is how many lists of batches are merged rather than that of all
// groups filtered.
const fewGroups = 16

// feedLists returns lists of batches, each in the order of log sequence numbers,
// that together hold those of the groups (of all groups without some), and perhaps
// others, and the number of the newest batch of the memtable.
func (m *memtable) feedLists(groups []logs.GroupID, some bool) (lists [][]*chunk, last uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !some || len(groups) > fewGroups {
		return [][]*chunk{m.chunks}, m.lastLSN
	}
	for _, id := range groups {
		if g := m.groups[id]; g != nil {
			lists = append(lists, g.chunks)
		}
	}
	return lists, m.lastLSN
}
