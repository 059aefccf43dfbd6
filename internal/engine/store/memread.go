package store

import (
	"sync"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
)

// The rows of a memtable that a matcher looks at are read in slices, as blocks
// are: one at a time when its first row is due, later ones ahead on the workers.
const (
	firstSlice = 64 << 10 // message bytes of the first slice of a run, so that a small answer is cheap
	lastSlice  = 1 << 20  // each is twice the one before, up to this one
	sliceRows  = 8 << 10
)

// memSource is what slices of one run of a memtable share.
type memSource struct {
	chunks   []*chunk
	filtered bool // the run holds rows of streams that are not wanted
	size     int  // of the next slice; touched by the goroutine of the scan only
}

// memRead is the reading of a slice of a run of a memtable.
type memRead struct {
	src  *memSource
	refs []rowRef // ascending; before cut, all that is left of the run
	out  []rowRef // those that matched, ascending; in the memory of refs only when it was copied
}

// pushMemory queues the rows of a run strictly between the bounds.
func (sc *scan) pushMemory(src *memSource, refs []rowRef) {
	if len(refs) == 0 {
		return
	}
	read := &blockRead{mem: &memRead{src: src, refs: refs}}
	sc.pending.push(sc.reverse, pendingItem{bound: read.bound(sc.reverse), read: read})
}

// cut shortens a read of a memtable to one slice and queues what is left.
func (sc *scan) cut(read *blockRead) {
	m := read.mem
	if m == nil {
		return
	}
	src, refs := m.src, m.refs
	n, size := 0, 0
	for n < min(len(refs), sliceRows) && size < src.size {
		r := refs[n]
		if sc.reverse {
			r = refs[len(refs)-1-n]
		}
		size += src.chunks[r.chunk].messageLen(int(r.row))
		n++
	}
	src.size = min(2*src.size, lastSlice)
	if sc.reverse {
		k := len(refs) - n
		m.refs = refs[k:]
		sc.pushMemory(src, refs[:k])
		return
	}
	m.refs = refs[:n]
	sc.pushMemory(src, refs[n:])
}

func (m *memRead) bound(reverse bool) logs.Key {
	r := m.refs[0]
	if reverse {
		r = m.refs[len(m.refs)-1]
	}
	return logs.Key{Timestamp: r.timestamp, Seq: logs.MakeSeq(m.src.chunks[r.chunk].lsn, int(r.row))}
}

func (c *chunk) messageLen(i int) int {
	if i == 0 {
		return int(c.ends[0] - c.start)
	}
	return int(c.ends[i] - c.ends[i-1])
}

// memScratch is the memory that searching a slice, or a block, needs.
type memScratch struct {
	slot   []uint32 // of each chunk: its span + 1; all 0 between uses
	spans  []memSpan
	hits   column.Bitmap
	search rowSearch
	rows   []uint32     // of a block
	texts  column.Texts // of rows
	fields shapeFields
}

// memSpan is the rows [from, to] of a chunk that are in a slice. Slices are
// intervals of the order of rows, so these have no gaps.
type memSpan struct {
	chunk    uint32
	from, to uint32
	hits     int // its first word in hits; -1: each row is to be looked at
}

var memScratches = sync.Pool{New: func() any { return new(memScratch) }}

// readMemory searches a slice. What lies in one chunk is searched for the texts
// of the need as a whole; the matcher sees the rows that are left.
func (sc *scan) readMemory(r *blockRead) error {
	m := r.mem
	x := memScratches.Get().(*memScratch)
	defer memScratches.Put(x)
	x.search.ctx = sc.ctx
	if err := sc.searchSpans(x, m); err != nil {
		return err
	}
	work := 0
	for _, ref := range m.refs {
		c := m.src.chunks[ref.chunk]
		if m.src.filtered && !sc.wants(c.stream) {
			continue
		}
		msg := c.message(int(ref.row))
		r.rows++
		r.bytes += int64(len(msg))
		if len(x.spans) > 0 {
			if s := &x.spans[x.slot[ref.chunk]-1]; s.hits >= 0 && !x.hits[s.hits:].Has(int(ref.row-s.from)) {
				continue
			}
		}
		if work += len(msg) + 64; work >= searchStep {
			work = 0
			if err := sc.ctx.Err(); err != nil {
				x.clear()
				return err
			}
		}
		if sc.match(msg) {
			m.out = append(m.out, ref)
		}
	}
	x.clear()
	return nil
}

// searchSpans finds which rows of the slice may meet the need.
func (sc *scan) searchSpans(x *memScratch, m *memRead) error {
	if sc.need.Op == hint.Any || len(m.refs) < 8 {
		return nil
	}
	if len(x.slot) < len(m.src.chunks) {
		x.slot = make([]uint32, len(m.src.chunks))
	}
	for n, ref := range m.refs {
		// Batches of few events are matched one by one.
		if n == 256 && len(x.spans) > n/4 {
			x.clear()
			return nil
		}
		if i := x.slot[ref.chunk]; i != 0 {
			x.spans[i-1].from = min(x.spans[i-1].from, ref.row)
			x.spans[i-1].to = max(x.spans[i-1].to, ref.row)
			continue
		}
		x.spans = append(x.spans, memSpan{chunk: ref.chunk, from: ref.row, to: ref.row, hits: -1})
		x.slot[ref.chunk] = uint32(len(x.spans))
	}
	words := 0
	for i := range x.spans {
		s := &x.spans[i]
		c := m.src.chunks[s.chunk]
		if n := int(s.to-s.from) + 1; n >= 4 && (!m.src.filtered || sc.wants(c.stream)) {
			s.hits = words
			words += (n + 63) / 64
		}
	}
	x.hits = x.hits.Fit(64 * words)
	for _, s := range x.spans {
		if s.hits < 0 {
			continue
		}
		c := m.src.chunks[s.chunk]
		n, start := int(s.to-s.from)+1, c.start
		if s.from > 0 {
			start = c.ends[s.from-1]
		}
		hits := x.hits[s.hits : s.hits+(n+63)/64]
		hits.Fill(n)
		if err := x.search.rows(&sc.need, c.arena, start, c.ends[s.from:s.to+1], hits); err != nil {
			x.clear()
			return err
		}
	}
	return nil
}

// clear makes x ready for the next slice.
func (x *memScratch) clear() {
	for _, s := range x.spans {
		x.slot[s.chunk] = 0
	}
	x.spans = x.spans[:0]
	x.search.ctx = nil
}
