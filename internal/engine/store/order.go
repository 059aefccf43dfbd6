package store

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// ordered is a row of a block and its place in the order of the group.
type ordered struct {
	key logs.Key
	row uint32
}

// selection collects the wanted rows of a block and puts them in order. Its
// buffers are reused.
type selection struct {
	rows []ordered
	tmp  []ordered
	ends []int // where each sorted run of rows ends
}

func (s *selection) reset() { s.rows, s.ends = s.rows[:0], s.ends[:0] }

// add appends the rows of a run of one stream that lie strictly between the
// bounds.
func (s *selection) add(keys []logs.Key, run segment.StreamRun, lo, hi logs.Key) {
	from, to := run.From, run.To
	if !lo.Less(keys[from]) {
		from += sort.Search(to-from, func(i int) bool { return lo.Less(keys[run.From+i]) })
	}
	if from < to && !keys[to-1].Less(hi) {
		base := from
		to = base + sort.Search(to-base, func(i int) bool { return !keys[base+i].Less(hi) })
	}
	if from >= to {
		return
	}
	for i := from; i < to; i++ {
		s.rows = append(s.rows, ordered{key: keys[i], row: uint32(i)})
	}
	s.ends = append(s.ends, len(s.rows))
}

// addRows appends rows, which ascend, of a block.
func (s *selection) addRows(keys []logs.Key, runs []segment.StreamRun, rows []uint32) {
	i := 0
	for _, run := range runs {
		before := len(s.rows)
		for ; i < len(rows) && int(rows[i]) < run.To; i++ {
			s.rows = append(s.rows, ordered{key: keys[rows[i]], row: rows[i]})
		}
		if len(s.rows) > before {
			s.ends = append(s.ends, len(s.rows))
		}
	}
}

// addSorted appends those of sorted rows that lie strictly between the bounds.
func (s *selection) addSorted(rows []ordered, lo, hi logs.Key) {
	from := sort.Search(len(rows), func(i int) bool { return lo.Less(rows[i].key) })
	to := from + sort.Search(len(rows)-from, func(i int) bool { return !rows[from+i].key.Less(hi) })
	if from < to {
		s.rows = append(s.rows, rows[from:to]...)
		s.ends = append(s.ends, len(s.rows))
	}
}

// fewRuns is how many sorted runs are merged rather than sorted anew.
const fewRuns = 8

// keep drops the rows for which want is false.
func (s *selection) keep(want func(row int) bool) {
	w, from := 0, 0
	ends := s.ends[:0]
	for _, end := range s.ends {
		before := w
		for _, r := range s.rows[from:end] {
			if want(int(r.row)) {
				s.rows[w] = r
				w++
			}
		}
		if w > before {
			ends = append(ends, w)
		}
		from = end
	}
	s.rows, s.ends = s.rows[:w], ends
}

// order sorts the rows by key. A few runs are merged pairwise; many of them, as
// blocks of very many streams have, are sorted by the bytes of their timestamps.
func (s *selection) order() {
	if len(s.ends) > fewRuns {
		s.radix()
		s.ends = append(s.ends[:0], len(s.rows))
		return
	}
	for len(s.ends) > 1 {
		s.tmp = slices.Grow(s.tmp[:0], len(s.rows))
		out, ends, from := s.tmp, s.ends[:0], 0
		for i := 0; i < len(s.ends); i += 2 {
			mid := s.ends[i]
			if i+1 == len(s.ends) {
				out = append(out, s.rows[from:mid]...)
			} else {
				out = mergeOrdered(out, s.rows[from:mid], s.rows[mid:s.ends[i+1]])
				from = s.ends[i+1]
			}
			ends = append(ends, len(out))
		}
		s.rows, s.tmp, s.ends = out, s.rows, ends
	}
}

// radix sorts the rows by timestamp in as many passes as their range has digits
// of eleven bits, and then those of equal timestamps by sequence number.
func (s *selection) radix() {
	const digit = 11
	n := len(s.rows)
	low, high := s.rows[0].key.Timestamp, s.rows[0].key.Timestamp
	for i := range s.rows {
		low, high = min(low, s.rows[i].key.Timestamp), max(high, s.rows[i].key.Timestamp)
	}
	passes := (bits.Len64(uint64(high-low)) + digit - 1) / digit
	if n < 256 || passes > 4 {
		slices.SortFunc(s.rows, func(a, b ordered) int { return a.key.Compare(b.key) })
		return
	}
	from, to := s.rows, slices.Grow(s.tmp[:0], n)[:n]
	var at [1 << digit]uint32
	for p := range passes {
		shift := p * digit
		clear(at[:])
		for i := range from {
			at[uint64(from[i].key.Timestamp-low)>>shift&(1<<digit-1)]++
		}
		sum := uint32(0)
		for i, k := range at {
			at[i] = sum
			sum += k
		}
		for i := range from {
			d := uint64(from[i].key.Timestamp-low) >> shift & (1<<digit - 1)
			to[at[d]] = from[i]
			at[d]++
		}
		from, to = to, from
	}
	s.rows, s.tmp = from, to
	for i := 0; i < n; {
		j, sorted := i+1, true
		for j < n && from[j].key.Timestamp == from[i].key.Timestamp {
			sorted = sorted && from[j-1].key.Seq < from[j].key.Seq
			j++
		}
		if !sorted {
			slices.SortFunc(from[i:j], func(a, b ordered) int { return cmp.Compare(a.key.Seq, b.key.Seq) })
		}
		i = j
	}
}

func mergeOrdered(out, a, b []ordered) []ordered {
	if a[len(a)-1].key.Less(b[0].key) {
		return append(append(out, a...), b...)
	}
	for len(a) > 0 && len(b) > 0 {
		if a[0].key.Less(b[0].key) {
			out = append(out, a[0])
			a = a[1:]
		} else {
			out = append(out, b[0])
			b = b[1:]
		}
	}
	return append(append(out, a...), b...)
}
