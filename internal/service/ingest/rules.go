package ingest

import (
	"fmt"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

const (
	day      = int64(24 * time.Hour / time.Millisecond)
	maxAge   = 14 * day
	maxAhead = int64(2 * time.Hour / time.Millisecond)
	maxSpan  = day
	noExpiry = 0 // retention in days of a group that keeps its events
)

// checkShape applies the rules that need no group: sizes, then order.
func (b *Batch) checkShape() error {
	n := b.Len()
	switch {
	case n == 0:
		return ErrEmpty
	case n > logs.MaxBatchEvents || n != len(b.Ends) || int(b.Ends[n-1]) != len(b.Arena):
		return fmt.Errorf("%w: %d timestamps, %d ends, %d bytes", ErrBadBatch, n, len(b.Ends), len(b.Arena))
	}
	last := uint32(0)
	for i, end := range b.Ends {
		if end <= last || b.Timestamps[i] < 0 {
			return fmt.Errorf("%w: event %d", ErrBadBatch, i)
		}
		if size := int(end-last) + EventOverhead; size > MaxEventBytes {
			return &EventTooLargeError{Bytes: size}
		}
		last = end
	}
	if size := len(b.Arena) + n*EventOverhead; size > MaxBatchBytes {
		return &BatchTooLargeError{Bytes: size}
	}
	for i := 1; i < n; i++ {
		if b.Timestamps[i] < b.Timestamps[i-1] {
			return ErrOrder
		}
	}
	return nil
}

// window says which events of an ordered batch are accepted: [from, to).
// Before them lie tooOld events past 14 days and then expired ones past the
// retention of the group, behind them events too far in the future.
type window struct{ tooOld, from, to int }

// windowAt measures the window at now (ms). retentionDays is noExpiry for a
// group that keeps its events.
func (b *Batch) windowAt(now int64, retentionDays int) window {
	first := func(from int, in func(ts int64) bool) int {
		for from < b.Len() && !in(b.Timestamps[from]) {
			from++
		}
		return from
	}
	var w window
	w.tooOld = first(0, func(ts int64) bool { return ts >= now-maxAge })
	w.from = w.tooOld
	if retentionDays != noExpiry {
		w.from = first(w.from, func(ts int64) bool { return ts >= now-int64(retentionDays)*day })
	}
	w.to = first(w.from, func(ts int64) bool { return ts > now+maxAhead })
	return w
}

// checkSpan applies the 24-hour rule to the accepted events.
func (b *Batch) checkSpan(w window) error {
	if w.from < w.to && b.Timestamps[w.to-1]-b.Timestamps[w.from] > maxSpan {
		return ErrSpan
	}
	return nil
}

// Rejected reports which events of a batch were not stored. Indexes refer to
// the batch as sent; nil means that there is none of the kind.
type Rejected struct {
	TooOldEnd   *int // events [0, TooOldEnd) are older than 14 days
	ExpiredEnd  *int // events up to ExpiredEnd (exclusive) are past the retention
	TooNewStart *int // events from TooNewStart on are over 2 hours ahead
}

// rejected returns nil when everything was accepted.
func (w window) rejected(n int) *Rejected {
	var r Rejected
	if w.tooOld > 0 {
		r.TooOldEnd = &w.tooOld
	}
	if w.from > w.tooOld {
		r.ExpiredEnd = &w.from
	}
	if w.to < n {
		r.TooNewStart = &w.to
	}
	if r == (Rejected{}) {
		return nil
	}
	return &r
}
