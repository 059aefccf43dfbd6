package groups

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

// However many streams are resolved, the caches hold no more than their bound,
// and 100,000 streams of ordinary names stay resolved.
func TestCacheStaysInItsBound(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, c := range []struct {
		name    string
		streams int
		pad     int
	}{
		{"ordinary names", 100_000, 20},
		{"long names", 100_000, 480},
		{"many", 400_000, 20},
	} {
		before := heap()
		cache := newCache(32<<20/16*10, func(k streamKey, _ streamValue) int { return len(k.name) })
		for i := range c.streams {
			name := fmt.Sprintf("2026/11/24/%06d%s", i, strings.Repeat("x", c.pad))
			cache.put(streamKey{1, name}, streamValue{id: logs.StreamID(i)}, 0)
		}
		used := heap() - before
		if limit := int64(30 << 20); used > limit {
			t.Errorf("%s: %d streams use %d MiB, want at most %d", c.name, c.streams, used>>20, limit>>20)
		}
		if kept := len(cache.young) + len(cache.old); c.name == "ordinary names" && kept != c.streams {
			t.Errorf("%d of %d streams are kept", kept, c.streams)
		}
		t.Logf("%s: %d MiB, %d in a generation", c.name, used>>20, len(cache.young))
		runtime.KeepAlive(cache)
	}
}

func TestCacheKeepsNothingThatWasDropped(t *testing.T) {
	c := newCache(1<<20, func(k string, _ int) int { return len(k) })
	epoch := c.epoch()
	c.put("a", 1, epoch)
	if v, ok := c.get("a"); !ok || v != 1 {
		t.Fatalf("a: %d, %v", v, ok)
	}
	c.drop("a")
	c.put("a", 1, epoch) // by a reader that began before the drop
	if _, ok := c.get("a"); ok {
		t.Error("a dropped entry came back")
	}
	c.put("a", 2, c.epoch())
	if v, ok := c.get("a"); !ok || v != 2 {
		t.Errorf("a: %d, %v; want 2", v, ok)
	}
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(100*(entryOverhead+8), func(k string, _ int) int { return len(k) })
	c.put("used", 1, 0)
	for i := range 10_000 {
		c.put(fmt.Sprintf("%08d", i), i, 0)
		if _, ok := c.get("used"); !ok {
			t.Fatalf("evicted after %d others though used all the time", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 101 {
		t.Errorf("%d entries, want about 100", n)
	}
}
