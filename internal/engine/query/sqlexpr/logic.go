package sqlexpr

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Logic with three values, as functions: their results are true, false and Null.

var (
	trueText  = []byte("true")
	falseText = []byte("false")
)

// Truth is the value true or false.
func Truth(b bool) plan.Value {
	if b {
		return plan.Value{Kind: plan.Bool, Num: 1, Text: trueText}
	}
	return plan.Value{Kind: plan.Bool, Text: falseText}
}

// truthOf returns what a value is as a condition; unknown when it is Null or
// neither a number nor the text true or false.
func truthOf(v *plan.Value) (holds, known bool) {
	switch v.Kind {
	case plan.Null, plan.List:
		return false, false
	case plan.Text:
		if s := string(v.Text); strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
			return len(s) == 4, true
		}
	}
	f, ok := v.Float()
	return f != 0, ok
}

// maxArgs bounds the arguments of the functions of this package.
const maxArgs = 2*MaxList + 2

func fixed(name string, n int, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: n, Max: n, Eval: eval, Absent: true}
}

func anyNumber(name string, eval plan.Eval) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: maxArgs, Eval: eval, Absent: true}
}

// not3 is NOT.
func not3() *plan.Function {
	return fixed("not3", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		if b, ok := truthOf(&args[0]); ok {
			return Truth(!b)
		}
		return plan.Value{}
	})
}

// logic3 is AND and OR: an operand that is decisive decides.
func logic3(op string) *plan.Function {
	decisive := op == "or"
	return anyNumber(op+"3", func(args []plan.Value, _ *plan.Arena) plan.Value {
		known := true
		for i := range args {
			b, ok := truthOf(&args[i])
			if ok && b == decisive {
				return Truth(decisive)
			}
			known = known && ok
		}
		if !known {
			return plan.Value{}
		}
		return Truth(!decisive)
	})
}

var cmpOps = map[string]plan.CmpOp{"=": plan.Eq, "!=": plan.Ne, "<": plan.Lt, "<=": plan.Le, ">": plan.Gt, ">=": plan.Ge}

// negated are the comparisons that hold where others are false.
var negated = map[string]string{"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}

// compare3 compares two values; Null when one is Null, or when they have no order.
func compare3(op string, a, b *plan.Value) plan.Value {
	if op == "<=>" {
		if a.Kind == plan.Null || b.Kind == plan.Null {
			return Truth(a.Kind == b.Kind)
		}
		return Truth(plan.Holds(plan.Eq, a, b))
	}
	if a.Kind == plan.Null || b.Kind == plan.Null {
		return plan.Value{}
	}
	if plan.Holds(cmpOps[op], a, b) {
		return Truth(true)
	}
	if plan.Holds(cmpOps[negated[op]], a, b) {
		return Truth(false)
	}
	return plan.Value{}
}

func cmp3(op string) *plan.Function {
	return fixed("("+op+")3", 2, func(args []plan.Value, _ *plan.Arena) plan.Value {
		return compare3(op, &args[0], &args[1])
	})
}

// between3 is X BETWEEN lo AND hi.
func between3() *plan.Function {
	return fixed("between3", 3, func(args []plan.Value, _ *plan.Arena) plan.Value {
		lo, hi := compare3(">=", &args[0], &args[1]), compare3("<=", &args[0], &args[2])
		return logic3Value(lo, hi)
	})
}

func logic3Value(a, b plan.Value) plan.Value {
	if a.Kind != plan.Null && a.Num == 0 || b.Kind != plan.Null && b.Num == 0 {
		return Truth(false)
	}
	if a.Kind == plan.Null || b.Kind == plan.Null {
		return plan.Value{}
	}
	return Truth(true)
}

// is3 is X IS what.
func is3(what string) *plan.Function {
	return fixed("is_"+what, 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		b, known := truthOf(&args[0])
		switch what {
		case "null":
			return Truth(args[0].Kind == plan.Null)
		case "unknown":
			return Truth(!known)
		}
		return Truth(known && b == (what == "true"))
	})
}

// Set is the constants of an IN list.
type Set struct {
	texts   map[string]bool
	numbers map[float64]bool // that values of any kind but Text are, besides
	all     map[float64]bool // of texts too
	null    bool
	name    string
}

// NewSet makes a set of values. Its name tells it from every other set.
func NewSet(list []plan.Value) *Set {
	s := &Set{texts: map[string]bool{}, numbers: map[float64]bool{}, all: map[float64]bool{}}
	var b strings.Builder
	for i := range list {
		v := &list[i]
		b.WriteString(strconv.Quote(string(v.AppendText(nil))) + strconv.Itoa(int(v.Kind)) + ",")
		f, number := v.Float()
		switch {
		case v.Kind == plan.Null:
			s.null = true
		case v.Kind == plan.List:
		case v.Kind == plan.Text:
			s.texts[string(v.Text)] = true
		default:
			s.numbers[f] = true
			if v.Kind == plan.Bool {
				s.texts[string(v.Text)] = true
			}
		}
		if number {
			s.all[f] = true
		}
	}
	s.name = b.String()
	return s
}

// Has reports whether a value is equal to one of the set.
func (s *Set) Has(v *plan.Value) bool {
	switch v.Kind {
	case plan.Null, plan.List:
		return false
	case plan.Text:
		if s.texts[string(v.Text)] {
			return true
		}
		f, ok := plan.ParseNumber(v.Text)
		return ok && s.numbers[f]
	}
	return s.all[v.Num] || v.Kind == plan.Bool && s.texts[string(v.Text)]
}

// in3 is X IN a set.
func in3(s *Set) *plan.Function {
	return fixed("in["+s.name+"]", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		switch {
		case args[0].Kind == plan.Null && len(s.all)+len(s.texts) == 0 && !s.null:
			return Truth(false)
		case args[0].Kind == plan.Null:
			return plan.Value{}
		case s.Has(&args[0]):
			return Truth(true)
		case s.null:
			return plan.Value{}
		}
		return Truth(false)
	})
}

// any3 is X IN a list of expressions: the first argument equal to one of the others.
func any3() *plan.Function {
	return anyNumber("in3", func(args []plan.Value, _ *plan.Arena) plan.Value {
		known := true
		for i := 1; i < len(args); i++ {
			switch c := compare3("=", &args[0], &args[i]); {
			case c.Kind == plan.Null:
				known = false
			case c.Num == 1:
				return c
			}
		}
		if !known {
			return plan.Value{}
		}
		return Truth(false)
	})
}

// caseWhen picks the value behind the first condition that is true, else the last.
func caseWhen() *plan.Function {
	return anyNumber("case3", func(args []plan.Value, _ *plan.Arena) plan.Value {
		for i := 0; i+1 < len(args); i += 2 {
			if b, ok := truthOf(&args[i]); ok && b {
				return args[i+1]
			}
		}
		return args[len(args)-1]
	})
}

// caseOf compares the first argument: case3 with values instead of conditions.
func caseOf() *plan.Function {
	return anyNumber("caseof3", func(args []plan.Value, _ *plan.Arena) plan.Value {
		for i := 1; i+1 < len(args); i += 2 {
			if plan.Holds(plan.Eq, &args[0], &args[i]) {
				return args[i+1]
			}
		}
		return args[len(args)-1]
	})
}
