package store

import (
	"container/list"
	"sort"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// blockData is a decoded block: of a Buffer while it is read, or a copy of its
// own in the cache. It does not change.
type blockData struct {
	keys     []logs.Key
	runs     []segment.StreamRun
	ends     []uint32
	messages []byte

	sorted  []ordered // all rows in order, of cached blocks with many runs; nil: not known
	streams streamDir // of the cache that knows nothing else of its blocks

	b          *segment.Block // ingestion times come from it …
	ingestions []int64        // … or from here
}

func (d *blockData) message(row int) []byte {
	from := uint32(0)
	if row > 0 {
		from = d.ends[row-1]
	}
	return d.messages[from:d.ends[row]:d.ends[row]]
}

func (d *blockData) ingestion(row int) int64 {
	if d.b != nil {
		return d.b.Ingestion(row)
	}
	return d.ingestions[row]
}

// run returns the index in runs of the stream that holds row.
func (d *blockData) run(row int) int {
	return sort.Search(len(d.runs), func(i int) bool { return d.runs[i].To > row })
}

// memory returns the size of a copy.
func (d *blockData) memory() int64 {
	return int64(28*len(d.keys)+24*len(d.runs)+len(d.messages)+cap(d.streams)+24*len(d.sorted)) + 256
}

// clone copies d out of the Buffer it lives in.
func (d *blockData) clone() *blockData {
	c := &blockData{
		keys:     append(make([]logs.Key, 0, len(d.keys)), d.keys...),
		runs:     append(make([]segment.StreamRun, 0, len(d.runs)), d.runs...),
		ends:     append(make([]uint32, 0, len(d.ends)), d.ends...),
		messages: append(make([]byte, 0, len(d.messages)), d.messages...),
	}
	if d.sorted != nil {
		c.sorted = append(make([]ordered, 0, len(d.sorted)), d.sorted...)
	}
	c.ingestions = make([]int64, len(d.keys))
	for i := range c.ingestions {
		c.ingestions[i] = d.ingestion(i)
	}
	return c
}

// cacheKey names a block for as long as its part lives.
type cacheKey struct {
	part  *part
	block blockID
}

type cacheEntry struct {
	key  cacheKey
	data *blockData
}

// blockCache keeps the decoded blocks that were used last, within a bound of
// bytes. Paging through a stream so decodes each block once.
type blockCache struct {
	mu    sync.Mutex
	limit int64
	used  int64
	byKey map[cacheKey]*list.Element
	lru   *list.List // of *cacheEntry, the latest at the front
}

func newBlockCache(limit int64) *blockCache {
	return &blockCache{limit: limit, byKey: make(map[cacheKey]*list.Element), lru: list.New()}
}

func (c *blockCache) get(k cacheKey) *blockData {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[k]
	if e == nil {
		return nil
	}
	c.lru.MoveToFront(e)
	return e.Value.(*cacheEntry).data
}

// put copies d into the cache unless it is there or too large.
func (c *blockCache) put(k cacheKey, d *blockData) {
	size := d.memory()
	c.mu.Lock()
	_, known := c.byKey[k]
	c.mu.Unlock()
	if known || size > c.limit {
		return
	}
	c.insert(k, d.clone())
}

// putNew makes what is to be known of a block, unless it is known.
func (c *blockCache) putNew(k cacheKey, fresh func() *blockData) {
	c.mu.Lock()
	_, known := c.byKey[k]
	c.mu.Unlock()
	if known {
		return
	}
	if d := fresh(); d.memory() <= c.limit {
		c.insert(k, d)
	}
}

func (c *blockCache) insert(k cacheKey, d *blockData) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[k] != nil {
		return
	}
	c.byKey[k] = c.lru.PushFront(&cacheEntry{key: k, data: d})
	c.used += d.memory()
	for c.used > c.limit {
		c.drop(c.lru.Back())
	}
}

// drop removes an entry; the caller holds mu.
func (c *blockCache) drop(e *list.Element) {
	entry := c.lru.Remove(e).(*cacheEntry)
	delete(c.byKey, entry.key)
	c.used -= entry.data.memory()
}

// forget removes the blocks of a part.
func (c *blockCache) forget(p *part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.lru.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*cacheEntry).key.part == p {
			c.drop(e)
		}
		e = next
	}
}

func (c *blockCache) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
