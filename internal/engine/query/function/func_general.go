package function

import "github.com/cumulog/cumulog/internal/engine/query/plan"

var general = []*plan.Function{
	anyNumber("coalesce", true, coalesce),
}

// coalesce returns the first argument that is not Null.
func coalesce(args []plan.Value, _ *plan.Arena) plan.Value {
	for i := range args {
		if args[i].Kind != plan.Null {
			return args[i]
		}
	}
	return plan.Value{}
}
