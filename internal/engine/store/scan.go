package store

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// Scan yields the events that q selects in ascending (timestamp, seq) order,
// or descending with q.Reverse, until yield returns false. Every event whose
// Append returned before Scan began is seen; of those appended meanwhile, a
// batch is seen whole or not at all. Event.Message is valid until yield
// returns. yield runs on the calling goroutine and may call Scan.
func (s *Store) Scan(ctx context.Context, q Query, yield func(logs.Event) bool) (Stats, error) {
	if q.Group <= 0 {
		return Stats{}, fmt.Errorf("%w: group %d", ErrBadQuery, q.Group)
	}
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	v, err := s.acquire()
	if err != nil {
		return Stats{}, err
	}
	defer s.release(v)

	if q.Need.Op == hint.Never {
		return Stats{}, nil
	}
	sc := &scan{
		s: s, ctx: ctx, group: q.Group, match: matcher(q), need: q.Need,
		frontier: frontier{reverse: q.Reverse},
		workers:  s.o.tune.workers,
		account:  &account{b: s.budget},
		budget:   q.Budget, began: time.Now(),
		log: s.o.Logger,
	}
	if q.Streams != nil {
		sc.streams = slices.Clone(q.Streams)
		slices.Sort(sc.streams)
		sc.streams = slices.Compact(sc.streams)
		if len(sc.streams) == 0 {
			return Stats{}, nil
		}
	}
	sc.bounds(q)
	if !sc.lo.Less(sc.hi) {
		return Stats{}, nil
	}
	for _, m := range v.mems {
		sc.addMemtable(m)
	}
	for _, p := range v.parts {
		sc.addPart(p)
	}
	err = sc.run(yield)
	return sc.stats, err
}

// scan is one running Scan.
//
// The order of the answer comes from a frontier: a heap of cursors over what is
// open, and a queue of what is not, ordered by a bound that none of its rows
// precedes. Something is opened only when its bound comes first. A part is
// first opened as a whole, which queues its blocks. Blocks soon to be reached
// are opened ahead by goroutines, the more the longer the scan goes on.
type scan struct {
	s       *Store
	ctx     context.Context
	group   logs.GroupID
	streams []logs.StreamID   // sorted; nil: all
	lo, hi  logs.Key          // exclusive bounds
	need    hint.Need         // what match implies
	match   func([]byte) bool // nil: all are wanted
	workers int
	log     *slog.Logger
	account *account
	budget  Budget
	began   time.Time

	frontier
	pending  pendingHeap
	ahead    []*blockRead // taken from pending, in order
	depth    int          // how many reads may be ahead
	infos    []segment.BlockInfo
	filtered bool // memtable cursors hold rows of other streams
	stats    Stats
}

// matcher returns what decides about a message; nil when all are wanted.
func matcher(q Query) func([]byte) bool {
	if q.Match != nil || q.Need.Op == hint.Any {
		return q.Match
	}
	need := q.Need
	return func(m []byte) bool { return need.Meets(unsafe.String(unsafe.SliceData(m), len(m))) }
}

// bounds turns the bounds of q into two exclusive keys.
func (sc *scan) bounds(q Query) {
	sc.lo = logs.Key{Timestamp: -1, Seq: math.MaxUint64}
	if q.Start > 0 {
		sc.lo.Timestamp = q.Start - 1
	}
	sc.hi = logs.Key{Timestamp: max(q.End, 0)}
	if q.After != nil && sc.lo.Less(*q.After) {
		sc.lo = *q.After
	}
	if q.Before != nil && q.Before.Less(sc.hi) {
		sc.hi = *q.Before
	}
}

func (sc *scan) addMemtable(m *memtable) {
	found, exact := m.sources(sc.group, sc.streams)
	sc.filtered = sc.filtered || !exact
	for _, rows := range found {
		for _, run := range rows.runs {
			refs := within(run, rows.chunks, sc.lo, sc.hi)
			switch {
			case len(refs) == 0:
			case sc.match != nil:
				sc.pushMemory(&memSource{chunks: rows.chunks, filtered: !exact, size: firstSlice}, refs)
			default:
				sc.push(memCursor(refs, rows.chunks, sc.reverse))
			}
		}
	}
}

func (sc *scan) addPart(p *part) {
	g := &p.seg
	if sc.group < g.GroupLow || sc.group > g.GroupHigh {
		return
	}
	if g.MaxTime < sc.lo.Timestamp || g.MinTime > sc.hi.Timestamp {
		sc.stats.PartsSkipped++
		return
	}
	bound := logs.Key{Timestamp: g.MinTime}
	if sc.reverse {
		bound = logs.Key{Timestamp: g.MaxTime, Seq: math.MaxUint64}
	}
	sc.pending.push(sc.reverse, pendingItem{bound: bound, part: p})
}

