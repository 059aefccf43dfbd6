package insightsql

import (
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/function"
)

// Unit is a unit of time.
type Unit uint8

// The units. A month, a quarter and a year are those of the calendar in UTC.
const (
	Millisecond Unit = iota
	Second
	Minute
	Hour
	Day
	Week
	Month
	Quarter
	Year
)

var unitTexts = [...]string{"ms", "s", "m", "h", "d", "w", "mo", "q", "y"}

var unitMillis = [...]int64{1, 1000, 60_000, 3_600_000, 86_400_000, 7 * 86_400_000, 0, 0, 0}

// unitCaps are the numbers that AWS reduces larger ones to where times are rounded.
var unitCaps = [...]int64{1000, 60, 60, 24}

func unitNamed(s string) (Unit, bool) {
	s = strings.ToLower(s)
	if len(s) > 2 || s == "mos" {
		s = strings.TrimSuffix(s, "s")
	}
	switch s {
	case "ms", "msec", "millisecond":
		return Millisecond, true
	case "s", "sec", "second":
		return Second, true
	case "m", "min", "minute":
		return Minute, true
	case "h", "hr", "hour":
		return Hour, true
	case "d", "day":
		return Day, true
	case "w", "week":
		return Week, true
	case "mo", "mon", "month":
		return Month, true
	case "q", "qtr", "quarter":
		return Quarter, true
	case "y", "yr", "year":
		return Year, true
	}
	return 0, false
}

// parsePeriod reads a whole number and a unit; the number can be 0.
func parsePeriod(s string) (Period, bool) {
	digits := 0
	for digits < len(s) && isDigit(s[digits]) {
		digits++
	}
	unit, ok := unitNamed(s[digits:])
	n, err := strconv.ParseInt(s[:digits], 10, 32)
	if !ok || err != nil {
		return Period{}, false
	}
	return Period{N: n, Unit: unit}, true
}

// Millis returns the length in ms as it is written; ok is false for units of the calendar.
func (p *Period) Millis() (ms int64, ok bool) {
	return p.N * unitMillis[p.Unit], p.Unit < Month
}

// capped returns the number that counts for rounding times.
func (p *Period) capped() int64 {
	if int(p.Unit) < len(unitCaps) {
		return min(p.N, unitCaps[p.Unit])
	}
	return p.N
}

// rounding is the period as it rounds times.
func (p *Period) rounding() function.Period {
	return function.Period{N: int(p.capped()), Unit: function.Unit(p.Unit)}
}

// before returns the time that lies a period earlier.
func (p *Period) before(t time.Time) time.Time {
	n := -int(p.N)
	switch p.Unit {
	case Month:
		return t.AddDate(0, n, 0)
	case Quarter:
		return t.AddDate(0, 3*n, 0)
	case Year:
		return t.AddDate(n, 0, 0)
	}
	ms := p.N * unitMillis[p.Unit] // AddDate for the days: a Duration has room for 292 years
	return t.AddDate(0, 0, -int(ms/unitMillis[Day])).Add(-time.Duration(ms%unitMillis[Day]) * time.Millisecond)
}

// most returns the greatest length that a period can have, in ms.
func (p *Period) most() int64 {
	switch p.Unit {
	case Month:
		return 31 * unitMillis[Day] * p.N
	case Quarter:
		return 92 * unitMillis[Day] * p.N
	case Year:
		return 366 * unitMillis[Day] * p.N
	}
	return p.N * unitMillis[p.Unit]
}
