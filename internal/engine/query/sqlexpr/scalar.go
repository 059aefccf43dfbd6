package sqlexpr

import (
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// keepIf is its second argument where the first is true, else Null.
func keepIf() *plan.Function {
	return fixed("keep_if", 2, func(args []plan.Value, _ *plan.Arena) plan.Value {
		if b, ok := truthOf(&args[0]); ok && b {
			return args[1]
		}
		return plan.Value{}
	})
}

// tuple makes one text of several values, to tell combinations apart; Null when one
// of them is.
func tuple() *plan.Function {
	return anyNumber("tuple", func(args []plan.Value, a *plan.Arena) plan.Value {
		from := len(a.Bytes)
		for i := range args {
			if args[i].Kind == plan.Null {
				a.Bytes = a.Bytes[:from]
				return plan.Value{}
			}
			at := len(a.Bytes)
			a.Bytes = args[i].AppendText(a.Bytes)
			n := len(a.Bytes) - at
			a.Bytes = append(a.Bytes, 0, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		}
		if len(a.Bytes)-from > plan.MaxMade {
			a.Bytes = a.Bytes[:from]
			return plan.Value{}
		}
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	})
}

// Shown makes the column of a result: booleans are the texts true and false.
func Shown(x plan.Expr) plan.Expr {
	switch x := x.(type) {
	case plan.Field:
		if plan.IsSystem(x.Name) || strings.HasPrefix(x.Name, aggPrefix+"n") {
			return x
		}
	case plan.Arith, plan.Bin, plan.Extract:
		return x
	case plan.Const:
		if x.V.Kind != plan.Bool {
			return x
		}
	}
	if isTime(x) {
		return x
	}
	return call(shown(), x)
}

func shown() *plan.Function {
	return fixed("shown", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		if args[0].Kind == plan.Bool {
			return plan.Value{Kind: plan.Text, Text: args[0].Text}
		}
		return args[0]
	})
}

// asTimestamp makes a time of a number of ms.
func asTimestamp() *plan.Function {
	return fixed("cast_timestamp", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		t, ok := timeOf(&args[0])
		if !ok {
			return plan.Value{}
		}
		return TimeValue(t)
	})
}

// castTo makes the function that converts to a type; Null where that is not possible.
func castTo(typ string) *plan.Function {
	switch typ {
	case "timestamp":
		return asTimestamp()
	case "date":
		return fixed("cast_date", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
			t, ok := timeOf(&args[0])
			if !ok {
				return plan.Value{}
			}
			return TimeValue(truncate(t, 1, "day"))
		})
	case "string", "varchar", "text", "binary":
		return fixed("cast_string", 1, castString)
	case "bool", "boolean":
		return fixed("cast_boolean", 1, castBool)
	case "double", "float", "real", "decimal":
		return fixed("cast_double", 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
			f, ok := numberOf(&args[0])
			if !ok {
				return plan.Value{}
			}
			return plan.NumberValue(f)
		})
	}
	lo, hi := -float64(1<<63), float64(1<<63)
	switch typ {
	case "int", "integer":
		lo, hi = math.MinInt32, math.MaxInt32
	case "smallint", "short":
		lo, hi = math.MinInt16, math.MaxInt16
	case "tinyint", "byte":
		lo, hi = math.MinInt8, math.MaxInt8
	}
	return fixed("cast_"+typ, 1, func(args []plan.Value, _ *plan.Arena) plan.Value {
		f, ok := numberOf(&args[0])
		if f = math.Trunc(f); !ok || f < lo || f > hi {
			return plan.Value{}
		}
		return plan.NumberValue(f + 0)
	})
}

// numberOf is the number that a value is; a text may have white space around it.
func numberOf(v *plan.Value) (float64, bool) {
	if v.Kind == plan.Text {
		return plan.ParseNumber([]byte(strings.TrimSpace(string(v.Text))))
	}
	return v.Float()
}

func castString(args []plan.Value, a *plan.Arena) plan.Value {
	v := &args[0]
	switch v.Kind {
	case plan.Null:
		return plan.Value{}
	case plan.Time:
		from := len(a.Bytes)
		a.Bytes = insightsql.AppendText(a.Bytes, v)
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	case plan.Number:
		from := len(a.Bytes)
		a.Bytes = v.AppendText(a.Bytes)
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	}
	return plan.Value{Kind: plan.Text, Text: v.Text}
}

func castBool(args []plan.Value, _ *plan.Arena) plan.Value {
	v := &args[0]
	if v.Kind == plan.Text {
		switch strings.ToLower(strings.TrimSpace(string(v.Text))) {
		case "true", "t", "yes", "y", "1":
			return Truth(true)
		case "false", "f", "no", "n", "0":
			return Truth(false)
		}
		return plan.Value{}
	}
	f, ok := v.Float()
	if !ok {
		return plan.Value{}
	}
	return Truth(f != 0)
}

func (c *Compiler) cast(e *Cast) (plan.Expr, error) {
	if l, ok := e.X.(*Literal); ok && l.Kind == StringLiteral && (e.Type == "date" || e.Type == "timestamp") && !e.Try {
		if _, ok := ParseTime(l.Text); !ok {
			return nil, c.errorf(l.Span, "%s is no time", c.written(l))
		}
	}
	return c.calls(castTo(e.Type), e.X)
}

// element is an element of a list or an object that an expression makes.
func (c *Compiler) element(e *Element) (plan.Expr, error) {
	x, err := c.Value(e.X)
	if err != nil {
		return nil, err
	}
	i, err := c.Value(e.Index)
	if err != nil {
		return nil, err
	}
	k, ok := i.(plan.Const)
	if !ok {
		return nil, c.errorf(e.Index.At(), "an index must be a constant")
	}
	return ElementOf(x, string(k.V.AppendText(nil))), nil
}

// ElementOf is the part of a structure at a path of keys and indexes.
func ElementOf(x plan.Expr, path ...string) plan.Expr {
	args := []plan.Expr{x}
	for _, p := range path {
		args = append(args, plan.Str(p))
	}
	return plan.Call{Func: function.Element, Args: args}
}

// now is the time of the query.
func (c *Compiler) now() time.Time { return time.UnixMilli(c.Now).UTC() }
