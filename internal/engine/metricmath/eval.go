package metricmath

import (
	"context"
	"fmt"
	"math"
)

// Limits of Eval.
const (
	maxPoints = 100_800    // values of one series that a function makes up, such as FILL
	maxArray  = 2000       // series of an array
	maxWork   = 50_000_000 // values that are computed in all
)

// Env is what an expression is evaluated in.
type Env struct {
	// Start returns where series of a period (s) begin, in ms since 1970; made-up ones have
	// values there and at every period after it, before End.
	Start func(period int64) int64
	End   int64
	// Period is that of the expression, in s, for what has no series to take it from.
	Period int64
	// Lookup returns what an id stands for, and whether it is a metric and no expression.
	Lookup func(id string) (v Value, metric, ok bool)
	// Metrics returns the metrics of the request whose id contains a text.
	Metrics func(contains string) []*Series
	// Search returns the series of a search; period 0 means Env.Period. Nil: searching is an error. An error
	// is given out as it is.
	Search func(ctx context.Context, query, statistic string, period int64) ([]*Series, error)
}

type evaluation struct {
	ctx  context.Context
	env  *Env
	work int // values that were computed
}

// Eval evaluates the expression. The types of values do not depend on data, so evaluating with
// empty series finds all errors of types. Errors about the expression are *Error; others are
// those of ctx and of Search.
func (x *Expr) Eval(ctx context.Context, env *Env) (Value, error) {
	e := &evaluation{ctx: ctx, env: env}
	return e.eval(x.root)
}

// eval computes a part of the expression, within the limits.
func (e *evaluation) eval(n node) (Value, error) {
	if err := e.ctx.Err(); err != nil {
		return Value{}, err
	}
	v, err := e.node(n)
	if err != nil {
		return Value{}, err
	}
	if len(v.Series) > maxArray {
		return Value{}, errorAt(n, "an array of more than %d time series", maxArray)
	}
	for _, s := range v.Series {
		e.work += len(s.Values)
	}
	if e.work > maxWork {
		return Value{}, errorAt(n, "the expression computes more than %d values", maxWork)
	}
	return v, nil
}

func (e *evaluation) node(n node) (Value, error) {
	switch n := n.(type) {
	case *numberNode:
		return scalar(n.value), nil
	case *idNode:
		v, _, ok := e.env.Lookup(n.name)
		if !ok {
			return Value{}, errorAt(n, "undefined variable %.64s", n.name)
		}
		return v, nil
	case *unaryNode:
		x, err := e.eval(n.x)
		if err != nil {
			return Value{}, err
		}
		return each(x, func(v float64) float64 { return -v }), nil
	case *binaryNode:
		x, err := e.eval(n.x)
		if err != nil {
			return Value{}, err
		}
		y, err := e.eval(n.y)
		if err != nil {
			return Value{}, err
		}
		return e.binary(n, x, y)
	case *arrayNode:
		var all []*Series
		for _, item := range n.items {
			v, err := e.eval(item)
			if err != nil {
				return Value{}, err
			}
			if v.Type == Scalar {
				return Value{}, errorAt(item, "an array holds time series, not a number")
			}
			all = append(all, v.Series...)
		}
		return array(all), nil
	case *callNode:
		return e.call(n)
	}
	return Value{}, errorAt(n, "no value") // the parser lets nothing else through
}

