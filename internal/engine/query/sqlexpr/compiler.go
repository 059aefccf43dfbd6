package sqlexpr

import (
	"context"
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// NewCompiler makes a Compiler of a query that env surrounds. Column, Function and
// Rows are left to the caller.
func NewCompiler(text string, d Dialect, env *insightsql.Env) *Compiler {
	return &Compiler{
		Text: text, Dialect: d, Now: env.Now,
		IDs: func(field, text string) ([]plan.Value, bool) {
			var out []plan.Value
			switch {
			case field == plan.LogStream && env.StreamIDs != nil:
				for _, id := range env.StreamIDs(text) {
					out = append(out, plan.NumberValue(float64(id)))
				}
			case field == plan.LogGroup && env.GroupIDs != nil:
				for _, id := range env.GroupIDs(text) {
					out = append(out, plan.NumberValue(float64(id)))
				}
			default:
				return nil, false
			}
			return out, true
		},
		Names: func(field string) *plan.Function {
			switch field {
			case plan.LogStream:
				return nameOf("streamname", func(id float64) string { return named(env.StreamName, logs.StreamID(id)) })
			case plan.LogGroup:
				return nameOf("groupname", func(id float64) string { return named(env.GroupName, logs.GroupID(id)) })
			}
			return nil
		},
	}
}

func named[T any](of func(T) string, id T) string {
	if of == nil {
		return ""
	}
	return of(id)
}

// nameOf makes the function from an id to its name, which remembers names.
func nameOf(name string, of func(id float64) string) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: 1, Bind: func([]*plan.Value) (plan.Eval, error) {
		known := map[float64][]byte{}
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			if args[0].Kind != plan.Number {
				return args[0]
			}
			text, ok := known[args[0].Num]
			if !ok {
				text = []byte(of(args[0].Num))
				known[args[0].Num] = text
			}
			return plan.Value{Kind: plan.Text, Text: text}
		}, nil
	}}
}

// FirstPresent is the first of several values that is not Null.
func FirstPresent(x ...plan.Expr) plan.Expr { return call(coalesce(), x...) }

// Rounded is the largest multiple of a width that is not above the number x.
func Rounded(x plan.Expr, width float64) plan.Expr {
	name := "floor_to_" + string(plan.AppendNumber(nil, width))
	return call(&plan.Function{Name: name, Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		f, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(math.Floor(f/width)*width + 0)
	}}, x)
}

// SortAs is SortKey for a kind of order: "str" of texts, "num" of numbers, "ip" of
// addresses, "" of both as they are.
func SortAs(x plan.Expr, kind string) plan.Expr {
	switch kind {
	case "str":
		return call(orderText(), call(castTo("string"), x))
	case "num":
		return call(castTo("double"), x)
	case "ip":
		return call(orderIP(), x)
	}
	return SortKey(x)
}

// Member is the value of a member of an object, by its place.
func Member(x plan.Expr, i int) plan.Expr {
	name := columnName("member_", i)
	return call(&plan.Function{Name: name, Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		v := args[0]
		if v.Kind != plan.List {
			return plan.Value{}
		}
		it := jsontext.Of(v.Text)
		if it.Array() {
			return plan.Value{}
		}
		for n := 0; it.Next(); n++ {
			if n == i {
				return jsonValue(it.Value)
			}
		}
		return plan.Value{}
	}}, x)
}

// IndexValues are the values of an indexed field that a text in a query stands for:
// the text, and the number that it is.
func IndexValues(text string) []plan.Value {
	v := []plan.Value{plan.TextValue(text)}
	if f, ok := plan.ParseNumber([]byte(text)); ok {
		v = append(v, plan.NumberValue(f))
	}
	return v
}

// Offset leaves out the first n rows.
func Offset(n int) plan.Transform {
	return plan.Transform{
		Name: columnName("offset ", n), Events: true, Columns: func(in []string) []string { return in },
		Apply: func(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
			m := &memory{ctx: ctx, in: in}
			var from []int
			for i := n; i < in.Len; i++ {
				from = append(from, i)
			}
			return m.take(from)
		},
	}
}
