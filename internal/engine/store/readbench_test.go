package store

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// BenchmarkStreams asks the same of the same events in one stream and in very
// many, whose batches follow one another or are spread over all the time.
func BenchmarkStreams(b *testing.B) {
	const streams, each = 10_000, 20
	for _, layout := range []string{"one", "short", "spread"} {
		s, err := Open(b.Context(), Options{FS: vfs.NewMem(), Dir: "/data", Manifest: newMemManifest(), tune: tuning{manual: true}})
		if err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(6, 6))
		put := func(stream logs.StreamID, ts int64, n int) {
			batch := Batch{Group: 1, Stream: stream, Ingestion: ts}
			for i := range n {
				batch.Arena = benchLine(batch.Arena, rng)
				batch.Ends = append(batch.Ends, uint32(len(batch.Arena)))
				batch.Timestamps = append(batch.Timestamps, ts+int64(i))
			}
			if _, err := s.Append(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		switch layout {
		case "one":
			for i := range streams * each / 1000 {
				put(1, baseTime+int64(i)*1000, 1000)
			}
		case "short":
			for i := range streams {
				put(logs.StreamID(1+i), baseTime+int64(i)*each, each)
			}
		case "spread":
			for i := range each {
				for j := range streams {
					put(logs.StreamID(1+j), baseTime+int64(i*streams+j), 1)
				}
			}
		}
		for _, where := range []string{"memory", "parts"} {
			run := func(name string, q Query, limit int) {
				b.Run(where+"/"+name+"/"+layout, func(b *testing.B) {
					b.ReportAllocs()
					q.Group, q.End = 1, math.MaxInt64
					var read int64
					for b.Loop() {
						n := 0
						st, err := s.Scan(b.Context(), q, func(logs.Event) bool { n++; return n < limit })
						if err != nil {
							b.Fatal(err)
						}
						read = st.Bytes
					}
					b.SetBytes(read)
				})
			}
			contains := func(text string, hinted bool) Query {
				q := Query{Match: func(m []byte) bool { return bytes.Contains(m, []byte(text)) }}
				if hinted {
					q.Need = hint.Text(text)
				}
				return q
			}
			run("newest100", Query{Reverse: true}, 100)
			run("absent", contains("no such thing", false), math.MaxInt)
			run("absent/need", contains("no such thing", true), math.MaxInt)
			run("rare/need", contains(`"path":"/v1/orders/77`, true), math.MaxInt)
			run("common/need", contains("ERROR", true), math.MaxInt)
			run("everything", Query{}, math.MaxInt)
			if where == "memory" {
				if err := s.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
				if err := s.Merge(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
