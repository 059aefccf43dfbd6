package insightsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// isAggregate reports whether a call is one of an aggregate.
func isAggregate(e *Call) bool {
	_, ok := aggregates[e.Func]
	return ok
}

// shape says how an aggregate is written.
type shape struct {
	f           plan.AggFunc
	least, most int // number of arguments
}

// aggregates are the aggregates by their names in lower case, without '_'.
var aggregates = map[string]shape{
	"count":         {plan.Count, 0, 1},
	"sum":           {plan.Sum, 1, 1},
	"avg":           {plan.Avg, 1, 1},
	"min":           {plan.Min, 1, 1},
	"max":           {plan.Max, 1, 1},
	"stddev":        {plan.StddevPop, 1, 1},
	"variance":      {plan.VarPop, 1, 1},
	"pct":           {plan.Pct, 2, 2},
	"percentile":    {plan.Pct, 2, 2},
	"median":        {plan.Pct, 1, 1},
	"countdistinct": {plan.CountDistinct, 1, 1},
	"earliest":      {plan.Earliest, 1, 1},
	"latest":        {plan.Latest, 1, 1},
	"values":        {plan.Values, 1, 1},
	"topk":          {plan.TopK, 2, 2},
	"sortsfirst":    {plan.SortsFirst, 1, 1},
	"sortslast":     {plan.SortsLast, 1, 1},
	"rate":          {plan.Sum, 2, 2},
	"countovertime": {plan.Count, 1, 1},
	"sumovertime":   {plan.Sum, 2, 2},
}

// maxTopK is the greatest k of topk.
const maxTopK = 10_000

// grouping is one stats command while it is translated.
type grouping struct {
	c       *compiler
	step    plan.Stats
	same    map[string]string // columns by the expression that made them
	used    map[string]bool   // names of all columns
	visible map[string]Expr   // columns that the next item can use
	aggs    map[string]string // columns of aggregates by what they compute
	period  *Period           // that of the bin() among the keys
	column  string            // the column of it
}

// grouped is what is known of the rows of a stats.
type grouped struct {
	names  []string // of the keys
	column string   // of the periods of bin()
	period *Period
	counts []string // columns that are counts
}

// aggregate translates a stats command.
func (c *compiler) aggregate(x *Stats) error {
	if c.stats++; c.stats > MaxStats {
		return refused(x.Span, "a query has at most %d stats commands", MaxStats)
	}
	c.scope.same = nil
	g := &grouping{c: c, same: map[string]string{}, used: map[string]bool{}, visible: map[string]Expr{}, aggs: map[string]string{}}
	by, err := g.keys(x)
	if err != nil {
		return err
	}
	items := slices.Concat(by, x.Items)
	var names []string
	for i := range items {
		if err := g.name(&items[i]); err != nil {
			return err
		}
		names = append(names, items[i].Name())
	}
	for i := range by {
		e, err := g.key(x, &by[i])
		if err != nil {
			return err
		}
		g.step.By = append(g.step.By, plan.Named{Expr: e, As: by[i].Name()})
		g.visible[by[i].Name()] = nil
	}
	var after []plan.Named
	for i := range x.Items {
		item := &x.Items[i]
		e, err := g.item(item)
		if err != nil {
			return err
		}
		if f, ok := e.(plan.Field); !ok || f.Name != item.Name() {
			after = append(after, plan.Named{Expr: e, As: item.Name()})
		}
		g.visible[item.Name()] = nil
	}
	for i := range items {
		if renamed(&items[i]) && c.scope.read[items[i].Alias] {
			return unknown(items[i].as, items[i].Alias)
		}
	}
	if len(g.step.Aggs) == 0 {
		return refused(x.Items[0].Span, "stats without an aggregate")
	}
	c.step(g.step)
	if len(after) > 0 {
		c.step(plan.Extend{Cols: after})
		c.step(plan.Project{Cols: columnsOf(names)})
	}
	c.scope.replace(names)
	c.scope.same = g.same
	for i := range items {
		c.remember(&items[i])
		if i < len(by) {
			c.scope.scalars[items[i].Name()] = true
		}
	}
	c.rules.periods = g.period != nil
	c.keys = grouped{names: names[:len(by)], column: g.column, period: g.period}
	for i := range x.Items {
		if call, ok := x.Items[i].Expr.(*Call); ok && aggregates[call.Func].f == plan.Count && isAggregate(call) {
			c.keys.counts = append(c.keys.counts, x.Items[i].Name())
		}
	}
	c.ordered = true
	c.out.Events = false
	return nil
}

