package function

import "github.com/cumulog/cumulog/internal/engine/query/plan"

// MaxBranches bounds the conditions of case.
const MaxBranches = 10

var general = []*plan.Function{
	anyNumber("coalesce", true, coalesce),
	absent(fixed("if", 3, branch)),
	absent(between("case", 2, 2*MaxBranches+1, branch)),
	predicate("isnumeric", 1, isNumeric),
	predicate("ispresent", 1, isPresent),
}

// MessageSize is the number of bytes of a text. messageSize() is it of @message.
var MessageSize = fixed("messagesize", 1, func(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(float64(len(t)))
})

// coalesce returns the first argument that is not Null.
func coalesce(args []plan.Value, _ *plan.Arena) plan.Value {
	for i := range args {
		if args[i].Kind != plan.Null {
			return args[i]
		}
	}
	return plan.Value{}
}

// branch returns the value behind the first condition that holds, else the last
// argument when no condition stands before it.
func branch(args []plan.Value, _ *plan.Arena) plan.Value {
	for len(args) > 1 {
		if args[0].True() {
			return args[1]
		}
		args = args[2:]
	}
	if len(args) == 1 {
		return args[0]
	}
	return plan.Value{}
}

// isNumeric holds for numbers and for texts that are one, not for true and false (ours).
func isNumeric(args []plan.Value, _ *plan.Arena) plan.Value {
	_, ok := args[0].Float()
	return plan.BoolValue(ok && args[0].Kind != plan.Bool)
}

func isPresent(args []plan.Value, _ *plan.Arena) plan.Value {
	return plan.BoolValue(args[0].Kind != plan.Null)
}
