package metricfilters

import (
	"math"
	"slices"
	"sort"

	"github.com/cumulog/cumulog/internal/engine/series"
)

const (
	minute = int64(60_000)
	second = int64(1_000)
)

// target is a metric that datapoints are made for.
type target struct {
	metric series.Metric
	unit   string
	high   bool     // of a resolution of a second
	size   int      // of its names, in bytes
	sums   []bucket // by start; those of the pass
	last   int      // the one that was added to
}

// bucket is what was added to a minute, or a second, of a target.
type bucket struct {
	start                int64
	count, sum, min, max float64
	values, counts       []float64
	bins                 map[float64]int32 // where a value stands; nil: equal ones may stand at several places
	mantissa             int               // bits that values are rounded to; allBits: they are not
}

const (
	exactValues     = 256  // of a bucket; beyond equal ones are added up, and if they are still more, rounded
	maxBucketValues = 4096 // distinct ones then
	allBits         = 52   // of the mantissa
	roundedBits     = 8    // of the mantissa of rounded values, which are off by 0.2 % then; fewer when that is not enough
)

// noUnit is the unit of what has none.
const noUnit = "None"

// put adds a value that occurred count times to the bucket of a time in ms.
func (c *consumer) put(t *target, at int64, v, count float64) {
	length := minute
	if t.high {
		length = second
	}
	b := c.bucket(t, at-at%length)
	if b.count == 0 {
		b.min, b.max = v, v
	}
	b.count += count
	b.sum += v * count
	b.min, b.max = min(b.min, v), max(b.max, v)
	if n := len(b.values); n > 0 && b.values[n-1] == v {
		b.counts[n-1] += count
		return
	}
	before := len(b.values)
	b.note(v, count)
	c.size += 16 * (len(b.values) - before)
}

// note adds a value to those of the bucket.
func (b *bucket) note(v, count float64) {
	if b.bins == nil {
		b.values, b.counts = append(b.values, v), append(b.counts, count)
		if len(b.values) > exactValues {
			b.round(allBits)
			b.bound()
		}
		return
	}
	v = rounded(v, b.mantissa)
	if i, ok := b.bins[v]; ok {
		b.counts[i] += count
		return
	}
	b.bins[v] = int32(len(b.values))
	b.values, b.counts = append(b.values, v), append(b.counts, count)
	b.bound()
}

// bound rounds values that are too many.
func (b *bucket) bound() {
	if b.mantissa == allBits && len(b.values) > exactValues {
		b.round(roundedBits)
	}
	for len(b.values) > maxBucketValues && b.mantissa > 0 {
		b.round(b.mantissa - 1)
	}
}

// round keeps n bits of the mantissa of the values.
func (b *bucket) round(n int) {
	b.mantissa, b.bins = n, make(map[float64]int32, len(b.values))
	values, counts := b.values[:0], b.counts[:0]
	for i, v := range b.values {
		v, count := rounded(v, n), b.counts[i]
		if at, ok := b.bins[v]; ok {
			counts[at] += count
			continue
		}
		b.bins[v] = int32(len(values))
		values, counts = append(values, v), append(counts, count)
	}
	b.values, b.counts = values, counts
}

// bytes is about what a datapoint takes beside its values.
func (t *target) bytes() int {
	if t.size == 0 {
		t.size = 64 + len(t.metric.Namespace) + len(t.metric.Name)
		for _, d := range t.metric.Dimensions {
			t.size += len(d.Name) + len(d.Value) + 4
		}
	}
	return t.size
}

// bucket returns that of a start, which is new perhaps.
func (c *consumer) bucket(t *target, start int64) *bucket {
	if t.last < len(t.sums) && t.sums[t.last].start == start {
		return &t.sums[t.last]
	}
	if len(t.sums) == 0 {
		c.dirty = append(c.dirty, t)
	}
	i := sort.Search(len(t.sums), func(i int) bool { return t.sums[i].start >= start })
	if t.last = i; i == len(t.sums) || t.sums[i].start != start {
		c.size += t.bytes()
		t.sums = slices.Insert(t.sums, i, bucket{start: start, values: c.spare.take(), counts: c.spare.take()})
	}
	return &t.sums[i]
}

// rounded returns v when n bits of a mantissa are enough for it, as they are for 0 and small
// integers, and else the middle of the values that begin with the same bits.
func rounded(v float64, n int) float64 {
	bits, off := math.Float64bits(v), allBits-n
	if bits&(1<<off-1) == 0 {
		return v
	}
	return math.Float64frombits(bits>>off<<off | 1<<(off-1))
}

// collect makes the points of what was added.
func (c *consumer) collect() {
	for _, t := range c.dirty {
		for i := range t.sums {
			b := &t.sums[i]
			if math.IsInf(b.sum, 0) || math.IsNaN(b.sum) {
				continue // values of 2^360 and so many of them
			}
			if b.bins != nil && b.mantissa != allBits {
				for k, v := range b.values {
					b.values[k] = min(max(v, b.min), b.max)
				}
			}
			c.points = append(c.points, series.Point{
				Metric: t.metric, Unit: t.unit, Timestamp: b.start, HighResolution: t.high,
				Count: b.count, Sum: b.sum, Min: b.min, Max: b.max, Values: b.values, Counts: b.counts,
			})
		}
		clear(t.sums)
		t.sums, t.last = t.sums[:0], 0
	}
	c.ready = c.ready || len(c.dirty) > 0
	clear(c.dirty)
	c.dirty, c.size = c.dirty[:0], 0
}

// forget empties the points; their values can be used again.
func (c *consumer) forget() {
	for i := range c.points {
		c.spare.give(c.points[i].Values)
		c.spare.give(c.points[i].Counts)
	}
	clear(c.points)
	c.points = c.points[:0]
}

// spare keeps lists of numbers that are not in use.
type spare struct{ lists [][]float64 }

const maxSpare = 4096

func (s *spare) take() []float64 {
	n := len(s.lists)
	if n == 0 {
		return nil
	}
	l := s.lists[n-1]
	s.lists = s.lists[:n-1]
	return l
}

func (s *spare) give(l []float64) {
	if cap(l) > 0 && cap(l) <= 256 && len(s.lists) < maxSpare {
		s.lists = append(s.lists, l[:0])
	}
}

// without removes points by their indexes, which ascend.
func without(p []series.Point, drop []int) []series.Point {
	kept := p[:0]
	for i := range p {
		if len(drop) > 0 && drop[0] == i {
			drop = drop[1:]
			continue
		}
		kept = append(kept, p[i])
	}
	clear(p[len(kept):])
	return kept
}
