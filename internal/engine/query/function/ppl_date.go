package function

import (
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// pplTimes make times as PPL has them.
var pplTimes = []*plan.Function{
	fixed("from_unixtime", 1, ofNumber(1000)),
	fixed("timestamp", 1, onTime(func(t time.Time) time.Time { return t })),
	fixed("date", 1, onTime(startOfDay)),
	fixed("from_days", 1, fromDays),
}

// pplDates are the functions of PPL that Spark does not have, or not so.
var pplDates = slicesOf(
	[]*plan.Function{
		binding("date_format", 2, 2, formatTime(mysqlOrJava)),
		fixed("dayname", 1, named(func(t time.Time) string { return t.Weekday().String() })),
		fixed("monthname", 1, named(func(t time.Time) string { return t.Month().String() })),
		fixed("to_days", 1, ofTime(func(t time.Time) int { return int(plan.BinOf(t.UnixMilli(), dayMillis)/dayMillis) + epochDays })),
		fixed("microsecond", 1, ofTime(func(t time.Time) int { return t.Nanosecond() / 1000 })),
		fixed("minute_of_day", 1, ofTime(func(t time.Time) int { return t.Hour()*60 + t.Minute() })),
	},
	pplTimes,
	alias(between("week", 1, 2, week), "week_of_year"),
	alias(fixed("day_of_month", 1, ofTime(time.Time.Day))),
	alias(fixed("day_of_week", 1, ofTime(func(t time.Time) int { return int(t.Weekday()) + 1 }))),
	alias(fixed("day_of_year", 1, ofTime(time.Time.YearDay))),
	alias(fixed("hour_of_day", 1, ofTime(time.Time.Hour))),
	alias(fixed("minute_of_hour", 1, ofTime(time.Time.Minute))),
	alias(fixed("second_of_minute", 1, ofTime(time.Time.Second))),
	alias(fixed("month_of_year", 1, ofTime(monthOf))),
)

// mysqlOrJava compiles a format: one with a % is of MySQL, any other is of Java (ours).
func mysqlOrJava(text string) (*dateformat.Format, error) {
	if strings.Contains(text, "%") {
		return dateformat.MySQL(text)
	}
	return dateformat.Java(text)
}

// epochDays is the day number that MySQL gives to 1970-01-01.
const epochDays = 719_528

func fromDays(args []plan.Value, _ *plan.Arena) plan.Value {
	n, ok := whole(&args[0])
	if !ok || n < 0 || n > 10_000_000 {
		return plan.Value{}
	}
	return timeValue(int64(n-epochDays) * dayMillis)
}

func named(f func(time.Time) string) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := moment(&args[0])
		if !ok {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = append(a.Bytes, f(t)...)
		return made(a, from)
	}
}

// week is the number of the week of a year, by the modes 0 to 7 of MySQL; 0 when
// none is said: weeks begin on Sunday, those before the first Sunday are week 0.
func week(args []plan.Value, _ *plan.Arena) plan.Value {
	t, ok := moment(&args[0])
	mode := 0
	if len(args) == 2 {
		var ok1 bool
		mode, ok1 = whole(&args[1])
		ok = ok && ok1
	}
	if !ok || mode < 0 || mode > 7 {
		return plan.Value{}
	}
	return plan.NumberValue(float64(weekOfMode(t, mode)))
}

// weekOfMode follows MySQL: odd modes have weeks that begin on Monday; modes 1, 3,
// 4 and 6 have a first week with at least 4 days of the year, the others one that
// begins in it; modes 2, 3, 6 and 7 count days before it to the year before.
func weekOfMode(t time.Time, mode int) int {
	monday := mode&1 == 1
	fourDays := mode == 1 || mode == 3 || mode == 4 || mode == 6
	toYearBefore := mode&2 == 2
	place := func(t time.Time) int { // in the week, from 0
		if monday {
			return isoWeekday(t)
		}
		return int(t.Weekday())
	}
	first := func(year int) time.Time { // the start of the first week
		jan1 := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		p := place(jan1)
		if p == 0 || fourDays && 7-p >= 4 {
			return jan1.AddDate(0, 0, -p)
		}
		return jan1.AddDate(0, 0, 7-p)
	}
	day := startOfDay(t)
	from := first(t.Year())
	switch {
	case day.Before(from):
		if !toYearBefore {
			return 0
		}
		from = first(t.Year() - 1)
	case toYearBefore && !day.Before(first(t.Year()+1)):
		return 1
	}
	return int(day.Sub(from).Hours()/24)/7 + 1
}
