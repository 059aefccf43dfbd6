package store

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// feedRow is an event that came from a part.
type feedRow struct {
	lsn       uint64
	timestamp int64
	ingestion int64
	group     logs.GroupID
	stream    logs.StreamID
	index     uint32 // within its batch
	from, to  uint32 // of its message in the arena
}

// feedRowCost is what a row costs beside its message.
const feedRowCost = 64

// leastFeed is reserved from the start: enough for the rows of one block.
const leastFeed = segment.MaxBlockBytes + segment.MaxBlockRows*feedRowCost

// feedReader gathers from parts the events of batches after a position. Blocks
// are in the order of timestamps and a batch may lie in several, so it reads
// every block that reaches beyond the position, in the order of the first batch
// of each, until it has more than its budget; then it forgets the newest batches
// again, and reads on only in blocks that begin before those.
type feedReader struct {
	f      *feed
	ctx    context.Context
	to     uint64 // batches up to this one are gathered
	budget int64  // of cost

	account *account
	held    int64 // reserved for rows and arena
	buf     *segment.Buffer

	queue feedQueue
	infos []segment.BlockInfo
	cost  int64
	*feedBuffer
}

// feedBuffer is the memory of a feedReader, which is large and goes from call to call.
type feedBuffer struct {
	rows  []feedRow
	arena []byte
	other []byte // the arena is compacted into it
}

var feedBuffers = sync.Pool{New: func() any { return new(feedBuffer) }}

// maxFeedBuffer bounds the buffers that are kept.
const maxFeedBuffer = 64 << 20

// parts hands over the batches in parts; false ends the call.
func (f *feed) parts() (more bool, err error) {
	last := uint64(0)
	var behind []*part
	for _, p := range f.v.parts {
		last = max(last, p.seg.MaxLSN)
		if p.seg.MaxLSN > f.after && f.wantsRange(p.seg.GroupLow, p.seg.GroupHigh) {
			behind = append(behind, p)
		}
	}
	if len(behind) == 0 {
		f.after = max(f.after, last)
		return true, nil
	}
	ctx, cancel := context.WithCancelCause(f.ctx)
	defer cancel(nil)
	defer context.AfterFunc(f.s.ctx, func() { cancel(ErrClosed) })()
	r := &feedReader{f: f, ctx: ctx, to: math.MaxUint64, budget: f.left, account: &account{b: f.s.budget}, feedBuffer: feedBuffers.Get().(*feedBuffer)}
	defer r.close()
	if err := r.gather(behind); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return false, err
	}
	for from := 0; from < len(r.rows); {
		to, bytes := from, int64(0)
		for to < len(r.rows) && r.rows[to].lsn == r.rows[from].lsn {
			bytes += int64(r.rows[to].to - r.rows[to].from)
			to++
		}
		x := &r.rows[from]
		f.c = Commit{LSN: x.lsn, Group: x.group, Stream: x.stream, Ingestion: x.ingestion, rows: r.rows[from:to:to], arena: r.arena}
		if more, err := f.hand(bytes); err != nil || !more {
			return false, err
		}
		from = to
	}
	if r.to < last {
		f.after = max(f.after, r.to)
		return false, nil
	}
	f.after = max(f.after, last)
	return true, nil
}

func (f *feed) wantsRange(low, high logs.GroupID) bool {
	if !f.some {
		return true
	}
	i, _ := slices.BinarySearch(f.groups, low)
	return i < len(f.groups) && f.groups[i] <= high
}

