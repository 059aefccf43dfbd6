package exec

import (
	"math"
	"slices"
)

const (
	exactNumbers = 8192  // numbers of one group that percentiles are exact for
	sketchError  = 0.005 // relative, of a percentile of more
	maxBuckets   = 4096  // of each sign; what is nearest to 0 collapses
)

const (
	cubicA = 6.0 / 35
	cubicB = -3.0 / 5
	cubicC = 10.0 / 7
)

// perLog is how many buckets a power of two has: 1/(cubicC*log(sketchGamma)), with
// sketchGamma = (1+sketchError)/(1-sketchError).
var perLog = 1 / (cubicC * math.Log((1+sketchError)/(1-sketchError)))

// quantiles holds the numbers of one group: all of them up to exactNumbers, then
// a DDSketch. What it holds depends on the numbers only, not on their order.
type quantiles struct {
	exact []float64
	s     *sketch
	sort  bool // exact is sorted
}

// add returns by how many bytes q grew.
func (q *quantiles) add(x float64) int {
	if q.s != nil {
		return q.s.add(x, 1)
	}
	if len(q.exact) < exactNumbers {
		was := cap(q.exact)
		q.exact, q.sort = append(q.exact, x), false
		return 8 * (cap(q.exact) - was)
	}
	return q.coarsen() + q.s.add(x, 1)
}

// coarsen turns exact numbers into a sketch.
func (q *quantiles) coarsen() int {
	q.s = &sketch{}
	grown := -8 * cap(q.exact)
	for _, x := range q.exact {
		grown += q.s.add(x, 1)
	}
	q.exact = nil
	return grown
}

// merge adds the numbers of o and returns by how many bytes q grew.
func (q *quantiles) merge(o *quantiles) int {
	grown := 0
	if q.s == nil && (o.s != nil || len(q.exact)+len(o.exact) > exactNumbers) {
		grown = q.coarsen()
	}
	if o.s != nil {
		q.s.zero += o.s.zero
		q.s.widen(o.s.min, o.s.max)
		return grown + q.s.pos.merge(&o.s.pos) + q.s.neg.merge(&o.s.neg)
	}
	for _, x := range o.exact {
		grown += q.add(x)
	}
	return grown
}

// at returns the number of rank ceil(p/100*n), at least 1; ok is false without
// numbers.
func (q *quantiles) at(p float64) (x float64, ok bool) {
	if q.s != nil {
		return q.s.at(p), true
	}
	n := len(q.exact)
	if n == 0 {
		return 0, false
	}
	if !q.sort {
		slices.Sort(q.exact)
		q.sort = true
	}
	return q.exact[rank(p, int64(n))-1], true
}

func rank(p float64, n int64) int64 {
	return min(max(int64(math.Ceil(p*float64(n)/100)), 1), n)
}

// sketch is a DDSketch: counts of numbers by the logarithm of their size.
type sketch struct {
	pos, neg buckets
	zero     int64
	min, max float64 // exact
	some     bool
}

func (s *sketch) widen(low, high float64) {
	if !s.some {
		s.min, s.max, s.some = low, high, true
	}
	s.min, s.max = min(s.min, low), max(s.max, high)
}

// count adds a number when that needs no more memory; ok is false when it does.
func (s *sketch) count(x float64) (ok bool) {
	if !(x > 0) || !s.some {
		return false
	}
	at := bucketOf(x) - s.pos.first
	if uint(at) >= uint(len(s.pos.counts)) {
		return false
	}
	s.pos.counts[at]++
	if x < s.min {
		s.min = x
	}
	if x > s.max {
		s.max = x
	}
	return true
}

func (s *sketch) add(x float64, n int64) int {
	s.widen(x, x)
	switch {
	case x > 0:
		return s.pos.add(bucketOf(x), n)
	case x < 0:
		return s.neg.add(bucketOf(-x), n)
	}
	s.zero += n
	return 0
}

