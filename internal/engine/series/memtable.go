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

// searchBuckets returns where the bucket at start is, or would be.
func searchBuckets(buckets []Bucket, start int64) (at int, found bool) {
	low, high := 0, len(buckets)
	for low < high {
		if middle := int(uint(low+high) / 2); buckets[middle].Start < start {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(buckets) && buckets[low].Start == start
}
