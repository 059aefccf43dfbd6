package metricmath

import (
	"math"
	"slices"
	"time"
)

// call computes a function.
func (e *evaluation) call(c *callNode) (Value, error) {
	switch c.name {
	case "ABS":
		return e.mapped(c, math.Abs)
	case "CEIL":
		return e.mapped(c, math.Ceil)
	case "FLOOR":
		return e.mapped(c, math.Floor)
	case "LOG":
		return e.mapped(c, math.Log)
	case "LOG10":
		return e.mapped(c, math.Log10)
	case "SUM", "AVG", "MIN", "MAX", "STDDEV", "DATAPOINT_COUNT":
		return e.aggregate(c)
	case "RATE", "DIFF", "DIFF_TIME", "RUNNING_SUM":
		return e.running(c)
	case "METRIC_COUNT":
		v, err := e.argument(c, 0, Array)
		return scalar(float64(len(v.Series))), err
	case "REMOVE_EMPTY":
		v, err := e.argument(c, 0, Array)
		return array(slices.DeleteFunc(slices.Clone(v.Series), func(s *Series) bool { return len(s.Times) == 0 })), err
	case "FIRST", "LAST":
		return e.end(c)
	case "PERIOD":
		return e.period(c)
	case "TIME_SERIES":
		return e.timeSeries(c)
	case "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH":
		return e.clock(c)
	case "FILL":
		return e.fill(c)
	case "IF":
		return e.choose(c)
	case "METRICS":
		contains := ""
		if len(c.args) > 0 {
			contains = c.args[0].(*stringNode).text
		}
		return array(e.env.Metrics(contains)), nil
	case "SEARCH":
		return e.search(c)
	case "SORT":
		return e.sort(c)
	case "SLICE":
		return e.slice(c)
	}
	return Value{}, errorAt(c, "unknown function %s", c.name) // the parser lets none through
}

func (e *evaluation) mapped(c *callNode, f func(float64) float64) (Value, error) {
	v, err := e.argument(c, 0, TimeSeries, Array)
	if err != nil {
		return Value{}, err
	}
	return each(v, f), nil
}

// summary computes an aggregate function of values; NaN for none.
func summary(name string, values []float64) float64 {
	n := float64(len(values))
	if name == "DATAPOINT_COUNT" {
		return n
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch {
	case name == "SUM":
		return sum
	case n == 0:
		return math.NaN()
	case name == "AVG":
		return sum / n
	case name == "MIN":
		return slices.Min(values)
	case name == "MAX":
		return slices.Max(values)
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - sum/n) * (v - sum/n)
	}
	return math.Sqrt(squares / n)
}

// aggregate computes one number of a series, or one series of an array. In an average a series
// without a value at a time counts as 0.
func (e *evaluation) aggregate(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, TimeSeries, Array)
	if err != nil {
		return Value{}, err
	}
	if v.Type == TimeSeries {
		return scalar(summary(c.name, v.Series[0].Values)), nil
	}
	out := &Series{Label: c.name}
	at := make([]int, len(v.Series))
	for _, s := range v.Series {
		out.Period = max(out.Period, s.Period)
	}
	var values []float64
	for {
		t := int64(math.MaxInt64)
		for i, s := range v.Series {
			if at[i] < len(s.Times) {
				t = min(t, s.Times[at[i]])
			}
		}
		if t == math.MaxInt64 {
			return single(out), nil
		}
		values = values[:0]
		for i, s := range v.Series {
			if at[i] < len(s.Times) && s.Times[at[i]] == t {
				values = append(values, s.Values[at[i]])
				at[i]++
			} else if c.name == "AVG" {
				values = append(values, 0)
			}
		}
		out.put(t, summary(c.name, values))
	}
}

// running computes what depends on the value before.
func (e *evaluation) running(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, TimeSeries, Array)
	if err != nil {
		return Value{}, err
	}
	out := Value{Type: v.Type, Series: make([]*Series, len(v.Series))}
	for i, s := range v.Series {
		t := s.like()
		sum := 0.0
		for j, x := range s.Values {
			if c.name == "RUNNING_SUM" {
				sum += x
				t.put(s.Times[j], sum)
				continue
			}
			if j == 0 {
				continue
			}
			diff, seconds := x-s.Values[j-1], float64(s.Times[j]-s.Times[j-1])/1000
			switch c.name {
			case "RATE":
				t.put(s.Times[j], diff/seconds)
			case "DIFF":
				t.put(s.Times[j], diff)
			case "DIFF_TIME":
				t.put(s.Times[j], seconds)
			}
		}
		out.Series[i] = t
	}
	return out, nil
}

// end returns the first or last series of an array; an empty one when there is none.
func (e *evaluation) end(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, Array)
	switch {
	case err != nil:
		return Value{}, err
	case len(v.Series) == 0:
		return single(&Series{Period: e.env.Period}), nil
	case c.name == "FIRST":
		return single(v.Series[0]), nil
	}
	return single(v.Series[len(v.Series)-1]), nil
}

func (e *evaluation) period(c *callNode) (Value, error) {
	id, ok := c.args[0].(*idNode)
	if ok {
		v, metric, found := e.env.Lookup(id.name)
		if !found {
			return Value{}, errorAt(id, "undefined variable %.64s", id.name)
		}
		if metric && v.Type == TimeSeries {
			return scalar(float64(v.Series[0].Period)), nil
		}
	}
	return Value{}, errorAt(c.args[0], "argument 1 of PERIOD must be a metric")
}

func (e *evaluation) timeSeries(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, Scalar)
	if err != nil {
		return Value{}, err
	}
	times, err := e.grid(c, e.env.Period)
	if err != nil {
		return Value{}, err
	}
	out := &Series{Label: c.name, Period: e.env.Period}
	for _, t := range times {
		out.put(t, v.Number)
	}
	return single(out), nil
}

