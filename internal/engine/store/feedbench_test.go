package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// BenchmarkCommits reads 16 MB of batches, a hundred lines each, of many groups: from
// memory, and as a consumer that is behind does from parts.
func BenchmarkCommits(b *testing.B) {
	for _, groups := range []int{1, 100} {
		for _, where := range []string{"memory", "parts"} {
			b.Run(fmt.Sprintf("%s/%d groups", where, groups), func(b *testing.B) {
				tune := tuning{manual: true, memtableBytes: 64 << 20}
				s := openStore(b, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
				defer s.Close()
				bytes := int64(0)
				for i := 0; bytes < 16<<20; i++ {
					g := logs.GroupID(1 + i%groups)
					var events []logs.Event
					for k := range 100 {
						e := event(baseTime+int64(i*100+k), fmt.Sprintf("2026-03-01T12:00:00Z INFO request %d of batch %d took %d ms and was answered with 200", k, i, (i*k)%997))
						bytes += int64(len(e.Message))
						events = append(events, e)
					}
					if _, err := s.Append(b.Context(), makeBatch(g, logs.StreamID(g), baseTime, events...)); err != nil {
						b.Fatal(err)
					}
				}
				if where == "parts" {
					if err := s.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(bytes)
				b.ReportAllocs()
				for b.Loop() {
					seen := int64(0)
					for after := uint64(0); after < s.Applied(); {
						next, err := s.Commits(b.Context(), CommitQuery{After: after}, func(c *Commit) bool {
							seen += c.Bytes()
							return true
						})
						if err != nil {
							b.Fatal(err)
						}
						after = next
					}
					if seen != bytes {
						b.Fatalf("%d bytes, want %d", seen, bytes)
					}
				}
			})
		}
	}
}

// BenchmarkAnnounce is what a batch costs with so many consumers that wait.
func BenchmarkAnnounce(b *testing.B) {
	for _, waiters := range []int{0, 4, 100} {
		b.Run(fmt.Sprintf("%d waiters", waiters), func(b *testing.B) {
			s := openStore(b, vfs.NewMem(), newMemManifest(), time.Now, tuning{manual: true})
			for range waiters {
				go func() {
					for s.AwaitCommit(b.Context(), s.Applied()) == nil {
					}
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				s.newest.Add(1)
				s.arrivals.announce()
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
