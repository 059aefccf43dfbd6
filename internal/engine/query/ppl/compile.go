package ppl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Selectors returns the selectors of the source clause.
func (q *Query) Selectors() []insightsql.Source { return q.Sources }

// check finds what is wrong with a query beyond its syntax.
func check(q *Query) error {
	_, err := compile(context.Background(), q, insightsql.Env{End: 1}, true)
	return err
}

// Compile translates a query to the steps of a plan. An error about the query is
// an *insightsql.Error; others are those of env.
func (q *Query) Compile(ctx context.Context, env insightsql.Env) (*insightsql.Compiled, error) {
	return compile(ctx, q, env, false)
}

func compile(ctx context.Context, q *Query, env insightsql.Env, dry bool) (*insightsql.Compiled, error) {
	c := &compiler{
		ctx: ctx, env: env, dry: dry, query: q,
		out:   &insightsql.Compiled{Events: true},
		scope: newScope(),
	}
	c.expr = sqlexpr.NewCompiler(q.text, sqlexpr.PPL, &env)
	c.expr.Function = function.PPL
	c.expr.Column = c.column
	c.expr.Rows = c.rows
	c.expr.Times = func(column string) bool { return c.scope.times[column] }
	if err := c.index(); err != nil {
		return nil, err
	}
	for i, cmd := range q.Commands {
		if err := c.command(cmd, q.Commands[i+1:]); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// compiler translates one query.
type compiler struct {
	ctx   context.Context
	env   insightsql.Env
	dry   bool // only errors are wanted: nothing is asked of env
	query *Query
	expr  *sqlexpr.Compiler
	scope *scope
	out   *insightsql.Compiled

	ordered bool // the rows have an order other than newest first
}

func (c *compiler) step(s plan.Step) { c.out.Steps = sqlexpr.AppendStep(c.out.Steps, s) }

func (c *compiler) errorf(at sqlexpr.Span, format string, args ...any) error {
	return sqlexpr.Errorf(c.query.text, at, format, args...)
}

// index translates the conditions on indexed fields of the source clause.
func (c *compiler) index() error {
	for _, x := range c.query.Index {
		name := strings.Join(x.Field.Parts, ".")
		c.out.Index = append(c.out.Index, insightsql.IndexCond{Field: name, Values: x.Values})
		f, err := c.column(x.Field)
		if err != nil {
			return err
		}
		if len(x.Values) == 0 {
			c.step(plan.Filter{Cond: plan.Present{X: f}})
			continue
		}
		in := plan.In{X: f}
		for _, v := range x.Values {
			in.List = append(in.List, sqlexpr.IndexValues(v)...)
		}
		c.step(plan.Filter{Cond: in})
	}
	return nil
}

func (c *compiler) command(cmd Command, rest []Command) error {
	switch x := cmd.(type) {
	case *Where:
		cond, err := c.expr.Cond(x.Cond)
		if err == nil {
			c.step(plan.Filter{Cond: cond})
		}
		return err
	case *Fields:
		return c.fields(x)
	case *Eval:
		return c.assign(x.Items)
	case *Stats:
		if x.Event {
			return c.eventstats(x)
		}
		return c.stats(x)
	case *Sort:
		return c.sort(x)
	case *Head:
		c.limit(x.N, x.From)
		return nil
	case *Dedup:
		return c.dedup(x)
	case *Rename:
		return c.rename(x)
	case *Extract:
		return c.parse(x)
	case *Grok:
		return c.grok(x)
	case *Top:
		return c.top(x)
	case *Join:
		return c.join(x, rest)
	case *Trendline:
		return c.trendline(x)
	case *Flatten:
		return c.flatten(x)
	case *Expand:
		return c.expand(x)
	case *FieldSummary:
		return c.fieldSummary(x)
	case *FillNull:
		return c.fillNull(x)
	}
	return fmt.Errorf("ppl: unknown command %T", cmd)
}

// finish ends the steps with the columns of the result.
func (c *compiler) finish() (*insightsql.Compiled, error) {
	if c.scope.joined != nil && c.scope.open {
		return nil, c.errorf(c.scope.joined.at, "name the columns of a join with fields or stats")
	}
	n := c.env.Limit
	if n <= 0 {
		n = insightsql.DefaultLimit
	}
	c.keep(n)
	if c.scope.open {
		c.out.Discover = true
		for name := range c.scope.hidden {
			c.out.Except = append(c.out.Except, name)
		}
		slices.Sort(c.out.Except)
	} else {
		c.out.Events = false
	}
	var cols []plan.Named
	delete(c.scope.hidden, plan.Message) // the service leaves it out
	for _, name := range c.scope.columns() {
		x, err := c.expr.Value(&sqlexpr.Name{Parts: []string{name}})
		if err != nil {
			return nil, err
		}
		cols = append(cols, plan.Named{Expr: sqlexpr.Shown(x), As: name})
		c.out.Columns = append(c.out.Columns, name)
	}
	if len(cols) == 0 {
		return nil, c.errorf(sqlexpr.Span{}, "no columns are left")
	}
	c.step(plan.Project{Cols: cols})
	if c.dry {
		return c.out, c.expr.CheckSteps(c.out.Steps)
	}
	return c.out, nil
}

// keep makes the first n rows stay.
func (c *compiler) keep(n int) {
	if c.ordered {
		c.step(plan.Limit{N: n})
	} else {
		c.step(plan.Sort{Limit: n})
	}
}

// limit is head n from m.
func (c *compiler) limit(n, from int) {
	c.keep(n + from)
	if from > 0 {
		c.step(sqlexpr.Offset(from))
	}
	c.ordered = true
}

// extend adds a column, or replaces it.
func (c *compiler) extend(name string, x plan.Expr) {
	time := c.expr.IsTime(x)
	c.step(plan.Extend{Cols: []plan.Named{{Expr: x, As: name}}})
	c.scope.add(name)
	c.scope.times[name] = time
}

// rows runs a subquery.
func (c *compiler) rows(q sqlexpr.Subquery, most int, at sqlexpr.Span) (*plan.Rows, error) {
	sub, ok := q.(*Query)
	if !ok {
		return nil, fmt.Errorf("ppl: unknown subquery %T", q)
	}
	return c.runSub(sub, most, at)
}

func (c *compiler) runSub(sub *Query, most int, at sqlexpr.Span) (*plan.Rows, error) {
	compiled, err := compile(c.ctx, sub, insightsql.Env{End: 1}, true)
	if err != nil {
		return nil, err
	}
	if c.dry {
		return &plan.Rows{Names: compiled.Columns, Cols: make([][]plan.Value, len(compiled.Columns))}, nil
	}
	if c.env.Run == nil {
		return nil, c.errorf(at, "a subquery cannot be run here")
	}
	rows, err := c.env.Run(c.ctx, insightsql.Sub{Other: sub, Start: c.env.Start, End: c.env.End, MaxRows: most})
	if err != nil {
		if e := (*insightsql.Error)(nil); errors.As(err, &e) {
			return nil, err
		}
		return nil, fmt.Errorf("run a subquery: %w", err)
	}
	return rows, nil
}
