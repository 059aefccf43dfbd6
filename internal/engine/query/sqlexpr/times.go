package sqlexpr

import (
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// maxTime bounds times, in ms.
const maxTime = 1 << 48

// timeLayouts are the forms of a time in a text; a fraction may follow seconds.
var timeLayouts = []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00"}

// ParseTime reads a date or a time, in UTC unless it has a zone.
func ParseTime(s string) (plan.Value, bool) {
	s = strings.TrimSpace(s)
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return TimeValue(t), true
		}
	}
	return plan.Value{}, false
}

// TimeValue returns a time as a value; Null when it is out of bounds.
func TimeValue(t time.Time) plan.Value {
	ms := t.UnixMilli()
	if ms > maxTime || ms < -maxTime {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Time, Num: float64(ms)}
}

// timeOf returns the time that a value is: a time, ms, or a text of a time.
func timeOf(v *plan.Value) (time.Time, bool) {
	if v.Kind == plan.Text {
		p, ok := ParseTime(string(v.Text))
		if ok {
			return time.UnixMilli(int64(p.Num)).UTC(), true
		}
	}
	f, ok := v.Float()
	if !ok || math.Abs(f) > maxTime {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Floor(f))).UTC(), true
}

// unitMillis are the units of fixed length.
var unitMillis = map[string]float64{"microsecond": 0.001, "millisecond": 1, "second": 1e3, "minute": 60e3, "hour": 3600e3, "day": 86400e3, "week": 7 * 86400e3}

// addUnit adds n units to a time. Months keep the day, or take the last one.
func addUnit(t time.Time, n float64, unit string) time.Time {
	if ms, ok := unitMillis[unit]; ok {
		if d := n * ms; math.Abs(d) < 1<<52 {
			return time.UnixMilli(t.UnixMilli() + int64(math.Floor(d))).UTC()
		}
		return time.UnixMilli(math.MaxInt64 / 2)
	}
	months := n
	switch unit {
	case "quarter":
		months *= 3
	case "year":
		months *= 12
	}
	if math.Abs(months) > 12*20_000 {
		return time.UnixMilli(math.MaxInt64 / 2)
	}
	y, m, d := t.Date()
	first := time.Date(y, m+time.Month(int(months)), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d, last)-1)
}

// addInterval adds arguments[1] units to the time arguments[0].
func addInterval(unit string, sign float64) *plan.Function {
	name := "add_" + unit
	if sign < 0 {
		name = "take_" + unit
	}
	return &plan.Function{Name: name, Min: 2, Max: 2, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := timeOf(&args[0])
		n, ok2 := args[1].Float()
		if !ok || !ok2 {
			return plan.Value{}
		}
		return TimeValue(addUnit(t, sign*n, unit))
	}}
}

// truncate returns the start of the period of n units that t lies in. Weeks begin
// on Monday; periods of months count from January of the year 1.
func truncate(t time.Time, n int, unit string) time.Time {
	if ms, ok := unitMillis[unit]; ok && unit != "week" {
		every := max(int64(ms*float64(n)), 1)
		return time.UnixMilli(plan.BinOf(t.UnixMilli(), every)).UTC()
	}
	if unit == "week" {
		const monday = 4 * 86400_000 // 1970-01-05
		return time.UnixMilli(plan.BinOf(t.UnixMilli()-monday, int64(n)*7*86400_000) + monday).UTC()
	}
	switch unit {
	case "quarter":
		n *= 3
	case "year":
		n *= 12
	}
	months := (t.Year()-1)*12 + int(t.Month()) - 1
	months -= months % n
	return time.Date(1+months/12, time.Month(months%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// Span is the start of the period that a time lies in, of n units.
func spanOf(n int, unit, name string) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := timeOf(&args[0])
		if !ok {
			return plan.Value{}
		}
		return TimeValue(truncate(t, n, unit))
	}}
}
