package ppl

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// eventstats adds aggregates of all rows, or of those with the same keys, to each row.
func (c *compiler) eventstats(x *Stats) error {
	var calls []*sqlexpr.Call
	var names []string
	for _, i := range x.Items {
		call, ok := i.X.(*sqlexpr.Call)
		if !ok || !sqlexpr.IsAggregate(sqlexpr.PPL, call) {
			return c.errorf(i.X.At(), "eventstats takes aggregates only")
		}
		if call.Func == "count" {
			return c.errorf(call.Span, "eventstats does not support count()")
		}
		for _, n := range names {
			if n == i.name {
				return c.errorf(i.X.At(), "the column %s is named twice", n)
			}
		}
		calls, names = append(calls, call), append(names, i.name)
	}
	keys, err := c.keys(x.By)
	if err != nil {
		return err
	}
	by := make([]plan.Expr, len(keys))
	for i, k := range keys {
		by[i] = k.Plan
	}
	hidden := make([]string, len(names))
	for i := range names {
		hidden[i] = internal("$stat", i)
	}
	steps, err := c.expr.EventStats(calls, by, hidden)
	if err != nil {
		return err
	}
	for _, s := range steps {
		c.step(s)
	}
	for i, n := range names {
		c.extend(n, plan.Field{Name: hidden[i]})
	}
	return nil
}

// internal names a column that no user sees.
func internal(prefix string, i int) string {
	return prefix + strings.Repeat("z", i/26) + string(rune('a'+i%26))
}

// trendline adds moving averages in the order of the rows.
func (c *compiler) trendline(x *Trendline) error {
	if x.Sort != nil {
		if err := c.sort(&Sort{x.Span, []SortKey{*x.Sort}}); err != nil {
			return err
		}
	}
	var list []sqlexpr.Trend
	var names []string
	for i, t := range x.Items {
		e, err := c.expr.Value(t.Name)
		if err != nil {
			return err
		}
		name := t.As
		if name == "" {
			name = dotted(t.Name) + "_trendline"
		}
		for _, n := range names {
			if n == name {
				return c.errorf(x.Span, "the column %s is named twice", n)
			}
		}
		names = append(names, name)
		list = append(list, sqlexpr.Trend{X: e, N: t.N, Weighted: t.Weighted, As: internal("$trend", i)})
	}
	for _, s := range c.expr.Trends(list) {
		c.step(s)
	}
	for i, n := range names {
		c.extend(n, plan.Field{Name: list[i].As})
	}
	return nil
}
