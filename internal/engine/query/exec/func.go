package exec

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// function computes one call. Text it makes goes to the arena; arguments may be
// returned as they are.
type function func(args []plan.Value, a *arena) plan.Value

// functionOf returns a function of the table of package plan, nil for others.
func functionOf(name string) function {
	switch name {
	case "abs":
		return numeric(math.Abs)
	case "ceil":
		return numeric(math.Ceil)
	case "floor":
		return numeric(math.Floor)
	case "sqrt":
		return numeric(math.Sqrt)
	case "log":
		return numeric(math.Log)
	case "strlen":
		return fnStrlen
	case "tolower":
		return cased(bytes.ToLower, 'A', 'Z')
	case "toupper":
		return cased(bytes.ToUpper, 'a', 'z')
	case "isempty":
		return fnIsEmpty
	case "isblank":
		return fnIsBlank
	case "tomillis":
		return fnToMillis
	case "frommillis":
		return fnFromMillis
	case "coalesce":
		return fnCoalesce
	case "concat":
		return fnConcat
	case "greatest":
		return extreme(1)
	case "least":
		return extreme(-1)
	}
	return nil
}

func numeric(f func(float64) float64) function {
	return func(args []plan.Value, _ *arena) plan.Value {
		x, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(f(x) + 0) // + 0: no negative zero
	}
}

// textOf returns the text of a value, made in the arena if need be; ok is false
// for Null and lists.
func textOf(v *plan.Value, a *arena) (t []byte, ok bool) {
	switch v.Kind {
	case plan.Null, plan.List:
		return nil, false
	case plan.Number, plan.Time:
		from := len(a.b)
		a.b = v.AppendText(a.b)
		return a.text(from), true
	}
	return v.Text, true
}

func fnStrlen(args []plan.Value, a *arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(float64(utf8.RuneCount(t)))
}

// cased changes the case of letters; from and to are the ASCII ones it changes.
func cased(f func([]byte) []byte, from, to byte) function {
	return func(args []plan.Value, a *arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		at := len(a.b)
		for _, c := range t {
			if c >= utf8.RuneSelf {
				a.b = append(a.b[:at], f(t)...)
				break
			}
			if c >= from && c <= to {
				c ^= 0x20
			}
			a.b = append(a.b, c)
		}
		return plan.Value{Kind: plan.Text, Text: a.text(at)}
	}
}

func fnIsEmpty(args []plan.Value, _ *arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(v.Text) == 0)
}

func fnIsBlank(args []plan.Value, _ *arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(bytes.TrimSpace(v.Text)) == 0)
}

func fnToMillis(args []plan.Value, _ *arena) plan.Value {
	if args[0].Kind != plan.Time {
		return plan.Value{}
	}
	return plan.NumberValue(args[0].Num)
}

func fnFromMillis(args []plan.Value, _ *arena) plan.Value {
	x, ok := args[0].Float()
	if !ok || math.Abs(x) > 1<<53 {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Time, Num: math.Floor(x)}
}

func fnCoalesce(args []plan.Value, _ *arena) plan.Value {
	for i := range args {
		if args[i].Kind != plan.Null {
			return args[i]
		}
	}
	return plan.Value{}
}

// maxMade bounds the text that one call makes.
const maxMade = 4 << 20

// fnConcat joins texts; Null counts as empty. A text longer than maxMade is cut.
func fnConcat(args []plan.Value, a *arena) plan.Value {
	at := len(a.b)
	for i := range args {
		a.b = args[i].AppendText(a.b)
		if len(a.b)-at > maxMade {
			a.b = a.b[:at+maxMade]
			break
		}
	}
	return plan.Value{Kind: plan.Text, Text: a.text(at)}
}

// extreme returns greatest (sign 1) or least (sign -1) of the numbers; Null when one is none.
func extreme(sign float64) function {
	return func(args []plan.Value, _ *arena) plan.Value {
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
