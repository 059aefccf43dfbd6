package store

import (
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/logs"
)

// blockRead is the reading of one block, or of a slice of a memtable, by the scan
// itself or ahead of it.
type blockRead struct {
	mem  *memRead // nil: a block
	part *part
	info segment.BlockInfo

	done chan struct{} // closed when a goroutine has finished it; nil: none was started

	from   *logs.Key // the first row that is still wanted; nil: none was read before
	narrow bool      // only a slice of the rows is to be kept, as memory is short
	next   *logs.Key // the first row that was not kept
	cost   int64     // reserved for the read

	open    *openBlock // nil when nothing of the block is wanted
	rows    int64      // looked at by the matcher
	bytes   int64
	decoded int64 // message bytes
	keys    bool  // keys were read
	err     error
}

func (r *blockRead) bound(reverse bool) logs.Key {
	if r.mem != nil {
		return r.mem.bound(reverse)
	}
	if r.from != nil {
		return *r.from
	}
	if reverse {
		return r.info.Max
	}
	return r.info.Min
}

// openBlock is a decoded block and the rows of it that are wanted, in order.
type openBlock struct {
	data    *blockData
	kept    *keptRows // not nil: the rows of sel are numbered as in it, and data is gone
	sel     *selection
	buf     *segment.Buffer // what data lives in; nil: data is the cache's
	raw     int64           // message bytes of the block
	warm    *warmBlocks     // takes buf back
	part    *part
	id      blockID
	lastRun int   // where stream looked last
	held    int64 // reserved
}

// keptRows are copies of the rows of a block that matched.
type keptRows struct {
	streams    []logs.StreamID
	ingestions []int64
	texts      column.Texts
}

// keptOverhead is what a kept row costs beside its message.
const keptOverhead = 8 + 8 + 4 + 2*24

func (k *keptRows) memory() int64 {
	return int64(cap(k.texts.Data) + keptOverhead*len(k.streams))
}

// stream returns the stream of a row. Rows are asked for in the order of keys,
// so neighbours are often of one stream.
func (o *openBlock) stream(row int) logs.StreamID {
	runs := o.data.runs
	if r := runs[o.lastRun]; row < r.From || row >= r.To {
		o.lastRun = o.data.run(row)
	}
	return runs[o.lastRun].Stream
}

// event fills e, but for its key, with a row of sel.
func (o *openBlock) event(row int, e *logs.Event) {
	if k := o.kept; k != nil {
		e.Stream, e.Ingestion, e.Message = k.streams[row], k.ingestions[row], k.texts.At(row)
		return
	}
	e.Stream, e.Ingestion, e.Message = o.stream(row), o.data.ingestion(row), o.data.message(row)
}

// keep copies the selected rows, whose messages message gives, and lets the
// block go.
func (o *openBlock) keep(bytes int, message func(i, row int) []byte) {
	n := len(o.sel.rows)
	k := &keptRows{streams: make([]logs.StreamID, n), ingestions: make([]int64, n)}
	k.texts.Data, k.texts.Ends = make([]byte, 0, bytes), make([]uint32, 0, n)
	for i := range o.sel.rows {
		row := int(o.sel.rows[i].row)
		var e logs.Event
		if o.kept != nil {
			o.event(row, &e)
		} else {
			e.Stream, e.Ingestion = o.stream(row), o.data.ingestion(row)
		}
		k.streams[i], k.ingestions[i] = e.Stream, e.Ingestion
		k.texts.Append(message(i, row))
		o.sel.rows[i].row = uint32(i)
	}
	o.kept, o.data = k, nil
	o.close()
}

// close gives the Buffer back.
func (o *openBlock) close() {
	if o.buf != nil {
		o.warm.give(cacheKey{o.part, o.id}, o.buf, o.raw)
		o.buf = nil
	}
}

// Buffers are large, so they go from scan to scan.
var (
	bufferPool    = sync.Pool{New: func() any { return new(segment.Buffer) }}
	selectionPool = sync.Pool{New: func() any { return new(selection) }}
)

