package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// BlockView is a block of events of one group: one of a part, or events that are
// in memory. Its rows are numbered from 0, at most column.MaxRows, and sorted by
// (stream, timestamp, seq) when it is of a part. What its methods return is read
// only, shares the memory of the view and is valid until the call of fn that got the view returns. It is
// used by one goroutine at a time. Whatever must be read or decoded is when it
// is asked for, and kept.
type BlockView struct {
	scan   *blockScan
	ctx    context.Context
	search rowSearch

	group       logs.GroupID
	rows        int
	bytes       int64
	first, last int64
	sel         []uint32 // in selRows; nil: all rows
	decoded     int64
	damage      error // what a method met

	part *part // nil: in memory
	info *segment.BlockInfo
	buf  *segment.Buffer
	blk  *segment.Block // keys are read
	cols *segment.Block // columns are open
	data *blockData     // of the cache

	chunks    []*chunk // in memory
	compacted bool     // some of their rows were left out

	has     views
	keys    []logs.Key
	streams []logs.StreamID
	ingests []int64
	texts   column.Texts
	own     column.Texts // memory of texts
	ownKeys []logs.Key
	selRows []uint32
	hits    column.Bitmap
	picked  selection
	fields
}

// views says what a BlockView has made already.
type views struct{ keys, streams, ingests, texts bool }

// reset starts a new block.
func (b *BlockView) reset() {
	b.sel, b.decoded, b.damage = nil, 0, nil
	b.part, b.info, b.blk, b.cols, b.data, b.chunks = nil, nil, nil, nil, nil, nil
	b.has, b.compacted = views{}, false
	b.fields.reset()
}

// memory hands out rows in memory. A chunk that is larger than a block is cut.
func (b *BlockView) memory(group logs.GroupID, chunks []*chunk, stats *Stats, fn func() error) error {
	b.reset()
	b.group, b.chunks = group, chunks
	b.rows, b.bytes, b.first, b.last = 0, 0, math.MaxInt64, -1
	sc := &b.scan.sel
	b.selRows = b.selRows[:0]
	for _, c := range chunks {
		ts := c.timestamps
		for i := range ts {
			if sc.lo.Timestamp < ts[i] && ts[i] < sc.hi.Timestamp {
				b.selRows = append(b.selRows, uint32(b.rows+i))
			}
		}
		b.first, b.last = min(b.first, ts[0]), max(b.last, ts[len(ts)-1])
		b.rows += len(ts)
		b.bytes += c.messageBytes()
	}
	if len(b.selRows) == 0 {
		return nil
	}
	if len(b.selRows) < b.rows {
		b.sel = b.selRows
	}
	n, err := b.selectedBytes()
	if err != nil {
		return err
	}
	rows := int64(len(b.selRows))
	stats.MemoryRows += rows
	stats.MemoryBytes += n
	if some, err := b.meet(); err != nil || !some {
		stats.Rows += rows
		stats.Bytes += n
		return err
	}
	return b.call(stats, rows, n, fn)
}

// block hands out a block of a part.
func (b *BlockView) block(p *part, info *segment.BlockInfo, stats *Stats, fn func() error) error {
	if b.scan.ctx.Err() != nil {
		return context.Cause(b.scan.ctx)
	}
	b.reset()
	b.part, b.info, b.group = p, info, info.Group
	b.rows, b.bytes = info.Rows, info.RawBytes
	b.first, b.last = info.Min.Timestamp, info.Max.Timestamp
	id := idOf(info)
	if p.quarantined(id) != nil {
		stats.DamagedBlocks++
		return nil
	}
	k := cacheKey{p, id}
	b.data = b.scan.s.cache.get(k)
	if b.data == nil {
		b.buf = b.scan.s.warm.take(k)
		defer func() {
			b.scan.s.warm.give(k, b.buf, b.bytes)
			b.buf = nil
		}()
	}
	if !b.scan.sel.wholly(info) {
		if b.scan.s.lacks(k, b.scan.sel.streams) {
			stats.Blocks++
			return nil
		}
		if err := b.selectRows(stats); err != nil {
			return b.failed(stats, err)
		}
		if b.blk != nil && b.scan.sel.streams != nil {
			b.scan.s.remember(k, b.blk.Streams())
		}
		if len(b.selRows) == 0 {
			stats.Blocks++
			if b.blk != nil {
				stats.KeyBlocks++
			}
			return nil
		}
	}
	n, err := b.selectedBytes()
	if err != nil {
		return b.failed(stats, err)
	}
	stats.Blocks++
	rows := int64(b.rows)
	if b.sel != nil {
		rows = int64(len(b.sel))
	}
	return b.call(stats, rows, n, fn)
}

