package exec

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// doubles are of all sizes: integers, decimals, huge and tiny ones, of both signs.
func doubles(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		switch rng.IntN(5) {
		case 0:
			x[i] = float64(rng.IntN(2000) - 1000)
		case 1:
			x[i] = float64(rng.IntN(200000)-100000) / 100
		case 2:
			x[i] = float64(int64(rng.Uint64()))
		case 3:
			x[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(600)-300))
		case 4:
			x[i] = math.Float64frombits(rng.Uint64() >> 12) // denormal
		}
	}
	return x
}

func TestSumIsExactInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		x := doubles(rng, 1+rng.IntN(300))
		want := new(big.Float).SetPrec(2600)
		for _, v := range x {
			want.Add(want, new(big.Float).SetPrec(2600).SetFloat64(v))
		}
		w, _ := want.Float64()
		var parts [3]exactSum
		rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		for _, v := range x {
			parts[rng.IntN(3)].add(v)
		}
		parts[0].merge(&parts[1])
		parts[0].merge(&parts[2])
		if got := parts[0].float(); got != w {
			t.Fatalf("round %d: %v, want %v of %v", round, got, w, x)
		}
	}
	var s exactSum
	for range 5000 { // past the range of the integers
		s.add(1<<53 - 1)
	}
	s.merge(&s)
	if got, want := s.float(), 2*5000*float64(1<<53-1); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestVariance(t *testing.T) {
	var s, q exactSum
	for _, x := range []float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16} { // cancels in doubles
		s.add(x)
		q.addSquare(x)
	}
	if got := variance(&s, &q, 4, 1); got != 30 {
		t.Errorf("of a sample: %v, want 30", got)
	}
	if got := variance(&s, &q, 4, 0); got != 22.5 {
		t.Errorf("of the population: %v, want 22.5", got)
	}
}

// TestPercentiles checks ranks at the bound between exact numbers and sketch, the
// error beyond it, and that order and merging change nothing.
func TestPercentiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 100, exactNumbers, exactNumbers + 1, 40_000} {
		for name, draw := range map[string]func() float64{
			"exponential": func() float64 { return rng.ExpFloat64() * 50 },
			"signed":      func() float64 { return rng.NormFloat64() * 1e6 },
			"few":         func() float64 { return float64(rng.IntN(4)) },
			"wide":        func() float64 { return math.Exp(rng.Float64()*30 - 10) },
		} {
			x := make([]float64, n)
			for i := range x {
				x[i] = draw()
			}
			build := func() *quantiles {
				var q [3]quantiles
				bytes := 0
				rng.Shuffle(n, func(i, j int) { x[i], x[j] = x[j], x[i] })
				for _, v := range x {
					bytes += q[rng.IntN(3)].add(v)
				}
				if bytes < 8*min(n, exactNumbers)/3 && n <= exactNumbers {
					t.Errorf("%d numbers counted as %d bytes", n, bytes)
				}
				q[0].merge(&q[2])
				q[0].merge(&q[1])
				return &q[0]
			}
			a, b := build(), build()
			if (a.s != nil) != (n > exactNumbers) {
				t.Errorf("%s of %d: sketch is %v", name, n, a.s != nil)
			}
			slices.Sort(x)
			for _, p := range []float64{0, 0.1, 25, 50, 90, 99, 99.9, 100} {
				got, _ := a.at(p)
				if again, _ := b.at(p); again != got {
					t.Errorf("%s of %d: p%v is %v or %v", name, n, p, got, again)
				}
				want, allowed := x[rank(p, int64(n))-1], 0.0
				if n > exactNumbers && p > 0 && p < 100 {
					allowed = sketchError * math.Abs(want) * (1 + 1e-9)
				}
				if math.Abs(got-want) > allowed {
					t.Errorf("%s of %d: p%v is %v, want %v within %v", name, n, p, got, want, allowed)
				}
			}
		}
	}
	var none quantiles
	if _, ok := none.at(50); ok {
		t.Error("a percentile of nothing")
	}
}

// TestBucketsCollapse checks that the lowest buckets give way, in any order.
func TestBucketsCollapse(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	want := ""
	for range 20 {
		at := make([]int, 0, 3*maxBuckets)
		for i := range 3 * maxBuckets {
			at = append(at, i-maxBuckets)
		}
		rng.Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
		var parts [2]buckets
		for _, i := range at {
			parts[rng.IntN(2)].add(i, 1)
		}
		parts[0].merge(&parts[1])
		b := &parts[0]
		if len(b.counts) != maxBuckets || b.total() != 3*maxBuckets || b.counts[0] != 2*maxBuckets+1 {
			t.Fatalf("%d buckets of %d, the lowest %d", len(b.counts), b.total(), b.counts[0])
		}
		if got := fmt.Sprint(b.first, b.counts); want == "" {
			want = got
		} else if got != want {
			t.Fatal("the order matters")
		}
	}
	for _, x := range []float64{math.SmallestNonzeroFloat64, 1e-310, 1, math.MaxFloat64} {
		if got := numberOf(bucketOf(x)); math.Abs(got-x) > sketchError*x*(1+1e-9) && x > 1e-300 {
			t.Errorf("%v is %v", x, got)
		}
	}
}

func TestDistinct(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{0, 1, 1000, exactDistinct, exactDistinct + 1, 50_000, 300_000} {
		build := func() *distinct {
			var d [3]distinct
			for _, i := range rng.Perm(n) {
				h := xxhash.Sum64String(fmt.Sprint("value ", i))
				d[rng.IntN(3)].add(h)
				d[rng.IntN(3)].add(h)
			}
			d[1].merge(&d[0])
			d[1].merge(&d[2])
			return &d[1]
		}
		a, b := build(), build()
		got := a.count()
		if got != b.count() {
			t.Errorf("%d: %d or %d", n, got, b.count())
		}
		if n <= exactDistinct && got != int64(n) || math.Abs(float64(got)-float64(n)) > 0.025*float64(n) {
			t.Errorf("%d values are counted as %d", n, got)
		}
	}
	var zero distinct
	zero.add(0)
	zero.add(0)
	if zero.count() != 1 {
		t.Error("the hash 0")
	}
}

func TestThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 3000 {
		scale := uint8(rng.IntN(6))
		num := float64(rng.IntN(100000)-50000) / math.Pow(10, float64(rng.IntN(7)))
		for _, above := range []bool{false, true} {
			n, over := threshold(num, scale, above)
			reaches := func(n int64) bool {
				f := plan.Decimal(n, scale)
				return f > num || !above && f == num
			}
			if over || !reaches(n) || reaches(n-1) {
				t.Fatalf("%v scale %d above %v: %d %v", num, scale, above, n, over)
			}
		}
	}
	if _, over := threshold(1e30, 0, false); !over {
		t.Error("1e30 is reached")
	}
	if n, over := threshold(-1e30, 0, false); over || n != math.MinInt64 {
		t.Errorf("-1e30 is reached at %d %v", n, over)
	}
}