// keys returns the keys of a stats: those that it names, and the periods of
// counters over time, which come first (ours).
func (g *grouping) keys(x *Stats) ([]Item, error) {
	by := x.By
	var over *Period
	var at Expr
	for i := range x.Items {
		walk(x.Items[i].Expr, func(e Expr) bool {
			if call, ok := e.(*Call); ok && (call.Func == "countovertime" || call.Func == "sumovertime") && len(call.Args) > 0 {
				p, ok := call.Args[len(call.Args)-1].(*Period)
				if at == nil && (!ok || over != nil && *p != (Period{p.Span, over.N, over.Unit})) {
					at = call.Args[len(call.Args)-1]
				}
				over = p
			}
			return true
		})
	}
	if at != nil {
		return nil, unexpected(at.where(), g.c.text(at))
	}
	for i := range by {
		call, ok := by[i].Expr.(*Call)
		if !ok || call.Func != "bin" || len(call.Args) != 1 {
			continue
		}
		p, ok := call.Args[0].(*Period)
		if !ok {
			continue
		}
		if g.period == nil {
			g.period, g.column = p, by[i].Name()
		}
		if over != nil && p.N == over.N && p.Unit == over.Unit {
			over = nil
		}
	}
	if over != nil {
		call := &Call{Span: over.Span, Name: "bin", Func: "bin", Args: []Expr{over}}
		item := Item{Span: over.Span, Expr: call, name: canonical(call)}
		by = append([]Item{item}, by...)
		g.period, g.column = over, item.name
	}
	if x.Offset != nil && g.period == nil {
		return nil, refused(x.Offset.Span, "offset needs a bin() among the keys")
	}
	return by, g.alone(x)
}

// alone refuses topk beside keys and other aggregates.
func (g *grouping) alone(x *Stats) error {
	for i := range x.Items {
		call, ok := x.Items[i].Expr.(*Call)
		if ok && call.Func == "topk" && (len(x.Items) > 1 || len(x.By) > 0) {
			return refused(call.Span, "topk stands alone, without by and other aggregates")
		}
	}
	return nil
}

// key translates a key. An offset moves the limits of periods (ours).
func (g *grouping) key(x *Stats, item *Item) (plan.Expr, error) {
	if call, ok := item.Expr.(*Call); ok && call.Func == "histogram" {
		return g.c.histogram(call)
	}
	e, err := g.c.key(item.Expr, "stats")
	if err != nil || x.Offset == nil || item.Name() != g.column {
		return e, err
	}
	ms, fixed := x.Offset.Millis()
	if !fixed {
		return nil, unexpected(x.Offset.Span, g.c.text(x.Offset))
	}
	return shiftedTime(e, ms), nil
}

// shiftedTime moves the times that a rounding of @timestamp gives: periods begin ms later.
func shiftedTime(e plan.Expr, ms int64) plan.Expr {
	time := plan.Field{Name: plan.Timestamp}
	moved := func(e plan.Expr, by int64) plan.Expr {
		return plan.Call{Func: function.Insights("frommillis"), Args: []plan.Expr{
			plan.Arith{Op: '+', A: plan.Call{Func: function.Insights("tomillis"), Args: []plan.Expr{e}}, B: plan.Num(float64(by))}}}
	}
	switch x := e.(type) {
	case plan.Bin:
		x.X = moved(time, -ms)
		return moved(x, ms)
	case plan.Call:
		x.Args = []plan.Expr{moved(time, -ms)}
		return moved(x, ms)
	}
	return e
}

// histogram translates histogram(f, width): the start of the interval of that
// width which a number lies in.
func (c *compiler) histogram(e *Call) (plan.Expr, error) {
	if err := c.arity(e, 2, 2, "2 arguments"); err != nil {
		return nil, err
	}
	n, ok := e.Args[1].(*Number)
	if !ok || n.Value == 0 {
		return nil, unexpected(e.Args[1].where(), c.text(e.Args[1]))
	}
	x, err := c.operand(e.Args[0])
	if err != nil {
		return nil, err
	}
	width := plan.Num(n.Value)
	return plan.Arith{Op: '*', A: plan.Call{Func: function.Insights("floor"), Args: []plan.Expr{plan.Arith{Op: '/', A: x, B: width}}}, B: width}, nil
}

// columnsOf are columns as they are.
func columnsOf(names []string) []plan.Named {
	cols := make([]plan.Named, len(names))
	for i, n := range names {
		cols[i] = plan.Named{Expr: plan.Field{Name: n}, As: n}
	}
	return cols
}

