package series

import (
	"slices"
	"time"
)

// level is a resolution, how long it is kept and what part of time a file of it
// holds. All in ms.
type level struct {
	resolution, partition, keep int64
}

// levels are the resolutions, finest first. What is in seconds is in minutes too, so
// seconds are not rolled up.
var levels = [...]level{
	{second, hour, 3 * hour},
	{minute, day, 15 * day},
	{5 * minute, 8 * day, 63 * day},
	{hour, 32 * day, longest},
}

// longest is the longest retention.
const longest = 455 * day

// start returns the start of the partition that t is in.
func (l *level) start(t int64) int64 { return t - t%l.partition }

// expired reports whether all of the partition that begins at start is older than the level keeps.
func (l *level) expired(start, now int64) bool { return start+l.partition <= now-l.keep }

// levelOf returns the index of a resolution.
func levelOf(resolution int64) (int, bool) {
	for i := range levels {
		if levels[i].resolution == resolution {
			return i, true
		}
	}
	return 0, false
}

// home returns the level that a bucket of a minute is stored in when it is written
// now; ok is false when it is not kept.
func home(start, now int64) (lv int, ok bool) {
	for lv = 1; lv < len(levels); lv++ {
		l := &levels[lv]
		if !l.expired(l.start(start), now) {
			return lv, true
		}
	}
	return 0, false
}

// Retention returns how long datapoints of a period can be read: those of periods
// that are multiples of an hour the longest.
func Retention(period time.Duration) time.Duration {
	p := period.Milliseconds()
	for i := len(levels) - 1; i >= 0; i-- {
		if p > 0 && p%levels[i].resolution == 0 {
			return time.Duration(levels[i].keep) * time.Millisecond
		}
	}
	return 0
}

// rollUp adds buckets up to buckets of a coarser resolution, in memory of its own.
func rollUp(buckets []Bucket, resolution int64) []Bucket {
	var out []Bucket
	for i := range buckets {
		b := &buckets[i]
		start := b.Start - b.Start%resolution
		if n := len(out); n == 0 || out[n-1].Start != start {
			out = append(out, Bucket{Start: start})
		}
		out[len(out)-1].merge(b)
	}
	return out
}

// cloneBuckets copies buckets and what they refer to.
func cloneBuckets(buckets []Bucket) []Bucket {
	n := 0
	for i := range buckets {
		n += len(buckets[i].values.entries)
	}
	out := slices.Clone(buckets)
	arena := make([]entry, 0, n)
	for i := range out {
		begin := len(arena)
		arena = append(arena, out[i].values.entries...)
		out[i].values.entries = arena[begin:len(arena):len(arena)]
	}
	return out
}

// combine merges sorted buckets with others of the same resolution.
func combine(a, b []Bucket) []Bucket {
	if len(a) == 0 {
		return b
	}
	out := make([]Bucket, 0, len(a)+len(b))
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i].Start < b[j].Start:
			out = append(out, a[i])
			i++
		case a[i].Start > b[j].Start:
			out = append(out, b[j])
			j++
		default:
			m := Bucket{Start: a[i].Start}
			m.merge(&a[i])
			m.merge(&b[j])
			out = append(out, m)
			i++
			j++
		}
	}
	return append(append(out, a[i:]...), b[j:]...)
}
