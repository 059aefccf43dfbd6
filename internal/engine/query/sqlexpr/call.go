package sqlexpr

import (
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// generators make rows of one row, which the service does not do.
var generators = words("explode explode_outer posexplode posexplode_outer inline inline_outer stack")

// lambdas take a function, which the languages do not have here.
var lambdas = words("filter transform reduce forall aggregate map_filter transform_keys transform_values zip_with array_sort")

// call translates a call of a scalar function.
func (c *Compiler) call(e *Call) (plan.Expr, error) {
	name := Span{e.Start, e.Start + len(e.Func)}
	switch {
	case e.Over != nil:
		return nil, c.errorf(e.Span, "a window function cannot stand here")
	case windowOnly[e.Func] && c.Dialect == SQL:
		return nil, c.errorf(e.Span, "the function %s needs OVER", e.Func)
	case IsAggregate(c.Dialect, e):
		return nil, c.errorf(e.Span, "the aggregate %s cannot stand here", e.Func)
	case generators[e.Func]:
		return nil, c.errorf(name, "the generator function %s is not supported", e.Func)
	case e.Star || e.Distinct || e.Filter != nil || e.Nulls != "":
		return nil, c.errorf(e.Span, "the function %s is no aggregate", e.Func)
	}
	if x, ok, err := c.special(e); ok || err != nil {
		return x, err
	}
	f := c.Function(e.Func)
	if f == nil {
		if lambdas[e.Func] {
			return nil, c.errorf(name, "lambda functions are not supported")
		}
		return nil, c.errorf(name, "unknown function %s", e.Func)
	}
	if n := len(e.Args); n < f.Min || n > f.Max {
		return nil, c.errorf(e.Span, "the function %s takes %s, not %d", e.Func, f.Arity(), n)
	}
	args, err := c.arguments(e)
	if err != nil {
		return nil, err
	}
	x := plan.Call{Func: f, Args: args}
	if _, err := x.Bound(); err != nil {
		return nil, c.errorf(e.Span, "%s: %s", e.Func, RegexpReason(err))
	}
	return x, nil
}

// arguments translates arguments. A unit of time as the first one becomes a text.
func (c *Compiler) arguments(e *Call) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(e.Args))
	for i, k := range e.Args {
		x, err := c.Value(k)
		if err != nil {
			return nil, err
		}
		if f, ok := x.(plan.Const); ok && f.V.Kind == plan.Bool {
			x = plan.Const{V: f.V}
		}
		out[i] = x
	}
	return out, nil
}

// unitArg returns the unit of time that an argument is: DAY or 'day'.
func unitArg(e Expr) string {
	switch e := e.(type) {
	case *Name:
		if len(e.Parts) == 1 {
			return Unit(e.Parts[0])
		}
	case *Literal:
		if e.Kind == StringLiteral {
			return Unit(e.Text)
		}
	}
	return ""
}

// types are the functions that convert.
var typeFunctions = words("bigint binary boolean date decimal double float int smallint string timestamp tinyint")

// plain reports whether a call is nothing but a function and arguments.
func (e *Call) plain() bool {
	return e.Over == nil && !e.Star && !e.Distinct && e.Filter == nil && e.Nulls == ""
}

