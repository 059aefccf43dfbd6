package function

import (
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var sparkJSON = []*plan.Function{
	binding("get_json_object", 2, 2, jsonObject(false)),
	between("from_json", 2, 3, fromJSONText),
	fixed("json_array_length", 1, jsonArraySize),
	fixed("json_object_keys", 1, jsonKeys),
	fixed("schema_of_json", 1, schemaOf),
	between("to_json", 1, 2, toJSON),
}

var pplJSON = slicesOf(
	[]*plan.Function{
		fixed("json", 1, jsonValue),
		fixed("json_valid", 1, jsonValid),
		absent(between("json_array", 0, plan.MaxArgs, jsonArray)),
		absent(binding("json_object", 0, plan.MaxArgs, jsonPairs)),
		binding("json_extract", 2, plan.MaxArgs, jsonExtract),
		fixed("json_keys", 1, jsonKeys),
		fixed("to_json_string", 1, toJSON),
		fixed("array_length", 1, jsonArraySize),
	},
)

// fromJSONText is the structure that a text is as JSON. The schema, the second
// argument, is not looked at: values have the types that they are written with (ours).
func fromJSONText(args []plan.Value, a *plan.Arena) plan.Value {
	for i := range args[1:] {
		if args[i+1].Kind == plan.Null {
			return plan.Value{}
		}
	}
	return jsonValue(args, a)
}

// jsonValue is what a text is as JSON.
func jsonValue(args []plan.Value, a *plan.Arena) plan.Value { return jsonParse(args[:1], a) }

func jsonValid(args []plan.Value, _ *plan.Arena) plan.Value {
	if args[0].Kind == plan.Null {
		return plan.Value{}
	}
	return truth(jsonOf(&args[0]) != nil || args[0].Kind == plan.Number)
}

// jsonObject is what a path leads to in JSON. A constant that is no path is an
// error; bare paths need no $.
func jsonObject(bare bool) func(consts []*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		find, err := constant(consts[1], func(s string) (*pathEval, error) {
			p, err := parsePath(s, bare)
			return &pathEval{path: p}, err
		})
		if err != nil {
			return nil, err
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			e, ok := find(&args[1], a)
			if !ok {
				return plan.Value{}
			}
			return e.value(&args[0], a)
		}, nil
	}
}

// jsonExtract is jsonObject; what several paths lead to is an array, with null for
// nothing.
func jsonExtract(consts []*plan.Value) (plan.Eval, error) {
	if len(consts) == 2 {
		return jsonObject(true)(consts)
	}
	evals := make([]plan.Eval, len(consts)-1)
	for i := range evals {
		var err error
		if evals[i], err = jsonObject(true)([]*plan.Value{consts[0], consts[i+1]}); err != nil {
			return nil, err
		}
	}
	var pair [2]plan.Value
	var list []plan.Value
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		list = list[:0]
		for i, eval := range evals {
			if args[i+1].Kind == plan.Null || args[0].Kind == plan.Null {
				return plan.Value{}
			}
			pair[0], pair[1] = args[0], args[i+1]
			list = append(list, eval(pair[:], a))
		}
		return jsonArray(list, a)
	}, nil
}

// jsonKeys are the names of the members of an object.
func jsonKeys(args []plan.Value, a *plan.Arena) plan.Value {
	b := jsonOf(&args[0])
	if b == nil || b[0] != '{' {
		return plan.Value{}
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for it := jsontext.Of(b); it.Next() && !full(a, from); {
		if it.Index > 0 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = append(append(append(a.Bytes, '"'), it.Key...), '"')
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// toJSON is a value as JSON.
func toJSON(args []plan.Value, a *plan.Arena) plan.Value {
	if len(args) == 2 && args[1].Kind == plan.Null {
		return plan.Value{}
	}
	v := args[0]
	timeText(&v, a)
	return stringify(&v, a)
}

// jsonArray is an array of its arguments.
func jsonArray(args []plan.Value, a *plan.Arena) plan.Value {
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for i := range args {
		if i > 0 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = appendJSONTime(a.Bytes, &args[i])
		if full(a, from) {
			break
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// appendJSONTime is appendJSON with times as they are written.
func appendJSONTime(dst []byte, v *plan.Value) []byte {
	if v.Kind == plan.Time {
		return append(appendTime(append(dst, '"'), v.Num), '"')
	}
	return appendJSON(dst, v)
}

// jsonPairs is an object of keys and values by turns.
func jsonPairs(consts []*plan.Value) (plan.Eval, error) {
	if len(consts)%2 != 0 {
		return nil, fmt.Errorf("a key has no value")
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		from := len(a.Bytes)
		a.Bytes = append(a.Bytes, '{')
		for i := 0; i < len(args); i += 2 {
			if !plan.HasText(&args[i]) {
				a.Bytes = a.Bytes[:from]
				return plan.Value{}
			}
			if i > 0 {
				a.Bytes = append(a.Bytes, ',')
			}
			if args[i].Kind == plan.Text {
				a.Bytes = jsontext.Quote(a.Bytes, args[i].Text)
			} else {
				a.Bytes = append(args[i].AppendText(append(a.Bytes, '"')), '"')
			}
			a.Bytes = appendJSONTime(append(a.Bytes, ':'), &args[i+1])
			if full(a, from) {
				break
			}
		}
		a.Bytes = append(a.Bytes, '}')
		return madeList(a, from)
	}, nil
}

// schemaOf is the schema of JSON, in the words of Spark.
func schemaOf(args []plan.Value, a *plan.Arena) plan.Value {
	b := jsonOf(&args[0])
	if b == nil {
		return plan.Value{}
	}
	from := len(a.Bytes)
	if a.Bytes = appendSchema(a.Bytes, b, 0); full(a, from) {
		a.Bytes = a.Bytes[:from]
		return plan.Value{}
	}
	return made(a, from)
}

func appendSchema(dst, b []byte, depth int) []byte {
	switch b[0] {
	case '"', 'n':
		return append(dst, "STRING"...)
	case 't', 'f':
		return append(dst, "BOOLEAN"...)
	case '[':
		dst = append(dst, "ARRAY<"...)
		it := jsontext.Of(b)
		if it.Next() && depth < maxSteps {
			dst = appendSchema(dst, it.Value, depth+1)
		} else {
			dst = append(dst, "STRING"...)
		}
		return append(dst, '>')
	case '{':
		dst = append(dst, "STRUCT<"...)
		for it := jsontext.Of(b); depth < maxSteps && it.Next(); {
			if it.Index > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendPlain(dst, append(append([]byte{'"'}, it.Key...), '"'))
			dst = appendSchema(append(dst, ": "...), it.Value, depth+1)
		}
		return append(dst, '>')
	}
	for _, c := range b {
		if c == '.' || c|0x20 == 'e' {
			return append(dst, "DOUBLE"...)
		}
	}
	return append(dst, "BIGINT"...)
}
