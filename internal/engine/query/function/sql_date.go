package function

import (
	"fmt"
	"math"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// dateParts are numbers of a time.
var dateParts = slicesOf(
	alias(fixed("day", 1, ofTime(time.Time.Day)), "dayofmonth"),
	[]*plan.Function{
		fixed("dayofweek", 1, ofTime(func(t time.Time) int { return int(t.Weekday()) + 1 })),
		fixed("dayofyear", 1, ofTime(time.Time.YearDay)),
		fixed("hour", 1, ofTime(time.Time.Hour)),
		fixed("minute", 1, ofTime(time.Time.Minute)),
		fixed("month", 1, ofTime(monthOf)),
		fixed("quarter", 1, ofTime(quarterOf)),
		fixed("second", 1, ofTime(time.Time.Second)),
		fixed("weekday", 1, ofTime(isoWeekday)),
		fixed("weekofyear", 1, ofTime(weekOf)),
		fixed("year", 1, ofTime(time.Time.Year)),
		fixed("unix_date", 1, since(dayMillis)),
		fixed("unix_seconds", 1, since(1000)),
		fixed("unix_millis", 1, since(1)),
		fixed("unix_micros", 1, ofTime(func(t time.Time) int { return int(t.UnixMilli()) * 1000 })),
		binding("date_part", 2, 2, extract),
		binding("datepart", 2, 2, extract),
		binding("extract", 2, 2, extract),
		between("months_between", 2, 3, monthsBetween),
	},
)

// dateMakers make times.
var dateMakers = []*plan.Function{
	fixed("add_months", 2, addMonthsOf),
	binding("convert_timezone", 2, 3, convertZone),
	fixed("date_from_unix_date", 1, ofNumber(dayMillis)),
	binding("date_trunc", 2, 2, truncOf(0, 1)),
	binding("trunc", 2, 2, truncOf(1, 0)),
	binding("from_utc_timestamp", 2, 2, zoned(1)),
	binding("to_utc_timestamp", 2, 2, zoned(-1)),
	fixed("last_day", 1, onTime(lastOfMonth)),
	fixed("make_date", 3, makeTime),
	binding("make_timestamp", 6, 7, makeTimestamp),
	fixed("next_day", 2, nextDay),
	fixed("timestamp_seconds", 1, ofNumber(1000)),
	fixed("timestamp_millis", 1, ofNumber(1)),
	fixed("timestamp_micros", 1, ofNumber(0.001)),
}

var sparkDates = slicesOf(dateParts, dateMakers, []*plan.Function{
	binding("date_format", 2, 2, formatTime(dateformat.Java)),
	binding("from_unixtime", 1, 2, fromUnixTime),
	binding("to_date", 1, 2, toTime(startOfDay)),
	binding("to_timestamp", 1, 2, toTime(func(t time.Time) time.Time { return t })),
	binding("to_unix_timestamp", 1, 2, toUnixTime),
	binding("unix_timestamp", 1, 2, toUnixTime),
})

// extract is a part of a time: its first argument is the name of the part.
func extract(consts []*plan.Value) (plan.Eval, error) {
	if consts[0] == nil || consts[0].Kind != plan.Text {
		return nil, fmt.Errorf("the part must be a constant text")
	}
	part := partOf(string(consts[0].Text))
	if part == nil {
		return nil, fmt.Errorf("%.40q is no part of a time", consts[0].Text)
	}
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := moment(&args[1])
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(part(t))
	}, nil
}

// truncOf is the start of the unit that a time lies in. A constant that is no unit
// is an error.
func truncOf(unit, at int) func(consts []*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		find, err := constant(consts[unit], func(name string) (func(time.Time) time.Time, error) {
			f := truncTo(name)
			if f == nil {
				return nil, fmt.Errorf("%.40q is no unit of time", name)
			}
			return f, nil
		})
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			f, ok := find(&args[unit], a)
			t, ok1 := moment(&args[at])
			if !ok || !ok1 {
				return plan.Value{}
			}
			return timeValue(f(t).UnixMilli())
		}, nil
	}
}

