package sqlexpr

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Names of the columns that a Grouping makes. Numbers are marked by an n.
const (
	keyPrefix = "$key"
	aggPrefix = "$agg"
)

// GroupKey is an expression that rows are grouped by.
type GroupKey struct {
	X    Expr // as users write it again
	Plan plan.Expr
}

// Grouping collects the aggregates of a statement. It replaces them, and the keys,
// by the columns that its steps make.
type Grouping struct {
	Keys []GroupKey

	c      *Compiler
	events bool // the rows are events: first and last go by their time
	byText map[string]plan.Expr
	aggs   []agg
}

// agg is one aggregate.
type agg struct {
	aggregate
	args     []plan.Expr
	p        float64
	distinct bool
	as       string
}

// Grouping makes a Grouping. events says that the rows are events.
func (c *Compiler) Grouping(keys []GroupKey, events bool) *Grouping {
	g := &Grouping{Keys: keys, c: c, events: events, byText: map[string]plan.Expr{}}
	for i, k := range keys {
		if k.X == nil {
			continue
		}
		if t := k.X.String(); g.byText[t] == nil {
			g.byText[t] = g.key(i)
		}
	}
	return g
}

func (g *Grouping) key(i int) plan.Expr {
	f := plan.Field{Name: columnName(keyPrefix, i)}
	if g.c.IsTime(g.Keys[i].Plan) {
		return call(asTimestamp(), f)
	}
	return f
}

// Key returns the column of key i.
func (g *Grouping) Key(i int) plan.Expr { return g.key(i) }

// Replace is a Compiler.Replace for expressions over the groups.
func (g *Grouping) Replace(e Expr) (plan.Expr, error) {
	text := e.String()
	if x := g.byText[text]; x != nil {
		return x, nil
	}
	switch e := e.(type) {
	case *Name:
		return nil, g.c.errorf(e.Span, "the column %s is neither grouped by nor aggregated", g.c.written(e))
	case *Call:
		if e.Func == "grouping" && len(e.Args) == 1 && g.byText[e.Args[0].String()] != nil && e.Over == nil {
			return plan.Num(0), nil
		}
		if IsAggregate(g.c.Dialect, e) {
			x, err := g.add(e)
			if err == nil {
				g.byText[text] = x
			}
			return x, err
		}
	}
	return nil, nil
}

// add makes the column of an aggregate.
func (g *Grouping) add(e *Call) (plan.Expr, error) {
	old := g.c.Replace
	g.c.Replace = nil // arguments are about the rows before
	a, err := g.c.aggregate(e, g.events)
	g.c.Replace = old
	if err != nil {
		return nil, err
	}
	mark := "x"
	if a.numeric {
		mark = "n"
	}
	a.as = columnName(aggPrefix+mark, len(g.aggs))
	g.aggs = append(g.aggs, a)
	x := plan.Expr(plan.Field{Name: a.as})
	switch a.fn {
	case "min", "max", "first", "last":
		if g.c.IsTime(a.args[0]) {
			x = call(asTimestamp(), x)
		}
	}
	return x, nil
}

// aggregate translates a call of an aggregate.
func (c *Compiler) aggregate(e *Call, events bool) (agg, error) {
	def, _ := aggregateOf(c.Dialect, e.Func)
	a := agg{aggregate: def, distinct: e.Distinct}
	for _, k := range e.Args {
		if HasAggregate(c.Dialect, k) {
			return a, c.errorf(k.At(), "an aggregate inside of an aggregate is not supported")
		}
	}
	n := len(e.Args)
	switch {
	case e.Star && e.Func != "count":
		return a, c.errorf(e.Span, "%s(*) is not supported", e.Func)
	case e.Func == "count" && n == 0 && (e.Star || c.Dialect == PPL && !e.Distinct):
	case e.Func == "count" && n > 0: // of rows where all are present
	case n < def.min || n > def.max:
		return a, c.errorf(e.Span, "the function %s takes %s, not %d", e.Func, (&plan.Function{Min: def.min, Max: def.max}).Arity(), n)
	}
	if e.Nulls == "respect" {
		return a, c.errorf(e.Span, "RESPECT NULLS is not supported: %s leaves out nulls", e.Func)
	}
	list := e.Args
	switch def.fn {
	case "percentile", "list":
		if err := c.parameter(e, &a); err != nil {
			return a, err
		}
		list = list[:1]
	case "count_distinct":
		list = list[:1]
	}
	var err error
	if a.args, err = c.Values(list); err != nil {
		return a, err
	}
	switch {
	case def.fn == "count_if":
		a.fn, a.args = "count", []plan.Expr{call(keepIf(), a.args[0], plan.Num(1))}
	case a.fn == "count" && a.distinct:
		a.fn, a.native, a.distinct = "count_distinct", plan.CountDistinct, false
		fallthrough
	case a.fn == "count" && len(a.args) > 1:
		if len(a.args) > 1 {
			a.args = []plan.Expr{call(tuple(), a.args...)}
		}
	}
	switch a.fn { // for which it makes no difference
	case "min", "max", "first", "last", "values", "bool_and", "bool_or", "count_distinct":
		a.distinct = false
	}
	if e.Filter != nil {
		if err := c.filtered(e, &a); err != nil {
			return a, err
		}
	}
	if a.distinct {
		a.native = none
	}
	if a.fn == "first" || a.fn == "last" {
		if events {
			a.args = append(a.args, plan.Field{Name: plan.Timestamp})
		} else {
			a.native = none
		}
	}
	return a, nil
}

