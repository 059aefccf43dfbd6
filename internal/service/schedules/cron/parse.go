package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxLength bounds an expression in bytes.
const MaxLength = 256

// Years that an expression can name.
const (
	MinYear = 1970
	MaxYear = 2199
)

// Error says what is wrong with an expression: a complete sentence.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

// kind is how the day of a schedule is told.
type kind uint8

const (
	daysOfMonth    kind = iota // days
	lastDay                    // L
	lastWeekday                // LW
	nearestWeekday             // nW: n
	daysOfWeek                 // days
	nthDayOfWeek               // d#n: day, n
	lastDayOfWeek              // dL: day
)

// Schedule is a parsed expression. It is never changed, so that it is safe for
// concurrent use.
type Schedule struct {
	minutes, hours, months uint64 // bit i: value i
	years                  [4]uint64

	by   kind
	days uint64 // of daysOfMonth and daysOfWeek
	day  int    // weekday, 1 = Sunday
	n    int
}

// field describes one of the six fields.
type field struct {
	name      string
	low, high int
	names     []string // of low, low+1, …
	wraps     bool
}

var (
	minutesField  = field{name: "minutes", low: 0, high: 59, wraps: true}
	hoursField    = field{name: "hours", low: 0, high: 23, wraps: true}
	monthDayField = field{name: "day-of-month", low: 1, high: 31, wraps: true}
	monthField    = field{name: "month", low: 1, high: 12, wraps: true,
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	weekDayField = field{name: "day-of-week", low: 1, high: 7, wraps: true, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	yearField    = field{name: "year", low: MinYear, high: MaxYear}
)

// Parse reads an expression. An error is an *Error; an expression that can never
// fire is one.
func Parse(text string) (*Schedule, error) {
	if len(text) > MaxLength {
		return nil, refuse("The schedule expression has more than %d characters.", MaxLength)
	}
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "cron(")
	if ok {
		inner, ok = strings.CutSuffix(inner, ")")
	}
	if !ok {
		return nil, refuse("The schedule expression must be of the form cron(minutes hours day-of-month month day-of-week year).")
	}
	f := strings.Fields(inner)
	if len(f) != 6 {
		return nil, refuse("The schedule expression has %d fields where 6 are needed: minutes, hours, day-of-month, month, day-of-week and year.", len(f))
	}
	s := &Schedule{}
	for _, x := range []struct {
		field *field
		text  string
		set   func(v int)
	}{
		{&minutesField, f[0], func(v int) { s.minutes |= 1 << v }},
		{&hoursField, f[1], func(v int) { s.hours |= 1 << v }},
		{&monthField, f[3], func(v int) { s.months |= 1 << v }},
		{&yearField, f[5], func(v int) { s.years[(v-MinYear)>>6] |= 1 << ((v - MinYear) & 63) }},
	} {
		if err := x.field.values(x.text, x.set); err != nil {
			return nil, err
		}
	}
	var err error
	switch monthDay, weekDay := f[2], f[4]; {
	case (monthDay == "?") == (weekDay == "?"):
		return nil, refuse("Exactly one of day-of-month and day-of-week of the schedule expression must be ?.")
	case weekDay == "?":
		err = s.monthDay(monthDay)
	default:
		err = s.weekDay(weekDay)
	}
	if err != nil {
		return nil, err
	}
	if !s.possible() {
		return nil, refuse("The schedule expression never fires.")
	}
	return s, nil
}

func (s *Schedule) monthDay(text string) error {
	switch upper := strings.ToUpper(text); {
	case upper == "L":
		s.by = lastDay
		return nil
	case upper == "LW":
		s.by = lastWeekday
		return nil
	case strings.HasSuffix(upper, "W"):
		n, err := monthDayField.value(text[:len(text)-1])
		s.by, s.n = nearestWeekday, n
		return err
	}
	s.by = daysOfMonth
	return monthDayField.values(text, func(v int) { s.days |= 1 << v })
}

func (s *Schedule) weekDay(text string) (err error) {
	upper := strings.ToUpper(text)
	if day, n, found := strings.Cut(upper, "#"); found {
		s.by = nthDayOfWeek
		if s.day, err = weekDayField.value(day); err != nil {
			return err
		}
		if s.n, err = strconv.Atoi(n); err != nil || len(n) != 1 || s.n < 1 || s.n > 5 {
			return refuse("A number from 1 to 5 must follow # in day-of-week of the schedule expression, not %q.", n)
		}
		return nil
	}
	if upper == "L" {
		upper = "7"
	} else if day, found := strings.CutSuffix(upper, "L"); found {
		s.by = lastDayOfWeek
		s.day, err = weekDayField.value(day)
		return err
	}
	s.by = daysOfWeek
	return weekDayField.values(upper, func(v int) { s.days |= 1 << v })
}

// values calls set for every value that the text of a field names.
func (f *field) values(text string, set func(int)) error {
	for item := range strings.SplitSeq(text, ",") {
		base, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			var err error
			if step, err = number(stepText); err != nil || step < 1 || step > f.high-f.low+1 {
				return refuse("A step from 1 to %d must follow / in %s of the schedule expression, not %q.", f.high-f.low+1, f.name, stepText)
			}
		}
		low, high := f.low, f.high
		if base != "*" {
			first, last, ranged := strings.Cut(base, "-")
			var err error
			if low, err = f.value(first); err != nil {
				return err
			}
			if ranged {
				if high, err = f.value(last); err != nil {
					return err
				}
			} else if !stepped {
				high = low
			}
		}
		if high < low {
			if !f.wraps {
				return refuse("A range in %s of the schedule expression ends before it begins: %q.", f.name, item)
			}
			high += f.high - f.low + 1
		}
		for v := low; v <= high; v += step {
			set((v-f.low)%(f.high-f.low+1) + f.low)
		}
	}
	return nil
}

// value reads one value of a field: a number or a name.
func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	v, err := number(text)
	if err != nil || v < f.low || v > f.high {
		return 0, refuse("%q is no value of %s in a schedule expression: it must be from %d to %d.", text, f.name, f.low, f.high)
	}
	return v, nil
}

// number reads digits; strconv would take a sign.
func number(text string) (int, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}
