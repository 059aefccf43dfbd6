package insightsql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// expr translates an expression.
func (c *compiler) expr(e Expr) (plan.Expr, error) {
	if c.scope.same != nil {
		if name, ok := c.scope.same[canonical(e)]; ok {
			return plan.Field{Name: name}, nil
		}
	}
	switch e := e.(type) {
	case *Field:
		return c.field(e)
	case *Number:
		return plan.Num(e.Value), nil
	case *String:
		return plan.Str(e.Value), nil
	case *Bool:
		return plan.Const{V: boolValue(e.Value)}, nil
	case *Negative:
		return c.negative(e)
	case *Arith:
		return c.arith(e)
	case *Compare:
		return c.compare(e)
	case *Like:
		return c.like(e)
	case *In:
		return c.in(e)
	case *Not:
		x, err := c.expr(e.X)
		return plan.Not{X: x}, err
	case *And:
		x, err := c.exprs(e.X)
		return plan.And{X: x}, err
	case *Or:
		x, err := c.exprs(e.X)
		return plan.Or{X: x}, err
	case *Call:
		return c.call(e)
	case *Element:
		x, err := c.expr(e.X)
		return element(x, e.Path), err
	}
	at := e.where()
	return nil, unexpected(at, c.tree.text[at.Start:at.End])
}

