package series_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/series"
)

// point returns a point of values, in the three forms that there are.
func point(values ...float64) series.Point {
	p := series.Point{Count: float64(len(values)), Min: math.Inf(1), Max: math.Inf(-1), Values: values}
	for _, v := range values {
		p.Sum += v
		p.Min, p.Max = min(p.Min, v), max(p.Max, v)
	}
	if p.Min == p.Max {
		p.Values = nil
	}
	return p
}

func bucket(points ...series.Point) *series.Bucket {
	b := &series.Bucket{}
	for i := range points {
		series.AddPoint(b, &points[i])
	}
	return b
}

func TestPercentileOfFewValuesIsExact(t *testing.T) {
	b := bucket(point(5, 1, 3, 2, 4))
	for _, c := range []struct{ q, want float64 }{
		{0, 1}, {0.1, 1}, {0.2, 1}, {0.21, 2}, {0.5, 3}, {0.8, 4}, {0.9, 5}, {0.99, 5}, {1, 5},
	} {
		if got, ok := b.Percentile(c.q); !ok || got != c.want {
			t.Errorf("percentile %v: got %v %v, want %v", c.q, got, ok, c.want)
		}
	}
	if _, ok := b.Percentile(1.1); ok {
		t.Error("percentile 1.1 is there")
	}
}

func TestPercentileIsWithinOnePercent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []float64{1e-6, 1, 1e9} {
		var all []float64
		b := &series.Bucket{}
		for range 200 {
			values := make([]float64, 50)
			for i := range values {
				values[i] = scale * math.Exp(rng.NormFloat64())
			}
			all = append(all, values...)
			p := point(values...)
			series.AddPoint(b, &p)
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
			want := all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
			got, ok := b.Percentile(q)
			if !ok || math.Abs(got-want) > 0.0101*want {
				t.Errorf("scale %v, percentile %v: got %v %v, want %v", scale, q, got, ok, want)
			}
		}
		if n, binned := b.Entries(); !binned || n > series.MaxBins {
			t.Errorf("%d entries, binned %v", n, binned)
		}
	}
}

// TestMergeInAnyOrder merges the same points in different orders and groups.
func TestMergeInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		var points []series.Point
		wide := round%3 == 0
		for range 1 + rng.IntN(40) {
			var values []float64
			for range 1 + rng.IntN(8) {
				v := float64(rng.IntN(20))
				if wide {
					v = math.Ldexp(1+rng.Float64(), rng.IntN(600)-300)
				}
				values = append(values, v)
			}
			points = append(points, point(values...))
		}
		if round%7 == 0 {
			points = append(points, series.Point{Count: 3, Sum: 6, Min: 1, Max: 3}) // a set
		}
		if round%11 == 0 {
			points = append(points, point(-1))
		}
		straight := bucket(points...)
		for range 5 {
			rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
			var parts []*series.Bucket
			for i := 0; i < len(points); {
				n := min(1+rng.IntN(5), len(points)-i)
				parts = append(parts, bucket(points[i:i+n]...))
				i += n
			}
			for len(parts) > 1 {
				i := rng.IntN(len(parts) - 1)
				series.MergeBuckets(parts[i], parts[i+1])
				parts = slices.Delete(parts, i+1, i+2)
			}
			got := parts[0]
			same := got.Count == straight.Count && math.Abs(got.Sum-straight.Sum) <= 1e-9*math.Abs(straight.Sum) &&
				got.Min == straight.Min && got.Max == straight.Max && got.HasValues() == straight.HasValues()
			gn, gb := got.Entries()
			sn, sb := straight.Entries()
			if !same || gn != sn || gb != sb {
				t.Fatalf("round %d: got %+v (%d), want %+v (%d)", round, got, gn, straight, sn)
			}
			for _, q := range []float64{0.1, 0.5, 0.99} {
				a, aok := got.Percentile(q)
				b, bok := straight.Percentile(q)
				if a != b || aok != bok {
					t.Fatalf("round %d: percentile %v is %v or %v", round, q, a, b)
				}
			}
		}
	}
}

