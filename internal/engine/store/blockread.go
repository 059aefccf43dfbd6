package store

import (
	"slices"
	"sort"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// blockRead is the reading of one block, or of a slice of a memtable, by the scan
// itself or ahead of it.
type blockRead struct {
	mem  *memRead // nil: a block
	part *part
	info segment.BlockInfo

	done chan struct{} // closed when a goroutine has finished it; nil: none was started

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
	if reverse {
		return r.info.Max
	}
	return r.info.Min
}

// openBlock is a decoded block and the rows of it that are wanted, in order.
type openBlock struct {
	data    *blockData
	sel     *selection
	buf     *segment.Buffer // what data lives in; nil: data is the cache's
	part    *part
	id      blockID
	lastRun int // where stream looked last
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
	if sc.streams != nil {
		if d := sc.s.dirs.get(k); d != nil && !sc.wantsAny(d.runs) {
			return
		}
	}
	o := &openBlock{part: r.part, id: id, sel: selectionPool.Get().(*selection)}
	o.sel.reset()
	var b *segment.Block
	if o.data = sc.s.cache.get(k); o.data == nil {
		var reader *segment.Reader
		if reader, r.err = r.part.open(); r.err != nil {
			o.recycle()
			return
		}
		o.buf = bufferPool.Get().(*segment.Buffer)
		if b, r.err = reader.Read(sc.ctx, r.info, o.buf); r.err == nil {
			r.keys = true
			o.data = &blockData{keys: b.Keys(), runs: b.Streams(), b: b}
		}
		if r.err != nil {
			o.recycle()
			return
		}
	}
	sc.selectRows(o)
	if b != nil && sc.streams != nil {
		sc.s.dirs.put(k, &blockData{runs: o.data.runs})
	}
	if len(o.sel.rows) == 0 {
		o.recycle()
		return
	}
	if b != nil {
		if r.err = b.Load(sc.ctx); r.err != nil {
			o.recycle()
			return
		}
		o.data.messages, o.data.ends = b.Messages()
		r.decoded = int64(len(o.data.messages))
	}
	if sc.match != nil {
		r.rows = int64(len(o.sel.rows))
		if r.err = sc.filter(r, o); r.err != nil {
			o.recycle()
			return
		}
		if len(o.sel.rows) == 0 {
			o.recycle()
			return
		}
	}
	o.sel.order()
	r.open = o
}

// filter keeps the selected rows that match. When most of the block is selected,
// it is first searched as a whole for what the rows must contain.
func (sc *scan) filter(r *blockRead, o *openBlock) error {
	d := o.data
	for _, row := range o.sel.rows {
		r.bytes += int64(len(d.message(int(row.row))))
	}
	var hits column.Bitmap
	if sc.need.Op != hint.Any && 2*r.bytes >= int64(len(d.messages)) {
		x := memScratches.Get().(*memScratch)
		defer memScratches.Put(x)
		x.hits = x.hits.Fit(len(d.keys))
		hits = x.hits
		hits.Fill(len(d.keys))
		x.search.ctx = sc.ctx
		if err := x.search.rows(&sc.need, d.messages, 0, d.ends, hits); err != nil {
			return err
		}
	}
	work, err := 0, error(nil)
	o.sel.keep(func(row int) bool {
		if err != nil || hits != nil && !hits.Has(row) {
			return false
		}
		m := d.message(row)
		if work += len(m) + 64; work >= searchStep {
			work = 0
			if err = sc.ctx.Err(); err != nil {
				return false
			}
		}
		return sc.match(m)
	})
	return err
}

// selectRows collects the rows of the wanted streams within the bounds.
func (sc *scan) selectRows(o *openBlock) {
	keys, runs := o.data.keys, o.data.runs
	if sc.streams == nil {
		for _, run := range runs {
			o.sel.add(keys, run, sc.lo, sc.hi)
		}
		return
	}
	// Both are sorted by stream: walk the shorter one.
	if len(sc.streams) < len(runs) {
		for _, id := range sc.streams {
			i := searchRun(runs, id)
			if i < len(runs) && runs[i].Stream == id {
				o.sel.add(keys, runs[i], sc.lo, sc.hi)
			}
		}
		return
	}
	for _, run := range runs {
		if sc.wants(run.Stream) {
			o.sel.add(keys, run, sc.lo, sc.hi)
		}
	}
}

// wantsAny reports whether one of the runs is of a wanted stream.
func (sc *scan) wantsAny(runs []segment.StreamRun) bool {
	if len(sc.streams) < len(runs) {
		return slices.ContainsFunc(sc.streams, func(id logs.StreamID) bool {
			i := searchRun(runs, id)
			return i < len(runs) && runs[i].Stream == id
		})
	}
	return slices.ContainsFunc(runs, func(r segment.StreamRun) bool { return sc.wants(r.Stream) })
}

// recycle gives the buffers back to the pools.
func (o *openBlock) recycle() {
	if o.buf != nil {
		bufferPool.Put(o.buf)
		o.buf = nil
	}
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
	again := !exhausted || sc.match == nil && 2*len(o.sel.rows) < len(o.data.keys)
	if again && o.buf != nil {
		sc.s.cache.put(cacheKey{o.part, o.id}, o.data)
	}
	o.recycle()
}

// searchRun returns the index of the run of a stream, or where it would be.
func searchRun(runs []segment.StreamRun, id logs.StreamID) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].Stream >= id })
}
