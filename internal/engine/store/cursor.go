package store

import (
	"sort"

	"github.com/cumulog/cumulog/internal/logs"
)

// cursor walks the rows of one sorted source, a run of a memtable or the
// selected rows of a block, forward or backward.
type cursor struct {
	key  logs.Key // of the row it stands on
	pos  int
	end  int // where it is exhausted
	step int // +1 or -1

	refs     []rowRef // of a memtable …
	chunks   []*chunk
	searched bool // the matcher has chosen them

	blk *openBlock // … or of a block
}

// within returns the rows of a run strictly between the bounds.
func within(refs []rowRef, chunks []*chunk, lo, hi logs.Key) []rowRef {
	key := func(i int) logs.Key {
		return logs.Key{Timestamp: refs[i].timestamp, Seq: logs.MakeSeq(chunks[refs[i].chunk].lsn, int(refs[i].row))}
	}
	from := sort.Search(len(refs), func(i int) bool { return lo.Less(key(i)) })
	to := from + sort.Search(len(refs)-from, func(i int) bool { return !key(from + i).Less(hi) })
	return refs[from:to]
}

// memCursor returns a cursor over rows of a run; there is at least one.
func memCursor(refs []rowRef, chunks []*chunk, reverse bool) *cursor {
	c := &cursor{refs: refs, chunks: chunks}
	c.span(0, len(refs), reverse)
	return c
}

func blockCursor(b *openBlock, reverse bool) *cursor {
	c := &cursor{blk: b}
	c.span(0, len(b.sel.rows), reverse)
	return c
}

// span puts the cursor on the first of the rows [from, to).
func (c *cursor) span(from, to int, reverse bool) {
	c.pos, c.end, c.step = from, to, 1
	if reverse {
		c.pos, c.end, c.step = to-1, from-1, -1
	}
	c.load()
}

func (c *cursor) load() {
	if c.blk != nil {
		c.key = c.blk.sel.rows[c.pos].key
		return
	}
	r := c.refs[c.pos]
	c.key = logs.Key{Timestamp: r.timestamp, Seq: logs.MakeSeq(c.chunks[r.chunk].lsn, int(r.row))}
}

// next steps to the next row; false when there is none.
func (c *cursor) next() bool {
	c.pos += c.step
	if c.pos == c.end {
		return false
	}
	c.load()
	return true
}

// event fills e with the row the cursor stands on.
func (c *cursor) event(e *logs.Event) {
	e.Key = c.key
	if c.blk != nil {
		c.blk.event(int(c.blk.sel.rows[c.pos].row), e)
		return
	}
	r := c.refs[c.pos]
	ch := c.chunks[r.chunk]
	e.Stream, e.Ingestion, e.Message = ch.stream, ch.ingestion, ch.message(int(r.row))
}

// frontier is a heap of cursors by the key they stand on, the first in the
// direction of the scan on top.
type frontier struct {
	reverse bool
	c       []*cursor
}

func (f *frontier) before(a, b logs.Key) bool {
	if f.reverse {
		return b.Less(a)
	}
	return a.Less(b)
}

func (f *frontier) push(c *cursor) {
	f.c = append(f.c, c)
	i := len(f.c) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !f.before(f.c[i].key, f.c[p].key) {
			return
		}
		f.c[i], f.c[p] = f.c[p], f.c[i]
		i = p
	}
}

// fix restores the heap after the key of the top has changed.
func (f *frontier) fix() {
	i, n := 0, len(f.c)
	for {
		k := 2*i + 1
		if k >= n {
			return
		}
		if k+1 < n && f.before(f.c[k+1].key, f.c[k].key) {
			k++
		}
		if !f.before(f.c[k].key, f.c[i].key) {
			return
		}
		f.c[i], f.c[k] = f.c[k], f.c[i]
		i = k
	}
}

// pop removes the top.
func (f *frontier) pop() {
	n := len(f.c) - 1
	f.c[0], f.c[n] = f.c[n], nil
	f.c = f.c[:n]
	f.fix()
}

// second returns the key that comes next after the top.
func (f *frontier) second() (k logs.Key, ok bool) {
	switch len(f.c) {
	case 0, 1:
		return k, false
	case 2:
		return f.c[1].key, true
	}
	if f.before(f.c[2].key, f.c[1].key) {
		return f.c[2].key, true
	}
	return f.c[1].key, true
}
