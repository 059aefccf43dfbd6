package transform

import (
	"cmp"
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Aggregate is an aggregate over the rows of a window or group.
type Aggregate struct {
	Func  plan.AggFunc
	Field string  // empty only for Count: all rows
	P     float64 // of Pct, 0 to 100
	As    string
}

// check reports aggregates that Window and EventStats do not know.
func (a Aggregate) check(what string) error {
	switch a.Func {
	case plan.Count, plan.Sum, plan.Avg, plan.Min, plan.Max, plan.StddevPop, plan.StddevSamp, plan.VarPop, plan.VarSamp,
		plan.Pct, plan.CountDistinct, plan.Earliest, plan.Latest:
	default:
		return wrong("%s does not know the aggregate %s", what, a.Func)
	}
	if a.Field == "" && a.Func != plan.Count {
		return wrong("%s has %s without a field", what, a.Func)
	}
	if a.Func == plan.Pct && !(a.P >= 0 && a.P <= 100) {
		return wrong("%s has the percentile %v, which is not from 0 to 100", what, a.P)
	}
	return nil
}

// state collects the values of an aggregate, in any order. Sums are compensated,
// so that they are right to the last digit or so.
type state struct {
	agg       Aggregate
	rows, n   int64 // rows; numbers, or values for Count
	sum, lost float64
	mean, m2  float64
	best      plan.Value
	bestAt    float64
	numeric   bool
	all       []float64
	distinct  map[string]struct{}
	buf       []byte
}

func newState(a Aggregate) *state {
	s := &state{agg: a}
	if a.Func == plan.CountDistinct {
		s.distinct = map[string]struct{}{}
	}
	return s
}

// reset makes s as it was when it was new.
func (s *state) reset() {
	*s = state{agg: s.agg, distinct: s.distinct, all: s.all[:0], buf: s.buf}
	clear(s.distinct)
}

// add adds the value v of a row at time at, and returns by how many bytes s grew.
func (s *state) add(v *plan.Value, at float64) (grown int) {
	s.rows++
	if s.agg.Field == "" || v.Kind == plan.Null {
		return 0
	}
	switch s.agg.Func {
	case plan.Count:
		s.n++
		return 0
	case plan.CountDistinct:
		s.buf = v.AppendText(s.buf[:0])
		if _, ok := s.distinct[string(s.buf)]; !ok {
			s.distinct[string(s.buf)] = struct{}{}
			return keyBytes + len(s.buf)
		}
		return 0
	case plan.Earliest, plan.Latest:
		if s.n++; s.n == 1 || s.agg.Func == plan.Earliest && at < s.bestAt || s.agg.Func == plan.Latest && at > s.bestAt {
			s.best, s.bestAt = *v, at
		}
		return 0
	}
	f, ok := v.Float()
	if s.agg.Func == plan.Min || s.agg.Func == plan.Max {
		s.extreme(v, ok)
		return 0
	}
	if !ok {
		return 0
	}
	s.n++
	switch s.agg.Func {
	case plan.Pct:
		s.all = append(s.all, f)
		return indexBytes
	case plan.Sum, plan.Avg:
		t := s.sum + f
		if math.Abs(s.sum) >= math.Abs(f) {
			s.lost += s.sum - t + f
		} else {
			s.lost += f - t + s.sum
		}
		s.sum = t
	default:
		d := f - s.mean
		s.mean += d / float64(s.n)
		s.m2 += d * (f - s.mean)
	}
	return 0
}

// extreme keeps the least or greatest value: of numbers when there are any.
func (s *state) extreme(v *plan.Value, number bool) {
	if s.best.Kind != plan.Null && number == s.numeric {
		c := plan.Order(v, &s.best)
		if number {
			x, _ := v.Float()
			y, _ := s.best.Float()
			c = cmp.Compare(x, y)
		}
		if s.agg.Func == plan.Min && c >= 0 || s.agg.Func == plan.Max && c <= 0 {
			return
		}
	} else if s.best.Kind != plan.Null && !number {
		return
	}
	s.best, s.numeric = *v, number
}

// value returns the result.
func (s *state) value() plan.Value {
	n := float64(s.n)
	switch s.agg.Func {
	case plan.Count:
		if s.agg.Field == "" {
			return plan.NumberValue(float64(s.rows))
		}
		return plan.NumberValue(n)
	case plan.CountDistinct:
		return plan.NumberValue(float64(len(s.distinct)))
	case plan.Min, plan.Max, plan.Earliest, plan.Latest:
		return s.best
	}
	if s.n == 0 {
		return plan.Value{}
	}
	switch s.agg.Func {
	case plan.Sum:
		return plan.NumberValue(s.sum + s.lost)
	case plan.Avg:
		return plan.NumberValue((s.sum + s.lost) / n)
	case plan.VarPop:
		return plan.NumberValue(s.m2 / n)
	case plan.StddevPop:
		return plan.NumberValue(math.Sqrt(s.m2 / n))
	case plan.VarSamp, plan.StddevSamp:
		if s.n < 2 {
			return plan.Value{}
		}
		if s.agg.Func == plan.VarSamp {
			return plan.NumberValue(s.m2 / (n - 1))
		}
		return plan.NumberValue(math.Sqrt(s.m2 / (n - 1)))
	}
	sorted := slices.Clone(s.all)
	slices.Sort(sorted)
	rank := int(math.Ceil(s.agg.P / 100 * n))
	return plan.NumberValue(sorted[max(rank, 1)-1])
}