// renamed reports whether an item gives its value a name that it did not have.
func renamed(item *Item) bool {
	f, ok := item.Expr.(*Field)
	return item.Alias != "" && !(ok && strings.Join(f.Path, ".") == item.Alias)
}

// name claims the name of a column.
func (g *grouping) name(item *Item) error {
	name := item.Name()
	if g.used[name] || renamed(item) && g.c.scope.taken(name) {
		return unknown(item.as, name)
	}
	g.used[name] = true
	if _, plain := item.Expr.(*Field); item.Alias == "" && !plain {
		g.same[canonical(item.Expr)] = name
	}
	return nil
}

// item translates an expression around aggregates to one over the columns of
// the step, which it adds to.
func (g *grouping) item(item *Item) (plan.Expr, error) {
	if call, ok := item.Expr.(*Call); ok && isAggregate(call) && call.Func != "rate" {
		return g.agg(call, item.Name())
	}
	inner := *g.c
	inner.scope = newScope()
	inner.scope.closed = true
	inner.scope.made = g.visible
	inner.aggregated = func(call *Call) (plan.Expr, error) { return g.agg(call, "") }
	return inner.expr(item.Expr)
}

// agg adds an aggregate to the step and returns its column, which is named name
// when that is not empty.
func (g *grouping) agg(call *Call, name string) (plan.Expr, error) {
	a, err := g.translated(call)
	if err != nil {
		return nil, err
	}
	text := a.String()
	old, ok := g.aggs[text]
	if !ok || name != "" && name != old {
		if name == "" {
			for n := len(g.step.Aggs) + 1; name == "" || g.used[name]; n++ {
				name = "#" + strconv.Itoa(n)
			}
			g.used[name] = true
		}
		g.aggs[text] = name
		a.As = name
		g.step.Aggs = append(g.step.Aggs, a)
		old = name
	}
	if call.Func != "rate" {
		return plan.Field{Name: old}, nil
	}
	periods, err := g.periods(call)
	return plan.Arith{Op: '/', A: plan.Field{Name: old}, B: plan.Num(periods)}, err
}

// translated translates a call of an aggregate.
func (g *grouping) translated(call *Call) (plan.Agg, error) {
	c, s := g.c, aggregates[call.Func]
	a := plan.Agg{Func: s.f}
	if call.Func == "count" && call.Star {
		return a, nil
	}
	if err := c.arity(call, s.least, s.most, (&plan.Function{Min: s.least, Max: s.most}).Arity()); err != nil {
		return a, err
	}
	if len(call.Args) == 0 || call.Func == "countovertime" {
		return a, nil
	}
	arg := call.Args[0]
	if call.Func == "topk" {
		arg = call.Args[1]
	}
	inner := *c
	inner.within = true
	x, err := inner.expr(arg)
	if err != nil {
		return a, err
	}
	a.Arg = x
	switch call.Func {
	case "median":
		a.P = 50
	case "pct", "percentile":
		n, ok := call.Args[1].(*Number)
		if !ok || n.Value > 100 {
			return a, refused(call.Args[1].where(), "the percentile of %s is a number from 0 to 100", call.Name)
		}
		a.P = n.Value
	case "topk":
		n, ok := call.Args[0].(*Number)
		if !ok || n.Value != float64(int(n.Value)) || n.Value < 1 || n.Value > maxTopK {
			return a, refused(call.Args[0].where(), "the first argument of %s is a number from 1 to %d", call.Name, maxTopK)
		}
		a.P = n.Value
	case "earliest", "latest":
		if f, ok := x.(plan.Field); ok && f.Name == plan.Timestamp {
			a.Arg = plan.Call{Func: function.Insights("tomillis"), Args: []plan.Expr{x}}
		}
	}
	return a, nil
}

// periods is how many periods the rate of a row is about: those of the period of
// bin(), or of the whole range without it (ours).
func (g *grouping) periods(call *Call) (float64, error) {
	p, ok := call.Args[1].(*Period)
	if !ok {
		return 1, unexpected(call.Args[1].where(), g.c.text(call.Args[1]))
	}
	each, fixed := p.Millis()
	if !fixed || each == 0 {
		return 1, unexpected(p.Span, g.c.text(p))
	}
	length := g.c.env.End - g.c.env.Start
	if g.period != nil {
		length, _ = g.period.rounding().Millis()
	}
	return float64(length) / float64(each), nil
}