// each applies f to every number of v.
func each(v Value, f func(float64) float64) Value {
	if v.Type == Scalar {
		return scalar(f(v.Number))
	}
	out := Value{Type: v.Type, Series: make([]*Series, len(v.Series))}
	for i, s := range v.Series {
		t := s.like()
		for j, x := range s.Values {
			t.put(s.Times[j], f(x))
		}
		out.Series[i] = t
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func operator(op string) func(x, y float64) float64 {
	switch op {
	case "+":
		return func(x, y float64) float64 { return x + y }
	case "-":
		return func(x, y float64) float64 { return x - y }
	case "*":
		return func(x, y float64) float64 { return x * y }
	case "/":
		return func(x, y float64) float64 { return x / y }
	case "^":
		return math.Pow
	case "==":
		return func(x, y float64) float64 { return truth(x == y) }
	case "!=":
		return func(x, y float64) float64 { return truth(x != y) }
	case "<":
		return func(x, y float64) float64 { return truth(x < y) }
	case "<=":
		return func(x, y float64) float64 { return truth(x <= y) }
	case ">":
		return func(x, y float64) float64 { return truth(x > y) }
	case ">=":
		return func(x, y float64) float64 { return truth(x >= y) }
	case "AND":
		return func(x, y float64) float64 { return truth(x != 0 && y != 0) }
	}
	return func(x, y float64) float64 { return truth(x != 0 || y != 0) }
}

// binary computes an operator. Of two arrays the result would be ambiguous, so that is an
// error.
func (e *evaluation) binary(n *binaryNode, x, y Value) (Value, error) {
	op := operator(n.op)
	f := func(a, b float64) float64 {
		if math.IsNaN(a) || math.IsNaN(b) {
			return math.NaN()
		}
		return op(a, b)
	}
	switch {
	case x.Type == Scalar && y.Type == Scalar:
		return scalar(f(x.Number, y.Number)), nil
	case y.Type == Scalar:
		return each(x, func(v float64) float64 { return f(v, y.Number) }), nil
	case x.Type == Scalar:
		return each(y, func(v float64) float64 { return f(x.Number, v) }), nil
	case x.Type == Array && y.Type == Array:
		return Value{}, errorAt(n, "operator %s cannot have two arrays of time series", n.op)
	case x.Type == Array:
		out := array(make([]*Series, len(x.Series)))
		for i, s := range x.Series {
			out.Series[i] = pair(s, s, y.Series[0], f)
		}
		return out, nil
	case y.Type == Array:
		out := array(make([]*Series, len(y.Series)))
		for i, s := range y.Series {
			out.Series[i] = pair(s, x.Series[0], s, f)
		}
		return out, nil
	}
	return single(pair(x.Series[0], x.Series[0], y.Series[0], f)), nil
}

// pair computes f at all times at which x or y has a value; the other is 0 then. The result has
// the identity of of, unless both are different metrics.
func pair(of, x, y *Series, f func(a, b float64) float64) *Series {
	out := of.like()
	out.Period = max(x.Period, y.Period)
	if x.Metric != y.Metric && of != x && of != y {
		out.Metric = nil
	}
	i, j := 0, 0
	for i < len(x.Times) || j < len(y.Times) {
		switch {
		case j == len(y.Times) || i < len(x.Times) && x.Times[i] < y.Times[j]:
			out.put(x.Times[i], f(x.Values[i], 0))
			i++
		case i == len(x.Times) || y.Times[j] < x.Times[i]:
			out.put(y.Times[j], f(0, y.Values[j]))
			j++
		default:
			out.put(x.Times[i], f(x.Values[i], y.Values[j]))
			i++
			j++
		}
	}
	return out
}

// grid returns the times that a series without gaps has.
func (e *evaluation) grid(n node, period int64) ([]int64, error) {
	if period <= 0 {
		return nil, errorAt(n, "there is no period for this time series")
	}
	step := period * 1000
	start := e.env.Start(period)
	count := (e.env.End - start + step - 1) / step
	if count > maxPoints {
		return nil, errorAt(n, "a time series of more than %d values", maxPoints)
	}
	times := make([]int64, 0, max(count, 0))
	for t := start; t < e.env.End; t += step {
		times = append(times, t)
	}
	return times, nil
}

// argument evaluates an argument that must have one of some types.
func (e *evaluation) argument(c *callNode, i int, types ...Type) (Value, error) {
	v, err := e.eval(c.args[i])
	if err != nil {
		return Value{}, err
	}
	for _, t := range types {
		if v.Type == t {
			return v, nil
		}
	}
	wanted := ""
	for i, t := range types {
		if i > 0 {
			wanted += " or "
		}
		wanted += t.String()
	}
	return Value{}, errorAt(c.args[i], "argument %d of %s must be %s, not %s", i+1, c.name, wanted, v.Type)
}

// integer evaluates an argument that must be a whole number of at least 0.
func (e *evaluation) integer(c *callNode, i int) (int, error) {
	v, err := e.argument(c, i, Scalar)
	if err != nil {
		return 0, err
	}
	if !(v.Number >= 0 && v.Number <= 1e6) || v.Number != math.Trunc(v.Number) {
		return 0, errorAt(c.args[i], "argument %d of %s must be a whole number", i+1, c.name)
	}
	return int(v.Number), nil
}

// Final checks that v can be the result of an expression: series, not a number.
func Final(v Value) error {
	if v.Type == Scalar {
		return &Error{0, "the expression is a number, not a time series"}
	}
	return nil
}

// OnlyFinal checks that v can be watched by an alarm: one series.
func OnlyFinal(v Value) error {
	if v.Type != TimeSeries {
		return &Error{0, fmt.Sprintf("the expression is %s, not a single time series", v.Type)}
	}
	return nil
}
