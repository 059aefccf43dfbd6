package store

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// benchLine appends a line of service log: words that repeat and ids that do
// not.
func benchLine(dst []byte, rng *rand.Rand) []byte {
	levels := [...]string{"INFO", "INFO", "INFO", "WARN", "ERROR"}
	return fmt.Appendf(dst, `{"level":"%s","service":"checkout","path":"/v1/orders/%d","status":%d,"latency_ms":%d,"trace":"%016x"}`,
		levels[rng.IntN(5)], rng.IntN(10_000), 200+rng.IntN(4)*100, rng.IntN(900), rng.Uint64())
}

// benchBatch returns a batch of about that many bytes.
func benchBatch(rng *rand.Rand, stream logs.StreamID, ts int64, size int) Batch {
	b := Batch{Group: 1, Stream: stream, Ingestion: ts, Arena: make([]byte, 0, size+256)}
	for len(b.Ends) < logs.MaxBatchEvents && (len(b.Arena) < size || len(b.Ends) == 0) {
		b.Arena = benchLine(b.Arena, rng)
		b.Timestamps = append(b.Timestamps, ts+int64(len(b.Ends)))
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
	}
	return b
}

func openBench(b *testing.B, m Manifest) *Store {
	b.Helper()
	s, err := Open(b.Context(), Options{FS: vfs.OS(), Dir: b.TempDir(), Manifest: m})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name    string
		size    int
		clients int
	}{{"1MiB/clients=4", 1 << 20, 4}, {"1event/clients=32", 1, 32}} {
		b.Run(c.name, func(b *testing.B) {
			s := openBench(b, newMemManifest())
			rng := rand.New(rand.NewPCG(1, 1))
			template := benchBatch(rng, 1, baseTime, c.size)
			b.SetBytes(int64(len(template.Arena)))
			b.SetParallelism(c.clients / 2)
			b.ReportAllocs()
			var n atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				stream := logs.StreamID(n.Add(1))
				for pb.Next() {
					batch := template
					batch.Stream = stream
					batch.Arena = bytes.Clone(template.Arena)
					if _, err := s.Append(b.Context(), batch); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
		})
	}
}

// fillBench stores n events of 8 streams, mostly in parts.
func fillBench(b *testing.B, n int) *Store {
	b.Helper()
	s := openBench(b, newMemManifest())
	rng := rand.New(rand.NewPCG(2, 2))
	for stored := 0; stored < n; {
		batch := benchBatch(rng, logs.StreamID(1+rng.IntN(8)), baseTime+int64(stored), 512<<10)
		stored += len(batch.Ends)
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := s.Merge(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkScan(b *testing.B) {
	const events = 1_000_000
	s := fillBench(b, events)
	run := func(name string, q Query, limit int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
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
	all := Query{Group: 1, End: math.MaxInt64}
	newest := all
	newest.Reverse = true
	stream := all
	stream.Streams = []logs.StreamID{3}
	middle := all
	middle.Start = baseTime + events/2
	needle, common := all, all
	needle.Match = func(m []byte) bool { return bytes.Contains(m, []byte("no such thing")) }
	common.Match = func(m []byte) bool { return bytes.Contains(m, []byte("ERROR")) }
	run("newest100", newest, 100)
	run("page10k", middle, 10_000)
	run("page10k/stream", stream, 10_000)
	run("match/common10k", common, 10_000)
	run("match/absent", needle, math.MaxInt)
	run("everything", all, math.MaxInt)
}

// BenchmarkMemtableRead reads the newest events while single-event batches
// come in.
func BenchmarkMemtableRead(b *testing.B) {
	m := newMemtable()
	rng := rand.New(rand.NewPCG(3, 3))
	lsn := uint64(0)
	put := func() {
		lsn++
		m.add(&chunk{
			lsn: lsn, group: 1, stream: logs.StreamID(1 + lsn%100),
			timestamps: []int64{baseTime + int64(lsn) - rng.Int64N(1000)}, ends: []uint32{0},
		}, time.Time{})
	}
	for range 200_000 {
		put()
	}
	b.ReportAllocs()
	for b.Loop() {
		put()
		if found, _ := m.sources(1, nil); len(found) != 1 {
			b.Fatal("no rows")
		}
	}
}

func BenchmarkFlush(b *testing.B) {
	rng := rand.New(rand.NewPCG(4, 4))
	m := newMemtable()
	for lsn := uint64(1); m.memory < 32<<20; lsn++ {
		batch := benchBatch(rng, logs.StreamID(1+rng.IntN(20)), baseTime+int64(lsn), 64<<10)
		c, err := batch.check()
		if err != nil {
			b.Fatal(err)
		}
		c.lsn = lsn
		m.add(c, time.Now())
	}
	s := openBench(b, newMemManifest())
	b.SetBytes(m.groupBytes(1))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.flush(b.Context(), m, func() int { return s.o.tune.encoders }); err != nil {
			b.Fatal(err)
		}
	}
}
