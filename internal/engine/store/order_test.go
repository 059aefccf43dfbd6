package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

// runsOf returns a selection of n rows in runs of a few, as a block of many
// streams gives.
func runsOf(rng *rand.Rand, n, runs int, span int64) *selection {
	s := new(selection)
	for i := range n {
		k := logs.Key{Timestamp: baseTime + rng.Int64N(span), Seq: logs.Seq(rng.Uint64N(1 << 40))}
		s.rows = append(s.rows, ordered{key: k, row: uint32(i)})
	}
	for r := range runs {
		from, to := n*r/runs, n*(r+1)/runs
		slices.SortFunc(s.rows[from:to], func(a, b ordered) int { return a.key.Compare(b.key) })
		if to > from {
			s.ends = append(s.ends, to)
		}
	}
	return s
}

func TestOrderSortsRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, n := range []int{1, 2, 255, 256, 3000} {
		for _, runs := range []int{1, 2, 8, 9, 1000} {
			for _, span := range []int64{1, 3, 1000, 1 << 22, 1 << 40, 1 << 45} {
				s := runsOf(rng, n, runs, span)
				want := slices.Clone(s.rows)
				slices.SortFunc(want, func(a, b ordered) int { return a.key.Compare(b.key) })
				if s.order(); !slices.Equal(s.rows, want) || len(s.ends) != 1 {
					t.Fatalf("%d rows in %d runs within %d ms", n, runs, span)
				}
			}
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, runs := range []int{4, 64, 6000} {
		b.Run(fmt.Sprintf("runs=%d", runs), func(b *testing.B) {
			from := runsOf(rng, 7000, runs, 60_000)
			s := new(selection)
			b.ReportAllocs()
			for b.Loop() {
				s.rows, s.ends = append(s.rows[:0], from.rows...), append(s.ends[:0], from.ends...)
				s.order()
			}
		})
	}
}