// addBlock queues a block.
func (sc *scan) addBlock(p *part, b *segment.BlockInfo) {
	bound := b.Min
	if sc.reverse {
		bound = b.Max
	}
	read := &blockRead{part: p, info: *b}
	sc.pending.push(sc.reverse, pendingItem{bound: bound, part: p, read: read})
}

// wantsBlock reports whether a block may hold wanted rows, as far as the block
// index says; blocks that cannot are counted.
func (sc *scan) wantsBlock(b *segment.BlockInfo) bool {
	switch {
	case !sc.lo.Less(b.Max) || !b.Min.Less(sc.hi):
		sc.skip(&sc.stats.TimeSkipped, b)
	case !sc.wantsRange(b.MinStream, b.MaxStream):
		sc.skip(&sc.stats.StreamSkipped, b)
	default:
		return true
	}
	return false
}

// skip counts a block that stays unopened.
func (sc *scan) skip(why *Skipped, b *segment.BlockInfo) {
	sc.stats.BlocksSkipped++
	why.add(b.Rows, b.RawBytes)
}

// wantsRange reports whether a stream of [first, last] is wanted.
func (sc *scan) wantsRange(first, last logs.StreamID) bool {
	if sc.streams == nil {
		return true
	}
	i, _ := slices.BinarySearch(sc.streams, first)
	return i < len(sc.streams) && sc.streams[i] <= last
}

func (sc *scan) wants(id logs.StreamID) bool {
	if sc.streams != nil {
		if _, ok := slices.BinarySearch(sc.streams, id); !ok {
			return false
		}
	}
	return true
}

// run yields everything in order.
func (sc *scan) run(yield func(logs.Event) bool) error {
	ctx, cancel := context.WithCancelCause(sc.ctx)
	defer sc.finish()
	defer cancel(nil) // before finish, which waits
	defer context.AfterFunc(sc.s.ctx, func() { cancel(ErrClosed) })()
	sc.ctx = ctx

	var e logs.Event
	for n := 1; ; n++ {
		bound, more, err := sc.advance()
		if err != nil {
			return err
		}
		if len(sc.c) == 0 || sc.stats.Frontier != nil {
			return nil
		}
		if n%256 == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if sc.endsBefore(sc.c[0].key) {
				return nil
			}
		}
		limit, limited := sc.second()
		if more && (!limited || sc.before(bound, limit)) {
			limit, limited = bound, true
		}
		c := sc.c[0]
		for rows := 1; ; rows++ {
			if c.blk != nil || c.searched {
				c.event(&e)
				if sc.match == nil {
					sc.stats.Rows++
					sc.stats.Bytes += int64(len(e.Message))
				}
				sc.stats.Matched++
				if !yield(e) {
					return nil
				}
			} else if c.event(&e); !sc.filtered || sc.wants(e.Stream) {
				sc.stats.Rows++
				sc.stats.MemoryRows++
				sc.stats.Bytes += int64(len(e.Message))
				sc.stats.MemoryBytes += int64(len(e.Message))
				sc.stats.Matched++
				if !yield(e) {
					return nil
				}
			}
			if rows%256 == 0 {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if sc.spent() {
					k := c.key
					sc.stats.Frontier = &k
					return nil
				}
			}
			if !c.next() {
				sc.pop()
				sc.retire(c, true)
				break
			}
			if limited && !sc.before(c.key, limit) {
				sc.fix()
				break
			}
		}
	}
}

// advance opens everything that may hold the next row, and returns the bound
// of what stays unopened.
func (sc *scan) advance() (bound logs.Key, more bool, err error) {
	for {
		switch {
		case len(sc.ahead) > 0:
			bound = sc.ahead[0].bound(sc.reverse)
		case len(sc.pending) > 0:
			bound = sc.pending[0].bound
		default:
			return bound, false, nil
		}
		if len(sc.c) > 0 && sc.before(sc.c[0].key, bound) {
			return bound, true, nil
		}
		if sc.endsBefore(bound) {
			return bound, false, nil
		}
		if err := sc.openNext(); err != nil {
			return bound, false, err
		}
	}
}

// spent reports whether the budget is.
func (sc *scan) spent() bool {
	b := &sc.budget
	return b.Bytes > 0 && sc.stats.Bytes >= b.Bytes || b.Time > 0 && time.Since(sc.began) >= b.Time
}

