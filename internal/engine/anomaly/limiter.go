package anomaly

import "slices"

// limiter decides which of the things that are new are worth a report. When few are
// new all are. Otherwise they are those that come with so many messages that, by
// what came lately, only a few a day do.
type limiter struct {
	Arrivals []arrival `json:"arrivals,omitempty"` // of the last days, oldest first
	Began    int64     `json:"began,omitempty"`    // ms; since when arrivals are counted
}

// arrival is something new and with how many messages it came.
type arrival struct {
	At    int64 `json:"at"`
	Count int64 `json:"count"`
}

const (
	maxArrivals = 512
	lookBack    = 3 * day // ms
	day         = 24 * 3_600_000
)

// allow counts something new and reports whether it is worth a report, of which
// there should be so many a day.
func (l *limiter) allow(at, count int64, perDay float64) bool {
	if l.Began == 0 {
		l.Began = at
	}
	l.Arrivals = slices.DeleteFunc(l.Arrivals, func(a arrival) bool { return a.At < at-lookBack })
	if len(l.Arrivals) == maxArrivals { // what is older would say as much
		l.Arrivals = slices.Delete(l.Arrivals, 0, maxArrivals/4)
		l.Began = l.Arrivals[0].At
	}
	days := float64(min(at-l.Began, lookBack)) / day
	larger := 0.0
	for _, a := range l.Arrivals {
		if a.Count >= count {
			larger++
		}
	}
	l.Arrivals = append(l.Arrivals, arrival{at, count})
	return larger <= perDay*max(days, 1)
}
