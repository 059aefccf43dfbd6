package segment_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// heap returns the bytes that are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // empties pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// An encoder and a Buffer that have seen the largest and the hardest blocks hold
// no more than their comments say.
func TestMemoryOfEncoderAndBufferIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the heap")
	}
	blocks := oddBlocks()
	for i, kind := range corpus.Kinds() {
		blocks = append(blocks, corpusBlock(t, blocks[len(blocks)-1].group+1, kind, segment.MaxBlockBytes-4096-i))
	}
	f, _ := write(t, segment.WriterOptions{}, blocks)
	r, err := segment.Open(f, "p")
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	enc := segment.NewBlockEncoder(segment.WriterOptions{})
	for _, b := range blocks {
		e, err := enc.Encode(b.group, b.rows)
		if err != nil {
			t.Fatal(err)
		}
		e.Release()
	}
	encoder := heap() - before
	before = heap()
	var buf segment.Buffer
	var v column.Vector
	for info := range r.All() {
		b, err := r.Read(context.Background(), info, &buf)
		if err == nil && info.Mode == segment.ModeJSON {
			s, serr := b.Shape(context.Background())
			if err = serr; err == nil {
				err = s.Field("message", &v)
			}
		}
		if err == nil {
			err = b.Load(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	buffer := heap() - before
	t.Logf("encoder %.1f MiB, buffer %.1f MiB", float64(encoder)/(1<<20), float64(buffer)/(1<<20))
	if encoder > segment.EncoderMemory || buffer > segment.BufferMemory {
		t.Errorf("encoder %d bytes, buffer %d bytes", encoder, buffer)
	}
	runtime.KeepAlive(enc)
	runtime.KeepAlive(&buf)
	runtime.KeepAlive(blocks)
	runtime.KeepAlive(f)
	runtime.KeepAlive(r)
}
