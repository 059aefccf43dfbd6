package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// check finds what is wrong with a query beyond its syntax.
func check(q *Query) error {
	if err := checkNames(q); err != nil {
		return err
	}
	_, err := compile(context.Background(), q, insightsql.Env{End: 1}, true)
	return err
}

// Compile translates a query to the steps of a plan. An error about the query is
// an *insightsql.Error; others are those of env.
func (q *Query) Compile(ctx context.Context, env insightsql.Env) (*insightsql.Compiled, error) {
	return compile(ctx, q, env, false)
}

func compile(ctx context.Context, q *Query, env insightsql.Env, dry bool) (*insightsql.Compiled, error) {
	c := &compiler{ctx: ctx, env: env, dry: dry, text: q.text, outer: q.outer, out: &insightsql.Compiled{}}
	c.expr = sqlexpr.NewCompiler(q.text, sqlexpr.SQL, &env)
	c.expr.Function = function.SQL
	c.expr.Column = c.column
	c.expr.Rows = c.rows
	c.expr.Times = func(column string) bool { return c.scope.times[column] }
	if err := c.statement(q); err != nil {
		return nil, err
	}
	return c.finish()
}

// compiler translates one query.
type compiler struct {
	ctx   context.Context
	env   insightsql.Env
	dry   bool // only errors are wanted: nothing is asked of env
	text  string
	outer []string // aliases of the query around it
	expr  *sqlexpr.Compiler
	scope scope
	out   *insightsql.Compiled

	ordered bool // the rows have an order other than newest first
}

func (c *compiler) step(s ...plan.Step) {
	for _, k := range s {
		c.out.Steps = sqlexpr.AppendStep(c.out.Steps, k)
	}
}

func (c *compiler) errorf(at sqlexpr.Span, format string, args ...any) error {
	return sqlexpr.Errorf(c.text, at, format, args...)
}

// statement translates a query: afterwards the scope has its columns.
func (c *compiler) statement(q *Query) error {
	switch b := q.Body.(type) {
	case *Select:
		return c.selects(b, q)
	case *Query:
		if err := c.statement(b); err != nil {
			return err
		}
	case *Set:
		if err := c.set(b); err != nil {
			return err
		}
	}
	return c.orderAndLimit(q)
}

// orderAndLimit orders the rows of a combined query, by its columns.
func (c *compiler) orderAndLimit(q *Query) error {
	keys, err := c.orderKeys(q.Order, nil)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		c.step(plan.Sort{Keys: keys})
		c.ordered = true
	}
	c.limit(q)
	return nil
}

// limit translates LIMIT and OFFSET.
func (c *compiler) limit(q *Query) {
	if q.Limit < 0 {
		return
	}
	if q.Limit == 0 {
		c.step(plan.Filter{Cond: plan.Const{V: plan.BoolValue(false)}})
		return
	}
	c.keep(q.Limit + q.Offset)
	if q.Offset > 0 {
		c.step(sqlexpr.Offset(q.Offset))
	}
}

// keep makes the first n rows stay.
func (c *compiler) keep(n int) {
	if c.ordered {
		c.step(plan.Limit{N: n})
	} else {
		c.step(plan.Sort{Limit: n})
		c.ordered = true
	}
}

// finish ends the steps with the columns of the result.
func (c *compiler) finish() (*insightsql.Compiled, error) {
	n := c.env.Limit
	if n <= 0 {
		n = insightsql.DefaultLimit
	}
	c.keep(n)
	c.out.Columns = c.scope.columns()
	c.out.Events = c.scope.open
	c.out.Discover = c.scope.discover
	var cols []plan.Named
	for _, name := range c.out.Columns {
		x, err := c.expr.Value(&sqlexpr.Name{Parts: []string{name}})
		if err != nil {
			return nil, err
		}
		cols = append(cols, plan.Named{Expr: sqlexpr.Shown(x), As: name})
	}
	c.step(plan.Project{Cols: cols})
	if c.dry {
		return c.out, c.expr.CheckSteps(c.out.Steps)
	}
	return c.out, nil
}

// rows runs a subquery of an expression.
func (c *compiler) rows(q sqlexpr.Subquery, most int, at sqlexpr.Span) (*plan.Rows, error) {
	sub, ok := q.(*Query)
	if !ok {
		return nil, fmt.Errorf("sql: unknown subquery %T", q)
	}
	return c.run(sub, most, at)
}

// run runs another query. Its columns are known without running it.
func (c *compiler) run(q *Query, most int, at sqlexpr.Span) (*plan.Rows, error) {
	sub := *q
	for _, t := range c.scope.tables {
		if t.alias != "" && !t.implied {
			sub.outer = append(sub.outer, t.alias)
		}
	}
	compiled, err := compile(c.ctx, &sub, insightsql.Env{End: 1}, true)
	if err != nil {
		return nil, err
	}
	if c.dry {
		return &plan.Rows{Names: compiled.Columns, Cols: make([][]plan.Value, len(compiled.Columns))}, nil
	}
	if c.env.Run == nil {
		return nil, c.errorf(at, "a subquery cannot be run here")
	}
	rows, err := c.env.Run(c.ctx, insightsql.Sub{Other: &sub, Start: c.env.Start, End: c.env.End, MaxRows: most})
	if err != nil {
		if e := (*insightsql.Error)(nil); errors.As(err, &e) {
			return nil, err
		}
		return nil, fmt.Errorf("run a subquery: %w", err)
	}
	return rows, nil
}

// set combines the rows so far with those of another query.
func (c *compiler) set(s *Set) error {
	if err := c.statement(&Query{Span: s.A.At(), Body: s.A, Limit: -1, text: c.text}); err != nil {
		return err
	}
	c.close()
	left := c.scope.cols
	tables := c.scope.tables
	c.scope.tables = nil
	rows, err := c.run(&Query{Span: s.B.At(), Body: s.B, Limit: -1, text: c.text, outer: c.outer}, maxRows+1, s.B.At())
	c.scope.tables = tables
	if err != nil {
		return err
	}
	switch {
	case len(rows.Cols) != len(left):
		return c.errorf(s.B.At(), "%s needs as many columns on both sides: %d and %d", strings.ToUpper(s.Op), len(left), len(rows.Cols))
	case rows.Len > maxRows:
		return c.errorf(s.B.At(), "the query has more than %d rows", maxRows)
	}
	c.step(sqlexpr.SetOf(s.Op, s.All, left, rows))
	c.ordered = true
	return nil
}
