package function

import (
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var numbers = []*plan.Function{
	fixed("abs", 1, numeric(math.Abs)),
	fixed("ceil", 1, numeric(math.Ceil)),
	fixed("floor", 1, numeric(math.Floor)),
	fixed("sqrt", 1, numeric(math.Sqrt)),
	fixed("log", 1, numeric(math.Log)),
	anyNumber("greatest", false, extreme(1)),
	anyNumber("least", false, extreme(-1)),
	between("round", 1, 2, round(roundAt)),
	fixed("haversine", 4, haversine),
	fixed("tonumber", 1, numeric(same)),
	fixed("todouble", 1, numeric(same)),
	fixed("toint", 1, integer(31)),
	fixed("tolong", 1, integer(63)),
}

func same(x float64) float64 { return x }

func numeric(f func(float64) float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(f(x) + 0) // + 0: no negative zero
	}
}

// numeric2 is a function of two numbers.
func numeric2(f func(x, y float64) float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		y, ok1 := args[1].Float()
		if !ok || !ok1 {
			return plan.Value{}
		}
		return plan.NumberValue(f(x, y) + 0)
	}
}

// integer cuts the fraction off; what a signed integer of bits and a sign cannot
// hold is Null (ours).
func integer(bits int) plan.Eval {
	limit := math.Ldexp(1, bits)
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if x = math.Trunc(x); !ok || x < -limit || x >= limit {
			return plan.Value{}
		}
		return plan.NumberValue(x + 0)
	}
}

// extreme returns greatest (sign 1) or least (sign -1) of the numbers; Null when one is none.
func extreme(sign float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		best := math.Inf(-1)
		for i := range args {
			x, ok := args[i].Float()
			if !ok {
				return plan.Value{}
			}
			best = max(best, sign*x)
		}
		return plan.NumberValue(sign*best + 0)
	}
}

// earthRadius is the mean one, in km.
const earthRadius = 6371

// haversine returns the distance of two points on the earth, given as latitude
// and longitude in degrees, in km (ours).
func haversine(args []plan.Value, _ *plan.Arena) plan.Value {
	var r [4]float64
	for i := range r {
		x, ok := args[i].Float()
		if !ok || math.Abs(x) > 360 {
			return plan.Value{}
		}
		r[i] = x * math.Pi / 180
	}
	lat, lon := math.Sin((r[2]-r[0])/2), math.Sin((r[3]-r[1])/2)
	h := lat*lat + math.Cos(r[0])*math.Cos(r[2])*lon*lon
	return plan.NumberValue(2 * earthRadius * math.Asin(math.Sqrt(min(1, max(0, h)))))
}
