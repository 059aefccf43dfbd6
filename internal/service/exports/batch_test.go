package exports_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/service/exports"
)

// interleave puts rows of n streams, in turns, some of which share a folder.
func (w *world) interleave(n, rounds int) {
	w.t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	for round := range rounds {
		for i := range n {
			name := fmt.Sprintf("s-%03d", i)
			if i%20 == 1 {
				name = fmt.Sprintf("s/%03d", i-1)
			}
			var ms []string
			for k := range 1 + rng.IntN(8) {
				ms = append(ms, fmt.Sprintf("%s %d %d %s", name, round, k, strings.Repeat(fmt.Sprintf("%x", rng.Uint64()), rng.IntN(6))))
			}
			w.put(name, int64(round)*100, ms...)
		}
		if round == rounds/2 {
			if err := w.store.Flush(context.Background()); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func TestInterleavedStreams(t *testing.T) {
	w := newWorld(t)
	w.interleave(100, 12)
	tunes := map[string]func(*exports.Options){
		"parts by size":    func(o *exports.Options) { o.TuneShare(1500, 1<<20, 1000, 100, nil) },
		"parts by memory":  func(o *exports.Options) { o.TuneShare(1<<20, 40_000, 1000, 128, nil) },
		"streams left out": func(o *exports.Options) { o.TuneShare(3000, 50_000, 1000, 8, nil) },
	}
	for name, tune := range tunes {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.t = t
			s := w.service(tune)
			id := w.create(s, w.request())
			w.completed(w.finish(s, id))
			w.check("exp/" + id + "/")
			if objects := len(w.keys("exp/" + id + "/")); objects < 150 {
				t.Errorf("%d objects, want several for each stream", objects)
			}
		})
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for _, name := range []string{"parts by size", "parts by memory", "streams left out"} {
		t.Run(name+", restarts", func(t *testing.T) {
			w := *w
			w.t = t
			rounds := 2
			if testing.Short() {
				rounds = 1
			}
			for range rounds {
				w.restarting(rng, 150, tunes[name])
			}
		})
	}
}

func TestSmallestBounds(t *testing.T) {
	w := newWorld(t)
	w.interleave(22, 3)
	for _, tune := range []func(*exports.Options){
		func(o *exports.Options) { o.TuneShare(1, 1<<20, 1000, 100, nil) },
		func(o *exports.Options) { o.TuneShare(1<<20, 1, 1000, 8, nil) },
		func(o *exports.Options) { o.TuneShare(1, 1, 1, 1, nil) },
	} {
		s := w.service(tune)
		id := w.create(s, w.request())
		w.completed(w.finish(s, id))
		w.check("exp/" + id + "/")
	}
}

func TestBatchMemoryIsBounded(t *testing.T) {
	w := newWorld(t)
	w.interleave(100, 12)
	const budget, longest, share = 60_000, 4096, 8
	most, streams := 0, 0
	s := w.service(func(o *exports.Options) {
		o.TuneShare(1<<20, budget, 1000, share, func(memory, live int) {
			most = max(most, memory)
			if memory > budget/2 {
				streams = max(streams, live)
			}
		})
	})
	id := w.create(s, w.request())
	w.completed(w.finish(s, id))
	w.check("exp/" + id + "/")
	// Gathered and half as much being written, or one object of all.
	if limit := 2*budget + longest; most > limit || most < budget/2 {
		t.Errorf("%d bytes held, want up to %d", most, limit)
	}
	if streams == 0 {
		t.Error("memory was never used")
	}
}
