package metrics

import (
	"math"
	"time"
)

const (
	ageMinutes     = 15 * 24 * time.Hour // from this age on there are five minutes only
	ageFiveMinutes = 63 * 24 * time.Hour // and from this age on hours
)

// maxPeriod bounds periods: a day of 365 ones.
const maxPeriod = 365 * 86400

// maxTime is the last moment that can be asked for: the end of the year 9999, in ms.
const maxTime = 253402300799999

// Datapoints are not older, nor further in the future, whatever the clock did.
const (
	oldest = 456 * 24 * time.Hour
	latest = 366 * 24 * time.Hour
)

// validPeriod reports that seconds can be a period.
func validPeriod(seconds int) bool {
	switch seconds {
	case 1, 5, 10, 20, 30:
		return true
	}
	return seconds > 0 && seconds%60 == 0 && seconds <= maxPeriod
}

// roundStart rounds a start (ms) down, to what its age has data for and, for short periods,
// to a multiple of the period.
func roundStart(start int64, period int, now time.Time) int64 {
	step := int64(60_000)
	switch age := now.UnixMilli() - start; {
	case age >= ageFiveMinutes.Milliseconds():
		step = 3_600_000
	case age >= ageMinutes.Milliseconds():
		step = 300_000
	case period < 60:
		step = int64(period) * 1000
	}
	return start - ((start%step)+step)%step
}

// steps is how many periods begin between start and end.
func steps(start, end int64, period int) int64 {
	if end <= start {
		return 0
	}
	return int64(math.Ceil(float64(end-start) / float64(period*1000)))
}
