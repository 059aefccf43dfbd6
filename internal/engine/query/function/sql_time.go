package function

import (
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// isoFormat reads the times that SQL has as texts.
var isoFormat = func() *dateformat.Format {
	f, err := dateformat.Java("yyyy-MM-dd[[' ']['T']HH:mm[:ss[.SSSSSSSSS]][' '][XXX]]")
	if err != nil {
		panic(err)
	}
	return f
}()

// moment returns the time that a value is, in UTC: a time, a number of ms, or a
// text of a date or a time.
func moment(v *plan.Value) (time.Time, bool) {
	if v.Kind == plan.Text {
		if ms, ok := isoFormat.Read(spaces(true, true)(v.Text), time.UTC); ok {
			return time.UnixMilli(ms).UTC(), true
		}
	}
	ms, ok := millis(v)
	return time.UnixMilli(ms).UTC(), ok
}

// moments returns the times that all of several values are.
func moments(args []plan.Value) (t [2]time.Time, ok bool) {
	for i := range args {
		if t[i], ok = moment(&args[i]); !ok {
			return t, false
		}
	}
	return t, true
}

// onTime is a function of a time to a time.
func onTime(f func(time.Time) time.Time) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := moment(&args[0])
		if !ok {
			return plan.Value{}
		}
		return timeValue(f(t).UnixMilli())
	}
}

// ofTime is a number of a time.
func ofTime(f func(time.Time) int) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := moment(&args[0])
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(float64(f(t)))
	}
}

// ofNumber is the time that a number of something is; every is its length in ms.
func ofNumber(every float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if x *= every; !ok || math.Abs(x) > maxTime {
			return plan.Value{}
		}
		return timeValue(int64(math.Floor(x)))
	}
}

// since is the number of something from the Unix epoch to a time.
func since(every float64) plan.Eval {
	return ofTime(func(t time.Time) int { return int(math.Floor(float64(t.UnixMilli()) / every)) })
}

const dayMillis = 86_400_000

func startOfDay(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func lastOfMonth(t time.Time) time.Time {
	y, m, _ := t.Date()
	return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC)
}

// isoWeekday counts days from Monday, 0, to Sunday, 6.
func isoWeekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

// maxMonths bounds the months that are added to a time.
const maxMonths = 240_000

// addMonths keeps the day of the month, or takes the last one.
func addMonths(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, min(d, lastOfMonth(first).Day())-1)
}

// partOf returns a part of a time by the name that EXTRACT has for it.
func partOf(name string) func(time.Time) float64 {
	name = strings.ToLower(name)
	if len(name) > 3 && name != "days" {
		name = strings.TrimSuffix(name, "s")
	}
	number := func(f func(time.Time) int) func(time.Time) float64 {
		return func(t time.Time) float64 { return float64(f(t)) }
	}
	switch name {
	case "year", "y", "yr":
		return number(time.Time.Year)
	case "yearofweek":
		return number(func(t time.Time) int { y, _ := t.ISOWeek(); return y })
	case "quarter", "qtr":
		return number(quarterOf)
	case "month", "mon", "mo":
		return number(monthOf)
	case "week", "w":
		return number(weekOf)
	case "day", "days", "d", "dayofmonth":
		return number(time.Time.Day)
	case "dayofweek", "dow":
		return number(func(t time.Time) int { return int(t.Weekday()) + 1 })
	case "dayofweek_iso", "dow_iso":
		return number(func(t time.Time) int { return isoWeekday(t) + 1 })
	case "doy", "dayofyear":
		return number(time.Time.YearDay)
	case "hour", "h", "hr":
		return number(time.Time.Hour)
	case "minute", "m", "min":
		return number(time.Time.Minute)
	case "second", "sec":
		return func(t time.Time) float64 { return float64(t.Second()*1000+t.Nanosecond()/1e6) / 1000 }
	case "millisecond", "ms", "msec":
		return func(t time.Time) float64 { return float64(t.Second()*1000 + t.Nanosecond()/1e6) }
	case "microsecond":
		return func(t time.Time) float64 { return float64(t.Second()*1e6 + t.Nanosecond()/1e3) }
	case "epoch":
		return func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	}
	return nil
}

func monthOf(t time.Time) int   { return int(t.Month()) }
func quarterOf(t time.Time) int { return int(t.Month()-1)/3 + 1 }
func weekOf(t time.Time) int    { _, w := t.ISOWeek(); return w }

// truncTo returns the function of a time to the start of its unit.
func truncTo(name string) func(time.Time) time.Time {
	var p Period
	switch strings.ToLower(name) {
	case "year", "yyyy", "yy":
		p.Unit = Year
	case "quarter":
		p.Unit = Quarter
	case "month", "mm", "mon":
		p.Unit = Month
	case "week":
		p.Unit = Week
	case "day", "dd":
		p.Unit = Day
	case "hour":
		p.Unit = Hour
	case "minute":
		p.Unit = Minute
	case "second":
		p.Unit = Second
	case "millisecond", "microsecond":
		p.Unit = Millisecond
	default:
		return nil
	}
	p.N = 1
	return func(t time.Time) time.Time { return time.UnixMilli(p.Floor(t.UnixMilli())).UTC() }
}

// weekdayOf returns the day of the week that a name begins: Mo, MON, Monday.
func weekdayOf(t []byte) (time.Weekday, bool) {
	if len(t) < 2 {
		return 0, false
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); strings.EqualFold(view(t), name) || len(t) <= 3 && strings.EqualFold(view(t), name[:len(t)]) {
			return d, true
		}
	}
	return 0, false
}
