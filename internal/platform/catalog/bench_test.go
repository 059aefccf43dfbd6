package catalog

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

func BenchmarkCreateStream64Writers(b *testing.B) {
	ctx := context.Background()
	db := openTest(b)
	g := testGroup(b, db, "g")
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if _, err := db.CreateStream(ctx, g.ID, fmt.Sprintf("2026/11/24/[$LATEST]%016x", i), 1); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
}

const manyStreams = 100_000

// fill creates many streams in a group, in few transactions.
func fill(b *testing.B, db *DB, g Group) {
	b.Helper()
	err := db.apply(context.Background(), "fill", func(x *tx) error {
		for i := range manyStreams {
			_, err := x.exec(`INSERT INTO log_streams (stream_id, group_id, name, created_ms, last_ts) VALUES (?, ?, ?, 1, ?)`,
				x.nextID("stream"), g.ID, fmt.Sprintf("2026/11/24/[$LATEST]%016x", i), i*7919%manyStreams)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkStreams100k(b *testing.B) {
	ctx := context.Background()
	db := openTest(b)
	g := testGroup(b, db, "g")
	fill(b, db, g)
	middle := &Stream{Name: "2026/11/24/[$LATEST]000000000000c350", LastMS: manyStreams / 2}
	for name, f := range map[string]StreamFilter{
		"name first":       {},
		"name middle":      {After: middle},
		"name middle desc": {After: middle, Descending: true},
		"prefix":           {Prefix: "2026/11/24/[$LATEST]000000000000c"},
		"time first desc":  {ByLast: true, Descending: true},
		"time middle":      {ByLast: true, After: middle},
	} {
		f.Limit = 51
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				list, err := db.Streams(ctx, g.ID, f)
				if err != nil || len(list) != 51 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
	b.Run("get by name", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := db.StreamByName(ctx, g.ID, middle.Name); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMergeStreamStats(b *testing.B) {
	ctx := context.Background()
	db := openTest(b)
	g := testGroup(b, db, "g")
	fill(b, db, g)
	updates := make([]StreamStats, 1000)
	var last int64 = manyStreams
	b.ReportAllocs()
	for b.Loop() {
		last++
		for i := range updates {
			updates[i] = StreamStats{Group: g.ID, Stream: logs.StreamID(1 + i*97), First: 1, Last: last, LastIngestion: last}
		}
		if err := db.MergeStreamStats(ctx, updates); err != nil {
			b.Fatal(err)
		}
	}
}
