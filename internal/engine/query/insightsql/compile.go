package insightsql

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// check finds what is wrong with a query beyond its syntax.
func check(q *Query) error {
	c := &compiler{ctx: context.Background(), env: &Env{End: 1}, dry: true}
	out, err := c.query(q)
	if err != nil {
		return err
	}
	// The plan has limits of its own, which columns of columns can exceed.
	if _, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{End: 1}, Steps: out.Steps}); err != nil {
		return refused(Span{0, len(q.text)}, "the query is too complex: %s", strings.TrimPrefix(err.Error(), plan.ErrInvalid.Error()+": "))
	}
	return nil
}

// Compile translates a query to the steps of a plan. An error about the query
// is an *Error; others are those of env.
func (q *Query) Compile(ctx context.Context, env Env) (*Compiled, error) {
	c := &compiler{ctx: ctx, env: &env}
	out, err := c.query(q)
	if err != nil {
		return nil, located(q.text, err)
	}
	return out, nil
}

// counts number things within a query.
type counts struct {
	sets   int // of values of subqueries
	runs   int // of other queries
	multis int // parse … multi
}

// compiler translates one query.
type compiler struct {
	ctx context.Context
	env *Env
	dry bool // only errors are wanted: nothing is asked of env

	tree    *Query
	scope   *scope
	out     *Compiled
	ordered bool // the rows have an order other than newest first
	capped  bool // there was a limit
	grew    bool // rows were added after it
	stats   int  // stats commands so far
	joined  bool
	rules   rules

	counts  *counts   // shared by the copies of a compiler that are for parts of a command
	keys    grouped   // of the last stats
	earlier []Command // what makes the patterns, in an earlier range as well

	within bool // an aggregate
	// aggregated translates aggregates where an expression can have some.
	aggregated func(*Call) (plan.Expr, error)
}

func (c *compiler) query(q *Query) (*Compiled, error) {
	c.tree = q
	c.scope, c.counts = newScope(), &counts{}
	c.out = &Compiled{Events: true}
	for i := range q.Commands {
		if err := c.command(i); err != nil {
			return nil, err
		}
	}
	c.end()
	c.out.Columns = c.scope.columns()
	if len(c.out.Columns) == 0 { // fields @ptr: it is behind the columns anyway
		c.out.Columns = []string{ptr}
	}
	cols := make([]plan.Named, len(c.out.Columns))
	for i, n := range c.out.Columns {
		cols[i] = plan.Named{Expr: c.column(n), As: n}
		switch {
		case c.scope.truths[n]:
			cols[i].Expr = plan.Call{Func: truth, Args: []plan.Expr{cols[i].Expr}}
		case n == ptr && !c.scope.closed:
			cols[i].Expr = plan.Const{}
		}
	}
	c.step(plan.Project{Cols: cols})
	return c.out, nil
}

func (c *compiler) step(s plan.Step) { c.out.Steps = append(c.out.Steps, s) }

// atMost translates a limit. Of several the last one counts.
func (c *compiler) atMost(i int, x *Limit) {
	for _, later := range c.tree.Commands[i+1:] {
		if _, ok := later.(*Limit); ok {
			return
		}
	}
	c.capped = true
	n := x.N
	if c.env.Limit > 0 {
		n = min(n, c.env.Limit)
	}
	if x.Any && !c.ordered {
		c.step(plan.Limit{N: n})
		c.ordered = true
		return
	}
	c.first(n)
}

// first keeps the first rows.
func (c *compiler) first(n int) {
	if c.ordered {
		c.step(plan.Limit{N: n})
		return
	}
	c.step(plan.Sort{Limit: n})
	c.ordered = true
}

// end emits the limit of a query that has none.
func (c *compiler) end() {
	n := DefaultLimit
	if c.env.Limit > 0 {
		n = c.env.Limit
	}
	if !c.capped || c.grew {
		c.first(n)
	}
}

// extend adds a column; name is not taken.
func (c *compiler) extend(name string, e plan.Expr) {
	col := plan.Named{Expr: e, As: name}
	if n := len(c.out.Steps); n > 0 {
		if last, ok := c.out.Steps[n-1].(plan.Extend); ok {
			c.out.Steps[n-1] = plan.Extend{Cols: append(last.Cols, col)}
			return
		}
	}
	c.step(plan.Extend{Cols: []plan.Named{col}})
}

