package sqlexpr

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Compiler translates the expressions of one query. Its functions return errors
// that are *insightsql.Error, or what the hooks return.
type Compiler struct {
	Text    string // of the query, for errors
	Dialect Dialect
	Now     int64 // ms: what now() is

	// Column translates a name.
	Column func(n *Name) (plan.Expr, error)

	// Function returns a scalar function by its name in lower case; nil: none.
	Function func(name string) *plan.Function

	// Replace translates an expression in a way of its own; nil: it does not.
	Replace func(e Expr) (plan.Expr, error)

	// Rows returns at most most rows of a subquery, its columns in their order.
	Rows func(q Subquery, most int, at Span) (*plan.Rows, error)

	// IDs returns the numbers that the plan has in a system field where users see a
	// text; ok is false for all other fields.
	IDs func(field, text string) (ids []plan.Value, ok bool)
	// Times reports whether a column that was made before is a time; nil: none is.
	Times func(column string) bool

	// Names returns the function from such a number to its text; nil for all other fields.
	Names func(field string) *plan.Function
}

// MaxRows bounds the rows of a subquery that is used as a list.
const MaxRows = 10_000

func (c *Compiler) errorf(at Span, format string, args ...any) error {
	return Errorf(c.Text, at, format, args...)
}

// written is an expression as it stands in the query, for errors.
func (c *Compiler) written(e Expr) string {
	at := e.At()
	if at.End <= len(c.Text) && at.Start < at.End {
		return strings.Join(strings.Fields(c.Text[at.Start:at.End]), " ")
	}
	return e.String()
}

// Value translates an expression to what computes its value.
func (c *Compiler) Value(e Expr) (plan.Expr, error) {
	x, err := c.raw(e)
	if f, ok := x.(plan.Field); ok && err == nil && c.Names != nil {
		if name := c.Names(f.Name); name != nil {
			return plan.Call{Func: name, Args: []plan.Expr{x}}, nil
		}
	}
	return x, err
}

// raw is Value, but system fields of text stay the numbers that they are in the plan.
func (c *Compiler) raw(e Expr) (plan.Expr, error) {
	if c.Replace != nil {
		if x, err := c.Replace(e); x != nil || err != nil {
			return x, err
		}
	}
	switch e := e.(type) {
	case *Name:
		return c.Column(e)
	case *Literal:
		return plan.Const{V: literal(e)}, nil
	case *Interval:
		return nil, c.errorf(e.Span, "an interval can only be added to a time or taken from one")
	case *Unary:
		return c.unary(e)
	case *Binary:
		return c.binary(e)
	case *Logic:
		return c.calls(logic3(e.Op), e.X...)
	case *Is:
		x, err := c.calls(is3(e.What), e.X)
		return negate3(x, e.Not), err
	case *Between:
		lo, hi, err := c.bounds(e)
		if err != nil {
			return nil, err
		}
		x, err := c.Value(e.X)
		return negate3(call(between3(), x, lo, hi), e.Not), err
	case *In:
		return c.inValue(e)
	case *Like:
		return c.likeValue(e)
	case *Case:
		return c.caseValue(e)
	case *Cast:
		return c.cast(e)
	case *Element:
		return c.element(e)
	case *Sub:
		return c.sub(e)
	case *Call:
		return c.call(e)
	}
	return nil, c.errorf(e.At(), "unexpected symbol found %s", c.written(e))
}

