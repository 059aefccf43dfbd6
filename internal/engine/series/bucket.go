package series

import (
	"math"
	"unsafe"
)

// Bucket is what is known of the values of a period.
type Bucket struct {
	Start                int64 // ms since 1970
	Count, Sum, Min, Max float64
	// values holds what the bucket is made of, unless that is Count times Min.
	values sketch
	setful bool // something came as a set, without its values
}

const bucketBytes = int64(unsafe.Sizeof(Bucket{}))
const entryBytes = int64(unsafe.Sizeof(entry{}))

// Average is Sum / Count.
func (b *Bucket) Average() float64 { return b.Sum / b.Count }

// constant reports that all values are the same, so that no sketch is needed.
func (b *Bucket) constant() bool { return b.Min == b.Max }

// HasValues reports that percentiles and the other statistics of single values are
// known: nothing was added as a set, and no value is negative.
func (b *Bucket) HasValues() bool { return !b.setful && b.Min >= 0 }

// add adds a point.
func (b *Bucket) add(p *Point) {
	if b.Count == 0 {
		b.Count, b.Sum, b.Min, b.Max = p.Count, p.Sum, p.Min, p.Max
		if b.hasNone(p) {
			return
		}
		if p.Min != p.Max {
			b.values.addAll(p)
		}
		return
	}
	if p.Min != b.Min || p.Max != b.Max || !b.constant() {
		b.unfold(math.Min(b.Min, p.Min))
		if !b.hasNone(p) {
			b.values.addAll(p)
		}
	}
	b.grow(p.Count, p.Sum, p.Min, p.Max)
}

// hasNone gives the sketch up when p has no values.
func (b *Bucket) hasNone(p *Point) bool {
	if p.Values == nil && p.Min != p.Max {
		b.setful = true
	}
	if b.setful || p.Min < 0 || b.Min < 0 {
		b.values = sketch{}
		return true
	}
	return false
}

// unfold makes a sketch of a bucket that had none because its values are all the
// same, if the new least value does not forbid that.
func (b *Bucket) unfold(least float64) {
	if b.constant() && b.HasValues() && least >= 0 && len(b.values.entries) == 0 {
		b.values.add(b.Min, b.Count)
	}
}

func (b *Bucket) grow(count, sum, least, greatest float64) {
	b.Count += count
	b.Sum = min(max(b.Sum+sum, -math.MaxFloat64), math.MaxFloat64)
	b.Min = math.Min(b.Min, least)
	b.Max = math.Max(b.Max, greatest)
}

func (s *sketch) addAll(p *Point) {
	if p.Values == nil {
		s.add(p.Min, p.Count)
		return
	}
	for i, v := range p.Values {
		n := 1.0
		if p.Counts != nil {
			n = p.Counts[i]
		}
		s.add(v, n)
	}
}

// merge adds what is in o, which stays as it is and shares no memory with b
// afterwards.
func (b *Bucket) merge(o *Bucket) {
	if b.Count == 0 {
		b.set(o, append([]entry(nil), o.values.entries...))
		return
	}
	if !b.constant() || !o.constant() || b.Min != o.Min {
		b.unfold(math.Min(b.Min, o.Min))
		b.setful = b.setful || o.setful
		switch {
		case b.setful || b.Min < 0 || o.Min < 0:
			b.values = sketch{}
		case o.constant():
			b.values.add(o.Min, o.Count)
		default:
			b.values.merge(&o.values)
		}
	}
	b.setful = b.setful || o.setful
	b.grow(o.Count, o.Sum, o.Min, o.Max)
}

// set makes b, but for its start, equal to o, with entries in place of those of o.
func (b *Bucket) set(o *Bucket, entries []entry) {
	start := b.Start
	*b = *o
	b.Start = start
	b.values.entries = entries
}

// mergeSums is merge without the values.
func (b *Bucket) mergeSums(o *Bucket) {
	if b.Count == 0 {
		b.Count, b.Sum, b.Min, b.Max = o.Count, o.Sum, o.Min, o.Max
		return
	}
	b.grow(o.Count, o.Sum, o.Min, o.Max)
}
