package store

import (
	"math"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// BlockOrder says in which order ScanBlocks hands out blocks. Workers overlap,
// so it is the order in which calls begin; and a part that is still being opened
// does not hold up blocks of others.
type BlockOrder uint8

// The orders.
const (
	AnyOrder    BlockOrder = iota
	NewestFirst            // by the last time of a block, descending
	OldestFirst            // by the first time of a block, ascending
)

// blockItem is a piece of work of a block scan: rows of a memtable, a part that
// was not looked into yet, or blocks of a part.
type blockItem struct {
	group logs.GroupID
	mem   []*chunk
	part  *part
	infos []segment.BlockInfo // nil: the part as a whole

	first, last int64 // times of its events; both included
}

// blocksPerItem is how many neighbouring blocks a worker takes at once when the
// order does not matter: some, because the blocks of a shared frame are decoded
// together.
const blocksPerItem = 8

func memoryItem(group logs.GroupID, chunks []*chunk) blockItem {
	item := blockItem{group: group, mem: chunks, first: math.MaxInt64, last: math.MinInt64}
	for _, c := range chunks {
		item.first = min(item.first, c.timestamps[0])
		item.last = max(item.last, c.timestamps[len(c.timestamps)-1])
	}
	return item
}

func partItem(p *part) blockItem {
	return blockItem{part: p, first: p.seg.MinTime, last: p.seg.MaxTime}
}

func blocksItem(p *part, infos []segment.BlockInfo) blockItem {
	item := blockItem{part: p, infos: infos, first: math.MaxInt64, last: math.MinInt64}
	for i := range infos {
		item.first = min(item.first, infos[i].Min.Timestamp)
		item.last = max(item.last, infos[i].Max.Timestamp)
	}
	return item
}

// blockQueue holds the work that is left: the latest first when any order will
// do, else a heap.
type blockQueue struct {
	order BlockOrder
	items []blockItem
}

func (q *blockQueue) before(a, b *blockItem) bool {
	if q.order == NewestFirst {
		return a.last > b.last
	}
	return a.first < b.first
}

func (q *blockQueue) push(item blockItem) {
	q.items = append(q.items, item)
	if q.order == AnyOrder {
		return
	}
	h := q.items
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(&h[i], &h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// pop removes the next item; the queue must not be empty.
func (q *blockQueue) pop() blockItem {
	h := q.items
	n := len(h) - 1
	if q.order != AnyOrder {
		h[0], h[n] = h[n], h[0]
		for i := 0; ; {
			k := 2*i + 1
			if k >= n {
				break
			}
			if k+1 < n && q.before(&h[k+1], &h[k]) {
				k++
			}
			if !q.before(&h[k], &h[i]) {
				break
			}
			h[i], h[k] = h[k], h[i]
			i = k
		}
	}
	item := h[n]
	h[n] = blockItem{}
	q.items = h[:n]
	return item
}

// skip reports whether an item is no longer wanted, and counts it.
func (bs *blockScan) skip(item *blockItem, stats *Stats) bool {
	if bs.q.Skip == nil || !bs.q.Skip(item.first, item.last) {
		return false
	}
	if item.mem == nil && item.infos == nil {
		stats.PartsSkipped++
	}
	for i := range item.infos {
		stats.stopped(&item.infos[i])
	}
	return true
}

// stopped counts a block that was not wanted any more.
func (s *Stats) stopped(info *segment.BlockInfo) {
	s.BlocksSkipped++
	s.StopSkipped.Blocks++
	s.StopSkipped.Rows += int64(info.Rows)
	s.StopSkipped.Bytes += info.RawBytes
}
