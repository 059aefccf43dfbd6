package cron

import (
	"math/bits"
	"time"
)

// Next returns the first time after t at which the schedule fires in a zone;
// false when there is none before the year 2200.
func (s *Schedule) Next(t time.Time, zone *time.Location) (time.Time, bool) {
	wall := t.In(zone)
	w := walk{s: s, year: wall.Year(), month: int(wall.Month()), day: wall.Day(), hour: wall.Hour(), minute: wall.Minute()}
	for w.find() {
		if at, exists := w.in(zone); exists && at.After(t) {
			return at, true
		}
		w.minute++
	}
	return time.Time{}, false
}

// spans are how far back Last looks, one after another, so that it walks over
// few times that are not the last.
var spans = []time.Duration{time.Hour, 48 * time.Hour, 62 * 24 * time.Hour, 2 * 366 * 24 * time.Hour}

// Last returns the last time in [since, until] at which the schedule fires in a
// zone; false when there is none.
func (s *Schedule) Last(since, until time.Time, zone *time.Location) (last time.Time, found bool) {
	for _, span := range spans {
		from := until.Add(-span)
		if from.Before(since) {
			break
		}
		if last, found = s.last(from, until, zone); found {
			return last, true
		}
	}
	return s.last(since, until, zone)
}

func (s *Schedule) last(since, until time.Time, zone *time.Location) (last time.Time, found bool) {
	at, ok := s.Next(since.Add(-time.Nanosecond), zone)
	for ok && !at.After(until) {
		last, found = at, true
		at, ok = s.Next(at, zone)
	}
	return last, found
}

// walk goes over the wall times of a schedule.
type walk struct {
	s                              *Schedule
	year, month, day, hour, minute int
}

// find moves to the first wall time of the schedule from here on; false when
// there is none.
func (w *walk) find() bool {
	if w.minute = nextBit(w.s.minutes, w.minute); w.minute < 0 {
		w.hour, w.minute = w.hour+1, nextBit(w.s.minutes, 0)
	}
	if hour := nextBit(w.s.hours, w.hour); hour != w.hour {
		w.minute = nextBit(w.s.minutes, 0)
		if w.hour = hour; hour < 0 {
			w.hour, w.day = nextBit(w.s.hours, 0), w.day+1
		}
	}
	day := w.day
	for ; w.year <= MaxYear; w.year, w.month, w.day = w.year+1, 1, 1 {
		if w.year < MinYear || w.s.years[(w.year-MinYear)>>6]&(1<<((w.year-MinYear)&63)) == 0 {
			day = 0
			continue
		}
		for ; w.month <= 12; w.month, w.day = w.month+1, 1 {
			if w.s.months&(1<<w.month) == 0 {
				day = 0
				continue
			}
			for last := daysIn(w.year, w.month); w.day <= last; w.day++ {
				if w.s.fires(w.year, w.month, w.day, last) {
					if w.day != day {
						w.hour, w.minute = nextBit(w.s.hours, 0), nextBit(w.s.minutes, 0)
					}
					return true
				}
				day = 0
			}
			day = 0
		}
	}
	return false
}

// nextBit returns the position of the first bit that is set from i on, -1 when
// there is none.
func nextBit(set uint64, i int) int {
	if i > 63 || set>>i == 0 {
		return -1
	}
	return i + bits.TrailingZeros64(set>>i)
}

// in returns the time of the wall time in a zone, the first when it occurs twice;
// exists is false when the clocks skip it.
func (w *walk) in(zone *time.Location) (at time.Time, exists bool) {
	utc := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, 0, 0, time.UTC)
	// The offset that was in force a day before is that of the first of two.
	for _, near := range []time.Time{utc.Add(-24 * time.Hour), utc.Add(24 * time.Hour)} {
		_, offset := near.In(zone).Zone()
		at = utc.Add(-time.Duration(offset) * time.Second).In(zone)
		if at.Day() == w.day && at.Hour() == w.hour && at.Minute() == w.minute {
			return at, true
		}
	}
	return time.Time{}, false
}

var monthDays = [...]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && (year%4 == 0 && year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// weekday returns the day of the week, 1 = Sunday.
func weekday(year, month, day int) int {
	return int(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Weekday()) + 1
}

const (
	sunday   = 1
	saturday = 7
)

// fires reports whether the schedule fires on a day of a month of last days.
func (s *Schedule) fires(year, month, day, last int) bool {
	switch s.by {
	case daysOfMonth:
		return s.days&(1<<day) != 0
	case lastDay:
		return day == last
	case lastWeekday:
		return day == workday(year, month, last, last)
	case nearestWeekday:
		return s.n <= last && day == workday(year, month, s.n, last)
	}
	d := weekday(year, month, day)
	switch s.by {
	case nthDayOfWeek:
		return d == s.day && (day-1)/7+1 == s.n
	case lastDayOfWeek:
		return d == s.day && day+7 > last
	}
	return s.days&(1<<d) != 0
}

// workday returns the day from Monday to Friday of the month that is nearest to
// day.
func workday(year, month, day, last int) int {
	switch d := weekday(year, month, day); {
	case d == saturday && day > 1:
		return day - 1
	case d == saturday:
		return day + 2
	case d == sunday && day < last:
		return day + 1
	case d == sunday:
		return day - 2
	}
	return day
}

// possible reports whether there is any wall time.
func (s *Schedule) possible() bool {
	w := walk{s: s, year: MinYear, month: 1, day: 1}
	return w.find()
}
