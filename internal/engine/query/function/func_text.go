package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var texts = []*plan.Function{
	fixed("strlen", 1, strlen),
	fixed("tolower", 1, cased(bytes.ToLower, 'A', 'Z')),
	fixed("toupper", 1, cased(bytes.ToUpper, 'a', 'z')),
	predicate("isempty", 1, isEmpty),
	predicate("isblank", 1, isBlank),
	anyNumber("concat", true, concat),
}

func strlen(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(float64(utf8.RuneCount(t)))
}

// cased changes the case of letters; from and to are the ASCII ones it changes.
func cased(f func([]byte) []byte, from, to byte) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		at := len(a.Bytes)
		for _, c := range t {
			if c >= utf8.RuneSelf {
				a.Bytes = append(a.Bytes[:at], f(t)...)
				break
			}
			if c >= from && c <= to {
				c ^= 0x20
			}
			a.Bytes = append(a.Bytes, c)
		}
		return plan.Value{Kind: plan.Text, Text: a.Text(at)}
	}
}

func isEmpty(args []plan.Value, _ *plan.Arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(v.Text) == 0)
}

func isBlank(args []plan.Value, _ *plan.Arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(bytes.TrimSpace(v.Text)) == 0)
}

// concat joins texts; Null counts as empty.
func concat(args []plan.Value, a *plan.Arena) plan.Value {
	at := len(a.Bytes)
	for i := range args {
		a.Bytes = args[i].AppendText(a.Bytes)
		if len(a.Bytes)-at > plan.MaxMade {
			a.Bytes = a.Bytes[:at+plan.MaxMade]
			break
		}
	}
	return plan.Value{Kind: plan.Text, Text: a.Text(at)}
}
