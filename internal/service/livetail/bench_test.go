package livetail

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// still is a feed without batches and a directory of one stream.
type still struct{}

func (still) Applied() uint64 { return 0 }
func (still) Commits(context.Context, store.CommitQuery, func(*store.Commit) bool) (uint64, error) {
	return 0, nil
}
func (still) AwaitCommit(ctx context.Context, _ uint64) error {
	<-ctx.Done()
	return ctx.Err()
}
func (still) Resolve(_ context.Context, scope logs.Scope, name string) (groups.Group, error) {
	return groups.Group{ID: 1, Scope: scope, Name: name, Class: groups.ClassStandard}, nil
}
func (still) StreamName(context.Context, logs.StreamID) (string, error) { return "s", nil }

// logBatch is about 1 MB of lines of a web application.
func logBatch() store.Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	b := store.Batch{Group: 1, Stream: 1, Ingestion: 1}
	for i := 0; len(b.Arena) < 1<<20; i++ {
		level := "INFO"
		if rng.IntN(200) == 0 {
			level = "ERROR"
		}
		m := fmt.Sprintf(`{"time":"2026-03-01T12:%02d:%02d.%03dZ","level":%q,"service":"checkout","user":%d,"path":"/api/v1/items/%d","status":%d,"ms":%d,"msg":"handled request for item"}`,
			rng.IntN(60), rng.IntN(60), rng.IntN(1000), level, rng.IntN(100_000), rng.IntN(1000), []int{200, 200, 200, 404, 500}[rng.IntN(5)], rng.IntN(900))
		b.Arena = append(b.Arena, m...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		b.Timestamps = append(b.Timestamps, int64(i))
	}
	return b
}

// BenchmarkLook is what a batch of 1 MB costs with 50 sessions.
func BenchmarkLook(b *testing.B) {
	for _, bench := range []struct {
		name     string
		sessions int
		pattern  func(i int) string
	}{
		{"50 terms", 50, func(i int) string { return fmt.Sprintf("user %d ERROR%d", i, i) }},
		{"50 users", 50, func(i int) string { return fmt.Sprintf(`{ $.user = %d }`, 1000+i) }},
		{"50 of one pattern", 50, func(int) string { return "ERROR" }},
		{"50 of everything", 50, func(int) string { return "" }},
		{"50 of half", 50, func(i int) string { return fmt.Sprintf("{ $.status = 200 && $.ms > %d }", i) }},
		{"1 term", 1, func(int) string { return "ERROR" }},
		{"1 of everything", 1, func(int) string { return "" }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := New(Options{Store: still{}, Directory: still{}})
			for i := range bench.sessions {
				sn, err := s.prepare(b.Context(), logs.Scope{Account: "1", Region: "r"}, Request{Groups: []string{"g"}, Pattern: bench.pattern(i)})
				if err == nil {
					err = s.add(sn)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			r := runner{s: s}
			r.hit = func(i int) { r.hits[i] = append(r.hits[i], r.event) }
			r.follow()
			c := logBatch().Commit(1)
			b.SetBytes(c.Bytes())
			b.ReportAllocs()
			for b.Loop() {
				if err := r.look(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