// endsBefore ends the scan before what comes next, at key or behind it, when the
// budget is spent and the scan has got ahead.
func (sc *scan) endsBefore(key logs.Key) bool {
	if !sc.spent() {
		return false
	}
	// The frontier is exclusive: the position next to key.
	if sc.reverse {
		key = after(key)
	} else {
		key = before(key)
	}
	if sc.reverse && !key.Less(sc.hi) || !sc.reverse && !sc.lo.Less(key) {
		return false
	}
	sc.stats.Frontier = &key
	return true
}

// openNext opens the first of what is unopened.
func (sc *scan) openNext() error {
	if len(sc.ahead) == 0 {
		item := sc.pending.pop(sc.reverse)
		if item.read == nil {
			return sc.expand(item.part)
		}
		sc.cut(item.read)
		sc.ahead = append(sc.ahead, item.read)
	}
	read := sc.ahead[0]
	if read.done == nil {
		if err := sc.reserve(read); err != nil {
			return err
		}
		sc.read(read)
	} else {
		select {
		case <-read.done:
		case <-sc.ctx.Done():
			return context.Cause(sc.ctx)
		}
	}
	sc.ahead = sc.ahead[1:]
	sc.count(read)
	sc.settle(read)
	if read.err != nil {
		return sc.blockError(read)
	}
	if err := sc.readAhead(); err != nil {
		return err
	}
	if m := read.mem; m != nil {
		if len(m.out) > 0 {
			c := memCursor(m.out, m.src.chunks, sc.reverse)
			c.searched = true
			sc.push(c)
		}
		return nil
	}
	if read.from == nil {
		sc.stats.Blocks++
	}
	if read.open == nil {
		return nil
	}
	sc.push(blockCursor(read.open, sc.reverse))
	if read.next != nil {
		rest := &blockRead{part: read.part, info: read.info, from: read.next}
		sc.pending.push(sc.reverse, pendingItem{bound: *read.next, part: read.part, read: rest})
	}
	return nil
}

// reserve reserves memory for a read. When the scan holds much already, because
// very many blocks overlap, only a slice of the block is kept.
func (sc *scan) reserve(read *blockRead) error {
	if read.mem != nil {
		return nil
	}
	read.cost = readCost(&read.info)
	read.narrow = !sc.account.roomy(read.cost)
	if err := sc.account.reserve(sc.ctx, read.cost); err != nil {
		read.cost = 0
		return fmt.Errorf("scan: %w", err)
	}
	return nil
}

// tryReserve reserves memory for a read ahead, which may well wait.
func (sc *scan) tryReserve(read *blockRead) bool {
	if read.mem != nil {
		return true
	}
	cost := readCost(&read.info)
	if !sc.account.roomy(cost) || !sc.account.try(cost) {
		return false
	}
	read.cost = cost
	return true
}

// settle gives back what a read does not need any more.
func (sc *scan) settle(read *blockRead) {
	cost := read.cost
	read.cost = 0
	if o := read.open; o != nil && o.kept != nil {
		o.held = min(o.held, cost)
		cost -= o.held
	}
	sc.account.release(cost)
}

// count adds the work of a read that has ended.
func (sc *scan) count(read *blockRead) {
	if read.from == nil {
		sc.stats.Rows += read.rows
		sc.stats.Bytes += read.bytes
	}
	sc.stats.DecodedBytes += read.decoded
	if read.mem != nil {
		sc.stats.MemoryRows += read.rows
		sc.stats.MemoryBytes += read.bytes
	}
	if read.keys {
		sc.stats.KeyBlocks++
	}
}

// readAhead starts the next reads. The first block of a scan is read alone, so
// that a small answer costs one block.
func (sc *scan) readAhead() error {
	most := 2
	if sc.match != nil {
		most = 2 * sc.workers
	}
	if sc.workers < 2 {
		most = 0
	}
	for len(sc.ahead) < sc.depth && len(sc.pending) > 0 {
		item := sc.pending.pop(sc.reverse)
		if item.read == nil {
			if err := sc.expand(item.part); err != nil {
				return err
			}
			continue
		}
		read := item.read
		if !sc.tryReserve(read) {
			sc.pending.push(sc.reverse, item)
			break
		}
		sc.cut(read)
		read.done = make(chan struct{})
		sc.ahead = append(sc.ahead, read)
		go func() {
			defer close(read.done)
			sc.read(read)
		}()
	}
	sc.depth = min(max(1, 2*sc.depth), most)
	return nil
}