func addMonthsOf(args []plan.Value, _ *plan.Arena) plan.Value {
	t, ok := moment(&args[0])
	n, ok1 := whole(&args[1])
	if !ok || !ok1 || n > maxMonths || n < -maxMonths {
		return plan.Value{}
	}
	return timeValue(addMonths(t, n).UnixMilli())
}

// monthsBetween is the number of months from the second time to the first; days
// that are no month count as parts of one of 31 days. A third argument that is
// false leaves the result without rounding to 8 digits.
func monthsBetween(args []plan.Value, _ *plan.Arena) plan.Value {
	t, ok := moments(args[:2])
	if !ok || len(args) == 3 && args[2].Kind == plan.Null {
		return plan.Value{}
	}
	x, y := t[0], t[1]
	months := float64((x.Year()-y.Year())*12 + int(x.Month()) - int(y.Month()))
	if x.Day() == y.Day() || x.Day() == lastOfMonth(x).Day() && y.Day() == lastOfMonth(y).Day() {
		return plan.NumberValue(months)
	}
	sec := func(t time.Time) float64 { return float64(t.UnixMilli()-startOfDay(t).UnixMilli()) / 1000 }
	months += (float64(x.Day()-y.Day())*86400 + sec(x) - sec(y)) / (31 * 86400)
	if len(args) == 3 && !args[2].True() {
		return plan.NumberValue(months)
	}
	return plan.NumberValue(roundAt(months, 8))
}

// shifted is the time at which clocks of UTC show what those of loc show at t
// (sign 1), or the other way round (sign -1).
func shifted(t time.Time, loc *time.Location, sign int) time.Time {
	if sign < 0 {
		y, m, d := t.Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
	}
	_, sec := t.In(loc).Zone()
	return t.Add(time.Duration(sec) * time.Second)
}

func zoned(sign int) func(consts []*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		zone, err := zoneOf(consts, 1)
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := moment(&args[0])
			loc, ok1 := zone(args, a)
			if !ok || !ok1 {
				return plan.Value{}
			}
			return timeValue(shifted(t, loc, sign).UnixMilli())
		}, nil
	}
}

// convertZone takes [from,] to and a time that clocks of from, or UTC, show, and
// returns the one that those of to show.
func convertZone(consts []*plan.Value) (plan.Eval, error) {
	n := len(consts)
	to, err := zoneOf(consts, n-2)
	if err != nil {
		return nil, err
	}
	from := func([]plan.Value, *plan.Arena) (*time.Location, bool) { return time.UTC, true }
	if n == 3 {
		if from, err = zoneOf(consts, 0); err != nil {
			return nil, err
		}
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := moment(&args[n-1])
		src, ok1 := from(args, a)
		dst, ok2 := to(args, a)
		if !ok || !ok1 || !ok2 {
			return plan.Value{}
		}
		return timeValue(shifted(shifted(t, src, -1), dst, 1).UnixMilli())
	}, nil
}

// makeTime puts year, month, day and, when they are there, hour, minute and second
// together; what is no date is Null.
func makeTime(args []plan.Value, _ *plan.Arena) plan.Value {
	t, ok := timeOfParts(args, time.UTC)
	if !ok {
		return plan.Value{}
	}
	return timeValue(t.UnixMilli())
}

// makeTimestamp is makeTime in the time zone of the seventh argument.
func makeTimestamp(consts []*plan.Value) (plan.Eval, error) {
	zone, err := zoneOf(consts, 6)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		loc, ok := zone(args, a)
		if !ok {
			return plan.Value{}
		}
		t, ok := timeOfParts(args[:6], loc)
		if !ok {
			return plan.Value{}
		}
		return timeValue(t.UnixMilli())
	}, nil
}

