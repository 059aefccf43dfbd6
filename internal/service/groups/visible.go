package groups

import (
	"math"
	"time"
)

// Visible returns the range of timestamps [from, to), in ms, that a reader may see:
// the part of [start, end) that the retention of the group leaves at a time. nil is
// an open side.
func Visible(g Group, now time.Time, start, end *int64) (from, to int64) {
	from, to = 0, math.MaxInt64
	if start != nil {
		from = *start
	}
	if end != nil {
		to = *end
	}
	if g.RetentionDays > 0 {
		floor := now.UnixMilli() - int64(g.RetentionDays)*int64(24*time.Hour/time.Millisecond)
		from = max(from, floor)
	}
	return max(from, 0), to
}