// clock computes a part of the time, at all times of the range, in UTC. Monday is 1.
func (e *evaluation) clock(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, TimeSeries)
	if err != nil {
		return Value{}, err
	}
	times, err := e.grid(c, v.Series[0].Period)
	if err != nil {
		return Value{}, err
	}
	out := &Series{Label: v.Series[0].Label, Period: v.Series[0].Period}
	for _, ms := range times {
		t := time.UnixMilli(ms).UTC()
		n := 0
		switch c.name {
		case "MINUTE":
			n = t.Minute()
		case "HOUR":
			n = t.Hour()
		case "DAY":
			n = (int(t.Weekday())+6)%7 + 1
		case "DATE":
			n = t.Day()
		case "MONTH":
			n = int(t.Month())
		case "YEAR":
			n = t.Year()
		case "EPOCH":
			n = int(t.Unix())
		}
		out.put(ms, float64(n))
	}
	return single(out), nil
}

// choose computes IF.
func (e *evaluation) choose(c *callNode) (Value, error) {
	condition, err := e.argument(c, 0, Scalar, TimeSeries)
	if err != nil {
		return Value{}, err
	}
	then, err := e.argument(c, 1, Scalar, TimeSeries)
	if err != nil {
		return Value{}, err
	}
	otherwise := scalar(math.NaN())
	if len(c.args) == 3 {
		if otherwise, err = e.argument(c, 2, Scalar, TimeSeries); err != nil {
			return Value{}, err
		}
	}
	if condition.Type == Scalar {
		return chooseAll(condition.Number, then, otherwise), nil
	}
	s := condition.Series[0]
	out := s.like()
	if then.Type == TimeSeries {
		out = then.Series[0].like()
	}
	out.Period = s.Period
	a, b := reader{v: then}, reader{v: otherwise}
	for i, t := range s.Times {
		// What is missing counts as 0 when the condition is true, and is left out when
		// it is false.
		if s.Values[i] != 0 {
			v, ok := a.at(t)
			if !ok && then.Type == TimeSeries {
				v = 0
			}
			out.put(t, v)
		} else if v, ok := b.at(t); ok {
			out.put(t, v)
		}
	}
	return single(out), nil
}

// chooseAll computes IF of a number. The type does not depend on its value.
func chooseAll(condition float64, then, otherwise Value) Value {
	v := otherwise
	if condition != 0 && !math.IsNaN(condition) {
		v = then
	}
	if math.IsNaN(condition) {
		v = scalar(math.NaN())
	}
	if v.Type == Scalar && (then.Type == TimeSeries || otherwise.Type == TimeSeries) {
		// A number among series is that number wherever the other has a value.
		like := then
		if then.Type == Scalar {
			like = otherwise
		}
		return each(like, func(float64) float64 { return v.Number })
	}
	return v
}

// reader reads a value at ascending times.
type reader struct {
	v Value
	i int
}

func (r *reader) at(t int64) (float64, bool) {
	if r.v.Type == Scalar {
		return r.v.Number, !math.IsNaN(r.v.Number)
	}
	s := r.v.Series[0]
	for r.i < len(s.Times) && s.Times[r.i] < t {
		r.i++
	}
	if r.i < len(s.Times) && s.Times[r.i] == t {
		return s.Values[r.i], true
	}
	return math.NaN(), false
}

func (e *evaluation) search(c *callNode) (Value, error) {
	if e.env.Search == nil {
		return Value{}, errorAt(c, "SEARCH is not allowed here")
	}
	period := int64(0)
	if len(c.args) == 3 {
		n, err := e.integer(c, 2)
		if err != nil {
			return Value{}, err
		}
		if n == 0 {
			return Value{}, errorAt(c.args[2], "the period of SEARCH must be greater than 0")
		}
		period = int64(n)
	}
	found, err := e.env.Search(e.ctx, c.args[0].(*stringNode).text, c.args[1].(*stringNode).text, period)
	return array(found), err
}

// sort computes SORT; series without values come last.
func (e *evaluation) sort(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, Array)
	if err != nil {
		return Value{}, err
	}
	limit := len(v.Series)
	if len(c.args) == 4 {
		n, err := e.integer(c, 3)
		if err != nil {
			return Value{}, err
		}
		limit = min(limit, n)
	}
	type ranked struct {
		s   *Series
		key float64
	}
	all := make([]ranked, len(v.Series))
	for i, s := range v.Series {
		all[i] = ranked{s, math.NaN()}
		if len(s.Values) > 0 {
			all[i].key = summary(c.args[1].(*wordNode).word, s.Values)
		}
	}
	sign := 1
	if c.args[2].(*wordNode).word == "DESC" {
		sign = -1
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		switch {
		case math.IsNaN(a.key) || math.IsNaN(b.key):
			return int(truth(math.IsNaN(a.key)) - truth(math.IsNaN(b.key)))
		case a.key < b.key:
			return -sign
		case a.key > b.key:
			return sign
		}
		return 0
	})
	out := array(make([]*Series, 0, limit))
	for _, r := range all[:limit] {
		out.Series = append(out.Series, r.s)
	}
	return out, nil
}

func (e *evaluation) slice(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, Array)
	if err != nil {
		return Value{}, err
	}
	from, err := e.integer(c, 1)
	if err != nil {
		return Value{}, err
	}
	to := len(v.Series)
	if len(c.args) == 3 {
		n, err := e.integer(c, 2)
		if err != nil {
			return Value{}, err
		}
		to = min(to, n)
	}
	if from >= to {
		return array(nil), nil
	}
	return array(v.Series[from:to:to]), nil
}
