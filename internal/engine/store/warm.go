package store

import (
	"container/list"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
)

// warmBlocks keeps blocks that were opened last with what was decoded of them:
// keys, the directory of their columns, and the columns that were asked for. What
// is stored is packed tightly, so that opening a block costs more than most
// questions about it.
//
// A block is handed out to one reader at a time and given back by it; a second
// reader of the same block opens it anew. Blocks whose messages were decoded are
// not kept here; see blockCache.
type warmBlocks struct {
	mu    sync.Mutex
	limit int64
	used  int64
	clock int64 // blocks asked for so far
	byKey map[cacheKey]*list.Element
	lru   *list.List // of *warmBlock, the latest at the front
}

type warmBlock struct {
	key  cacheKey
	buf  *segment.Buffer
	size int64
	used int64 // clock when it was given back
}

func newWarmBlocks(limit int64) *warmBlocks {
	return &warmBlocks{limit: limit, byKey: make(map[cacheKey]*list.Element), lru: list.New()}
}

// take returns a Buffer to read a block with: the one that it is open in, if
// there is one.
func (c *warmBlocks) take(k cacheKey) *segment.Buffer {
	c.mu.Lock()
	c.clock++
	e := c.byKey[k]
	if e == nil {
		c.mu.Unlock()
		return bufferPool.Get().(*segment.Buffer)
	}
	w := c.drop(e)
	c.mu.Unlock()
	return w.buf
}

// give takes a Buffer back. largest bounds in bytes what is worth keeping of the
// block.
func (c *warmBlocks) give(k cacheKey, buf *segment.Buffer, largest int64) {
	if !buf.Trim() {
		bufferPool.Put(buf)
		return
	}
	size := buf.Memory() + 256
	var out []*warmBlock
	c.mu.Lock()
	keep := size <= largest && size <= c.limit && c.byKey[k] == nil
	for keep && c.used+size > c.limit {
		last := c.lru.Back()
		// A scan that is larger than the cache would otherwise drop every block just
		// before it comes to it again.
		if c.clock-last.Value.(*warmBlock).used < int64(4*len(c.byKey)) {
			keep = false
			break
		}
		out = append(out, c.drop(last))
	}
	if keep {
		c.byKey[k] = c.lru.PushFront(&warmBlock{k, buf, size, c.clock})
		c.used += size
	}
	c.mu.Unlock()
	for _, w := range out {
		bufferPool.Put(w.buf)
	}
	if !keep {
		bufferPool.Put(buf)
	}
}

// drop removes an entry; the caller holds mu.
func (c *warmBlocks) drop(e *list.Element) *warmBlock {
	w := c.lru.Remove(e).(*warmBlock)
	delete(c.byKey, w.key)
	c.used -= w.size
	return w
}

// forget removes the blocks of a part.
func (c *warmBlocks) forget(p *part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.lru.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*warmBlock).key.part == p {
			c.drop(e)
		}
		e = next
	}
}

func (c *warmBlocks) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
