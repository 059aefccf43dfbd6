package cluster_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// messages makes n messages of a corpus.
func messages(tb testing.TB, kind corpus.Kind, n int) (texts [][]byte, bytes int64) {
	tb.Helper()
	g, err := corpus.New(kind, 1)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		m := g.Append(nil, 1_790_000_000_000+int64(i)*7)
		texts = append(texts, m)
		bytes += int64(len(m))
	}
	return texts, bytes
}

func BenchmarkAdd(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			texts, bytes := messages(b, kind, 50_000)
			c := cluster.New(cluster.Options{})
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				for _, t := range texts {
					c.Add(t)
				}
			}
		})
	}
}

func BenchmarkPatterns(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			texts, _ := messages(b, kind, 50_000)
			c := cluster.New(cluster.Options{})
			for _, t := range texts {
				c.Add(t)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Patterns()
			}
		})
	}
}
