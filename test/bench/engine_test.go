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

// BenchmarkEngine asks the plans of the comparison of a store that exists. MB/s are bytes of messages that the answer is about.
func BenchmarkEngine(b *testing.B) {
	root := os.Getenv(dataVariable)
	if root == "" {
		b.Skip("set " + dataVariable)
	}
	for kind, names := range map[string][]string{
		"json":   {"regex json", "fields", "bins", "service", "top", "newest"},
		"text":   {"regex text", "newest", "bins"},
		"access": {"regex access", "newest"},
	} {
		b.Run(kind, func(b *testing.B) {
			e, err := openEngine(b.Context(), filepath.Join(root, kind), "")
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
			for _, name := range names {
				b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
					b.SetBytes(all.Bytes)
					b.ReportAllocs()
					hits, begin := int64(0), spent(b)
					for b.Loop() {
						if hits, err = e.ask(b.Context(), name); err != nil {
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
