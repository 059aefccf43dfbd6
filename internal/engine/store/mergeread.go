package store

import (
	"math"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// mergeReader yields the rows of blocks of one group that live, in order of
// (timestamp, seq). A block is opened when its first row is due. Blocks are
// decoded in one buffer, and only the rows that live are kept, so an open block
// costs its messages and 56 bytes for each row.
type mergeReader struct {
	m       *merge
	group   logs.GroupID
	lo, hi  logs.Key // exclusive
	pending []mergeBlock
	open    []*mergeSource // heap by key
	free    []*mergeSource

	buf segment.Buffer
	sel selection
	// Of a shared frame decoded last, so that neighbours in it do not decode it
	// again: Buffer remembers that by itself, as long as it reads one part.
	shared map[*part]*segment.Buffer
}

// mergeSource is an open block.
type mergeSource struct {
	rows  []segment.Row
	arena []byte
	at    int
}

func (c *mergeSource) key() logs.Key { return c.rows[c.at].Key }

// read yields the rows of blocks, which are of one group and sorted by their
// first key. The row is valid until yield returns.
func (r *mergeReader) read(blocks []mergeBlock, yield func(*segment.Row) error) error {
	m := r.m
	r.group = blocks[0].info.Group
	day := m.bucket.day
	r.lo = logs.Key{Timestamp: max(day*dayMillis, m.cutoff(r.group)) - 1, Seq: math.MaxUint64}
	r.hi = logs.Key{Timestamp: (day + 1) * dayMillis}
	r.pending = blocks
	defer func() {
		for _, c := range r.open {
			r.recycle(c)
		}
		r.open, r.pending = r.open[:0], nil
	}()
	for {
		for len(r.pending) > 0 && (len(r.open) == 0 || !r.open[0].key().Less(r.pending[0].info.Min)) {
			if err := r.openBlock(r.pending[0]); err != nil {
				return err
			}
			r.pending = r.pending[1:]
		}
		if len(r.open) == 0 {
			return nil
		}
		limit, limited := r.limit()
		c := r.open[0]
		for {
			if err := yield(&c.rows[c.at]); err != nil {
				return err
			}
			c.at++
			if c.at == len(c.rows) {
				r.pop()
				r.recycle(c)
				break
			}
			if limited && !c.key().Less(limit) {
				r.down()
				break
			}
		}
	}
}

// limit returns the key up to which the first source is read without looking at
// others.
func (r *mergeReader) limit() (limit logs.Key, limited bool) {
	for i := 1; i < min(3, len(r.open)); i++ {
		if k := r.open[i].key(); !limited || k.Less(limit) {
			limit, limited = k, true
		}
	}
	if len(r.pending) > 0 {
		if k := r.pending[0].info.Min; !limited || k.Less(limit) {
			limit, limited = k, true
		}
	}
	return limit, limited
}

// openBlock decodes a block and queues its rows that live.
func (r *mergeReader) openBlock(b mergeBlock) error {
	m := r.m
	if err := m.pace(b.info.RawBytes); err != nil {
		return err
	}
	reader, err := b.part.open()
	if err != nil {
		return err
	}
	buf := &r.buf
	if b.info.Mode == segment.ModeShared {
		if buf = r.shared[b.part]; buf == nil {
			if r.shared == nil {
				r.shared = make(map[*part]*segment.Buffer)
			}
			buf = new(segment.Buffer)
			r.shared[b.part] = buf
		}
	}
	blk, err := reader.Read(m.ctx, b.info, buf)
	if err == nil {
		err = blk.Load(m.ctx)
	}
	if err != nil {
		m.blame(b, err)
		return err
	}
	r.sel.reset()
	keys, of := blk.Keys(), blk.Streams()
	for _, run := range of {
		if !m.dead.dead(r.group, run.Stream) {
			r.sel.add(keys, run, r.lo, r.hi)
		}
	}
	m.dropped += m.rowsOfDay(keys) - int64(len(r.sel.rows))
	if len(r.sel.rows) == 0 {
		return nil
	}
	r.sel.order()
	c := r.source()
	arena, ends := blk.Messages()
	c.arena = slices.Grow(c.arena, len(arena)) // once, as rows point into it
	c.rows = slices.Grow(c.rows, len(r.sel.rows))
	run := 0
	for _, s := range r.sel.rows {
		i := int(s.row)
		if i < of[run].From || i >= of[run].To {
			run = searchRow(of, i)
		}
		from := uint32(0)
		if i > 0 {
			from = ends[i-1]
		}
		start := len(c.arena)
		c.arena = append(c.arena, arena[from:ends[i]]...)
		c.rows = append(c.rows, segment.Row{
			Stream: of[run].Stream, Key: s.key, Ingestion: blk.Ingestion(i), Message: c.arena[start:len(c.arena):len(c.arena)],
		})
		row := &c.rows[len(c.rows)-1]
		m.in += rowHash(r.group, row)
	}
	r.open = append(r.open, c)
	r.up()
	return nil
}

// searchRow returns the index of the run that holds row i.
func searchRow(runs []segment.StreamRun, i int) int {
	at, _ := slices.BinarySearchFunc(runs, i, func(r segment.StreamRun, i int) int {
		if r.To <= i {
			return -1
		}
		return 1
	})
	return at
}

func (r *mergeReader) source() *mergeSource {
	if n := len(r.free); n > 0 {
		c := r.free[n-1]
		r.free = r.free[:n-1]
		return c
	}
	return &mergeSource{}
}

func (r *mergeReader) recycle(c *mergeSource) {
	clear(c.rows)
	c.rows, c.arena, c.at = c.rows[:0], c.arena[:0], 0
	r.free = append(r.free, c)
}

func (r *mergeReader) up() {
	h := r.open
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if !h[i].key().Less(h[p].key()) {
			return
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

func (r *mergeReader) down() {
	h := r.open
	for i := 0; ; {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && h[k+1].key().Less(h[k].key()) {
			k++
		}
		if !h[k].key().Less(h[i].key()) {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

func (r *mergeReader) pop() {
	n := len(r.open) - 1
	r.open[0] = r.open[n]
	r.open[n] = nil
	r.open = r.open[:n]
	r.down()
}

// rowHash is a hash of everything that makes a row. The sum over rows does not
// depend on their order.
func rowHash(group logs.GroupID, r *segment.Row) uint64 {
	h := xxhash.Sum64(r.Message)
	for _, v := range [...]uint64{uint64(group), uint64(r.Stream), uint64(r.Key.Timestamp), uint64(r.Key.Seq), uint64(r.Ingestion)} {
		h = bits.RotateLeft64(h^v*0x9e3779b97f4a7c15, 27)*0xc2b2ae3d27d4eb4f + 0x165667b19e3779f9
	}
	return h
}

// blockHash is the same for a block that is written, or found in an index.
func blockHash(b *segment.BlockInfo) uint64 {
	h := b.Hash
	for _, v := range [...]uint64{
		uint64(b.Group), uint64(b.Rows), uint64(b.RawBytes), uint64(b.Streams),
		uint64(b.Min.Timestamp), uint64(b.Min.Seq), uint64(b.Max.Timestamp), uint64(b.Max.Seq),
	} {
		h = bits.RotateLeft64(h^v*0x9e3779b97f4a7c15, 27)*0xc2b2ae3d27d4eb4f + 0x165667b19e3779f9
	}
	return h
}
