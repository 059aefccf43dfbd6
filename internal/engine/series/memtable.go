package series

import (
	"slices"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// memtable holds the buckets that are in no file yet. It is guarded by DB.mu while
// it takes additions; a sealed one does not change.
type memtable struct {
	series  map[*series]*memSeries
	bytes   int64
	last    uint64            // LSN of the newest record in it, or in what came before
	reached map[string]uint64 // as of last
}

// memSeries is a series in a memtable. Both are sorted by start, starts are unique.
type memSeries struct {
	minutes, seconds []Bucket
}

const memSeriesBytes = 96 // with its place in the map

func newMemtable(last uint64, reached map[string]uint64) *memtable {
	m := &memtable{series: map[*series]*memSeries{}, last: last, reached: map[string]uint64{}}
	for c, lsn := range reached {
		m.reached[c] = lsn
	}
	return m
}

// add adds a point to its buckets.
func (m *memtable) add(s *series, p *Point) {
	ms := m.series[s]
	if ms == nil {
		ms = &memSeries{}
		m.series[s] = ms
		m.bytes += memSeriesBytes
		s.uses++
	}
	m.bytes += addPoint(&ms.minutes, p.Timestamp-p.Timestamp%minute, p)
	if p.HighResolution {
		m.bytes += addPoint(&ms.seconds, p.Timestamp-p.Timestamp%second, p)
	}
	s.newest = max(s.newest, p.Timestamp)
}

// addPoint adds to the bucket at start and returns by how much memory grew.
func addPoint(buckets *[]Bucket, start int64, p *Point) int64 {
	before := int64(0)
	b := findBucket(*buckets, start)
	if b == nil {
		before = int64(cap(*buckets)) * bucketBytes
		b = insertBucket(buckets, start)
		before -= int64(cap(*buckets)) * bucketBytes
	}
	entries := int64(cap(b.values.entries))
	b.add(p)
	return (int64(cap(b.values.entries))-entries)*entryBytes - before
}

// findBucket returns the bucket at start, or nil.
func findBucket(buckets []Bucket, start int64) *Bucket {
	n := len(buckets)
	if n > 0 && buckets[n-1].Start == start {
		return &buckets[n-1]
	}
	if n == 0 || buckets[n-1].Start < start {
		return nil
	}
	if at, found := searchBuckets(buckets, start); found {
		return &buckets[at]
	}
	return nil
}

func insertBucket(buckets *[]Bucket, start int64) *Bucket {
	at, _ := searchBuckets(*buckets, start)
	*buckets = slices.Insert(*buckets, at, Bucket{Start: start})
	return &(*buckets)[at]
}

func searchBuckets(buckets []Bucket, start int64) (int, bool) {
	return slices.BinarySearchFunc(buckets, start, func(b Bucket, t int64) int {
		switch {
		case b.Start < t:
			return -1
		case b.Start > t:
			return 1
		}
		return 0
	})
}
