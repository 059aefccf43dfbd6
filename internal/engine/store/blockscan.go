package store

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// BlockQuery selects the events of a ScanBlocks.
type BlockQuery struct {
	Groups     []logs.GroupID  // each once
	Streams    []logs.StreamID // nil: every stream of the groups; empty: none
	Start, End int64           // timestamps in [Start, End), ms since the Unix epoch
	Need       hint.Need       // a message that does not meet it is not wanted; blocks without any are left out, others may hold some
	Paths      []string        // JSON paths that will be asked of most blocks; a hint
	Order      BlockOrder

	// Skip, when set, reports whether events between two times (ms, both included)
	// are no longer wanted. Workers ask it, at the same time, before they read a
	// part or a block.
	Skip func(first, last int64) bool

	// Watch, when set, is called before the first block with what returns the counts so far.
	// That may be called at any time, also when the scan has ended.
	Watch func(counts func() Stats)
}

// MaxBlockWorkers bounds the workers of one ScanBlocks.
const MaxBlockWorkers = 256

// ScanBlocks calls fn for every block that may hold wanted events, each block
// once and in the order of q, on at most workers goroutines. What lies in memory
// comes as blocks too. worker is 0 to workers-1; two calls with the same worker never
// overlap, and the BlockView is valid until its call returns. Events are seen as
// by Scan.
//
// An error of fn ends the scan and is returned as it is. When it is an
// error of a method of the block because the block is damaged, fn must have kept
// nothing of the block: the block is counted and left out, and the scan goes on.
// ScanBlocks returns after the last call of fn has returned.
func (s *Store) ScanBlocks(ctx context.Context, q BlockQuery, workers int, fn func(worker int, b *BlockView) error) (Stats, error) {
	for _, g := range q.Groups {
		if g <= 0 {
			return Stats{}, fmt.Errorf("%w: group %d", ErrBadQuery, g)
		}
	}
	if workers < 1 || workers > MaxBlockWorkers {
		return Stats{}, fmt.Errorf("%w: %d workers", ErrBadQuery, workers)
	}
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	v, err := s.acquire()
	if err != nil {
		return Stats{}, err
	}
	defer s.release(v)
	if q.Need.Op == hint.Never || q.Streams != nil && len(q.Streams) == 0 || q.Start >= q.End {
		return Stats{}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrClosed) })()
	bs := newBlockScan(s, ctx, q, v)
	defer context.AfterFunc(ctx, func() {
		bs.mu.Lock()
		defer bs.mu.Unlock()
		bs.wake.Broadcast()
	})()
	bs.account, bs.alive = &account{b: s.budget}, workers
	if q.Watch != nil {
		q.Watch(bs.counts)
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			if err := bs.work(i, fn); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return bs.stats, context.Cause(ctx)
	}
	return bs.stats, nil
}

// blockScan is one running ScanBlocks: a queue that workers empty. Items turn
// into further items (a part into its blocks), so a worker that finds the queue
// empty waits while others are at work.
type blockScan struct {
	s   *Store
	ctx context.Context
	q   BlockQuery
	sel scan // what is wanted: streams and bounds

	mu    sync.Mutex // guards what follows
	wake  sync.Cond
	queue blockQueue
	busy  int // workers that may add items
	alive int // workers
	stats Stats

	account *account
}

func newBlockScan(s *Store, ctx context.Context, q BlockQuery, v *view) *blockScan {
	bs := &blockScan{s: s, ctx: ctx, q: q, queue: blockQueue{order: q.Order}}
	bs.wake.L = &bs.mu
	if q.Streams != nil {
		bs.sel.streams = slices.Clone(q.Streams)
		slices.Sort(bs.sel.streams)
		bs.sel.streams = slices.Compact(bs.sel.streams)
	}
	bs.sel.bounds(Query{Start: q.Start, End: q.End})
	for _, p := range v.parts {
		g := &p.seg
		if !slices.ContainsFunc(q.Groups, func(id logs.GroupID) bool { return id >= g.GroupLow && id <= g.GroupHigh }) {
			continue
		}
		if g.MaxTime < q.Start || g.MinTime >= q.End {
			bs.stats.PartsSkipped++
			continue
		}
		bs.queue.push(partItem(p))
	}
	for _, m := range v.mems {
		for _, id := range q.Groups {
			bs.addMemtable(m, id)
		}
	}
	return bs
}

// counts returns the counts so far.
func (bs *blockScan) counts() Stats {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return bs.stats
}

// A piece of a memtable is smaller than a block, so that few events keep several
// workers busy.
const (
	pieceRows  = 4 << 10
	pieceBytes = 1 << 20
)

// addMemtable queues the chunks of a group in pieces.
func (bs *blockScan) addMemtable(m *memtable, group logs.GroupID) {
	chunks := m.chunksOf(group, bs.sel.streams)
	from, rows, size := 0, 0, int64(0)
	for i, c := range chunks {
		n, bytes := len(c.timestamps), c.messageBytes()
		if i > from && (rows+n > pieceRows || size+bytes > pieceBytes) {
			bs.queue.push(memoryItem(group, chunks[from:i:i]))
			from, rows, size = i, 0, 0
		}
		rows, size = rows+n, size+bytes
	}
	if from < len(chunks) {
		bs.queue.push(memoryItem(group, chunks[from:]))
	}
}

// chunksOf returns the chunks of the group that are of one of the streams (nil:
// all).
func (m *memtable) chunksOf(group logs.GroupID, streams []logs.StreamID) []*chunk {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[group]
	if g == nil {
		return nil
	}
	if streams == nil {
		return g.chunks
	}
	var out []*chunk
	for _, id := range streams {
		if st := g.streams[id]; st != nil {
			out = append(out, st.chunks...)
		}
	}
	return out
}

