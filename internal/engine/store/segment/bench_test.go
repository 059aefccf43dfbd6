package segment_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// corpusBlocks returns full blocks of one corpus in eight streams.
func corpusBlocks(t testing.TB, kind corpus.Kind, n int) []block {
	t.Helper()
	g, err := corpus.New(kind, 7)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make([]block, n)
	i := 0
	var next []byte
	for k := range blocks {
		b := block{group: 1}
		for raw := 0; ; i++ {
			if next == nil {
				next = g.Append(nil, 1_700_000_000_000+int64(i))
			}
			if raw += len(next); raw > segment.MaxBlockBytes || len(b.rows) == segment.MaxBlockRows {
				break
			}
			b.rows = append(b.rows, segment.Row{Stream: logs.StreamID(1 + i/100%8), Ingestion: 1_700_000_000_000 + int64(i/100),
				Key: logs.Key{Timestamp: 1_700_000_000_000 + int64(i), Seq: logs.MakeSeq(uint64(50+i/100), i%100)}, Message: next})
			next = nil
		}
		sortRows(b.rows)
		blocks[k] = b
	}
	return blocks
}

func BenchmarkEncode(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		for _, o := range []struct {
			name string
			segment.WriterOptions
		}{
			{"all", segment.WriterOptions{}},
			{"noindex", segment.WriterOptions{NoIndex: true}},
			{"raw", segment.WriterOptions{NoIndex: true, Modes: segment.Modes(segment.ModeRaw)}},
		} {
			b.Run(fmt.Sprintf("%s/%s", kind, o.name), func(b *testing.B) {
				blocks := corpusBlocks(b, kind, 4)
				enc := segment.NewBlockEncoder(o.WriterOptions)
				w := segment.NewWriter(discard{io.Discard}, o.WriterOptions)
				encode := func(i int) {
					e, err := enc.Encode(1, blocks[i%len(blocks)].rows)
					if err != nil {
						b.Fatal(err)
					}
					if i < len(blocks) {
						if err := w.AddEncoded(e); err != nil {
							b.Fatal(err)
						}
					}
					e.Release()
				}
				for i := range blocks {
					encode(i)
				}
				sum, err := w.Finish()
				if err != nil {
					b.Fatal(err)
				}
				raw := rawBytes(blocks[0])
				b.SetBytes(raw)
				b.ReportAllocs()
				for i := len(blocks); b.Loop(); i++ {
					encode(i)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(raw), "ns/B")
				b.ReportMetric(float64(sum.FileBytes)/float64(sum.RawBytes), "stored/raw")
				b.ReportMetric(float64(sum.Sizes.Tokens+sum.Sizes.Trigrams)/float64(sum.RawBytes), "index/raw")
				b.ReportMetric(float64(sum.Sizes.BlocksRaw[segment.ModeJSON]+sum.Sizes.BlocksRaw[segment.ModeTemplate])/float64(sum.RawBytes), "shaped")
			})
		}
	}
}