// read fills the result of r. It may run on its own goroutine and touches
// nothing of the scan that changes.
func (sc *scan) read(r *blockRead) {
	if r.err = sc.ctx.Err(); r.err != nil {
		return
	}
	if r.mem != nil {
		r.err = sc.readMemory(r)
		return
	}
	id := idOf(&r.info)
	if r.err = r.part.quarantined(id); r.err != nil {
		return
	}
	k := cacheKey{r.part, id}
	if sc.s.lacks(k, sc.streams) {
		return
	}
	o := &openBlock{part: r.part, id: id, sel: selectionPool.Get().(*selection), raw: r.info.RawBytes, warm: sc.s.warm}
	o.sel.reset()
	var b *segment.Block
	if o.data = sc.s.cache.get(k); o.data == nil {
		var reader *segment.Reader
		if reader, r.err = r.part.open(); r.err != nil {
			o.recycle()
			return
		}
		o.buf = sc.s.warm.take(k)
		if r.from == nil && sc.narrows() && sc.wholly(&r.info) {
			if known, err := sc.searchColumns(r, o, reader); known || err != nil {
				r.err = err
				sc.finishRead(r, o)
				return
			}
		}
		var open bool
		if b, open = reader.Reuse(r.info, o.buf); !open {
			b, r.err = reader.Read(sc.ctx, r.info, o.buf)
			r.keys = r.err == nil
		}
		if r.err == nil {
			o.data = &blockData{keys: b.Keys(), runs: b.Streams(), b: b}
		}
		if r.err != nil {
			o.recycle()
			return
		}
	}
	lo, hi := r.bounds(sc)
	sc.selectRows(o, lo, hi)
	if b != nil && sc.streams != nil {
		sc.s.remember(k, o.data.runs)
	}
	if len(o.sel.rows) == 0 {
		o.recycle()
		return
	}
	if sc.match == nil {
		r.err = sc.load(r, o, b)
	} else {
		r.err = sc.searchBlock(r, o, b)
	}
	sc.finishRead(r, o)
}

// finishRead puts what a read has found in order.
func (sc *scan) finishRead(r *blockRead, o *openBlock) {
	if r.err != nil || len(o.sel.rows) == 0 {
		o.recycle()
		return
	}
	o.sel.order()
	if r.narrow {
		sc.slice(r, o)
	}
	if o.kept != nil {
		o.held = o.kept.memory()
	} else {
		o.held, r.cost = r.cost, 0
	}
	r.open = o
}

// bounds returns the exclusive bounds of the rows that are wanted of a block.
func (r *blockRead) bounds(sc *scan) (lo, hi logs.Key) {
	lo, hi = sc.lo, sc.hi
	switch {
	case r.from == nil:
	case sc.reverse:
		hi = after(*r.from)
	default:
		lo = before(*r.from)
	}
	return lo, hi
}

// before returns the key next to k on its lower side.
func before(k logs.Key) logs.Key {
	if k.Seq > 0 {
		return logs.Key{Timestamp: k.Timestamp, Seq: k.Seq - 1}
	}
	return logs.Key{Timestamp: k.Timestamp - 1, Seq: math.MaxUint64}
}

// after returns the key next to k on its upper side.
func after(k logs.Key) logs.Key {
	if k.Seq < math.MaxUint64 {
		return logs.Key{Timestamp: k.Timestamp, Seq: k.Seq + 1}
	}
	return logs.Key{Timestamp: k.Timestamp + 1}
}

// slice keeps only the rows of the block that come first, as memory is short; the
// others will be read again.
func (sc *scan) slice(r *blockRead, o *openBlock) {
	rows := o.sel.rows
	at := func(i int) int {
		if sc.reverse {
			return len(rows) - 1 - i
		}
		return i
	}
	message := func(row int) []byte {
		if o.kept != nil {
			return o.kept.texts.At(row)
		}
		return o.data.message(row)
	}
	n, size, most := 0, 0, sc.account.b.slice()
	for n < len(rows) && (n == 0 || int64(size) < most) {
		size += len(message(int(rows[at(n)].row))) + keptOverhead
		n++
	}
	if n < len(rows) {
		k := rows[at(n)].key
		r.next = &k
		if sc.reverse {
			n = copy(rows, rows[len(rows)-n:])
		}
		o.sel.rows = rows[:n]
	}
	if r.next != nil && o.buf != nil && o.kept == nil {
		sc.s.cache.put(cacheKey{o.part, o.id}, o.data)
	}
	if o.kept == nil || r.next != nil {
		o.keep(size, func(_, row int) []byte { return message(row) })
	}
}

// load decodes the messages of a block, unless they are there.
func (sc *scan) load(r *blockRead, o *openBlock, b *segment.Block) error {
	if b == nil {
		return nil
	}
	if err := b.Load(sc.ctx); err != nil {
		return err
	}
	o.data.messages, o.data.ends = b.Messages()
	r.decoded += int64(len(o.data.messages))
	return nil
}