func (c *compiler) exprs(list []Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(list))
	for i, e := range list {
		x, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func boolValue(b bool) plan.Value {
	v := plan.Value{Kind: plan.Bool, Text: strconv.AppendBool(nil, b)}
	if b {
		v.Num = 1
	}
	return v
}

// field translates a field to a column, or to a part of one.
func (c *compiler) field(e *Field) (plan.Expr, error) {
	name, rest, ok := c.scope.find(e.Path)
	if !ok {
		return nil, unknown(e.Span, name)
	}
	if len(rest) > 0 {
		return element(c.column(name), rest), nil
	}
	return c.column(name), nil
}

// element is the part of a structure at a path.
func element(x plan.Expr, path []string) plan.Expr {
	args := []plan.Expr{x}
	for _, p := range path {
		args = append(args, plan.Str(p))
	}
	return plan.Call{Func: function.Element, Args: args}
}

// named is a field that every event has, as text where the plan has a number.
func (c *compiler) named(name string) plan.Expr {
	switch name {
	case plan.LogStream:
		return plan.Call{Func: c.streamName(), Args: []plan.Expr{plan.Field{Name: name}}}
	case plan.LogGroup:
		return plan.Call{Func: c.groupName(), Args: []plan.Expr{plan.Field{Name: name}}}
	}
	return plan.Field{Name: name}
}

func (c *compiler) negative(e *Negative) (plan.Expr, error) {
	if n, ok := e.X.(*Number); ok {
		return plan.Num(-n.Value), nil
	}
	x, err := c.operand(e.X)
	return plan.Arith{Op: '-', A: plan.Num(0), B: x}, err
}

func (c *compiler) arith(e *Arith) (plan.Expr, error) {
	a, err := c.operand(e.A)
	if err != nil {
		return nil, err
	}
	b, err := c.operand(e.B)
	return plan.Arith{Op: plan.ArithOp(e.Op), A: a, B: b}, err
}

// operand translates an operand of arithmetic. A text that is no number has no place there.
func (c *compiler) operand(e Expr) (plan.Expr, error) {
	if s, ok := e.(*String); ok {
		if _, ok := plan.ParseNumber([]byte(s.Value)); !ok {
			return nil, unexpected(s.Span, c.tree.text[s.Start:s.End])
		}
	}
	return c.expr(e)
}

func cmpOp(op string) plan.CmpOp {
	for o := plan.Eq; o <= plan.Ge; o++ {
		if o.String() == op {
			return o
		}
	}
	panic("insightsql: no such comparison: " + op)
}

func (c *compiler) compare(e *Compare) (plan.Expr, error) {
	if e.Op == "=" || e.Op == "!=" {
		if x := c.identity(e.A, []Expr{e.B}); x != nil {
			return negated(x, e.Op == "!="), nil
		}
		if x := c.identity(e.B, []Expr{e.A}); x != nil {
			return negated(x, e.Op == "!="), nil
		}
	}
	a, err := c.expr(e.A)
	if err != nil {
		return nil, err
	}
	b, err := c.expr(e.B)
	return plan.Cmp{Op: cmpOp(e.Op), A: instant(a), B: instant(b)}, err
}

// instant is toMillis(@timestamp) in a comparison, where a time is its number, so
// that it narrows what is read.
func instant(e plan.Expr) plan.Expr {
	if call, ok := e.(plan.Call); ok && call.Func.Name == "tomillis" && call.Args[0] == plan.Expr(plan.Field{Name: plan.Timestamp}) {
		return call.Args[0]
	}
	return e
}

func negated(e plan.Expr, not bool) plan.Expr {
	if not {
		return plan.Not{X: e}
	}
	return e
}

func (c *compiler) like(e *Like) (plan.Expr, error) {
	x, err := c.expr(e.X)
	if err != nil {
		return nil, err
	}
	if e.Regex != nil {
		return negated(plan.Match{X: x, Re: e.Regex.Re}, e.Not), nil
	}
	return negated(plan.Contains{X: x, Sub: e.Sub.Value}, e.Not), nil
}

func (c *compiler) in(e *In) (plan.Expr, error) {
	if e.Sub != nil {
		return c.inSub(e)
	}
	if x := c.identity(e.X, e.List); x != nil {
		return negated(x, e.Not), nil
	}
	x, err := c.expr(e.X)
	if err != nil {
		return nil, err
	}
	in := plan.In{X: x}
	for _, k := range e.List {
		in.List = append(in.List, constant(k))
	}
	return negated(in, e.Not), nil
}

// constant is the value of a literal.
func constant(e Expr) plan.Value {
	switch e := e.(type) {
	case *String:
		return plan.TextValue(e.Value)
	case *Number:
		return plan.NumberValue(e.Value)
	case *Bool:
		return boolValue(e.Value)
	case *Negative:
		v := constant(e.X)
		return plan.NumberValue(-v.Num)
	}
	return plan.Value{}
}

// constantText is the text of a literal; ok is false when e is none.
func constantText(e Expr) (string, bool) {
	switch e.(type) {
	case *String, *Number, *Bool:
		v := constant(e)
		return string(v.AppendText(nil)), true
	}
	return "", false
}

// call translates a call of a function of one row.
func (c *compiler) call(e *Call) (plan.Expr, error) {
	if x, ok, err := c.special(e); ok {
		return x, err
	}
	f := function.Insights(e.Name)
	if f == nil {
		f = function.Insights(e.Func)
	}
	if f == nil {
		if isAggregate(e) {
			if c.aggregated != nil {
				return c.aggregated(e)
			}
			if c.within {
				return nil, refused(e.Span, "the aggregate %s cannot be used within another", e.Name)
			}
			return nil, refused(e.Span, "the aggregate %s can be used in stats only", e.Name)
		}
		return nil, refused(Span{e.Start, e.Start + len(e.Name)}, "unknown function %s", e.Name)
	}
	if err := c.arity(e, f.Min, f.Max, f.Arity()); err != nil {
		return nil, err
	}
	args := make([]plan.Expr, len(e.Args))
	for i, a := range e.Args {
		if re, ok := a.(*Regex); ok && e.Func == "regexreplace" && i == 1 {
			args[i] = plan.Str(re.Source)
			continue
		}
		x, err := c.expr(a)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	call := plan.Call{Func: f, Args: args}
	if _, err := call.Bound(); err != nil {
		return nil, bad(e, err)
	}
	return function.Searchable(call), nil
}

func (c *compiler) arity(e *Call, least, most int, text string) error {
	if e.Star {
		star := e.Start + strings.IndexByte(c.tree.text[e.Start:e.End], '*')
		return unexpected(Span{star, star + 1}, "*")
	}
	if n := len(e.Args); n < least || n > most {
		return refused(e.Span, "the function %s takes %s, not %d", e.Name, text, n)
	}
	return nil
}

// special translates what is more than a call with the values of its arguments.
func (c *compiler) special(e *Call) (x plan.Expr, ok bool, err error) {
	args := func(n int) {
		if err == nil {
			err = c.arity(e, n, n, strings.TrimSuffix(fmt.Sprintf("%d arguments", n), map[bool]string{true: "s"}[n == 1]))
		}
	}
	switch e.Func {
	case "now":
		args(0)
		return plan.Num(float64(c.env.Now / 1000)), true, err
	case "querystarttime":
		args(0)
		return plan.Num(float64(c.env.Start)), true, err
	case "queryendtime":
		args(0)
		return plan.Num(float64(c.env.End)), true, err
	case "querytimerange":
		args(0)
		return plan.Num(float64(c.env.End - c.env.Start)), true, err
	case "bin":
		if args(1); err == nil {
			x, err = c.rounded(e, &Field{e.Span, []string{plan.Timestamp}}, 0, false)
		}
		return x, true, err
	case "datefloor", "dateceil":
		if args(2); err == nil {
			x, err = c.rounded(e, e.Args[0], 1, e.Func == "dateceil")
		}
		return x, true, err
	case "ispresent":
		if args(1); err == nil {
			x, err = c.expr(e.Args[0])
		}
		return plan.Present{X: x}, true, err
	case "unmask":
		if args(1); err == nil {
			c.out.Unmask = true
			x, err = c.expr(e.Args[0])
		}
		return x, true, err
	case "messagesize":
		if args(0); err == nil {
			x, err = c.field(&Field{e.Span, []string{plan.Message}})
		}
		return plan.Call{Func: function.MessageSize, Args: []plan.Expr{x}}, true, err
	}
	return nil, false, nil
}

// rounded translates bin, datefloor and dateceil; arg is where the period is.
func (c *compiler) rounded(e *Call, of Expr, arg int, up bool) (plan.Expr, error) {
	p, ok := e.Args[arg].(*Period)
	if !ok || p.N == 0 {
		at := e.Args[arg].where()
		return nil, unexpected(at, c.tree.text[at.Start:at.End])
	}
	if p.N > function.MaxPeriod && p.Unit >= Day {
		return nil, refused(p.Span, "a period has at most %d days, weeks, months, quarters or years", function.MaxPeriod)
	}
	x, err := c.expr(of)
	if err != nil {
		return nil, err
	}
	period := p.rounding()
	ms, fixed := period.Millis()
	if f, ok := x.(plan.Field); ok && fixed && !up && f.Name == plan.Timestamp {
		return plan.Bin{X: x, Every: ms}, nil
	}
	if up {
		return plan.Call{Func: function.DateCeil(period), Args: []plan.Expr{x}}, nil
	}
	return plan.Call{Func: function.DateFloor(period), Args: []plan.Expr{x}}, nil
}