// define adds a column that a command makes, at a place of the text.
func (c *compiler) define(at Span, name string, e plan.Expr) error {
	if c.scope.taken(name) {
		return defined(at, name)
	}
	c.extend(name, e)
	c.scope.made[name] = nil
	c.scope.show(name)
	return nil
}

func (c *compiler) command(i int) error {
	x := c.tree.Commands[i]
	if err := c.inOrder(i, x); err != nil {
		return err
	}
	switch x := x.(type) {
	case *Fields:
		return c.fields(x)
	case *Filter:
		e, err := c.expr(x.Cond)
		if err != nil {
			return err
		}
		c.step(plan.Filter{Cond: e})
		return nil
	case *FilterIndex:
		return c.filterIndex(x)
	case *Extract:
		return c.parse(x)
	case *JSON:
		return c.json(x)
	case *Stats:
		return c.aggregate(x)
	case *CountFrequent:
		return c.countFrequent(x)
	case *Sort:
		return c.sort(x)
	case *Limit:
		c.atMost(i, x)
		return nil
	case *Dedup:
		return c.dedupe(x)
	case *Pattern:
		p := *x
		for _, later := range c.tree.Commands[i+1:] {
			if _, ok := later.(*Anomaly); ok {
				p.Values = true
			}
		}
		c.earlier = append(c.tree.Commands[:i:i], &p)
		return c.pattern(&p)
	case *Unnest:
		return c.unnest(x)
	case *Expand:
		return c.expand(x)
	case *Unmask:
		return c.unmask(x)
	case *Lookup:
		return c.lookup(x)
	case *Join:
		return c.join(i, x)
	case *Estimate:
		c.out.Estimate = true
		return nil
	}
	return c.transform(i, x)
}

// fields translates fields and display: what is more than a field becomes a
// column, and all of them are shown.
func (c *compiler) fields(x *Fields) error {
	var names []string
	for i := range x.Items {
		item := &x.Items[i]
		if f, ok := item.Expr.(*Field); ok && strings.Join(f.Path, ".") == ptr && !renamed(item) && !c.scope.closed {
			continue // it is the last column of events anyway
		}
		if err := c.computed(item); err != nil {
			return err
		}
		names = appendNew(names, item.Name())
	}
	if x.Display {
		c.scope.display = append([]string{}, names...)
		return nil
	}
	if !c.scope.chosen && c.scope.closed {
		c.scope.shown = nil
	}
	c.scope.chosen = true
	for _, n := range names {
		c.scope.show(n)
	}
	return nil
}

// computed makes sure that there is a column for an item.
func (c *compiler) computed(item *Item) error {
	name, own := item.Name(), !renamed(item)
	_, field := item.Expr.(*Field)
	if own && !field && c.made(name, item.Expr) {
		return nil
	}
	e, err := c.expr(item.Expr)
	if err != nil {
		return err
	}
	switch col, ok := e.(plan.Field); {
	case own && field && (ok && col.Name == name || c.system(name) || c.made(name, item.Expr)):
		return nil
	case !(own && field) && c.scope.taken(name):
		return defined(item.as, name)
	}
	c.extend(name, e)
	c.remember(item)
	c.scope.made[name] = nil
	if own {
		c.scope.made[name] = item.Expr
	}
	return nil
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}

// made reports whether a column of this name was made of the same expression.
func (c *compiler) made(name string, e Expr) bool {
	text := canonical(e)
	if c.scope.same[text] == name {
		return true
	}
	old, ok := c.scope.made[name]
	return ok && old != nil && canonical(old) == text
}

// canonical is the text that all spellings of an expression have in common.
func canonical(e Expr) string {
	b := &printer{}
	e.print(b)
	return b.Builder.String()
}

// system reports whether a name is a field that every event has.
func (c *compiler) system(name string) bool {
	_, made := c.scope.made[name]
	return plan.IsSystem(name) && !made && !c.scope.closed
}

// column is a column as the result shows it.
func (c *compiler) column(name string) plan.Expr {
	if c.system(name) {
		return c.named(name)
	}
	return plan.Field{Name: name}
}

// unknown refuses fields that stats did not make.
func unknown(at Span, name string) error {
	return refused(at, "Unknown symbols found in or after stats: %s", name)
}

// bad wraps the error of a constant of a call.
func bad(e *Call, err error) error {
	return refused(e.Span, "%s: %v", e.Name, err)
}
