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
}

func numeric(f func(float64) float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(f(x) + 0) // + 0: no negative zero
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