// special translates calls that are more than a function of their values.
func (c *Compiler) special(e *Call) (x plan.Expr, ok bool, err error) {
	n := len(e.Args)
	wrong := func(want string) (plan.Expr, bool, error) {
		return nil, true, c.errorf(e.Span, "the function %s takes %s, not %d", e.Func, want, n)
	}
	switch e.Func {
	case "now", "current_timestamp", "localtimestamp", "localtime", "sysdate", "utc_timestamp", "curdate", "current_date", "current_timezone":
		if n > 0 && !(e.Func == "sysdate" || e.Func == "localtime") || n > 1 {
			return wrong("0 arguments")
		}
		switch e.Func {
		case "curdate", "current_date":
			return plan.Const{V: TimeValue(truncate(c.now(), 1, "day"))}, true, nil
		case "current_timezone":
			return plan.Str("UTC"), true, nil
		}
		return plan.Const{V: TimeValue(c.now())}, true, nil
	case "unix_timestamp", "to_unix_timestamp":
		if n == 0 {
			return plan.Num(float64(c.Now / 1000)), true, nil
		}
	case "if":
		if n != 3 {
			return wrong("3 arguments")
		}
		x, err = c.calls(caseWhen(), e.Args...)
		return x, true, err
	case "isnull", "isnotnull":
		if n != 1 {
			return wrong("1 argument")
		}
		raw, err := c.raw(e.Args[0])
		return negate3(call(is3("null"), raw), e.Func == "isnotnull"), true, err
	case "ifnull", "nvl", "coalesce":
		if n != 2 && e.Func != "coalesce" || n == 0 {
			return wrong("2 arguments")
		}
		x, err = c.calls(coalesce(), e.Args...)
		return x, true, err
	case "nvl2":
		if n != 3 {
			return wrong("3 arguments")
		}
		x, err = c.calls(nvl2(), e.Args...)
		return x, true, err
	case "nullif":
		if n != 2 {
			return wrong("2 arguments")
		}
		x, err = c.calls(nullIf(), e.Args...)
		return x, true, err
	case "like", "ilike", "rlike", "regexp_like", "regexp":
		if n != 2 {
			return wrong("2 arguments")
		}
		op := e.Func
		if strings.HasPrefix(op, "regexp") {
			op = "rlike"
		}
		x, err = c.likeValue(&Like{Span: e.Span, Op: op, X: e.Args[0], Pat: e.Args[1]})
		return x, true, err
	case "window":
		return c.window(e)
	case "json_tuple": // of one key: several would be several columns
		if n != 2 {
			return wrong("2 arguments")
		}
		key, ok := Constant(e.Args[1])
		if !ok || key.Kind != plan.Text {
			return nil, true, c.errorf(e.Args[1].At(), "the key of json_tuple must be a constant text")
		}
		path := &Literal{e.Args[1].At(), StringLiteral, "$['" + string(key.Text) + "']"}
		return c.json(e, path)
	}
	if typeFunctions[e.Func] {
		if n != 1 {
			return wrong("1 argument")
		}
		x, err = c.cast(&Cast{Span: e.Span, X: e.Args[0], Type: e.Func})
		return x, true, err
	}
	return c.dates(e)
}

// dates translates arithmetic with times whose arguments are intervals and units.
func (c *Compiler) dates(e *Call) (x plan.Expr, ok bool, err error) {
	switch e.Func {
	case "date_add", "adddate", "dateadd", "date_sub", "subdate", "timestampadd":
		sign := 1.0
		if strings.Contains(e.Func, "sub") {
			sign = -1
		}
		switch len(e.Args) {
		case 2:
			if i, isInterval := e.Args[1].(*Interval); isInterval {
				x, err = c.shift(e.Args[0], i, sign)
				return x, true, err
			}
			if e.Func != "timestampadd" {
				x, err = c.calls(addInterval("day", sign), e.Args[0], e.Args[1])
				return x, true, err
			}
		case 3:
			if u := unitArg(e.Args[0]); u != "" && sign > 0 {
				x, err = c.calls(addInterval(u, 1), e.Args[2], e.Args[1])
				return x, true, err
			}
			return nil, true, c.errorf(e.Args[0].At(), "%s is no unit of time", c.written(e.Args[0]))
		}
	case "timestampdiff", "datediff", "date_diff":
		if len(e.Args) == 3 {
			u := unitArg(e.Args[0])
			if u == "" {
				return nil, true, c.errorf(e.Args[0].At(), "%s is no unit of time", c.written(e.Args[0]))
			}
			x, err = c.calls(difference(u), e.Args[1], e.Args[2])
			return x, true, err
		}
		if len(e.Args) == 2 && e.Func != "timestampdiff" {
			x, err = c.calls(dayDifference(), e.Args[0], e.Args[1])
			return x, true, err
		}
	default:
		return nil, false, nil
	}
	return nil, true, c.errorf(e.Span, "the function %s takes 2 or 3 arguments, not %d", e.Func, len(e.Args))
}