// selectRows fills sel with the rows of wanted streams between the bounds.
func (b *BlockView) selectRows(stats *Stats) error {
	if err := b.readKeys(); err != nil {
		return err
	}
	b.picked.reset()
	d := &blockData{} // its rows in the order they have in the block
	if b.data != nil {
		d.keys, d.runs = b.data.keys, b.data.runs
	} else {
		d.keys, d.runs = b.blk.Keys(), b.blk.Streams()
	}
	sc := &b.scan.sel
	sc.selectRows(&openBlock{data: d, sel: &b.picked}, sc.lo, sc.hi)
	b.selRows = b.selRows[:0]
	for _, r := range b.picked.rows {
		b.selRows = append(b.selRows, r.row)
	}
	if len(b.selRows) < b.rows {
		b.sel = b.selRows
	}
	return nil
}

// selectedBytes returns the message bytes of the selected rows.
func (b *BlockView) selectedBytes() (int64, error) {
	if b.sel == nil {
		return b.bytes, nil
	}
	n := int64(0)
	switch {
	case b.chunks != nil:
		at, c := 0, 0
		for _, row := range b.sel {
			for int(row) >= at+len(b.chunks[c].timestamps) {
				at += len(b.chunks[c].timestamps)
				c++
			}
			n += int64(len(b.chunks[c].message(int(row) - at)))
		}
	case b.data != nil:
		for _, row := range b.sel {
			n += int64(len(b.data.message(int(row))))
		}
	default:
		for _, row := range b.sel {
			n += int64(b.blk.MessageLen(int(row)))
		}
	}
	return n, nil
}

// meet takes rows in memory that cannot meet the need out of the selection, and
// reports whether any are left.
func (b *BlockView) meet() (some bool, err error) {
	need := &b.scan.q.Need
	if need.Op == hint.Any {
		return true, nil
	}
	if columns, err := b.inColumns(); columns || err != nil {
		return true, err // which tell at less cost
	}
	t, err := b.Messages()
	if err != nil {
		return false, err
	}
	b.hits = b.hits.Fit(b.rows)
	b.hits.Fill(b.rows)
	if err := b.search.rows(need, t.Data, 0, t.Ends, b.hits); err != nil {
		return false, err
	}
	n := 0
	for _, row := range b.selRows {
		if b.hits.Has(int(row)) {
			b.selRows[n] = row
			n++
		}
	}
	if n < b.rows {
		b.selRows = b.selRows[:n]
		b.sel = b.selRows
	}
	if n > 0 && 2*n < b.rows {
		return true, b.compact()
	}
	return n > 0, nil
}

// compact makes the selected rows, which are in memory, the only ones.
func (b *BlockView) compact() error {
	if _, err := b.Keys(); err != nil {
		return err
	}
	if _, err := b.Streams(); err != nil {
		return err
	}
	if _, err := b.Ingestions(); err != nil {
		return err
	}
	n, size := 0, 0
	for _, row := range b.selRows {
		m := b.texts.At(int(row))
		b.keys[n], b.streams[n], b.ingests[n] = b.keys[row], b.streams[row], b.ingests[row]
		size += copy(b.own.Data[size:], m)
		b.own.Ends[n] = uint32(size)
		n++
	}
	b.own.Data, b.own.Ends = b.own.Data[:size], b.own.Ends[:n]
	b.texts, b.keys, b.streams, b.ingests = b.own, b.keys[:n], b.streams[:n], b.ingests[:n]
	b.rows, b.bytes, b.sel, b.compacted = n, int64(size), nil, true
	return nil
}

// call calls fn for the block and counts it: rows that were looked at, with n
// bytes of messages.
func (b *BlockView) call(stats *Stats, rows, n int64, fn func() error) error {
	err := fn()
	stats.DecodedBytes += b.decoded
	if b.blk != nil {
		stats.KeyBlocks++
	}
	if err != nil && b.damage != nil && errors.Is(err, b.damage) {
		stats.Blocks--
		return b.failed(stats, b.damage)
	}
	stats.Rows += rows
	stats.Bytes += n
	if b.sel == nil {
		stats.Matched += int64(b.rows)
	} else {
		stats.Matched += int64(len(b.sel))
	}
	return err
}

// failed decides what an error of reading means.
func (b *BlockView) failed(stats *Stats, err error) error {
	if !isDamage(err) {
		return err
	}
	if b.part.quarantine(idOf(b.info), err) {
		b.scan.s.o.Logger.Error("a block is damaged; its events are left out of every answer",
			"part", b.part.seg.ID, "group", b.group, "events", b.rows, "error", err)
	}
	stats.DamagedBlocks++
	return nil
}

// note remembers damage that a method met.
func (b *BlockView) note(err error) error {
	if err != nil && isDamage(err) {
		b.damage = err
	}
	return err
}