// gather fills rows, in the order of batches.
func (r *feedReader) gather(parts []*part) error {
	if err := r.account.reserve(r.ctx, maxReadCost+leastFeed); err != nil {
		return fmt.Errorf("read batches: %w", err)
	}
	r.held = leastFeed
	defer r.account.release(maxReadCost)
	r.buf = bufferPool.Get().(*segment.Buffer)
	defer bufferPool.Put(r.buf)
	for _, p := range parts {
		reader, err := p.open()
		if err != nil {
			if isDamage(err) {
				continue
			}
			return fmt.Errorf("read batches: %w", err)
		}
		heap.Push(&r.queue, feedItem{low: reader.Summary().MinSeq.Batch(), part: p})
	}
	for len(r.queue) > 0 && r.queue[0].low <= r.to {
		item := heap.Pop(&r.queue).(feedItem)
		if item.blocks == nil {
			if err := r.expand(item.part); err != nil {
				return err
			}
			continue
		}
		for i := range item.blocks {
			if err := r.read(item.part, &item.blocks[i]); err != nil {
				return fmt.Errorf("read batches: %w", err)
			}
		}
	}
	r.cut(r.budget)
	r.sort()
	return nil
}

// expand queues the blocks of a part, those of a shared frame together.
func (r *feedReader) expand(p *part) error {
	reader, err := p.open()
	if err != nil {
		if isDamage(err) {
			return nil
		}
		return fmt.Errorf("read batches: %w", err)
	}
	r.infos = r.infos[:0]
	if r.f.some {
		for _, g := range r.f.groups {
			if g >= p.seg.GroupLow && g <= p.seg.GroupHigh {
				r.infos = reader.Blocks(g, r.infos)
			}
		}
	} else {
		for b := range reader.All() {
			r.infos = append(r.infos, b)
		}
	}
	wanted := make([]segment.BlockInfo, 0, len(r.infos))
	for i := range r.infos {
		if b := &r.infos[i]; b.MaxSeq.Batch() > r.f.after && b.MinSeq.Batch() <= r.to {
			wanted = append(wanted, *b)
		}
	}
	slices.SortStableFunc(wanted, func(a, b segment.BlockInfo) int { return cmp.Compare(a.Unit(), b.Unit()) })
	for len(wanted) > 0 {
		n, low := 1, wanted[0].MinSeq.Batch()
		for n < len(wanted) && wanted[n].Unit() == wanted[0].Unit() {
			low = min(low, wanted[n].MinSeq.Batch())
			n++
		}
		heap.Push(&r.queue, feedItem{low: low, part: p, blocks: wanted[:n:n]})
		wanted = wanted[n:]
	}
	return nil
}

// read takes from a block the rows of wanted batches. A damaged block is left out.
func (r *feedReader) read(p *part, info *segment.BlockInfo) error {
	id := idOf(info)
	if info.MinSeq.Batch() > r.to || p.quarantined(id) != nil {
		return nil
	}
	reader, err := p.open()
	if err != nil {
		return err
	}
	b, err := reader.Read(r.ctx, *info, r.buf)
	if err == nil {
		err = r.take(b)
	}
	if isDamage(err) {
		if p.quarantine(id, err) {
			r.f.s.o.Logger.Error("a block is damaged; its events are left out of every answer",
				"part", p.seg.ID, "group", info.Group, "events", info.Rows, "error", err)
		}
		return nil
	}
	return err
}

// take copies the rows of wanted batches.
func (r *feedReader) take(b *segment.Block) error {
	for try := 0; ; try++ {
		rows, bytes := 0, 0
		for i, k := range b.Keys() {
			if r.wants(k.Seq.Batch()) {
				rows++
				bytes += b.MessageLen(i)
			}
		}
		if rows == 0 {
			return nil
		}
		if ok, err := r.room(int64(bytes)+int64(rows)*feedRowCost, try); err != nil {
			return err
		} else if ok {
			break
		}
	}
	if err := b.Load(r.ctx); err != nil {
		return err
	}
	info := b.Info()
	for _, run := range b.Streams() {
		for i := run.From; i < run.To; i++ {
			k := b.Key(i)
			lsn := k.Seq.Batch()
			if !r.wants(lsn) {
				continue
			}
			from := uint32(len(r.arena))
			r.arena = append(r.arena, b.Message(i)...)
			r.rows = append(r.rows, feedRow{
				lsn: lsn, timestamp: k.Timestamp, ingestion: b.Ingestion(i), group: info.Group, stream: run.Stream,
				index: uint32(k.Seq - logs.MakeSeq(lsn, 0)), from: from, to: uint32(len(r.arena)),
			})
			r.cost += int64(len(r.arena)) - int64(from) + feedRowCost
		}
	}
	if r.cost > r.budget+r.budget/2 {
		r.cut(r.budget)
	}
	return nil
}