// window is the start of the period of a width that a time lies in (ours: Spark has
// a structure of the start and the end).
func (c *Compiler) window(e *Call) (x plan.Expr, ok bool, err error) {
	if len(e.Args) != 2 {
		return nil, true, c.errorf(e.Span, "the function window takes 2 arguments, not %d", len(e.Args))
	}
	l, isText := e.Args[1].(*Literal)
	if isText && l.Kind == StringLiteral {
		number, unit, _ := strings.Cut(strings.TrimSpace(l.Text), " ")
		n, number_ok := plan.ParseNumber([]byte(number))
		if u := Unit(strings.TrimSpace(unit)); u != "" && u != "microsecond" && number_ok && n >= 1 && n <= 1e6 && n == math.Trunc(n) {
			t, err := c.Value(e.Args[0])
			return SpanOf(t, int(n), u), true, err
		}
	}
	return nil, true, c.errorf(e.Args[1].At(), "the width of a window is a text such as '5 minutes'")
}

// SpanOf is the start of the period of n units that the time x lies in.
func SpanOf(x plan.Expr, n int, unit string) plan.Expr {
	if ms := unitMillis[unit]; ms >= 1 && unit != "week" {
		if f, ok := x.(plan.Field); ok && isTime(f) {
			return plan.Bin{X: f, Every: int64(ms) * int64(n)}
		}
	}
	return call(spanOf(n, unit, columnName("span_"+unit, n)), x)
}

func coalesce() *plan.Function {
	return anyNumber("coalesce", func(args []plan.Value, _ *plan.Arena) plan.Value {
		for i := range args {
			if args[i].Kind != plan.Null {
				return args[i]
			}
		}
		return plan.Value{}
	})
}

func nvl2() *plan.Function {
	return fixed("nvl2", 3, func(args []plan.Value, _ *plan.Arena) plan.Value {
		if args[0].Kind != plan.Null {
			return args[1]
		}
		return args[2]
	})
}

func nullIf() *plan.Function {
	return fixed("nullif", 2, func(args []plan.Value, _ *plan.Arena) plan.Value {
		if plan.Holds(plan.Eq, &args[0], &args[1]) {
			return plan.Value{}
		}
		return args[0]
	})
}

// difference is the number of whole units from the first time to the second.
func difference(unit string) *plan.Function {
	return &plan.Function{Name: "between_" + unit, Min: 2, Max: 2, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		a, ok := timeOf(&args[0])
		b, ok2 := timeOf(&args[1])
		if !ok || !ok2 {
			return plan.Value{}
		}
		if ms, fixed := unitMillis[unit]; fixed {
			return plan.NumberValue(math.Trunc(float64(b.UnixMilli()-a.UnixMilli())/ms) + 0)
		}
		n := wholeMonths(a, b)
		switch unit {
		case "quarter":
			n /= 3
		case "year":
			n /= 12
		}
		return plan.NumberValue(float64(n))
	}}
}

// wholeMonths is the number of months from a to b, towards zero.
func wholeMonths(a, b time.Time) int {
	if b.Before(a) {
		return -wholeMonths(b, a)
	}
	n := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	if n > 0 && addUnit(a, float64(n), "month").After(b) {
		n--
	}
	return n
}

// dayDifference is the number of days between the dates of two times: the first minus the second.
func dayDifference() *plan.Function {
	return &plan.Function{Name: "datediff", Min: 2, Max: 2, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		a, ok := timeOf(&args[0])
		b, ok2 := timeOf(&args[1])
		if !ok || !ok2 {
			return plan.Value{}
		}
		d := truncate(a, 1, "day").Sub(truncate(b, 1, "day"))
		return plan.NumberValue(math.Round(d.Hours() / 24))
	}}
}

// json is get_json_object of the first argument of a call.
func (c *Compiler) json(e *Call, path Expr) (x plan.Expr, ok bool, err error) {
	f := c.Function("get_json_object")
	if f == nil {
		return nil, false, nil
	}
	x, err = c.calls(f, e.Args[0], path)
	return x, true, err
}
