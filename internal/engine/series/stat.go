package series

import "math"

// Range selects a part of the values of a bucket: between two values, without the
// lower and with the upper one, or, when Percent is set, between two shares (0 to 1) of
// all values in ascending order. A bound that is not there is no bound.
type Range struct {
	Low, High       float64
	HasLow, HasHigh bool
	Percent         bool
}

// at calls yield with each value and how often it occurred, ascending.
func (b *Bucket) each(yield func(v, count float64) bool) {
	if b.constant() || len(b.values.entries) == 0 {
		yield(b.Min, b.Count)
		return
	}
	for i := range b.values.entries {
		// A bin stands for values that are within what was seen.
		v := min(max(b.values.value(i), b.Min), b.Max)
		if !yield(v, b.values.entries[i].count) {
			return
		}
	}
}

// epsilon forgives what multiplying a share with a count loses.
const epsilon = 1e-9

// ranks turns shares into the ranks that are inside: those above low up to high. A
// value that is in the range in part counts.
func (b *Bucket) ranks(r Range) (low, high float64) {
	low, high = 0, b.Count
	if r.HasLow {
		low = math.Floor(r.Low*b.Count + epsilon)
	}
	if r.HasHigh {
		high = math.Ceil(r.High*b.Count - epsilon)
	}
	return low, high
}

// Percentile returns the value below which or at which the share q (0 to 1) of the
// values is; ok is false when HasValues is. It is one of the values, the nearest
// rank, or within 1 % of it.
func (b *Bucket) Percentile(q float64) (v float64, ok bool) {
	if !b.HasValues() || b.Count == 0 || !(q >= 0 && q <= 1) {
		return 0, false
	}
	rank := max(math.Ceil(q*b.Count-epsilon), math.SmallestNonzeroFloat64)
	v = b.Max
	seen := 0.0
	b.each(func(value, count float64) bool {
		seen += count
		if seen >= rank {
			v = value
			return false
		}
		return true
	})
	return v, true
}

// Trimmed returns count and sum of the values in a range; ok is false when
// HasValues is.
func (b *Bucket) Trimmed(r Range) (count, sum float64, ok bool) {
	if !b.HasValues() || b.Count == 0 {
		return 0, 0, false
	}
	low, high := b.ranks(r)
	seen := 0.0
	b.each(func(v, n float64) bool {
		if r.Percent {
			from, to := max(seen, low), min(seen+n, high)
			seen += n
			if to > from {
				count += to - from
				sum += v * (to - from)
			}
			return seen < high
		}
		if (!r.HasLow || v > r.Low) && (!r.HasHigh || v <= r.High) {
			count += n
			sum += v * n
		}
		return true
	})
	return count, sum, true
}

// Winsorized returns the mean of the values where those outside of the range count
// as the bound they are beyond; ok is false when HasValues is.
func (b *Bucket) Winsorized(r Range) (mean float64, ok bool) {
	if !b.HasValues() || b.Count == 0 {
		return 0, false
	}
	least, greatest := math.Inf(-1), math.Inf(1)
	if r.Percent {
		low, high := b.ranks(r)
		seen := 0.0
		b.each(func(v, n float64) bool {
			seen += n
			if math.IsInf(least, -1) && seen > low {
				least = v
			}
			greatest = v
			return seen < high
		})
	} else {
		if r.HasLow {
			least = r.Low
		}
		if r.HasHigh {
			greatest = r.High
		}
	}
	sum := 0.0
	b.each(func(v, n float64) bool {
		sum += min(max(v, least), greatest) * n
		return true
	})
	return sum / b.Count, true
}
