package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// dataVariable names a directory with the data that "bench -scenarios ingest -keep" leaves behind: one data directory for each
// kind of corpus. Without it there is nothing to measure.
const dataVariable = "CUMULOG_BENCH_DATA"

// spent returns the processor time of this process.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEngine asks the questions of the comparison that the executor answers of a store that exists. MB/s are bytes of messages that the answer is about.
func BenchmarkEngine(b *testing.B) {
	root := os.Getenv(dataVariable)
	if root == "" {
		b.Skip("set " + dataVariable)
	}
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			e, err := openEngine(b.Context(), filepath.Join(root, string(kind)), "")
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := e.close(); err != nil {
					b.Error(err)
				}
			}()
			var all store.Stats
			if all, err = e.store.ScanBlocks(b.Context(), store.BlockQuery{Groups: []logs.GroupID{e.group}, End: 1 << 62}, 1, func(int, *store.BlockView) error { return nil }); err != nil {
				b.Fatal(err)
			}
			list := questions()
			for i := range list {
				q := &list[i]
				if !q.about(kind) || q.pattern != "" {
					continue
				}
				b.Run(strings.ReplaceAll(q.name, " ", "-"), func(b *testing.B) {
					b.SetBytes(all.Bytes)
					b.ReportAllocs()
					hits, begin := int64(0), spent(b)
					for b.Loop() {
						if hits, err = e.ask(b.Context(), q); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(hits), "hits")
					b.ReportMetric(float64((spent(b)-begin).Microseconds())/1000/float64(b.N), "cpu-ms/op")
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(all.Rows), "ns/row")
					b.ReportMetric(float64(all.Blocks), "blocks")
					b.ReportMetric(float64(all.MemoryRows)/float64(all.Rows), "in-memory")
				})
			}
		})
	}
}
