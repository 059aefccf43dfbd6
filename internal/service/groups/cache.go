package groups

import "sync"

// cache maps names to what they resolve to, within a bound of memory. It has
// two generations: entries are put into young; when young is half of the
// bound it becomes old and the former old is dropped; an entry found in old is
// put into young again. So what is used stays, and no list is kept.
//
// A value read from the catalog may be put only if nothing was dropped since
// before the read (see epoch): otherwise a reader that is slower than a
// deletion would bring the deleted name back.
type cache[K comparable, V any] struct {
	half int            // bytes of a generation
	text func(K, V) int // bytes of text in an entry

	mu    sync.RWMutex
	young map[K]V
	old   map[K]V
	bytes int // of young
	drops uint64
}

// entryOverhead is the memory of an entry beside the text of its name: key,
// value and map slot, roughly.
const entryOverhead = 64

func newCache[K comparable, V any](bytes int, text func(K, V) int) *cache[K, V] {
	return &cache[K, V]{half: max(bytes/2, 1), text: text, young: map[K]V{}}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.RLock()
	v, ok = c.young[key]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[key]
	drops := c.drops
	c.mu.RUnlock()
	if ok {
		c.put(key, v, drops)
	}
	return v, ok
}

// epoch is read before the catalog is, and handed to put.
func (c *cache[K, V]) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// put keeps a value unless something was dropped since epoch.
func (c *cache[K, V]) put(key K, v V, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != epoch {
		return
	}
	if _, have := c.young[key]; !have {
		size := c.text(key, v) + entryOverhead
		if c.bytes += size; c.bytes > c.half {
			c.old, c.young = c.young, make(map[K]V)
			c.bytes = size
		}
	}
	c.young[key] = v
}

// drop forgets key. It is called after the change is committed and before the
// call that made it returns.
func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	if v, have := c.young[key]; have {
		delete(c.young, key)
		c.bytes -= c.text(key, v) + entryOverhead
	}
	delete(c.old, key)
}
