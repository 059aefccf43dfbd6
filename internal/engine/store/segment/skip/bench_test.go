package skip_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// block is one unit of a corpus.
type block struct {
	arena []byte
	ends  []uint32
}

// blocks returns n blocks of 2 MiB.
func blocks(t testing.TB, kind corpus.Kind, n int) []block { return blocksOf(t, kind, n, 2<<20-4096) }

func blocksOf(t testing.TB, kind corpus.Kind, n, size int) []block {
	t.Helper()
	g, err := corpus.New(kind, 1)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]block, n)
	ms := int64(1_700_000_000_000)
	for i := range out {
		b := &out[i]
		for len(b.arena) < size {
			b.arena = g.Append(b.arena, ms)
			b.ends = append(b.ends, uint32(len(b.arena)))
			ms += 3
		}
	}
	return out
}

func perByte(b *testing.B, bytes int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bytes), "ns/B")
}

func BenchmarkTokens(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			blk := blocks(b, kind, 1)[0]
			var e skip.Evidence
			b.SetBytes(int64(len(blk.arena)))
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				from := uint32(0)
				for _, end := range blk.ends {
					e.Tokens(blk.arena[from:end])
					from = end
				}
			}
			perByte(b, len(blk.arena))
			tokens, _ := e.Counts()
			b.ReportMetric(float64(tokens), "tokens")
		})
	}
}

func BenchmarkTrigrams(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			blk := blocks(b, kind, 1)[0]
			var e skip.Evidence
			b.SetBytes(int64(len(blk.arena)))
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				e.Trigrams(blk.arena)
			}
			perByte(b, len(blk.arena))
			_, tri := e.Counts()
			b.ReportMetric(float64(tri), "trigrams")
		})
	}
}

func BenchmarkAddMessages(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			blk := blocks(b, kind, 1)[0]
			var e skip.Evidence
			b.SetBytes(int64(len(blk.arena)))
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				e.AddMessages(blk.arena, blk.ends)
			}
			perByte(b, len(blk.arena))
		})
	}
}

const benchUnits = 16

func build(b *testing.B, kind corpus.Kind) (tix, tri []byte, builder *skip.Builder, raw int) {
	builder = skip.NewBuilder()
	var e skip.Evidence
	for i, blk := range blocks(b, kind, benchUnits) {
		e.Reset()
		e.AddMessages(blk.arena, blk.ends)
		if err := builder.AddUnit(i, &e); err != nil {
			b.Fatal(err)
		}
		raw += len(blk.arena)
	}
	tix, tri, err := builder.Encode(nil)
	if err != nil {
		b.Fatal(err)
	}
	return tix, tri, builder, raw
}

func BenchmarkAddUnit(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			blk := blocks(b, kind, 1)[0]
			var e skip.Evidence
			e.AddMessages(blk.arena, blk.ends)
			builder := skip.NewBuilder()
			for b.Loop() {
				builder.Reset()
				if err := builder.AddUnit(0, &e); err != nil {
					b.Fatal(err)
				}
			}
			perByte(b, len(blk.arena))
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			tix, tri, builder, raw := build(b, kind)
			x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), benchUnits)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, _, err := builder.Encode(nil); err != nil {
					b.Fatal(err)
				}
			}
			perByte(b, raw)
			s := x.Size()
			b.ReportMetric(8*float64(len(tix))/float64(s.Tokens.Pairs), "bits/pair")
			b.ReportMetric(100*float64(len(tix))/float64(raw), "%TIX")
			b.ReportMetric(100*float64(len(tri))/float64(raw), "%TRI")
		})
	}
}

func BenchmarkMove(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			tix, tri, _, raw := build(b, kind)
			x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), benchUnits)
			if err != nil {
				b.Fatal(err)
			}
			to := [2][]int32{make([]int32, benchUnits), make([]int32, benchUnits)}
			for i := range benchUnits {
				to[0][i], to[1][i] = int32(2*i), int32(2*i+1)
			}
			builder := skip.NewBuilder()
			b.ReportAllocs()
			for b.Loop() {
				builder.Reset()
				for _, to := range to {
					if err := builder.AddMoved(x, to); err != nil {
						b.Fatal(err)
					}
				}
				if _, _, err := builder.Encode(nil); err != nil {
					b.Fatal(err)
				}
			}
			perByte(b, 2*raw)
		})
	}
}

func BenchmarkUnits(b *testing.B) {
	tix, tri, _, _ := build(b, corpus.JSON)
	x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), benchUnits)
	if err != nil {
		b.Fatal(err)
	}
	for _, needle := range []string{"0123456789abcdef0123456789abcdef", "connection reset by peer", "err"} {
		b.Run(needle, func(b *testing.B) {
			set := make([]uint64, 1)
			b.ReportAllocs()
			for b.Loop() {
				set[0] = 1<<benchUnits - 1
				if _, err := x.Units(context.Background(), hint.Text(needle), set); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