// searchBlock keeps the selected rows that match. When most of a block is selected,
// it is first searched as a whole for what the rows must contain, in its columns
// when it is stored so.
func (sc *scan) searchBlock(r *blockRead, o *openBlock, b *segment.Block) error {
	x := memScratches.Get().(*memScratch)
	defer memScratches.Put(x)
	x.search.ctx = sc.ctx
	n := len(o.data.keys)
	r.rows = int64(len(o.sel.rows))
	for _, row := range o.sel.rows {
		if b != nil {
			r.bytes += int64(b.MessageLen(int(row.row)))
		} else {
			r.bytes += int64(len(o.data.message(int(row.row))))
		}
	}
	most := 2*r.bytes >= r.info.RawBytes
	whole := sc.need.Op != hint.Any && most
	match := sc.match
	if most && b != nil && sc.narrows() {
		shape, err := b.Shape(sc.ctx)
		if err != nil {
			return err
		}
		if shape != nil {
			x.rows = x.rows[:0]
			for _, row := range o.sel.rows {
				x.rows = append(x.rows, row.row)
			}
			left, sure, err := sc.narrowShape(x, b, shape, n, x.rows)
			if err != nil {
				return err
			}
			if len(left) < len(o.sel.rows) {
				x.hits = x.hits.Fit(n)
				for _, row := range left {
					x.hits.Set(int(row))
				}
				o.sel.keep(x.hits.Has)
			}
			if len(left) == 0 {
				return nil
			}
			whole = false
			if sure {
				match = everything
			}
			if 8*len(left) < n {
				return sc.matchShape(x, r, o, b, shape, match)
			}
		}
	}
	if err := sc.load(r, o, b); err != nil {
		return err
	}
	if whole {
		x.hits = x.hits.Fit(n)
		x.hits.Fill(n)
		if err := x.search.rows(&sc.need, o.data.messages, 0, o.data.ends, x.hits); err != nil {
			return err
		}
		o.sel.keep(x.hits.Has)
	}
	return sc.matchLoaded(o, match)
}

// matchLoaded keeps the selected rows, whose messages are there, that match. When
// little of the block matches, only that is kept.
func (sc *scan) matchLoaded(o *openBlock, match func([]byte) bool) error {
	size, err := sc.matchRows(o, match, func(_, row int) []byte { return o.data.message(row) })
	if err == nil && len(o.sel.rows) > 0 && o.buf != nil && 2*size < len(o.data.messages) {
		o.keep(size, func(_, row int) []byte { return o.data.message(row) })
	}
	return err
}

func everything([]byte) bool { return true }

// narrows reports whether more than the matcher is known about wanted messages.
func (sc *scan) narrows() bool {
	return sc.match != nil && (sc.need.Op != hint.Any || sc.columns != nil || sc.automaton != nil)
}

// searchColumns searches a block of which all rows are within the bounds, and
// that is stored in columns, before its keys are read: often no row is left. known
// is false when it is not stored so.
func (sc *scan) searchColumns(r *blockRead, o *openBlock, reader *segment.Reader) (known bool, err error) {
	b, open := reader.Reuse(r.info, o.buf)
	if b == nil {
		if b, err = reader.Columns(sc.ctx, r.info, o.buf); b == nil || err != nil {
			return false, err
		}
	}
	shape, err := b.Shape(sc.ctx)
	if shape == nil || err != nil {
		return false, err
	}
	x := memScratches.Get().(*memScratch)
	defer memScratches.Put(x)
	x.search.ctx = sc.ctx
	n := r.info.Rows
	r.rows, r.bytes = int64(n), r.info.RawBytes
	left, sure, err := sc.narrowShape(x, b, shape, n, nil)
	if err != nil || len(left) == 0 {
		return true, err
	}
	if !open {
		if b, err = reader.Read(sc.ctx, r.info, o.buf); err != nil {
			return true, err
		}
		r.keys = true
		if shape, err = b.Shape(sc.ctx); err != nil {
			return true, err
		}
	}
	o.data = &blockData{keys: b.Keys(), runs: b.Streams(), b: b}
	o.sel.addRows(o.data.keys, o.data.runs, left)
	match := sc.match
	if sure {
		match = everything
	}
	if 8*len(left) < n {
		return true, sc.matchShape(x, r, o, b, shape, match)
	}
	if err := sc.load(r, o, b); err != nil {
		return true, err
	}
	return true, sc.matchLoaded(o, match)
}

// narrowShape returns those of some rows (ascending; nil: all n) of a block stored
// in columns that can match. sure says that they do. The result lives in x.rows.
func (sc *scan) narrowShape(x *memScratch, b *segment.Block, shape *shred.Block, n int, rows []uint32) (left []uint32, sure bool, err error) {
	x.hits = x.hits.Fit(n)
	x.hits.Fill(n)
	if sc.need.Op != hint.Any {
		if err := x.search.narrow(&sc.need, n, x.hits, shape.Find); err != nil {
			return nil, false, b.ShapeError(err)
		}
	}
	x.keep(rows)
	if sc.columns != nil && len(x.rows) > 0 {
		x.fields.reset(shape, n)
		x.rows, sure, err = sc.columns.Keep(&x.fields, x.rows, &x.fields.scratch)
		if err != nil {
			return nil, false, b.ShapeError(err)
		}
	}
	if sc.automaton != nil && !sure && len(x.rows) > 0 {
		a, done := sc.automaton()
		defer done()
		x.hits = x.hits.Fit(n)
		if err := shape.Match(a, x.rows, x.hits); err != nil {
			return nil, false, b.ShapeError(err)
		}
		x.keep(x.rows)
		sure = true
	}
	return x.rows, sure, nil
}

