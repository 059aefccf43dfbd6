package shred_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// opened is an encoded block of the JSON corpus that can be opened again.
type opened struct {
	arena      []byte
	ends       []uint32
	shape      shred.Shape
	head, body []byte
	block      shred.Block
}

func newOpened(b *testing.B) *opened {
	o := new(opened)
	o.arena, o.ends = corpusBlock(b, corpus.JSON, 2<<20)
	var j shred.JSON
	var e shred.Encoder
	if !j.Split(o.arena, o.ends, &o.shape) {
		b.Fatal("not worth it")
	}
	o.head, o.body = e.Encode(&o.shape)
	b.SetBytes(int64(len(o.arena)))
	b.ReportAllocs()
	return o
}

func (o *opened) open(b *testing.B) {
	if err := o.block.Open(o.head, len(o.ends), len(o.arena), memory(o.body)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSplit(b *testing.B) {
	arena, ends := corpusBlock(b, corpus.JSON, 2<<20)
	var j shred.JSON
	var s shred.Shape
	b.SetBytes(int64(len(arena)))
	b.ReportAllocs()
	for b.Loop() {
		j.Split(arena, ends, &s)
	}
}

func BenchmarkEncode(b *testing.B) {
	o := newOpened(b)
	var e shred.Encoder
	for b.Loop() {
		e.Encode(&o.shape)
	}
	b.ReportMetric(float64(len(o.head)+len(o.body))/float64(len(o.arena)), "stored/raw")
}

func BenchmarkPieces(b *testing.B) {
	o := newOpened(b)
	var e shred.Encoder
	e.Encode(&o.shape)
	n := 0
	for b.Loop() {
		n = 0
		e.Pieces(func(piece []byte) { n += len(piece) })
	}
	b.ReportMetric(float64(n)/float64(len(o.arena)), "pieces/raw")
}

// BenchmarkRebuild decodes columns and rebuilds messages; /warm only rebuilds.
func BenchmarkRebuild(b *testing.B) {
	dst, ends := []byte(nil), []uint32(nil)
	run := func(b *testing.B, cold bool) {
		o := newOpened(b)
		o.open(b)
		for b.Loop() {
			if cold {
				o.open(b)
			}
			var err error
			if dst, ends, err = o.block.Messages(dst[:0], ends[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("cold", func(b *testing.B) { run(b, true) })
	b.Run("warm", func(b *testing.B) { run(b, false) })
}

func BenchmarkFind(b *testing.B) {
	for _, c := range []struct{ name, needle string }{
		{"word", "timeout"}, {"absent", "OutOfMemoryError"}, {"pair", `"level":"error"`}, {"hex", "4bf92f3577b34da6"}, {"straddle", `500,"bytes":1`},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := newOpened(b)
			hits := column.NewBitmap(len(o.ends))
			for b.Loop() {
				o.open(b)
				clear(hits)
				if err := o.block.Find([]byte(c.needle), hits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkField(b *testing.B) {
	for _, path := range []string{"level", "http.status", "latency_ms", "trace_id", "error.attempt", "none"} {
		b.Run(path, func(b *testing.B) {
			o := newOpened(b)
			var v column.Vector
			for b.Loop() {
				o.open(b)
				if err := o.block.Field(path, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	o := newOpened(b)
	var dst column.Texts
	for b.Loop() {
		o.open(b)
		dst.Reset()
		if err := o.block.Rows([]uint32{5, 100, 3000}, &dst); err != nil {
			b.Fatal(err)
		}
	}
}
