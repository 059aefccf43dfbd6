package wal

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// logText returns n bytes that look like an application log.
func logText(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	levels := []string{"INFO", "INFO", "INFO", "WARN", "ERROR"}
	verbs := []string{"GET", "GET", "POST", "DELETE"}
	b := make([]byte, 0, n+300)
	for at := int64(1_700_000_000_000); len(b) < n; at += rng.Int64N(40) {
		b = fmt.Appendf(b, "%s %s [req-%08x] %s /api/v1/customers/%d/orders status=%d duration_ms=%d bytes=%d agent=\"curl/8.%d\"\n",
			time.UnixMilli(at).UTC().Format(time.RFC3339Nano), levels[rng.IntN(5)], rng.Uint32(), verbs[rng.IntN(4)],
			rng.IntN(50_000), 200+rng.IntN(4)*100, rng.IntN(2000), rng.IntN(100_000), rng.IntN(9))
	}
	return b[:n]
}

// openBench opens a log of default sizes on the real disk that releases what it writes.
func openBench(b *testing.B, dir string) *Log {
	l, _, err := Open(context.Background(), Options{FS: vfs.OS(), Dir: dir, Apply: func([]*Pending) {}, Reserve: -1})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name     string
		size     int
		parallel int // goroutines per CPU
		compress int
	}{
		{"small/clients=1", 300, 0, math.MaxInt},
		{"small/clients=32", 300, 16, math.MaxInt},
		{"16KiB/clients=32", 16 << 10, 16, math.MaxInt},
		{"64KiB/clients=8/raw", 64 << 10, 4, math.MaxInt},
		{"64KiB/clients=8/s2", 64 << 10, 4, 0},
		{"1MiB/clients=1/raw", 1 << 20, 0, math.MaxInt},
		{"1MiB/clients=1/s2", 1 << 20, 0, 0},
		{"1MiB/clients=8/raw", 1 << 20, 4, math.MaxInt},
		{"1MiB/clients=8/s2", 1 << 20, 4, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := openBench(b, b.TempDir())
			l.compressFrom = c.compress
			payload := logText(c.size)
			head := make([]byte, 40)
			ctx := context.Background()
			var appended atomic.Int64
			one := func() {
				lsn, err := l.Append(ctx, 1, nil, head, payload)
				if err != nil {
					b.Error(err)
					return
				}
				if appended.Add(int64(c.size))%(256<<20) < int64(c.size) { // as a store that flushes
					if err := l.Release(lsn - 1); err != nil {
						b.Error(err)
					}
				}
			}
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime()
			if c.parallel == 0 {
				for b.Loop() {
					one()
				}
			} else {
				b.SetParallelism(c.parallel)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/float64(c.size), "cpu-ns/B")
			s := l.Stats()
			b.ReportMetric(float64(s.Records)/float64(max(1, s.Groups)), "records/group")
			b.ReportMetric(float64(s.Bytes)/float64(s.Records), "disk-B/op")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	for _, c := range []struct {
		name     string
		size     int
		compress int
	}{{"raw", 64 << 10, math.MaxInt}, {"s2", 64 << 10, 0}, {"small", 300, math.MaxInt}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			l := openBench(b, dir)
			l.compressFrom = c.compress
			payload := logText(c.size)
			total := int64(0)
			done := make(chan error, 64)
			for range 64 {
				go func() {
					var err error
					for range max(1, (64<<20)/c.size/64/8) {
						if _, err = l.Append(context.Background(), 1, nil, payload); err != nil {
							break
						}
					}
					done <- err
				}()
			}
			for range 64 {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			total = l.Stats().Records * int64(c.size)
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			o := Options{FS: vfs.OS(), Dir: dir, Replay: func(uint64, byte, []byte) error { return nil }}
			if err := o.ensureDefaults(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(total)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scan(context.Background(), &o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