// next returns the next piece of work; false when there is no more.
func (bs *blockScan) next() (blockItem, bool) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for len(bs.queue.items) == 0 && bs.busy > 0 && bs.ctx.Err() == nil {
		bs.wake.Wait()
	}
	if len(bs.queue.items) == 0 || bs.ctx.Err() != nil {
		return blockItem{}, false
	}
	item := bs.queue.pop()
	bs.busy++
	return item, true
}

// done ends a piece of work that gave more work.
func (bs *blockScan) done(more []blockItem, count func(*Stats)) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for i := range more {
		bs.queue.push(more[i])
	}
	bs.busy--
	count(&bs.stats)
	if len(more) > 0 || bs.busy == 0 || bs.ctx.Err() != nil {
		bs.wake.Broadcast()
	}
}

// work is one worker.
func (bs *blockScan) work(worker int, fn func(worker int, b *BlockView) error) error {
	b := &BlockView{scan: bs, ctx: bs.ctx, search: rowSearch{ctx: bs.ctx}}
	held := int64(0)
	defer func() { bs.account.release(held) }()
	for {
		item, ok := bs.next()
		if !ok {
			return nil
		}
		var stats Stats
		if bs.skip(&item, &stats) {
			bs.done(nil, func(s *Stats) { s.merge(&stats) })
			continue
		}
		if more := item.cost() - held; more > 0 {
			stay, err := bs.reserve(more, &held, item)
			if !stay {
				return err
			}
		}
		var (
			more []blockItem
			err  error
		)
		switch {
		case item.mem != nil:
			err = b.memory(item.group, item.mem, &stats, func() error { return fn(worker, b) })
		case item.infos == nil:
			more, err = bs.expand(item.part, &stats)
		default:
			for i := range item.infos {
				if x := &item.infos[i]; i > 0 && bs.q.Skip != nil && bs.q.Skip(x.Min.Timestamp, x.Max.Timestamp) {
					stats.stopped(x)
					continue
				}
				if err = b.block(item.part, &item.infos[i], &stats, func() error { return fn(worker, b) }); err != nil {
					break
				}
			}
		}
		bs.done(more, func(s *Stats) { s.merge(&stats) })
		if err != nil {
			return err
		}
	}
}

// cost returns about how many bytes a worker needs for the item.
func (i *blockItem) cost() int64 {
	n, size := 0, int64(0)
	for _, c := range i.mem {
		n += len(c.timestamps)
		size += c.messageBytes()
	}
	cost := viewCost(n, size, 0)
	for k := range i.infos {
		b := &i.infos[k]
		cost = max(cost, viewCost(b.Rows, b.RawBytes, b.StoredBytes))
	}
	return cost
}

// reserve reserves n more bytes for a worker. A worker for which there are none
// ends and leaves its item to the others; the last one waits for other queries.
func (bs *blockScan) reserve(n int64, held *int64, item blockItem) (stay bool, err error) {
	if bs.account.spare(n) {
		*held += n
		return true, nil
	}
	bs.mu.Lock()
	last := bs.alive == 1
	if !last {
		bs.alive--
		bs.busy--
		bs.queue.push(item)
		bs.wake.Broadcast()
	}
	bs.mu.Unlock()
	if !last {
		return false, nil
	}
	// Who waits holds nothing, as others may wait, too.
	n += *held
	bs.account.release(*held)
	*held = 0
	if err := bs.account.reserve(bs.ctx, n); err != nil {
		return false, fmt.Errorf("scan blocks: %w", err)
	}
	*held = n
	return true, nil
}

// expand queues the blocks of a part.
func (bs *blockScan) expand(p *part, stats *Stats) (more []blockItem, err error) {
	r, err := p.open()
	if err != nil {
		if !isDamage(err) {
			return nil, fmt.Errorf("scan blocks: %w", err)
		}
		stats.DamagedBlocks++
		return nil, nil
	}
	sc := scan{s: bs.s, ctx: bs.ctx, streams: bs.sel.streams, lo: bs.sel.lo, hi: bs.sel.hi, need: bs.q.Need}
	var infos []segment.BlockInfo
	for _, group := range bs.q.Groups {
		infos = r.Blocks(group, infos)
	}
	if infos, err = sc.choose(p, r, infos); err != nil {
		return nil, err
	}
	stats.merge(&sc.stats)
	most := blocksPerItem
	if bs.q.Order != AnyOrder {
		most = 1
	}
	for len(infos) > 0 {
		n := min(most, len(infos))
		more = append(more, blocksItem(p, infos[:n:n]))
		infos = infos[n:]
	}
	return more, nil
}

// merge adds the counts of o.
func (s *Stats) merge(o *Stats) {
	s.Rows += o.Rows
	s.Bytes += o.Bytes
	s.Matched += o.Matched
	s.Blocks += o.Blocks
	s.BlocksSkipped += o.BlocksSkipped
	s.DamagedBlocks += o.DamagedBlocks
	s.TimeSkipped.merge(o.TimeSkipped)
	s.StreamSkipped.merge(o.StreamSkipped)
	s.IndexSkipped.merge(o.IndexSkipped)
	s.StopSkipped.merge(o.StopSkipped)
	s.UnitsSkipped += o.UnitsSkipped
	s.PartsSkipped += o.PartsSkipped
	s.DamagedIndex += o.DamagedIndex
	s.KeyBlocks += o.KeyBlocks
	s.DecodedBytes += o.DecodedBytes
	s.MemoryRows += o.MemoryRows
	s.MemoryBytes += o.MemoryBytes
}

func (k *Skipped) merge(o Skipped) {
	k.Blocks += o.Blocks
	k.Rows += o.Rows
	k.Bytes += o.Bytes
}
