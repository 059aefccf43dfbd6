package function

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Unit is the unit of a Period.
type Unit uint8

// The units.
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

// Period is a number of units: 5m, 1 week. Periods are counted from 1970-01-01
// UTC, weeks from the Monday before it (ours).
type Period struct {
	N    int // at least 1
	Unit Unit
}

// MaxPeriod bounds the number of days, weeks, months, quarters and years of a
// period (ours).
const MaxPeriod = 10_000

// ErrPeriod is wrapped by the errors of ParsePeriod.
var ErrPeriod = errors.New("not a period")

var units = map[string]Unit{
	"ms": Millisecond, "msec": Millisecond, "millisecond": Millisecond,
	"s": Second, "sec": Second, "second": Second,
	"m": Minute, "min": Minute, "minute": Minute,
	"h": Hour, "hr": Hour, "hour": Hour,
	"d": Day, "day": Day,
	"w": Week, "week": Week,
	"mo": Month, "mon": Month, "month": Month,
	"q": Quarter, "qtr": Quarter, "quarter": Quarter,
	"y": Year, "yr": Year, "year": Year,
}

var unitMillis = [...]int64{1, 1000, 60_000, 3_600_000, 86_400_000, 7 * 86_400_000}

var unitNames = [...]string{"ms", "s", "m", "h", "d", "w", "mo", "q", "y"}

// unitCaps are the numbers that AWS reduces larger ones to.
var unitCaps = [...]int{1000, 60, 60, 24}

// ParsePeriod reads a number with a unit and no blank between them, in any case.
// More than 1000 ms, 60 s, 60 m or 24 h is reduced to that, as on AWS.
func ParsePeriod(text string) (Period, error) {
	digits := 0
	for digits < len(text) && text[digits]-'0' <= 9 {
		digits++
	}
	name := strings.ToLower(text[digits:])
	unit, ok := units[name]
	if !ok && len(name) > 2 {
		unit, ok = units[strings.TrimSuffix(name, "s")]
	}
	if digits == 0 || !ok {
		return Period{}, fmt.Errorf("%w: %.40q", ErrPeriod, text)
	}
	n, err := strconv.Atoi(text[:digits])
	if int(unit) < len(unitCaps) && (err != nil || n > unitCaps[unit]) {
		n, err = unitCaps[unit], nil
	}
	if err != nil || n < 1 || n > MaxPeriod {
		return Period{}, fmt.Errorf("%w: the number of %.40q is not from 1 to %d", ErrPeriod, text, MaxPeriod)
	}
	return Period{n, unit}, nil
}

// String returns the period as ParsePeriod reads it.
func (p Period) String() string { return strconv.Itoa(p.N) + unitNames[p.Unit] }

// Millis returns the length of a period in ms. fixed reports whether plan.Bin
// with that length is Floor: weeks do not begin at the epoch, and months,
// quarters and years have no fixed length; theirs is that of 30, 91 and 365 days.
func (p Period) Millis() (ms int64, fixed bool) {
	switch p.Unit {
	case Month:
		return int64(p.N) * 30 * unitMillis[Day], false
	case Quarter:
		return int64(p.N) * 91 * unitMillis[Day], false
	case Year:
		return int64(p.N) * 365 * unitMillis[Day], false
	}
	return int64(p.N) * unitMillis[p.Unit], p.Unit != Week
}

// sinceMonday is the time from the Monday before the epoch to it.
const sinceMonday = 3 * 86_400_000

// Floor returns the start of the period that a time lies in, both in ms.
func (p Period) Floor(ms int64) int64 {
	length, fixed := p.Millis()
	switch {
	case fixed:
		return plan.BinOf(ms, length)
	case p.Unit == Week:
		return plan.BinOf(ms+sinceMonday, length) - sinceMonday
	}
	return p.monthStart(p.monthsOf(ms))
}

// Ceil returns the time when it is the start of a period, else that of the next period.
func (p Period) Ceil(ms int64) int64 {
	from := p.Floor(ms)
	if from == ms {
		return ms
	}
	return p.Next(from)
}

// Next returns the start of the period after the one that starts at from.
func (p Period) Next(from int64) int64 {
	if p.Unit <= Week {
		length, _ := p.Millis()
		return from + length
	}
	return p.monthStart(p.monthsOf(from) + p.months())
}

// months returns the length of a calendar period.
func (p Period) months() int64 {
	return int64(p.N) * [...]int64{1, 3, 12}[p.Unit-Month]
}

// monthsOf returns the months from the epoch to the start of the calendar period of a time.
func (p Period) monthsOf(ms int64) int64 {
	y, m, _ := time.UnixMilli(ms).UTC().Date()
	return plan.BinOf(int64(y-1970)*12+int64(m-1), p.months())
}

func (p Period) monthStart(months int64) int64 {
	return time.Date(1970, time.Month(months+1), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

// DateFloor returns the function of a time to the start of the period that it lies in.
func DateFloor(p Period) *plan.Function { return dateStep("datefloor", p, p.Floor) }

// DateCeil returns the function of a time to the first start of a period that is
// not before it.
func DateCeil(p Period) *plan.Function { return dateStep("dateceil", p, p.Ceil) }

func dateStep(name string, p Period, step func(int64) int64) *plan.Function {
	return fixed(name+"["+p.String()+"]", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		ms, ok := millis(&args[0])
		if !ok {
			return plan.Value{}
		}
		return timeValue(step(ms))
	})
}

// dateStepOf makes the function whose second argument is a constant period.
func dateStepOf(name string, step func(Period) *plan.Function) *plan.Function {
	return binding(name, 2, 2, func(consts []*plan.Value) (plan.Eval, error) {
		if consts[1] == nil || consts[1].Kind != plan.Text {
			return nil, fmt.Errorf("%w: the second argument of %s", ErrPeriod, name)
		}
		p, err := ParsePeriod(string(consts[1].Text))
		if err != nil {
			return nil, err
		}
		return step(p).Eval, nil
	})
}
