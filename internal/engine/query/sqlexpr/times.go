package sqlexpr

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// maxTime bounds times, in ms.
const maxTime = 1 << 48

// ParseTime reads a date or a time: 2025-10-05, 2025-10-05 13:45, with seconds, a
// fraction of them and a zone (Z, +02:00 or +0200). It is in UTC unless it has a zone.
func ParseTime(s string) (plan.Value, bool) { return parseTime([]byte(s)) }

// parseTime is ParseTime, without allocation.
func parseTime(s []byte) (plan.Value, bool) {
	s = bytes.TrimSpace(s)
	p := timeParser{s: s}
	y, mo, d := p.number(4, 1, 9999), 0, 0
	p.sign("-")
	mo = p.number(2, 1, 12)
	p.sign("-")
	d = p.number(2, 1, 31)
	h, mi, sec, ns, zone := 0, 0, 0, 0, 0
	if !p.bad && p.pos < len(s) {
		p.sign(" T")
		h = p.number(2, 0, 23)
		p.sign(":")
		mi = p.number(2, 0, 59)
		if p.peek() == ':' {
			p.pos++
			sec = p.number(2, 0, 59)
			ns = p.fraction()
		}
		zone = p.zone()
	}
	if p.bad || p.pos < len(s) {
		return plan.Value{}, false
	}
	t := time.Date(y, time.Month(mo), d, h, mi, sec, ns, time.UTC)
	if t.Day() != d {
		return plan.Value{}, false
	}
	return TimeValue(t.Add(-time.Duration(zone) * time.Minute)), true
}

// timeParser reads a time from left to right.
type timeParser struct {
	s   []byte
	pos int
	bad bool
}

func (p *timeParser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

// number reads exactly n digits.
func (p *timeParser) number(n, lo, hi int) int {
	v := 0
	for range n {
		c := p.peek()
		if c < '0' || c > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
		p.pos++
	}
	p.bad = p.bad || v < lo || v > hi
	return v
}

func (p *timeParser) sign(of string) {
	if c := p.peek(); c == 0 || strings.IndexByte(of, c) < 0 {
		p.bad = true
		return
	}
	p.pos++
}

// fraction reads a fraction of a second, as ns.
func (p *timeParser) fraction() int {
	if c := p.peek(); c != '.' && c != ',' {
		return 0
	}
	p.pos++
	from, v, unit := p.pos, 0, 100_000_000
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		v += int(c-'0') * unit
		unit /= 10
		p.pos++
	}
	p.bad = p.bad || p.pos == from || p.pos-from > 9
	return v
}

// zone reads the offset from UTC, in minutes.
func (p *timeParser) zone() int {
	c := p.peek()
	switch c {
	case 'Z':
		p.pos++
		return 0
	case '+', '-':
		p.pos++
		n := 60 * p.number(2, 0, 23)
		if p.peek() == ':' {
			p.pos++
		}
		n += p.number(2, 0, 59)
		if c == '-' {
			return -n
		}
		return n
	}
	return 0
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
		p, ok := parseTime(v.Text)
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