// BenchmarkLoad rebuilds all messages of a block.
func BenchmarkLoad(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		for name, o := range map[string]segment.WriterOptions{"best": {}, "raw": {Modes: segment.Modes(segment.ModeRaw)}} {
			b.Run(fmt.Sprintf("%s/%s", kind, name), func(b *testing.B) {
				r, info, raw := openCorpus(b, kind, o)
				var buf segment.Buffer
				b.SetBytes(raw)
				b.ReportAllocs()
				for b.Loop() {
					blk, err := r.Read(context.Background(), info, &buf)
					if err == nil {
						err = blk.Load(context.Background())
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func openCorpus(b *testing.B, kind corpus.Kind, o segment.WriterOptions) (*segment.Reader, segment.BlockInfo, int64) {
	blk := corpusBlocks(b, kind, 1)[0]
	f, _ := write(b, o, []block{blk})
	r, err := segment.Open(f, "bench")
	if err != nil {
		b.Fatal(err)
	}
	return r, r.Blocks(1, nil)[0], rawBytes(blk)
}

// BenchmarkShapeField reads one field of a block, keys included.
func BenchmarkShapeField(b *testing.B) {
	for _, path := range []string{"http.status", "level", "trace_id"} {
		b.Run(path, func(b *testing.B) {
			r, info, raw := openCorpus(b, corpus.JSON, segment.WriterOptions{})
			var buf segment.Buffer
			var v column.Vector
			b.SetBytes(raw)
			b.ReportAllocs()
			for b.Loop() {
				blk, err := r.Read(context.Background(), info, &buf)
				if err != nil {
					b.Fatal(err)
				}
				s, err := blk.Shape(context.Background())
				if err == nil {
					err = s.Field(path, &v)
				}
				if err != nil || v.Kind == column.Null {
					b.Fatalf("%s: kind %d, %v", path, v.Kind, err)
				}
			}
		})
	}
}

// jsonBlock returns a full block of JSON service logs in eight streams.
func jsonBlock() block {
	rng := rand.New(rand.NewPCG(1, 2))
	b := block{group: 1}
	raw := 0
	for i := 0; ; i++ {
		m := fmt.Sprintf(`{"time":"2026-01-02T03:04:05.%03dZ","level":"info","service":"checkout","trace":"%016x%016x","path":"/api/v1/items/%d","status":%d,"duration_ms":%.3f,"msg":"request finished"}`,
			rng.IntN(1000), rng.Uint64(), rng.Uint64(), rng.IntN(5000), 200+rng.IntN(3)*100, rng.Float64()*900)
		if raw += len(m); raw > segment.MaxBlockBytes {
			break
		}
		b.rows = append(b.rows, segment.Row{Stream: logs.StreamID(1 + i/100%8), Ingestion: 1_700_000_000_000 + int64(i/100),
			Key: logs.Key{Timestamp: 1_700_000_000_000 + int64(i), Seq: logs.MakeSeq(uint64(50+i/100), i%100)}, Message: []byte(m)})
	}
	sortRows(b.rows)
	return b
}

func rawBytes(b block) (n int64) {
	for _, r := range b.rows {
		n += int64(len(r.Message))
	}
	return n
}

type discard struct{ io.Writer }

func (discard) Sync() error { return nil }

func BenchmarkAdd(b *testing.B) {
	blk := jsonBlock()
	w := segment.NewWriter(discard{io.Discard}, segment.WriterOptions{})
	if err := w.Add(1, blk.rows); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(rawBytes(blk))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Add(1, blk.rows); err != nil {
			b.Fatal(err)
		}
	}
}

func openBench(b *testing.B) (*segment.Reader, segment.BlockInfo, int64) {
	blk := jsonBlock()
	f, sum := write(b, segment.WriterOptions{}, []block{blk})
	r, err := segment.Open(f, "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(sum.FileBytes)/float64(sum.RawBytes), "stored/raw")
	return r, r.Blocks(1, nil)[0], sum.RawBytes
}

func BenchmarkReadKeys(b *testing.B) {
	r, info, raw := openBench(b)
	var buf segment.Buffer
	b.SetBytes(raw)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(context.Background(), info, &buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadMessages(b *testing.B) {
	r, info, raw := openBench(b)
	var buf segment.Buffer
	b.SetBytes(raw)
	b.ReportAllocs()
	for b.Loop() {
		blk, err := r.Read(context.Background(), info, &buf)
		if err != nil {
			b.Fatal(err)
		}
		if err := blk.Load(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	r, info, raw := openBench(b)
	var buf segment.Buffer
	blk, err := r.Read(context.Background(), info, &buf)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(raw)
	b.ReportAllocs()
	for b.Loop() {
		blk.Order(nil)
	}
}

func BenchmarkAddRaw(b *testing.B) {
	r, info, raw := openBench(b)
	w := segment.NewWriter(discard{io.Discard}, segment.WriterOptions{})
	b.SetBytes(raw)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.AddRaw(context.Background(), r, info); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenTinyGroups(b *testing.B) {
	f := &memFile{}
	w := segment.NewWriter(f, segment.WriterOptions{})
	for g := range logs.GroupID(10_000) {
		if err := w.Add(g, []segment.Row{row(1, 5, 5, "x")}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := segment.Open(f, "x"); err != nil {
			b.Fatal(err)
		}
	}
}
