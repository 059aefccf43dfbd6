package function

import (
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var dates = []*plan.Function{
	fixed("tomillis", 1, toMillis),
	fixed("frommillis", 1, fromMillis),
	dateStepOf("datefloor", DateFloor),
	dateStepOf("date_floor", DateFloor),
	dateStepOf("dateceil", DateCeil),
	dateStepOf("date_ceil", DateCeil),
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
