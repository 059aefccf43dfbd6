package shred_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// TestTextBlocks asks blocks of text, some of whose rows are JSON.
func TestTextBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for _, kind := range []corpus.Kind{corpus.Text, corpus.Access} {
		arena, ends := corpusBlock(t, kind, 96<<10)
		all := column.Texts{Data: arena, Ends: ends}
		var mixed column.Texts
		for i := range ends {
			mixed.Append(all.At(i))
			if i%7 == 0 {
				mixed.Append([]byte(`{"a":{"b":"x"},"n":17}`))
			}
		}
		arena, ends = mixed.Data, mixed.Ends
		var text shred.Text
		var s shred.Shape
		var v column.Vector
		if !text.Split(arena, ends, &s) {
			t.Logf("%s: not worth it", kind)
			continue
		}
		checkRebuilt(t, &s, arena, ends)
		for name, b := range views(t, &s, arena, ends) {
			checkBlock(t, b, arena, ends)
			for _, path := range []string{"a.b", "n", "a", "none"} {
				checkField(t, name, b, arena, ends, path, &v)
			}
			for range 150 {
				m := mixed.At(rng.IntN(len(ends)))
				from := rng.IntN(len(m) + 1)
				checkFind(t, name, b, arena, ends, m[from:from+rng.IntN(min(len(m)-from, 1+rng.IntN(40))+1)])
			}
			checkFind(t, name, b, arena, ends, []byte("no such text"))
		}
	}
}
