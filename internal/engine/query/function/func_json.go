package function

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var jsons = []*plan.Function{
	fixed("jsonparse", 1, jsonParse),
	fixed("jsonstringify", 1, jsonStringify),
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
func jsonStringify(args []plan.Value, a *plan.Arena) plan.Value {
	v := &args[0]
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