// Values translates several expressions.
func (c *Compiler) Values(list []Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		x, err := c.Value(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func call(f *plan.Function, args ...plan.Expr) plan.Expr { return plan.Call{Func: f, Args: args} }

func (c *Compiler) calls(f *plan.Function, args ...Expr) (plan.Expr, error) {
	x, err := c.Values(args)
	return plan.Call{Func: f, Args: x}, err
}

func negate3(x plan.Expr, not bool) plan.Expr {
	if not {
		return call(not3(), x)
	}
	return x
}

// literal is the value of a constant.
func literal(l *Literal) plan.Value {
	switch l.Kind {
	case BoolLiteral:
		return Truth(l.Text == "true")
	case NumberLiteral:
		f, err := strconv.ParseFloat(l.Text, 64)
		if err != nil {
			return plan.Value{}
		}
		return plan.NumberValue(f)
	case StringLiteral:
		return plan.TextValue(l.Text)
	}
	return plan.Value{}
}

// Constant returns the value of a literal, with a sign or without.
func Constant(e Expr) (plan.Value, bool) {
	switch e := e.(type) {
	case *Literal:
		return literal(e), true
	case *Unary:
		if v, ok := Constant(e.X); ok && e.Op == "-" && v.Kind == plan.Number {
			return plan.NumberValue(0 - v.Num), true
		}
	case *Cast:
		if l, ok := e.X.(*Literal); ok && (e.Type == "date" || e.Type == "timestamp") && l.Kind == StringLiteral {
			if v, ok := ParseTime(l.Text); ok {
				return v, true
			}
		}
	}
	return plan.Value{}, false
}

func (c *Compiler) unary(e *Unary) (plan.Expr, error) {
	if v, ok := Constant(e); ok {
		return plan.Const{V: v}, nil
	}
	if e.Op == "not" {
		return c.calls(not3(), e.X)
	}
	x, err := c.Value(e.X)
	return plan.Arith{Op: '-', A: plan.Num(0), B: x}, err
}

func (c *Compiler) binary(e *Binary) (plan.Expr, error) {
	switch e.Op {
	case "+", "-":
		if i, ok := e.B.(*Interval); ok {
			sign := 1.0
			if e.Op == "-" {
				sign = -1
			}
			return c.shift(e.A, i, sign)
		}
		if i, ok := e.A.(*Interval); ok && e.Op == "+" {
			return c.shift(e.B, i, 1)
		}
		fallthrough
	case "*", "/", "%":
		x, err := c.Values([]Expr{e.A, e.B})
		if err != nil {
			return nil, err
		}
		return plan.Arith{Op: plan.ArithOp(e.Op[0]), A: x[0], B: x[1]}, nil
	}
	a, b, err := c.sides(e.A, e.B)
	if err != nil {
		return nil, err
	}
	return call(cmp3(e.Op), a, b), nil
}

// shift adds an interval to a time.
func (c *Compiler) shift(t Expr, i *Interval, sign float64) (plan.Expr, error) {
	return c.calls(addInterval(i.Unit, sign), t, i.X)
}

// sides translates the sides of a comparison. A text beside a time is read as a time.
func (c *Compiler) sides(x, y Expr) (a, b plan.Expr, err error) {
	if a, err = c.Value(x); err != nil {
		return nil, nil, err
	}
	if b, err = c.Value(y); err != nil {
		return nil, nil, err
	}
	if c.IsTime(a) {
		b, err = c.asTime(b, y)
	} else if c.IsTime(b) {
		a, err = c.asTime(a, x)
	}
	return a, b, err
}

// asTime turns a constant text into a time.
func (c *Compiler) asTime(x plan.Expr, e Expr) (plan.Expr, error) {
	k, ok := x.(plan.Const)
	if !ok || k.V.Kind != plan.Text {
		return x, nil
	}
	v, ok := ParseTime(string(k.V.Text))
	if !ok {
		return nil, c.errorf(e.At(), "%s is no time", c.written(e))
	}
	return plan.Const{V: v}, nil
}

// IsTime reports whether an expression is a time for every row where it is not Null.
func (c *Compiler) IsTime(e plan.Expr) bool {
	if f, ok := e.(plan.Field); ok && c.Times != nil && c.Times(f.Name) {
		return true
	}
	return isTime(e)
}

// isTime is IsTime without the columns that were made before.
func isTime(e plan.Expr) bool {
	switch e := e.(type) {
	case plan.Field:
		return e.Name == plan.Timestamp || e.Name == plan.Ingestion
	case plan.Bin:
		return true
	case plan.Const:
		return e.V.Kind == plan.Time
	case plan.Call:
		return isTimeFunction(e.Func)
	}
	return false
}

// isTimeFunction reports whether all results of a function are times.
func isTimeFunction(f *plan.Function) bool {
	switch f.Name {
	case "cast_date", "cast_timestamp":
		return true
	}
	return strings.HasPrefix(f.Name, "add_") || strings.HasPrefix(f.Name, "take_") || strings.HasPrefix(f.Name, "span_") || function.MakesTime(f)
}

func (c *Compiler) bounds(e *Between) (lo, hi plan.Expr, err error) {
	x, lo, err := c.sides(e.X, e.Lo)
	if err != nil {
		return nil, nil, err
	}
	if hi, err = c.Value(e.Hi); err == nil && c.IsTime(x) {
		hi, err = c.asTime(hi, e.Hi)
	}
	return lo, hi, err
}

func (c *Compiler) inValue(e *In) (plan.Expr, error) {
	list, constant, err := c.list(e)
	if err != nil {
		return nil, err
	}
	if constant {
		x, err := c.Value(e.X)
		return negate3(call(in3(NewSet(list)), x), e.Not), err
	}
	x, err := c.calls(any3(), append([]Expr{e.X}, e.List...)...)
	return negate3(x, e.Not), err
}

// list returns the values of an IN when all of them are constant.
func (c *Compiler) list(e *In) (list []plan.Value, constant bool, err error) {
	if e.Sub != nil {
		rows, err := c.Rows(e.Sub, MaxRows+1, e.Span)
		if err != nil {
			return nil, false, err
		}
		if len(rows.Cols) != 1 {
			return nil, false, c.errorf(e.Span, "a subquery behind IN must have one column, not %d", len(rows.Cols))
		}
		if rows.Len > MaxRows {
			return nil, false, c.errorf(e.Span, "the subquery has more than %d rows", MaxRows)
		}
		return rows.Cols[0][:rows.Len], true, nil
	}
	for _, k := range e.List {
		v, ok := Constant(k)
		if !ok {
			return nil, false, nil
		}
		list = append(list, v)
	}
	x, err := c.Value(e.X)
	if err != nil || !c.IsTime(x) {
		return list, true, err
	}
	for i := range list {
		t, err := c.asTime(plan.Const{V: list[i]}, e.List[i])
		if err != nil {
			return nil, false, err
		}
		list[i] = t.(plan.Const).V
	}
	return list, true, nil
}

func (c *Compiler) likeValue(e *Like) (plan.Expr, error) {
	if v, ok := Constant(e.Pat); ok {
		re, err := c.pattern(e, &v)
		if err != nil {
			return nil, err
		}
		if re == nil {
			return plan.Const{}, nil
		}
		x, err := c.Value(e.X)
		return negate3(call(match3(re), x), e.Not), err
	}
	x, err := c.calls(dynamicLike(e), e.X, e.Pat)
	return negate3(x, e.Not), err
}

func (c *Compiler) caseValue(e *Case) (plan.Expr, error) {
	var args []Expr
	f := caseWhen()
	if e.X != nil {
		f = caseOf()
		args = append(args, e.X)
	}
	for _, w := range e.Whens {
		args = append(args, w.Cond, w.Then)
	}
	if e.Else != nil {
		args = append(args, e.Else)
	} else {
		args = append(args, &Literal{e.Span, NullLiteral, "null"})
	}
	return c.calls(f, args...)
}

// sub is the single value of a subquery, or whether it has rows.
func (c *Compiler) sub(e *Sub) (plan.Expr, error) {
	if e.Exists {
		rows, err := c.Rows(e.Query, 1, e.Span)
		if err != nil {
			return nil, err
		}
		return plan.Const{V: Truth(rows.Len > 0)}, nil
	}
	rows, err := c.Rows(e.Query, 2, e.Span)
	switch {
	case err != nil:
		return nil, err
	case len(rows.Cols) != 1:
		return nil, c.errorf(e.Span, "a subquery that is a value must have one column, not %d", len(rows.Cols))
	case rows.Len > 1:
		return nil, c.errorf(e.Span, "a subquery that is a value has more than one row")
	case rows.Len == 0:
		return plan.Const{}, nil
	}
	return plan.Const{V: rows.Cols[0][0].Clone()}, nil
}