// filtered keeps the arguments of rows for which FILTER holds.
func (c *Compiler) filtered(e *Call, a *agg) error {
	if HasAggregate(c.Dialect, e.Filter) {
		return c.errorf(e.Filter.At(), "an aggregate inside of an aggregate is not supported")
	}
	cond, err := c.Value(e.Filter)
	if err != nil {
		return err
	}
	if len(a.args) == 0 {
		a.args = []plan.Expr{plan.Num(1)}
	}
	for i, x := range a.args {
		a.args[i] = call(keepIf(), cond, x)
	}
	return nil
}

// parameter reads the constant of percentile and take.
func (c *Compiler) parameter(e *Call, a *agg) error {
	if a.fn == "list" {
		if e.Func == "take" {
			a.p = 10
		}
		if len(e.Args) == 2 {
			v, ok := Constant(e.Args[1])
			if a.p = v.Num; !ok || v.Kind != plan.Number || a.p < 1 || a.p > MaxRows {
				return c.errorf(e.Args[1].At(), "the number of values must be from 1 to %d", MaxRows)
			}
		}
		return nil
	}
	if len(e.Args) == 1 {
		a.p = 50
		return nil
	}
	v, ok := Constant(e.Args[1])
	limit := 100.0
	if c.Dialect == SQL {
		limit = 1
	}
	if !ok || v.Kind != plan.Number || v.Num < 0 || v.Num > limit {
		return c.errorf(e.Args[1].At(), "the percentage must be a number from 0 to %v", limit)
	}
	a.p = v.Num * (100 / limit)
	return nil
}

// Steps are the steps that group rows.
func (g *Grouping) Steps() []plan.Step {
	var by []plan.Named
	for i, k := range g.Keys {
		by = append(by, plan.Named{Expr: k.Plan, As: columnName(keyPrefix, i)})
	}
	if !g.Native() {
		return g.inMemory(by)
	}
	s := plan.Stats{By: by}
	for _, a := range g.aggs {
		x := plan.Agg{Func: a.native, As: a.as}
		if len(a.args) > 0 {
			x.Arg = a.args[0]
		}
		if a.native == plan.Pct {
			x.P = a.p
		}
		s.Aggs = append(s.Aggs, x)
	}
	return []plan.Step{s}
}

// Native reports whether the executor computes all aggregates, beside the blocks.
func (g *Grouping) Native() bool {
	for _, a := range g.aggs {
		if a.native == none {
			return false
		}
	}
	return true
}

// inMemory groups rows with a transform, for aggregates that the executor does not have.
func (g *Grouping) inMemory(by []plan.Named) []plan.Step {
	t := grouper{keys: len(by)}
	cols := by
	names := make([]string, 0, len(by)+len(g.aggs))
	for _, k := range by {
		names = append(names, k.As)
	}
	for _, a := range g.aggs {
		item := groupItem{fn: a.fn, p: a.p, distinct: a.distinct}
		for _, x := range a.args {
			item.args = append(item.args, len(cols))
			cols = append(cols, plan.Named{Expr: x, As: columnName("$arg", len(cols))})
		}
		t.items = append(t.items, item)
		names = append(names, a.as)
	}
	if len(cols) == 0 { // only count(*) beside others that have arguments: cannot be
		cols = append(cols, plan.Named{Expr: plan.Num(1), As: "$arg"})
	}
	reads := make([]string, len(cols))
	for i, k := range cols {
		reads[i] = k.As
	}
	t.reads, t.names = reads, names
	return []plan.Step{
		plan.Project{Cols: cols},
		plan.Transform{
			Name: "aggregate in memory", Reads: reads,
			Columns: func([]string) []string { return names },
			Apply:   t.apply,
		},
	}
}

// grouper groups rows in memory.
type grouper struct {
	keys  int // columns that are keys, the first of reads
	reads []string
	items []groupItem
	names []string
}

type groupItem struct {
	fn       string
	args     []int
	p        float64
	distinct bool
}

func (t *grouper) apply(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
	m := memory{ctx: ctx, in: in}
	cols := m.columns(t.reads)
	groups, err := m.groups(cols[:t.keys], true)
	if err != nil {
		return nil, err
	}
	if t.keys == 0 && len(groups) == 0 {
		groups = [][]int{nil}
	}
	slices.SortStableFunc(groups, func(a, b []int) int {
		for k := range t.keys {
			if c := plan.Order(&cols[k][a[0]], &cols[k][b[0]]); c != 0 {
				return c
			}
		}
		return 0
	})
	out := &plan.Rows{Names: t.names, Cols: make([][]plan.Value, len(t.names)), Len: len(groups)}
	for i := range out.Cols {
		if out.Cols[i], err = m.column(len(groups)); err != nil {
			return nil, err
		}
	}
	for n, rows := range groups {
		for k := range t.keys {
			out.Cols[k][n] = cols[k][rows[0]]
		}
		for i, item := range t.items {
			if err := m.steps(len(rows)); err != nil {
				return nil, err
			}
			out.Cols[t.keys+i][n] = item.compute(cols, rows)
		}
	}
	return out, nil
}

func (i *groupItem) compute(cols [][]plan.Value, rows []int) plan.Value {
	args := make([][]plan.Value, len(i.args))
	for k, a := range i.args {
		args[k] = cols[a]
	}
	if i.distinct && len(args) > 0 {
		seen := map[string]bool{}
		var kept []int
		for _, r := range rows {
			if k := textKey(&args[0][r]); !seen[k] {
				seen[k] = true
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	return compute(i.fn, args, i.p, rows)
}