// TestWhoHasPercentiles names what of the documentation of AWS holds: sets have none, unless all values
// are the same, nor have negative values.
func TestWhoHasPercentiles(t *testing.T) {
	set := func(count, sum, least, greatest float64) series.Point {
		return series.Point{Count: count, Sum: sum, Min: least, Max: greatest}
	}
	for _, c := range []struct {
		name   string
		points []series.Point
		want   bool
	}{
		{"a value", []series.Point{point(3)}, true},
		{"values", []series.Point{point(3, 4)}, true},
		{"zero", []series.Point{point(0), point(0)}, true},
		{"a set of one", []series.Point{set(1, 5, 5, 5)}, true},
		{"a set of equal values", []series.Point{set(4, 20, 5, 5), point(6)}, true},
		{"a set", []series.Point{set(2, 3, 1, 2)}, false},
		{"a set and values", []series.Point{point(1, 2, 3), set(2, 3, 1, 2)}, false},
		{"values after a set", []series.Point{set(2, 3, 1, 2), point(1, 2, 3)}, false},
		{"a negative value", []series.Point{point(-1)}, false},
		{"a negative value before", []series.Point{point(-1), point(1)}, false},
		{"a negative value later", []series.Point{point(1, 2), point(-1)}, false},
	} {
		b := bucket(c.points...)
		if _, ok := b.Percentile(0.5); ok != c.want || b.HasValues() != c.want {
			t.Errorf("%s: percentile %v, HasValues %v, want %v", c.name, ok, b.HasValues(), c.want)
		}
	}
}

func TestTrimmed(t *testing.T) {
	ten := bucket(point(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
	percent := func(low, high float64) series.Range {
		return series.Range{Low: low, High: high, HasLow: low > 0, HasHigh: high < 1, Percent: true}
	}
	for _, c := range []struct {
		name       string
		r          series.Range
		count, sum float64
		winsorized float64
	}{
		{"lowest 90 %", percent(0, 0.9), 9, 45, 5.4},
		{"without the ends", percent(0.1, 0.9), 8, 44, 5.5},
		{"middle half", percent(0.25, 0.75), 6, 33, 5.5},
		{"highest 20 %", percent(0.8, 1), 2, 19, 9.1},
		{"all", series.Range{Percent: true}, 10, 55, 5.5},
		{"3 to 7", series.Range{Low: 3, High: 7, HasLow: true, HasHigh: true}, 4, 22, 5.2},
		{"to 4", series.Range{High: 4, HasHigh: true}, 4, 10, 3.4},
		{"above 8", series.Range{Low: 8, HasLow: true}, 2, 19, 8.3},
		{"nothing", series.Range{Low: 100, HasLow: true}, 0, 0, 100},
	} {
		count, sum, ok := ten.Trimmed(c.r)
		if !ok || count != c.count || sum != c.sum {
			t.Errorf("%s: got %v values of %v %v, want %v of %v", c.name, count, sum, ok, c.count, c.sum)
		}
		if w, ok := ten.Winsorized(c.r); !ok || math.Abs(w-c.winsorized) > 1e-12 {
			t.Errorf("%s: winsorized %v %v, want %v", c.name, w, ok, c.winsorized)
		}
	}
	one := bucket(point(7))
	if count, sum, ok := one.Trimmed(percent(0, 0.99)); !ok || count != 1 || sum != 7 {
		t.Errorf("one value: %v %v %v", count, sum, ok)
	}
}

func TestSumsStayFinite(t *testing.T) {
	huge := point(math.MaxFloat64)
	b := bucket(huge, huge, point(-math.MaxFloat64/2), huge)
	if math.IsInf(b.Sum, 0) || b.Count != 4 {
		t.Errorf("sum %v of %v", b.Sum, b.Count)
	}
}

func BenchmarkAddPoint(b *testing.B) {
	for _, c := range []struct {
		name   string
		values int
	}{{"one value", 1}, {"20 values", 20}} {
		b.Run(c.name, func(b *testing.B) {
			values := make([]float64, c.values)
			for i := range values {
				values[i] = float64(i * 7)
			}
			p := point(values...)
			var k series.Bucket
			b.ReportAllocs()
			for b.Loop() {
				series.AddPoint(&k, &p)
			}
		})
	}
}
