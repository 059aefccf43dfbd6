package segment_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

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
