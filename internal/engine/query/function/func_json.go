package function

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var jsons = []*plan.Function{
	fixed("jsonparse", 1, jsonParse),
	fixed("jsonstringify", 1, jsonStringify),
	fixed("jsonarraysize", 1, jsonArraySize),
	predicate("jsonarraycontains", 2, jsonArrayContains),
	fixed("split", 2, split),
}

// Element is the element of an array or the member of an object at a path: its
// arguments are the value and then keys and indexes from 0. A key that is a
// number is an index where the value is an array. Of members with the same name
// the last one counts. What is not there is Null.
var Element = &plan.Function{Name: "element", Min: 2, Max: plan.MaxArgs, Bind: func([]*plan.Value) (plan.Eval, error) {
	var name []byte
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		if args[0].Kind != plan.List {
			return plan.Value{}
		}
		at := args[0].Text
		for i := range args[1:] {
			if at = step(at, &args[i+1], &name); at == nil {
				return plan.Value{}
			}
		}
		return fromJSON(at, a)
	}, nil
}}

// step goes from a piece of JSON to one that is directly in it. name is scratch space.
func step(at []byte, key *plan.Value, name *[]byte) []byte {
	it := jsontext.Of(at)
	if it.Array() {
		n, ok := whole(key)
		if !ok || n < 0 {
			return nil
		}
		for it.Next() {
			if it.Index == n {
				return it.Value
			}
		}
		return nil
	}
	if key.Kind != plan.Text {
		return nil
	}
	var found []byte
	for it.Next() {
		if keyIs(it.Key, key.Text, name) {
			found = it.Value
		}
	}
	return found
}

// keyIs reports whether the key of a member, as written, means name.
func keyIs(key, name []byte, scratch *[]byte) bool {
	if string(key) == string(name) {
		return true
	}
	for _, c := range key {
		if c == '\\' {
			*scratch = column.AppendUnescaped((*scratch)[:0], key)
			return string(*scratch) == string(name)
		}
	}
	return false
}

// jsonParse returns the array, object, text, number or truth value that a text is
// as JSON. Arrays and objects stay what they are.
func jsonParse(args []plan.Value, a *plan.Arena) plan.Value {
	switch v := &args[0]; v.Kind {
	case plan.Text:
		return fromJSON(jsontext.Trim(v.Text), a)
	case plan.Time:
		return plan.NumberValue(v.Num)
	default:
		return *v
	}
}

// jsonStringify returns a value as JSON without white space between its parts (ours).
func jsonStringify(args []plan.Value, a *plan.Arena) plan.Value { return stringify(&args[0], a) }

func stringify(v *plan.Value, a *plan.Arena) plan.Value {
	if v.Kind == plan.Null {
		return *v
	}
	from := len(a.Bytes)
	if v.Kind == plan.List {
		a.Bytes = jsontext.Compact(a.Bytes, v.Text)
	} else {
		a.Bytes = appendJSON(a.Bytes, v)
	}
	return made(a, from)
}

// listOf returns a list as it is, or that a text is as JSON; nil when it is none.
func listOf(v *plan.Value) []byte {
	switch v.Kind {
	case plan.List:
		return v.Text
	case plan.Text:
		if at := jsontext.Space(v.Text, 0); at < len(v.Text) && (v.Text[at] == '[' || v.Text[at] == '{') {
			return jsontext.Trim(v.Text)
		}
	}
	return nil
}

// array returns a list that is an array; nil when it is none.
func array(v *plan.Value) []byte {
	if b := listOf(v); b != nil && b[0] == '[' {
		return b
	}
	return nil
}

// jsonArraySize returns the number of elements.
func jsonArraySize(args []plan.Value, _ *plan.Arena) plan.Value {
	b := array(&args[0])
	if b == nil {
		return plan.Value{}
	}
	n := 0
	for it := jsontext.Of(b); it.Next(); {
		n++
	}
	return plan.NumberValue(float64(n))
}

// jsonArrayContains holds when an element is equal to a value: a list when both
// are written alike, anything else as in a comparison.
func jsonArrayContains(args []plan.Value, a *plan.Arena) plan.Value {
	found := false
	mark := len(a.Bytes)
	for it := jsontext.Of(array(&args[0])); !found && it.Next(); {
		v := fromJSON(it.Value, a)
		if v.Kind == plan.List {
			found = args[1].Kind == plan.List && sameJSON(v.Text, args[1].Text, a)
		} else {
			found = plan.Holds(plan.Eq, &v, &args[1])
		}
		a.Bytes = a.Bytes[:mark]
	}
	return plan.BoolValue(found)
}

// sameJSON reports whether two pieces of JSON differ in nothing but white space.
func sameJSON(x, y []byte, a *plan.Arena) bool {
	mark := len(a.Bytes)
	a.Bytes = jsontext.Compact(a.Bytes, x)
	middle := len(a.Bytes)
	a.Bytes = jsontext.Compact(a.Bytes, y)
	same := string(a.Bytes[mark:middle]) == string(a.Bytes[middle:])
	a.Bytes = a.Bytes[:mark]
	return same
}

// split cuts a text at every separator: a list of texts. At a separator of nothing
// it is cut into characters (ours).
func split(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	sep, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.Value{}
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for first := true; first || len(t) > 0 || len(sep) > 0; first = false {
		at, skip := runes(t, 1), 0
		if len(sep) > 0 {
			if at, skip = bytes.Index(t, sep), len(sep); at < 0 {
				at, skip = len(t), 0
			}
		} else if len(t) == 0 {
			break
		}
		if !first {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = jsontext.Quote(a.Bytes, t[:at])
		t = t[at+skip:]
		if len(sep) > 0 && skip == 0 || full(a, from) {
			break
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}