// expand queues the blocks of a part.
func (sc *scan) expand(p *part) error {
	r, err := p.open()
	if err != nil {
		if !isDamage(err) {
			return fmt.Errorf("scan: %w", err)
		}
		sc.stats.DamagedBlocks++
		return nil
	}
	sc.infos = r.Blocks(sc.group, sc.infos[:0])
	if sc.infos, err = sc.choose(p, r, sc.infos); err != nil {
		return err
	}
	for i := range sc.infos {
		sc.addBlock(p, &sc.infos[i])
	}
	return nil
}

// choose returns those of the blocks that may hold wanted rows, in the memory of
// infos, and counts the others. What is cheap to know comes first: the block
// index, then the skip index.
func (sc *scan) choose(p *part, r *segment.Reader, infos []segment.BlockInfo) ([]segment.BlockInfo, error) {
	n, size := 0, int64(0)
	for i := range infos {
		if sc.wantsBlock(&infos[i]) {
			infos[n] = infos[i]
			size += infos[i].RawBytes
			n++
		}
	}
	infos = infos[:n]
	if sc.need.Op == hint.Any || size < indexFrom {
		return infos, nil
	}
	units, err := p.units(sc.ctx, r, sc.need, sc.s.pages, &sc.stats)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	n = 0
	for i := range infos {
		if !units.has(infos[i].Unit()) {
			sc.skip(&sc.stats.IndexSkipped, &infos[i])
			continue
		}
		infos[n] = infos[i]
		n++
	}
	return infos[:n], nil
}

// indexFrom is how many message bytes a search must have before it in a part to
// ask the skip index, which may cost reads of its own.
const indexFrom = 16 << 10

// blockError decides what a failed read means: a damaged block is left out and
// counted, everything else ends the scan.
func (sc *scan) blockError(read *blockRead) error {
	if !isDamage(read.err) {
		if sc.ctx.Err() != nil {
			return context.Cause(sc.ctx)
		}
		return fmt.Errorf("scan: %w", read.err)
	}
	if read.part.quarantine(idOf(&read.info), read.err) {
		sc.log.Error("a block is damaged; its events are left out of every answer",
			"part", read.part.seg.ID, "group", sc.group, "events", read.info.Rows, "error", read.err)
	}
	sc.stats.DamagedBlocks++
	return nil
}

// finish waits for what runs ahead and gives everything back.
func (sc *scan) finish() {
	for _, read := range sc.ahead {
		if read.mem == nil && read.from == nil {
			sc.skip(&sc.stats.StopSkipped, &read.info)
		}
		if read.done == nil {
			continue
		}
		<-read.done
		sc.stats.DecodedBytes += read.decoded
		sc.settle(read)
		if read.open != nil {
			sc.retire(&cursor{blk: read.open}, false)
		}
	}
	for _, item := range sc.pending {
		switch {
		case item.read == nil:
			sc.stats.PartsSkipped++
		case item.read.mem == nil && item.read.from == nil:
			sc.skip(&sc.stats.StopSkipped, &item.read.info)
		}
	}
	for _, c := range sc.c {
		sc.retire(c, false)
	}
	sc.ahead, sc.pending, sc.c = nil, nil, nil
}

// pendingItem is a part, or a block of one, that is not open.
type pendingItem struct {
	bound logs.Key // no row of it comes before, in the direction of the scan
	part  *part
	read  *blockRead // nil: the whole part
}

// pendingHeap has the item with the first bound on top.
type pendingHeap []pendingItem

func (h pendingHeap) before(reverse bool, i, j int) bool {
	if reverse {
		return h[j].bound.Less(h[i].bound)
	}
	return h[i].bound.Less(h[j].bound)
}

func (h *pendingHeap) push(reverse bool, item pendingItem) {
	*h = append(*h, item)
	for i := len(*h) - 1; i > 0; {
		p := (i - 1) / 2
		if !h.before(reverse, i, p) {
			return
		}
		(*h)[i], (*h)[p] = (*h)[p], (*h)[i]
		i = p
	}
}

func (h *pendingHeap) pop(reverse bool) pendingItem {
	old := *h
	n := len(old) - 1
	top := old[0]
	old[0], old[n] = old[n], pendingItem{}
	*h = old[:n]
	for i := 0; ; {
		k := 2*i + 1
		if k >= n {
			return top
		}
		if k+1 < n && h.before(reverse, k+1, k) {
			k++
		}
		if !h.before(reverse, k, i) {
			return top
		}
		old[i], old[k] = old[k], old[i]
		i = k
	}
}
