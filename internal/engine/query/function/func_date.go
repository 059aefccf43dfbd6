package function

import (
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var dates = []*plan.Function{
	fixed("tomillis", 1, toMillis),
	fixed("frommillis", 1, fromMillis),
	dateStepOf("datefloor", DateFloor),
	dateStepOf("date_floor", DateFloor),
	dateStepOf("dateceil", DateCeil),
	dateStepOf("date_ceil", DateCeil),
	binding("parsedate", 2, 3, parseDate(dateformatOf, plan.Number)),
	binding("formatdate", 2, 3, formatDate(dateformatOf)),
	binding("strftime", 2, 3, formatDate(dateformatOf)),
}

func toMillis(args []plan.Value, _ *plan.Arena) plan.Value {
	if args[0].Kind != plan.Time {
		return plan.Value{}
	}
	return plan.NumberValue(args[0].Num)
}

func fromMillis(args []plan.Value, _ *plan.Arena) plan.Value {
	x, ok := args[0].Float()
	if !ok || math.Abs(x) > 1<<53 {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Time, Num: math.Floor(x)}
}

// dateformatOf compiles a format: one with a % is of strftime, any other is of
// Java (ours).
func dateformatOf(text string) (*dateformat.Format, error) {
	if strings.Contains(text, "%") {
		return dateformat.Strftime(text)
	}
	return dateformat.Java(text)
}

// constant returns what compiles an argument: once when it is constant, else
// when it is needed. ok is false where it does not compile.
func constant[T any](c *plan.Value, compile func(string) (T, error)) (func(v *plan.Value, a *plan.Arena) (T, bool), error) {
	if c != nil {
		if c.Kind == plan.Null || c.Kind == plan.List {
			return func(*plan.Value, *plan.Arena) (none T, ok bool) { return none, false }, nil
		}
		got, err := compile(string(c.AppendText(nil)))
		return func(*plan.Value, *plan.Arena) (T, bool) { return got, true }, err
	}
	seen := newCache(compile)
	return func(v *plan.Value, a *plan.Arena) (none T, ok bool) {
		t, ok := textOf(v, a)
		if !ok {
			return none, false
		}
		return seen.get(t)
	}, nil
}

// zoneOf returns what finds the time zone, the argument at i when there is one.
func zoneOf(consts []*plan.Value, i int) (func(args []plan.Value, a *plan.Arena) (*time.Location, bool), error) {
	if len(consts) <= i {
		return func([]plan.Value, *plan.Arena) (*time.Location, bool) { return time.UTC, true }, nil
	}
	zone, err := constant(consts[i], dateformat.Zone)
	return func(args []plan.Value, a *plan.Arena) (*time.Location, bool) { return zone(&args[i], a) }, err
}

// parseDate reads a text by a format, in a time zone when there is one, as a
// value of a kind: Number or Time.
func parseDate(compile func(string) (*dateformat.Format, error), kind plan.ValueKind) func([]*plan.Value) (plan.Eval, error) {
	readable := func(s string) (*dateformat.Format, error) {
		f, err := compile(s)
		if err == nil {
			err = f.Reads()
		}
		return f, err
	}
	return func(consts []*plan.Value) (plan.Eval, error) {
		format, err := constant(consts[1], readable)
		if err != nil {
			return nil, err
		}
		zone, err := zoneOf(consts, 2)
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := textOf(&args[0], a)
			f, ok1 := format(&args[1], a)
			loc, ok2 := zone(args, a)
			if !ok || !ok1 || !ok2 {
				return plan.Value{}
			}
			ms, ok := f.Read(t, loc)
			if !ok {
				return plan.Value{}
			}
			return plan.Value{Kind: kind, Num: float64(ms)}
		}, nil
	}
}

// formatDate writes a time, or a number of ms, by a format in a time zone.
func formatDate(compile func(string) (*dateformat.Format, error)) func([]*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		format, err := constant(consts[1], compile)
		if err != nil {
			return nil, err
		}
		zone, err := zoneOf(consts, 2)
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			ms, ok := millis(&args[0])
			f, ok1 := format(&args[1], a)
			loc, ok2 := zone(args, a)
			if !ok || !ok1 || !ok2 {
				return plan.Value{}
			}
			from := len(a.Bytes)
			a.Bytes = f.Append(a.Bytes, time.UnixMilli(ms).In(loc))
			return made(a, from)
		}, nil
	}
}
