package series

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// A sketch holds how often which value occurred: exactly up to maxExact distinct
// values, and in bins beyond. Bin i holds the values in (gamma^(i-1), gamma^i], so a
// value is known to 1 %. Zero has a bin of its own below all others. When there are
// more than maxBins, the lowest are added up in the lowest that is kept. All of this
// depends only on what was added, not on the order, so sketches can be merged in
// any way. Values are not negative.
type sketch struct {
	binned  bool
	entries []entry // by key
}

// entry is a value, or the number of a bin, and its count.
type entry struct{ key, count float64 }

const (
	maxExact = 32
	maxBins  = 1024
	zeroBin  = math.MinInt32
)

// gamma is the ratio of the bounds of a bin, for an error of 1 %.
const gamma = 1.01 / 0.99

var logGamma = math.Log(gamma)

// binOf returns the bin of v >= 0.
func binOf(v float64) float64 {
	if v == 0 {
		return zeroBin
	}
	return math.Ceil(math.Log(v) / logGamma)
}

// binValue returns the value that stands for the values of a bin.
func binValue(bin float64) float64 {
	if bin == zeroBin {
		return 0
	}
	return 2 * math.Exp(bin*logGamma) / (gamma + 1)
}

// value returns what entry i stands for.
func (s *sketch) value(i int) float64 {
	if s.binned {
		return binValue(s.entries[i].key)
	}
	return s.entries[i].key
}

// add adds a value that occurred count times.
func (s *sketch) add(v, count float64) {
	if s.binned {
		v = binOf(v)
	}
	s.insert(v, count)
	s.shrink()
}

// insert adds to the entry of key.
func (s *sketch) insert(key, count float64) {
	if n := len(s.entries); n > 0 {
		switch last := &s.entries[n-1]; {
		case last.key == key:
			last.count += count
			return
		case last.key > key:
			at, found := slices.BinarySearchFunc(s.entries, key, func(e entry, k float64) int { return cmp.Compare(e.key, k) })
			if found {
				s.entries[at].count += count
			} else {
				s.entries = slices.Insert(s.entries, at, entry{key, count})
			}
			return
		}
	}
	s.entries = append(s.entries, entry{key, count})
}

// shrink brings the sketch into its bounds.
func (s *sketch) shrink() {
	if !s.binned && len(s.entries) > maxExact {
		s.bin()
	}
	if s.binned && len(s.entries) > maxBins {
		excess := len(s.entries) - maxBins
		for _, e := range s.entries[:excess] {
			s.entries[excess].count += e.count
		}
		s.entries = slices.Delete(s.entries, 0, excess)
	}
}

// bin turns values into bins.
func (s *sketch) bin() {
	s.binned = true
	out := s.entries[:0]
	for _, e := range s.entries {
		key := binOf(e.key)
		if n := len(out); n > 0 && out[n-1].key == key {
			out[n-1].count += e.count
		} else {
			out = append(out, entry{key, e.count})
		}
	}
	s.entries = out
}

// merge adds o, which it does not change or keep.
func (s *sketch) merge(o *sketch) {
	if o.binned && !s.binned {
		s.bin()
	}
	if len(s.entries) == 0 && s.binned == o.binned {
		s.entries = append(s.entries, o.entries...)
		return
	}
	if len(o.entries) > 8 && len(s.entries) > 8 && s.binned == o.binned {
		s.zip(o.entries)
	} else {
		for _, e := range o.entries {
			if s.binned && !o.binned {
				e.key = binOf(e.key)
			}
			s.insert(e.key, e.count)
		}
	}
	s.shrink()
}

// zip merges sorted entries from the back, in place.
func (s *sketch) zip(o []entry) {
	a := s.entries
	extra := 0
	for i, j := 0, 0; j < len(o); {
		switch {
		case i == len(a) || a[i].key > o[j].key:
			extra++
			j++
		case a[i].key == o[j].key:
			i++
			j++
		default:
			i++
		}
	}
	s.entries = slices.Grow(a, extra)[:len(a)+extra]
	i, j := len(a)-1, len(o)-1
	for at := len(s.entries) - 1; j >= 0; at-- {
		switch {
		case i < 0 || s.entries[i].key < o[j].key:
			s.entries[at] = o[j]
			j--
		case s.entries[i].key == o[j].key:
			s.entries[at] = entry{o[j].key, s.entries[i].count + o[j].count}
			i--
			j--
		default:
			s.entries[at] = s.entries[i]
			i--
		}
	}
}

// append encodes the sketch.
func (s *sketch) append(b []byte) []byte {
	n := uint64(len(s.entries)) << 1
	if s.binned {
		n |= 1
	}
	b = binary.AppendUvarint(b, n)
	prev := 0.0
	for i, e := range s.entries {
		if s.binned && i > 0 {
			b = binary.AppendUvarint(b, uint64(e.key-prev))
		} else {
			b = appendFloat(b, e.key)
		}
		prev = e.key
		b = appendFloat(b, e.count)
	}
	return b
}

// decode replaces the sketch by one that append wrote. The entries are put at the end of
// arena, which is returned; the sketch has no room to grow there.
func (s *sketch) decode(d *decoder, arena []entry) []entry {
	n := d.uvarint()
	s.binned = n&1 == 1
	n >>= 1
	limit := uint64(maxExact)
	if s.binned {
		limit = maxBins
	}
	if n == 0 || n > limit || 2*n > uint64(d.left()) {
		d.fail()
		return arena
	}
	begin := len(arena)
	prev := 0.0
	for i := range n {
		var key float64
		if s.binned && i > 0 {
			key = prev + float64(d.uvarint())
		} else {
			key = d.float()
		}
		count := d.float()
		switch {
		case d.bad, !(count > 0), i > 0 && key <= prev,
			!s.binned && key < 0,
			s.binned && (key != math.Trunc(key) || key < zeroBin || key > math.MaxInt32):
			d.fail()
			return arena
		}
		arena = append(arena, entry{key, count})
		prev = key
	}
	s.entries = arena[begin:len(arena):len(arena)]
	return arena
}
