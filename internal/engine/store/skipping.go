package store

import (
	"container/list"
	"context"
	"errors"
	"math/bits"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
)

// unitSet is a set of units of a part; nil: all of them.
type unitSet []uint64

func (u unitSet) has(unit int) bool { return u == nil || u[unit>>6]&(1<<(unit&63)) != 0 }

// units asks the skip index of a part which units can hold a message that meets
// the need. Damage of the index costs speed only: all units are kept, and it is
// counted, and logged once for a part.
func (p *part) units(ctx context.Context, r *segment.Reader, need hint.Need, cache *pageCache, stats *Stats) (unitSet, error) {
	x, err := r.Index()
	if err == nil && x == nil {
		return nil, nil
	}
	n := r.Units()
	set := make(unitSet, (n+63)/64)
	for i := range n {
		set[i>>6] |= 1 << (i & 63)
	}
	certain := false
	if err == nil {
		p.useCache.Do(func() { x.SetCache(partPages{cache, p}) })
		if certain, err = x.Units(ctx, need, set); err != nil {
			err = r.IndexError(err)
		}
	}
	switch {
	case err == nil && !certain:
		return nil, nil
	case err == nil:
		left := 0
		for _, w := range set {
			left += bits.OnesCount64(w)
		}
		stats.UnitsSkipped += int64(n - left)
		return set, nil
	case !isDamage(err) && !errors.Is(err, segment.ErrVersion):
		return nil, err
	}
	stats.DamagedIndex++
	if p.indexDamaged.CompareAndSwap(false, true) {
		p.log.Error("the skip index of a part is damaged; searches in it read every block until a merge has written it anew",
			"part", p.path, "error", err)
	}
	return nil, nil
}

// pageCache keeps the pages of skip indexes that were used last, within a bound
// of bytes. It is safe for concurrent use.
type pageCache struct {
	mu    sync.Mutex
	limit int64
	used  int64
	pages map[pageKey]*list.Element
	lru   *list.List // of *cachedPage, the latest at the front
}

type pageKey struct {
	part *part
	tri  bool
	page int
}

type cachedPage struct {
	key pageKey
	b   []byte
}

// pageOverhead is what a page costs beside its bytes.
const pageOverhead = 160

func newPageCache(limit int64) *pageCache {
	return &pageCache{limit: limit, pages: make(map[pageKey]*list.Element), lru: list.New()}
}

func (c *pageCache) get(k pageKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.pages[k]
	if e == nil {
		return nil
	}
	c.lru.MoveToFront(e)
	return e.Value.(*cachedPage).b
}

func (c *pageCache) put(k pageKey, b []byte) {
	size := int64(cap(b)) + pageOverhead
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages[k] != nil || size > c.limit {
		return
	}
	c.pages[k] = c.lru.PushFront(&cachedPage{k, b})
	c.used += size
	for c.used > c.limit {
		c.drop(c.lru.Back())
	}
}

// drop removes a page; the caller holds mu.
func (c *pageCache) drop(e *list.Element) {
	p := c.lru.Remove(e).(*cachedPage)
	delete(c.pages, p.key)
	c.used -= int64(cap(p.b)) + pageOverhead
}

// forget removes the pages of a part.
func (c *pageCache) forget(p *part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.lru.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*cachedPage).key.part == p {
			c.drop(e)
		}
		e = next
	}
}

func (c *pageCache) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// partPages is the share of one part in the cache: a skip.PageCache.
type partPages struct {
	c *pageCache
	p *part
}

func (x partPages) Get(tri bool, page int) []byte    { return x.c.get(pageKey{x.p, tri, page}) }
func (x partPages) Put(tri bool, page int, b []byte) { x.c.put(pageKey{x.p, tri, page}, b) }