// Group returns the group of the block.
func (b *BlockView) Group() logs.GroupID { return b.group }

// Len returns the number of rows.
func (b *BlockView) Len() int { return b.rows }

// Sel returns the rows that are within the streams and the time range of the
// query, ascending; nil means all.
func (b *BlockView) Sel() []uint32 { return b.sel }

// Bytes returns the length of all messages of the block.
func (b *BlockView) Bytes() int64 { return b.bytes }

// Span bounds the timestamps of all rows, both ends included, without reading
// anything.
func (b *BlockView) Span() (first, last int64) { return b.first, b.last }

// Decoded returns how many bytes reading has produced so far.
func (b *BlockView) Decoded() int64 { return b.decoded }

// readKeys reads the keys of a block of a part.
func (b *BlockView) readKeys() error {
	if b.blk != nil || b.data != nil {
		return nil
	}
	r, err := b.part.open()
	if err != nil {
		return b.note(err)
	}
	blk, open := r.Reuse(*b.info, b.buf)
	if !open {
		if blk, err = r.Read(b.ctx, *b.info, b.buf); err != nil {
			return b.note(err)
		}
		b.decoded += int64(24 * b.rows)
	}
	b.blk = blk
	return nil
}

// Keys returns the key of every row.
func (b *BlockView) Keys() ([]logs.Key, error) {
	if b.has.keys {
		return b.keys, nil
	}
	switch {
	case b.chunks != nil:
		b.ownKeys = b.ownKeys[:0]
		for _, c := range b.chunks {
			for i := range c.timestamps {
				b.ownKeys = append(b.ownKeys, c.key(i))
			}
		}
		b.keys = b.ownKeys
	default:
		if err := b.readKeys(); err != nil {
			return nil, err
		}
		if b.data != nil {
			b.keys = b.data.keys
		} else {
			b.keys = b.blk.Keys()
		}
	}
	b.has.keys = true
	return b.keys, nil
}

// Streams returns the stream of every row.
func (b *BlockView) Streams() ([]logs.StreamID, error) {
	if b.has.streams {
		return b.streams, nil
	}
	b.streams = slices.Grow(b.streams[:0], b.rows)
	if b.chunks != nil {
		for _, c := range b.chunks {
			for range c.timestamps {
				b.streams = append(b.streams, c.stream)
			}
		}
	} else {
		if err := b.readKeys(); err != nil {
			return nil, err
		}
		runs := []segment.StreamRun(nil)
		if b.data != nil {
			runs = b.data.runs
		} else {
			runs = b.blk.Streams()
		}
		for _, r := range runs {
			for range r.To - r.From {
				b.streams = append(b.streams, r.Stream)
			}
		}
	}
	b.has.streams = true
	return b.streams, nil
}

// Ingestions returns the ingestion time of every row in ms since the Unix epoch.
func (b *BlockView) Ingestions() ([]int64, error) {
	if b.has.ingests {
		return b.ingests, nil
	}
	b.ingests = slices.Grow(b.ingests[:0], b.rows)
	if b.chunks != nil {
		for _, c := range b.chunks {
			for range c.timestamps {
				b.ingests = append(b.ingests, c.ingestion)
			}
		}
	} else {
		if err := b.readKeys(); err != nil {
			return nil, err
		}
		for i := range b.rows {
			if b.data != nil {
				b.ingests = append(b.ingests, b.data.ingestion(i))
			} else {
				b.ingests = append(b.ingests, b.blk.Ingestion(i))
			}
		}
	}
	b.has.ingests = true
	return b.ingests, nil
}

// Messages returns the message of every row.
func (b *BlockView) Messages() (*column.Texts, error) {
	if b.has.texts {
		return &b.texts, nil
	}
	switch {
	case b.chunks != nil:
		b.own.Reset()
		b.own.Data, b.own.Ends = slices.Grow(b.own.Data, int(b.bytes)), slices.Grow(b.own.Ends, b.rows)
		for _, c := range b.chunks {
			base := uint32(len(b.own.Data)) - c.start
			b.own.Data = append(b.own.Data, c.arena[c.start:c.ends[len(c.ends)-1]]...)
			for _, end := range c.ends {
				b.own.Ends = append(b.own.Ends, base+end)
			}
		}
		b.texts = b.own
	case b.data != nil:
		b.texts = column.Texts{Data: b.data.messages, Ends: b.data.ends}
	default:
		if err := b.readKeys(); err != nil {
			return nil, err
		}
		if err := b.blk.Load(b.ctx); err != nil {
			return nil, b.note(err)
		}
		b.decoded += b.bytes
		b.texts.Data, b.texts.Ends = b.blk.Messages()
	}
	b.has.texts = true
	return &b.texts, nil
}