// keep leaves in x.rows those of rows (nil: all) that are in x.hits. rows may be
// x.rows.
func (x *memScratch) keep(rows []uint32) {
	if rows == nil {
		x.rows = x.hits.AppendTo(x.rows[:0])
		return
	}
	kept := x.rows[:0]
	for _, row := range rows {
		if x.hits.Has(int(row)) {
			kept = append(kept, row)
		}
	}
	x.rows = kept
}

// matchShape rebuilds the selected rows of a block stored in columns, and no
// others, and keeps those that match.
func (sc *scan) matchShape(x *memScratch, r *blockRead, o *openBlock, b *segment.Block, shape *shred.Block, match func([]byte) bool) error {
	x.rows = x.rows[:0]
	for _, row := range o.sel.rows {
		x.rows = append(x.rows, row.row)
	}
	x.texts.Reset()
	if err := shape.Rows(x.rows, &x.texts); err != nil {
		return b.ShapeError(err)
	}
	r.decoded += int64(len(x.texts.Data))
	at := func(row int) []byte {
		i, _ := slices.BinarySearch(x.rows, uint32(row))
		return x.texts.At(i)
	}
	size, err := sc.matchRows(o, match, func(i, _ int) []byte { return x.texts.At(i) })
	if err == nil && len(o.sel.rows) > 0 {
		o.keep(size, func(_, row int) []byte { return at(row) })
	}
	return err
}

// matchRows asks the matcher about the selected rows and returns the size of the
// messages of those it keeps. message gets the place of the row in sel, too.
func (sc *scan) matchRows(o *openBlock, match func([]byte) bool, message func(i, row int) []byte) (size int, err error) {
	work, i := 0, -1
	o.sel.keep(func(row int) bool {
		i++
		if err != nil {
			return false
		}
		m := message(i, row)
		if work += len(m) + 64; work >= searchStep {
			work = 0
			if err = sc.ctx.Err(); err != nil {
				return false
			}
		}
		if !match(m) {
			return false
		}
		size += len(m)
		return true
	})
	return size, err
}

// selectRows collects the rows of the wanted streams within the bounds.
func (sc *scan) selectRows(o *openBlock, lo, hi logs.Key) {
	keys, runs := o.data.keys, o.data.runs
	if sc.streams == nil && o.data.sorted != nil {
		o.sel.addSorted(o.data.sorted, lo, hi)
		return
	}
	if sc.streams == nil {
		for _, run := range runs {
			o.sel.add(keys, run, lo, hi)
		}
		return
	}
	// Both are sorted by stream: walk the shorter one.
	if len(sc.streams) < len(runs) {
		for _, id := range sc.streams {
			i := searchRun(runs, id)
			if i < len(runs) && runs[i].Stream == id {
				o.sel.add(keys, runs[i], lo, hi)
			}
		}
		return
	}
	for _, run := range runs {
		if sc.wants(run.Stream) {
			o.sel.add(keys, run, lo, hi)
		}
	}
}

// recycle gives the buffers back to the pools.
func (o *openBlock) recycle() {
	o.close()
	if o.sel != nil {
		selectionPool.Put(o.sel)
		o.sel = nil
	}
}

// retire gives back what a cursor held. A block that will likely be wanted
// again goes to the cache: one that the scan stopped in or had read ahead, or
// one of which an unfiltered scan wanted only some streams.
func (sc *scan) retire(c *cursor, exhausted bool) {
	o := c.blk
	if o == nil {
		return
	}
	again := !exhausted || sc.match == nil && o.data != nil && 2*len(o.sel.rows) < len(o.data.keys)
	if again && o.buf != nil {
		if len(o.data.runs) > fewRuns && len(o.sel.rows) == len(o.data.keys) {
			o.data.sorted = o.sel.rows
		}
		sc.s.cache.put(cacheKey{o.part, o.id}, o.data)
	}
	sc.account.release(o.held)
	o.held = 0
	o.recycle()
}

// searchRun returns the index of the run of a stream, or where it would be.
func searchRun(runs []segment.StreamRun, id logs.StreamID) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].Stream >= id })
}
