package plan

// Signature says how many arguments a function takes.
type Signature struct{ Min, Max int }

// maxArgs bounds the arguments of functions that take any number of them.
const maxArgs = 64

// Function returns the signature of a function by its name in lower case. The
// functions themselves are in package exec, whose tests compare the two tables.
func Function(name string) (Signature, bool) {
	switch name {
	case "abs", "ceil", "floor", "sqrt", "log", "strlen", "tolower", "toupper", "isempty", "isblank", "tomillis", "frommillis":
		return Signature{1, 1}, true
	case "coalesce", "concat", "greatest", "least":
		return Signature{1, maxArgs}, true
	}
	return Signature{}, false
}

// Functions returns the names of all functions.
func Functions() []string {
	return []string{"abs", "ceil", "coalesce", "concat", "floor", "frommillis", "greatest", "isblank", "isempty",
		"least", "log", "sqrt", "strlen", "tolower", "tomillis", "toupper"}
}

func checkCall(e Call) error {
	s, ok := Function(e.Func)
	if !ok {
		return invalid("unknown function %q", e.Func)
	}
	if len(e.Args) < s.Min || len(e.Args) > s.Max {
		return invalid("function %s takes %d to %d arguments, not %d", e.Func, s.Min, s.Max, len(e.Args))
	}
	return nil
}
