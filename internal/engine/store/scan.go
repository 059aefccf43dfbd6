package store

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/column"
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

	applied := v.applied()
	if q.Need.Op == hint.Never {
		return Stats{Applied: applied}, nil
	}
	sc := &scan{
		s: s, ctx: ctx, group: q.Group, match: matcher(q), need: q.Need, columns: q.Columns, automaton: q.Automaton,
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
			return Stats{Applied: applied}, nil
		}
	}
	sc.bounds(q)
	if !sc.lo.Less(sc.hi) {
		return Stats{Applied: applied}, nil
	}
	sc.stats.Applied = applied
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
	s         *Store
	ctx       context.Context
	group     logs.GroupID
	streams   []logs.StreamID                          // sorted; nil: all
	lo, hi    logs.Key                                 // exclusive bounds
	need      hint.Need                                // what match implies
	match     func([]byte) bool                        // nil: all are wanted
	columns   column.Filter                            // what match implies of columns; nil: nothing
	automaton func() (a column.Automaton, done func()) // decides like match; nil: there is none
	workers   int
	log       *slog.Logger
	account   *account
	budget    Budget
	began     time.Time

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

// wholly reports whether every row of a block lies within the bounds and streams.
func (sc *scan) wholly(info *segment.BlockInfo) bool {
	return sc.lo.Less(info.Min) && info.Max.Less(sc.hi) &&
		(sc.streams == nil || info.MinStream == info.MaxStream && sc.wants(info.MinStream))
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