func (r *feedReader) wants(lsn uint64) bool { return lsn > r.f.after && lsn <= r.to }

// room makes room for n more bytes of cost. When memory is short it forgets the
// newest batches, then all but the first, and reports false: fewer bytes may be
// wanted now. It waits only for what a single batch needs.
func (r *feedReader) room(n int64, try int) (ok bool, err error) {
	more := r.cost + n - r.held
	if more <= 0 {
		return true, nil
	}
	if step := max(more, min(r.budget/4, 1<<20)); r.account.spare(step) {
		r.held += step
		return true, nil
	}
	if try < 2 {
		r.budget = min(r.budget, []int64{r.held / 2, 1}[try])
		r.cut(r.budget)
		return false, nil
	}
	if err := r.account.reserve(r.ctx, more); err != nil {
		return false, err
	}
	r.held += more
	return true, nil
}

// sort puts the rows into the order of batches.
func (r *feedReader) sort() {
	slices.SortFunc(r.rows, func(a, b feedRow) int {
		if a.lsn != b.lsn {
			return cmp.Compare(a.lsn, b.lsn)
		}
		return cmp.Compare(a.index, b.index)
	})
}

// cut forgets the newest batches so that the cost of the others is at most limit, or there is
// only one.
func (r *feedReader) cut(limit int64) {
	if r.cost <= limit {
		return
	}
	r.sort()
	keep, cost := 0, int64(0)
	for from := 0; from < len(r.rows); {
		to, n := from, int64(0)
		for to < len(r.rows) && r.rows[to].lsn == r.rows[from].lsn {
			n += int64(r.rows[to].to-r.rows[to].from) + feedRowCost
			to++
		}
		if keep > 0 && cost+n > limit {
			break
		}
		keep, cost, from = to, cost+n, to
	}
	if keep == len(r.rows) {
		return
	}
	r.to, r.cost = r.rows[keep-1].lsn, cost
	r.rows = r.rows[:keep]
	arena := slices.Grow(r.other[:0], int(cost))
	for i := range r.rows {
		x := &r.rows[i]
		from := uint32(len(arena))
		arena = append(arena, r.arena[x.from:x.to]...)
		x.from, x.to = from, uint32(len(arena))
	}
	r.arena, r.other = arena, r.arena
}

func (r *feedReader) close() {
	r.account.release(r.held)
	r.held = 0
	b := r.feedBuffer
	if cap(b.arena)+cap(b.other)+cap(b.rows)*feedRowCost <= maxFeedBuffer {
		b.rows, b.arena = b.rows[:0], b.arena[:0]
		feedBuffers.Put(b)
	}
}

// feedItem is a part, or blocks of it, to be read.
type feedItem struct {
	low    uint64 // first batch in it
	part   *part
	blocks []segment.BlockInfo // nil: the part
}

// feedQueue is a heap of what is to be read by the first batch.
type feedQueue []feedItem

func (q feedQueue) Len() int           { return len(q) }
func (q feedQueue) Less(i, j int) bool { return q[i].low < q[j].low }
func (q feedQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *feedQueue) Push(x any)        { *q = append(*q, x.(feedItem)) }
func (q *feedQueue) Pop() any {
	old := *q
	n := len(old) - 1
	x := old[n]
	old[n] = feedItem{}
	*q = old[:n]
	return x
}