// bucketOf is a cheap stand-in for the logarithm: the exponent, and a cubic of the
// mantissa whose slope in log(x) is nowhere below cubicC, so that no bucket is
// wider than sketchGamma (the cubic interpolation of the DDSketch authors).
func bucketOf(x float64) int {
	b := math.Float64bits(x)
	e := int(b >> 52)
	if e == 0 { // denormal
		b = math.Float64bits(x * (1 << 52))
		e = int(b>>52) - 52
	}
	s := math.Float64frombits(b&(1<<52-1)|1023<<52) - 1
	at := (float64(e-1023) + ((cubicA*s+cubicB)*s+cubicC)*s) * perLog
	i := int(at)
	if float64(i) > at { // towards minus infinity
		i--
	}
	return i
}

// lowest returns the smallest number of a bucket, nearly.
func lowest(bucket int) float64 {
	g := float64(bucket) / perLog
	e := math.Floor(g)
	g -= e
	lo, hi := 0.0, 1.0
	for range 60 {
		mid := (lo + hi) / 2
		if ((cubicA*mid+cubicB)*mid+cubicC)*mid < g {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Ldexp(1+lo, int(e))
}

// numberOf returns a number that is within sketchError of all in the bucket.
func numberOf(bucket int) float64 {
	lo, hi := lowest(bucket), lowest(bucket+1)
	if math.IsInf(hi, 0) {
		return lo
	}
	return lo * (hi / (lo + hi)) * 2
}

func (s *sketch) at(p float64) float64 {
	neg, pos := s.neg.total(), s.pos.total()
	n := neg + s.zero + pos
	x := 0.0
	switch r := rank(p, n); {
	case r == 1:
		return s.min
	case r == n:
		return s.max
	case r <= neg:
		x = -numberOf(s.neg.bucket(neg - r + 1))
	case r > neg+s.zero:
		x = numberOf(s.pos.bucket(r - neg - s.zero))
	}
	return min(max(x, s.min), s.max)
}

// buckets are counts of consecutive buckets from first on, at most maxBuckets:
// when there would be more, the lowest are added together.
type buckets struct {
	first  int
	counts []int64
}

func (b *buckets) total() int64 {
	n := int64(0)
	for _, c := range b.counts {
		n += c
	}
	return n
}

// bucket returns the bucket that the number of a rank is in.
func (b *buckets) bucket(rank int64) int {
	for i, c := range b.counts {
		if rank -= c; rank <= 0 {
			return b.first + i
		}
	}
	return b.first + len(b.counts) - 1
}

// add returns by how many bytes b grew.
func (b *buckets) add(i int, n int64) int {
	if at := i - b.first; at >= 0 && at < len(b.counts) {
		b.counts[at] += n
		return 0
	}
	return b.extend(i, n)
}

func (b *buckets) extend(i int, n int64) int {
	if n == 0 {
		return 0
	}
	was := cap(b.counts)
	if len(b.counts) == 0 {
		b.first = i
		b.counts = append(b.counts, n)
		return 8 * (cap(b.counts) - was)
	}
	last := max(b.first+len(b.counts)-1, i)
	first := max(min(b.first, i), last-maxBuckets+1)
	if first == b.first && last-first < cap(b.counts) {
		counts := b.counts[:last-first+1]
		clear(counts[len(b.counts):])
		counts[max(i-first, 0)] += n
		b.counts = counts
		return 0
	}
	counts := make([]int64, last-first+1, min(maxBuckets, (last-first+1)*5/4+16))
	for j, c := range b.counts {
		counts[max(b.first+j-first, 0)] += c
	}
	counts[max(i-first, 0)] += n
	b.first, b.counts = first, counts
	return 8 * (cap(b.counts) - was)
}

func (b *buckets) merge(o *buckets) int {
	grown := 0
	for i := len(o.counts) - 1; i >= 0; i-- { // the highest first: it fixes what collapses
		if o.counts[i] != 0 {
			grown += b.add(o.first+i, o.counts[i])
		}
	}
	return grown
}
