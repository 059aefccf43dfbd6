package insightsql

import (
	"slices"
	"strconv"
	"strings"

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
}

// grouping is one stats command while it is translated.
type grouping struct {
	c       *compiler
	step    plan.Stats
	same    map[string]string // columns by the expression that made them
	used    map[string]bool   // names of all columns
	visible map[string]Expr   // columns that the next item can use
	aggs    map[string]string // columns of aggregates by what they compute
}

// aggregate translates a stats command.
func (c *compiler) aggregate(x *Stats) error {
	if c.stats++; c.stats > MaxStats {
		return refused(x.Span, "a query has at most %d stats commands", MaxStats)
	}
	c.scope.same = nil
	g := &grouping{c: c, same: map[string]string{}, used: map[string]bool{}, visible: map[string]Expr{}, aggs: map[string]string{}}
	items := slices.Concat(x.By, x.Items)
	var names []string
	for i := range items {
		if err := g.name(&items[i]); err != nil {
			return err
		}
		names = append(names, items[i].Name())
	}
	for i := range x.By {
		e, err := c.expr(x.By[i].Expr)
		if err != nil {
			return err
		}
		g.step.By = append(g.step.By, plan.Named{Expr: e, As: x.By[i].Name()})
		g.visible[x.By[i].Name()] = nil
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
			return unknown(items[i].Span, items[i].Alias)
		}
	}
	c.step(g.step)
	if len(after) > 0 {
		c.step(plan.Extend{Cols: after})
		c.step(plan.Project{Cols: columnsOf(names)})
	}
	c.scope.replace(names)
	c.scope.same = g.same
	c.ordered = true
	c.out.Events = false
	return nil
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
		return unknown(item.Span, name)
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
	if call, ok := item.Expr.(*Call); ok && isAggregate(call) {
		return g.agg(call, item.Name())
	}
	return g.around(item.Expr)
}

// around translates an expression whose aggregates become columns.
func (g *grouping) around(e Expr) (plan.Expr, error) {
	inner := *g.c
	inner.scope = newScope()
	inner.scope.closed = true
	inner.scope.made = g.visible
	inner.aggregated = func(call *Call) (plan.Expr, error) { return g.agg(call, "") }
	return inner.expr(e)
}

// agg adds an aggregate to the step and returns its column, which is named name
// when that is not empty.
func (g *grouping) agg(call *Call, name string) (plan.Expr, error) {
	a, err := g.c.agg(call)
	if err != nil {
		return nil, err
	}
	text := a.String()
	if old, ok := g.aggs[text]; ok && (name == "" || name == old) {
		return plan.Field{Name: old}, nil
	}
	if name == "" {
		for n := len(g.step.Aggs) + 1; name == "" || g.used[name]; n++ {
			name = "#" + strconv.Itoa(n)
		}
		g.used[name] = true
	}
	g.aggs[text] = name
	a.As = name
	g.step.Aggs = append(g.step.Aggs, a)
	return plan.Field{Name: name}, nil
}

// agg translates a call of an aggregate.
func (c *compiler) agg(call *Call) (plan.Agg, error) {
	s := aggregates[call.Func]
	a := plan.Agg{Func: s.f}
	if call.Star && s.f == plan.Count {
		return a, nil
	}
	if n := len(call.Args); n < s.least || n > s.most || call.Star {
		count := strconv.Itoa(s.least)
		if s.least != s.most {
			count += " to " + strconv.Itoa(s.most)
		}
		return a, refused(call.Span, "the function %s takes %s arguments, not %d", call.Name, count, n)
	}
	if len(call.Args) == 0 {
		return a, nil
	}
	x, err := c.expr(call.Args[0])
	if err != nil {
		return a, err
	}
	a.Arg = x
	switch {
	case strings.EqualFold(call.Name, "median"):
		a.P = 50
	case s.f == plan.Pct:
		n, ok := call.Args[1].(*Number)
		if !ok || n.Value > 100 {
			return a, refused(call.Args[1].where(), "the percentile of %s is a number from 0 to 100", call.Name)
		}
		a.P = n.Value
	case s.f == plan.Earliest || s.f == plan.Latest:
		if f, ok := x.(plan.Field); ok && f.Name == plan.Timestamp {
			a.Arg = plan.Call{Func: toMillis(), Args: []plan.Expr{x}}
		}
	}
	return a, nil
}
