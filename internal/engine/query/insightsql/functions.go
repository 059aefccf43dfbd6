package insightsql

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// maxKnown bounds the names that nameOf remembers.
const maxKnown = 10_000

// nameOf makes the function of an id to its name. It remembers the last one,
// which most rows share.
func nameOf(name string, of func(id float64) string) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: 1, Bind: func([]*plan.Value) (plan.Eval, error) {
		last, known := 0.0, map[float64][]byte{}
		var text []byte
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			if args[0].Kind != plan.Number {
				return args[0]
			}
			if id := args[0].Num; id != last || text == nil {
				last = id
				var ok bool
				if text, ok = known[id]; !ok {
					if len(known) == maxKnown {
						clear(known)
					}
					text = []byte(of(id))
					known[id] = text
				}
			}
			return plan.Value{Kind: plan.Text, Text: text}
		}, nil
	}}
}

func (c *compiler) streamName() *plan.Function {
	if c.env.StreamName == nil {
		return nameOf("streamname", func(float64) string { return "" })
	}
	name := c.env.StreamName
	return nameOf("streamname", func(id float64) string { return name(logs.StreamID(id)) })
}

func (c *compiler) groupName() *plan.Function {
	if c.env.GroupName == nil {
		return nameOf("groupname", func(float64) string { return "" })
	}
	name := c.env.GroupName
	return nameOf("groupname", func(id float64) string { return name(logs.GroupID(id)) })
}

// identity translates a comparison of @logStream or @log with constants to one
// of numbers; nil when it is none.
func (c *compiler) identity(e Expr, list []Expr) plan.Expr {
	f, ok := e.(*Field)
	if !ok || len(f.Path) != 1 || !c.system(f.Path[0]) {
		return nil
	}
	name := f.Path[0]
	var ids func(string) []float64
	switch {
	case name == plan.LogStream && c.env.StreamIDs != nil:
		ids = func(s string) []float64 { return numbers(c.env.StreamIDs(s)) }
	case name == plan.LogGroup && c.env.GroupIDs != nil:
		ids = func(s string) []float64 { return numbers(c.env.GroupIDs(s)) }
	default:
		return nil
	}
	in := plan.In{X: plan.Field{Name: name}}
	for _, k := range list {
		text, ok := constantText(k)
		if !ok {
			return nil
		}
		for _, id := range ids(text) {
			in.List = append(in.List, plan.NumberValue(id))
		}
	}
	if len(in.List) > plan.MaxNodes {
		return nil
	}
	return in
}

func numbers[T ~uint32 | ~uint64 | ~int64](ids []T) []float64 {
	out := make([]float64, len(ids))
	for i, id := range ids {
		out[i] = float64(id)
	}
	return out
}

// truth is "true" or "false", as results show what functions that answer yes or no give.
var truth = &plan.Function{Name: "truth", Min: 1, Max: 1, Eval: func(args []plan.Value, a *plan.Arena) plan.Value {
	if args[0].Kind == plan.Null {
		return plan.Value{}
	}
	from := len(a.Bytes)
	a.Bytes = strconv.AppendBool(a.Bytes, args[0].True())
	return plan.Value{Kind: plan.Text, Text: a.Text(from)}
}}

// remember keeps what is known of a column from the expression that it is.
func (c *compiler) remember(item *Item) {
	c.scope.lists[item.Name()] = c.structure(item.Expr)
	c.scope.scalars[item.Name()] = c.scalar(item.Expr)
	if call, ok := item.Expr.(*Call); ok && answers(call.Func) {
		c.scope.truths[item.Name()] = true
	}
}

// answers reports whether results show what a function gives as true or false:
// ispresent, isNumeric and the functions of addresses.
func answers(name string) bool {
	return name == "ispresent" || name == "isnumeric" || strings.HasPrefix(name, "isvalidip") ||
		strings.HasPrefix(name, "is") && (strings.HasSuffix(name, "insubnet") || strings.HasSuffix(name, "ip"))
}

// structure reports whether an expression is known to be a list or a map.
func (c *compiler) structure(e Expr) bool {
	switch e := e.(type) {
	case *Call:
		return e.Func == "jsonparse" || e.Func == "split" || e.Func == "values" || e.Func == "topk"
	case *Field:
		return c.scope.lists[strings.Join(e.Path, ".")]
	}
	return false
}

// scalar reports whether an expression is known to be no list and no map.
func (c *compiler) scalar(e Expr) bool {
	switch e := e.(type) {
	case *Element:
		return false
	case *Field:
		return c.scope.scalars[strings.Join(e.Path, ".")]
	case *Call:
		switch e.Func {
		case "jsonparse", "split", "values", "topk", "min", "max", "earliest", "latest", "sortsfirst", "sortslast", "if", "case", "coalesce", "unmask":
			return false
		}
	}
	return true
}

// key translates an expression that rows are told apart or ordered by, which
// lists and maps cannot do.
func (c *compiler) key(e Expr, command string) (plan.Expr, error) {
	if c.structure(e) {
		return nil, refused(e.where(), "%s is a list or a map, which cannot be used in %s", c.text(e), command)
	}
	return c.expr(e)
}
