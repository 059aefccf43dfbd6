package wal

import (
	"sync/atomic"
	"time"
)

// syncBounds are the upper bounds of the buckets of Stats.SyncTimes; the last
// bucket has none.
var syncBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

// Stats counts what a Log did since Open.
type Stats struct {
	Groups    int64 // acknowledged groups
	Records   int64 // acknowledged records
	Bytes     int64 // written for them, with headers and padding
	Refused   int64 // records answered with ErrFull or ErrFailed
	Failures  int64 // failed writes and syncs
	Abandoned int64 // files given up after an error other than a full disk

	SyncTime  time.Duration // sum over groups
	SyncTimes []SyncBucket  // histogram, ascending, not cumulative

	Files    int    // files with records, the active one included
	Backlog  int64  // bytes used in them: what a restart would have to read
	Free     int    // recycled files that wait for use
	Reserve  int64  // bytes of the reserve, 0 while it is released
	OldestAt uint64 // LSN that the first file begins with, 0 without files
}

// SyncBucket counts the syncs that took at most UpTo, and longer than the bucket
// before; UpTo is 0 in the last one, which has no bound.
type SyncBucket struct {
	UpTo  time.Duration
	Count int64
}

type counters struct {
	groups, records, bytes, refused, failures, abandoned atomic.Int64
	syncNanos                                            atomic.Int64
	syncs                                                [len(syncBounds) + 1]atomic.Int64
}

func (c *counters) group(records int, written []byte) {
	c.groups.Add(1)
	c.records.Add(int64(records))
	c.bytes.Add(int64(len(written)))
}

func (c *counters) synced(d time.Duration) {
	c.syncNanos.Add(int64(d))
	i := 0
	for i < len(syncBounds) && d > syncBounds[i] {
		i++
	}
	c.syncs[i].Add(1)
}

// Stats returns the counters of the log.
func (l *Log) Stats() Stats {
	s := Stats{
		Groups: l.stats.groups.Load(), Records: l.stats.records.Load(), Bytes: l.stats.bytes.Load(),
		Refused: l.stats.refused.Load(), Failures: l.stats.failures.Load(), Abandoned: l.stats.abandoned.Load(),
		SyncTime:  time.Duration(l.stats.syncNanos.Load()),
		SyncTimes: make([]SyncBucket, len(l.stats.syncs)),
	}
	for i := range l.stats.syncs {
		s.SyncTimes[i].Count = l.stats.syncs[i].Load()
		if i < len(syncBounds) {
			s.SyncTimes[i].UpTo = syncBounds[i]
		}
	}
	l.files.describe(&s)
	return s
}
