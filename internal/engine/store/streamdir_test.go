package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestStreamDirKnowsItsStreams(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 200 {
		var runs []segment.StreamRun
		in := map[logs.StreamID]bool{}
		id := logs.StreamID(0)
		for range rng.IntN(300) {
			id += 1 + logs.StreamID(rng.Int64N(1<<rng.IntN(40)))
			in[id] = true
			runs = append(runs, segment.StreamRun{Stream: id})
		}
		d := makeStreamDir(runs)
		for range 20 {
			var streams []logs.StreamID
			want := false
			for range rng.IntN(4) {
				s := logs.StreamID(rng.Int64N(int64(id) + 2))
				if len(runs) > 0 && rng.IntN(4) == 0 {
					s = runs[rng.IntN(len(runs))].Stream
				}
				streams = append(streams, s)
				want = want || in[s]
			}
			slices.Sort(streams)
			if d.hasAny(streams) != want {
				t.Fatalf("%v in %v: %v", streams, runs, !want)
			}
		}
	}
}

// TestShortStreamInAHugeGroup counts the blocks whose keys are read to find a
// stream of few events among very many others.
func TestShortStreamInAHugeGroup(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.cacheBytes = 32<<20, 100<<10, 256<<10
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
	defer s.Close()
	// Each block has about 200 of 3000 streams, from the lowest to the highest.
	const blocks, streams = 30, 3000
	for i := range 6000 {
		id := logs.StreamID(1 + i*1009%streams)
		if i == 3000 {
			id = streams / 2 * 10 // between none of them
		}
		if _, err := s.Append(t.Context(), makeBatch(1, id*10, baseTime, event(baseTime+int64(i)*1000, fmt.Sprint(i)+strings.Repeat(" w", 240)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, id := range []logs.StreamID{12345, 15005, streams / 2 * 100} {
		q := Query{Group: 1, Streams: []logs.StreamID{id}, End: math.MaxInt64}
		in := int64(0) // blocks that have it
		if id%10 == 0 {
			in = 1
		}
		var keys []int64
		for range 3 {
			st, err := s.Scan(t.Context(), q, func(logs.Event) bool { return true })
			if err != nil || st.Matched != in {
				t.Fatalf("stream %d: %+v, %v", id, st, err)
			}
			keys = append(keys, st.KeyBlocks)
		}
		t.Logf("stream %d: keys of %v blocks were read", id, keys)
		if keys[0] > blocks+5 || keys[1] > in || keys[2] > in {
			t.Errorf("stream %d: keys of %v blocks were read", id, keys)
		}
		// What one query has learned helps every other one.
		if i > 0 && keys[0] > in {
			t.Errorf("stream %d, asked later: keys of %d blocks were read", id, keys[0])
		}
		st, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, Streams: q.Streams, End: math.MaxInt64}, 2, func(int, *BlockView) error { return nil })
		if err != nil || st.KeyBlocks > in || st.Matched != in {
			t.Errorf("stream %d: blocks: %+v, %v", id, st, err)
		}
	}
	if b := s.dirs.bytes(); b > tune.cacheBytes/8 {
		t.Errorf("%d bytes to remember streams", b)
	}
}