func timeOfParts(args []plan.Value, loc *time.Location) (t time.Time, ok bool) {
	var p [6]int
	nano := 0
	for i := range min(len(args), 6) {
		x, ok := args[i].Float()
		if !ok || math.Abs(x) > 9999 || i < 5 && x != math.Trunc(x) {
			return t, false
		}
		p[i] = int(math.Floor(x))
		if i == 5 {
			nano = int(math.Round((x-math.Floor(x))*1e6)) * 1000
		}
	}
	t = time.Date(p[0], time.Month(p[1]), p[2], p[3], p[4], p[5], nano, loc)
	valid := p[1] >= 1 && p[1] <= 12 && p[2] >= 1 && p[2] <= lastOfMonth(time.Date(p[0], time.Month(p[1]), 1, 0, 0, 0, 0, time.UTC)).Day() &&
		p[3] >= 0 && p[3] < 24 && p[4] >= 0 && p[4] < 60 && p[5] >= 0 && p[5] < 60
	return t, valid
}

// nextDay is the first date behind a time that is a day of the week.
func nextDay(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := moment(&args[0])
	name, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.Value{}
	}
	day, ok := weekdayOf(name)
	if !ok {
		return plan.Value{}
	}
	days := (int(day-t.Weekday())+6)%7 + 1
	return timeValue(startOfDay(t).UnixMilli() + int64(days)*dayMillis)
}

// formatTime writes a time by a format.
func formatTime(compile func(string) (*dateformat.Format, error)) func([]*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		format, err := constant(consts[1], compile)
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := moment(&args[0])
			f, ok1 := format(&args[1], a)
			if !ok || !ok1 {
				return plan.Value{}
			}
			from := len(a.Bytes)
			a.Bytes = f.Append(a.Bytes, t)
			return made(a, from)
		}, nil
	}
}

// formatOf returns what finds the format that is argument i, other when there is none.
func formatOf(consts []*plan.Value, i int, other *dateformat.Format, read bool) (func(args []plan.Value, a *plan.Arena) (*dateformat.Format, bool), error) {
	if len(consts) <= i {
		return func([]plan.Value, *plan.Arena) (*dateformat.Format, bool) { return other, true }, nil
	}
	find, err := constant(consts[i], func(s string) (*dateformat.Format, error) {
		f, err := dateformat.Java(s)
		if err == nil && read {
			err = f.Reads()
		}
		return f, err
	})
	return func(args []plan.Value, a *plan.Arena) (*dateformat.Format, bool) { return find(&args[i], a) }, err
}

var secondsFormat = func() *dateformat.Format {
	f, err := dateformat.Java("yyyy-MM-dd HH:mm:ss")
	if err != nil {
		panic(err)
	}
	return f
}()

// fromUnixTime writes a number of seconds as a time, by a format when there is one.
func fromUnixTime(consts []*plan.Value) (plan.Eval, error) {
	format, err := formatOf(consts, 1, secondsFormat, false)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		sec, ok := args[0].Float()
		f, ok1 := format(args, a)
		if !ok || !ok1 || math.Abs(sec) > maxTime/1000 {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = f.Append(a.Bytes, time.UnixMilli(int64(math.Floor(sec*1000))).UTC())
		return made(a, from)
	}, nil
}

// read returns the time that the first argument is, by the format that is the
// second when there is one and the first is a text.
func read(consts []*plan.Value) (func(args []plan.Value, a *plan.Arena) (time.Time, bool), error) {
	format, err := formatOf(consts, 1, isoFormat, true)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) (t time.Time, ok bool) {
		if len(args) < 2 || args[0].Kind == plan.Time {
			if t, ok = moment(&args[0]); ok && len(args) == 2 {
				_, ok = format(args, a)
			}
			return t, ok
		}
		s, ok := textOf(&args[0], a)
		f, ok1 := format(args, a)
		if !ok || !ok1 {
			return t, false
		}
		ms, ok := f.Read(s, time.UTC)
		return time.UnixMilli(ms).UTC(), ok
	}, nil
}

func toTime(f func(time.Time) time.Time) func(consts []*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		read, err := read(consts)
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := read(args, a)
			if !ok {
				return plan.Value{}
			}
			return timeValue(f(t).UnixMilli())
		}, nil
	}
}

// toUnixTime is the number of seconds to a time.
func toUnixTime(consts []*plan.Value) (plan.Eval, error) {
	read, err := read(consts)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := read(args, a)
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(math.Floor(float64(t.UnixMilli()) / 1000))
	}, nil
}
