package skip_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// pages is a cache that forgets nothing.
type pages struct {
	mu         sync.Mutex
	held       map[[2]int][]byte
	hits, puts int
}

func (p *pages) Get(tri bool, page int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.held[key(tri, page)]
	if b != nil {
		p.hits++
	}
	return b
}

func (p *pages) Put(tri bool, page int, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.puts++
	p.held[key(tri, page)] = b
}

func key(tri bool, page int) [2]int {
	if tri {
		return [2]int{1, page}
	}
	return [2]int{0, page}
}

// counted counts reads, and fails them when told to.
type counted struct {
	*bytes.Reader
	mu    sync.Mutex
	reads int
	err   error
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.err != nil {
		return 0, c.err
	}
	return c.Reader.ReadAt(p, off)
}

// Many lookups at once share pages, and read each one once when it is cached.
func TestCache(t *testing.T) {
	tix, tri, n := samplePayloads(t, 2)
	src := &counted{Reader: bytes.NewReader(tix)}
	x, err := skip.Open(src, bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	want := units(t, x, hint.Text("/items/77 user="), n)
	cache := &pages{held: map[[2]int][]byte{}}
	cached, err := skip.Open(src, bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	cached.SetCache(cache)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if d := cmp.Diff(want, units(t, cached, hint.Text("/items/77 user="), n)); d != "" {
					t.Error(d)
				}
			}
		})
	}
	wg.Wait()
	if cache.hits == 0 || cache.puts == 0 {
		t.Errorf("%d hits, %d puts", cache.hits, cache.puts)
	}
	was := src.reads
	units(t, cached, hint.Text("/items/77 user="), n)
	if src.reads != was {
		t.Errorf("%d pages read that were cached", src.reads-was)
	}
}

// An error of reading is not damage, and excludes nothing.
func TestReadError(t *testing.T) {
	tix, tri, n := samplePayloads(t, 3)
	src := &counted{Reader: bytes.NewReader(tix)}
	x, err := skip.Open(src, bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	src.err = errors.New("the disk is gone")
	set := make([]uint64, (n+63)/64)
	for i := range n {
		set[i>>6] |= 1 << (i & 63)
	}
	was := append([]uint64(nil), set...)
	if _, err := x.Units(context.Background(), hint.Text(" absent "), set); !errors.Is(err, src.err) || errors.Is(err, skip.ErrDamaged) {
		t.Errorf("units: %v", err)
	}
	if d := cmp.Diff(was, set); d != "" {
		t.Error(d)
	}
	if _, err := skip.Open(src, nil, n); !errors.Is(err, src.err) {
		t.Errorf("open: %v", err)
	}
	b := skip.NewBuilder()
	to := make([]int32, n)
	for i := range to {
		to[i] = int32(i)
	}
	if err := b.AddMoved(x, to); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Encode(nil); !errors.Is(err, src.err) {
		t.Errorf("encode: %v", err)
	}
}
