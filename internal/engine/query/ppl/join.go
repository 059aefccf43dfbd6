package ppl

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// joined is what a scope knows of a join.
type joined struct {
	at          sqlexpr.Span
	left, right string // aliases
	side        *sqlexpr.JoinSide
	columns     []string // of the right side, as it names them
}

// join translates a join. The rest of the commands say which columns of the right
// side are read.
func (c *compiler) join(x *Join, rest []Command) error {
	switch {
	case c.scope.joined != nil:
		return c.errorf(x.Span, "a query has at most one join")
	case strings.EqualFold(x.Left, x.Right):
		return c.errorf(x.Span, "both sides of the join are called %s", x.Left)
	}
	var left, right []*sqlexpr.Name
	var residual []sqlexpr.Expr
	for _, k := range conjuncts(x.On) {
		l, r := c.equality(x, k)
		if l == nil {
			residual = append(residual, k)
			continue
		}
		left, right = append(left, l), append(right, r)
	}
	switch {
	case len(left) == 0:
		return c.errorf(x.On.At(), "a join needs a condition such as %s.a = %s.b", x.Left, x.Right)
	case x.Outer && len(residual) > 0:
		return c.errorf(residual[0].At(), "a left join takes equalities of columns only")
	}
	keys := make([]plan.Expr, len(left))
	for i, n := range left {
		e, err := c.expr.Value(n)
		if err != nil {
			return err
		}
		keys[i] = e
	}
	needed := c.needed(x, right, residual, rest)
	sub := *x.Query
	project := &Fields{Span: x.Span}
	for i, n := range append(slices.Clone(right), needed...) {
		e := &Eval{x.Span, []Assign{{&sqlexpr.Name{Span: n.Span, Parts: []string{internal("$right", i)}}, n}}}
		sub.Commands = append(sub.Commands[:len(sub.Commands):len(sub.Commands)], e)
		project.Names = append(project.Names, &sqlexpr.Name{Span: n.Span, Parts: []string{internal("$right", i)}})
	}
	sub.Commands = append(sub.Commands, project)
	rows, err := c.runSub(&sub, sqlexpr.MaxJoinRows+1, x.Span)
	if err != nil {
		return err
	}
	if rows.Len > sqlexpr.MaxJoinRows {
		return c.errorf(x.Span, "the right side of the join has more than %d rows", sqlexpr.MaxJoinRows)
	}
	j := &joined{at: x.Span, left: x.Left, right: x.Right, side: sqlexpr.NewJoin(rows, len(keys), x.Outer)}
	for range right {
		j.columns = append(j.columns, "")
	}
	for _, n := range needed {
		j.columns = append(j.columns, dotted(n))
	}
	for _, s := range j.side.Steps(keys) {
		c.step(s)
	}
	c.scope.joined = j
	for _, k := range residual {
		cond, err := c.expr.Cond(k)
		if err != nil {
			return err
		}
		c.step(plan.Filter{Cond: cond})
	}
	return nil
}

func conjuncts(e sqlexpr.Expr) []sqlexpr.Expr {
	if l, ok := e.(*sqlexpr.Logic); ok && l.Op == "and" {
		var all []sqlexpr.Expr
		for _, k := range l.X {
			all = append(all, conjuncts(k)...)
		}
		return all
	}
	return []sqlexpr.Expr{e}
}

// equality returns the columns of l.a = r.b, without their aliases.
func (c *compiler) equality(x *Join, e sqlexpr.Expr) (left, right *sqlexpr.Name) {
	b, ok := e.(*sqlexpr.Binary)
	if !ok || b.Op != "=" {
		return nil, nil
	}
	m, ok := b.A.(*sqlexpr.Name)
	n, ok2 := b.B.(*sqlexpr.Name)
	if !ok || !ok2 {
		return nil, nil
	}
	if aliased(m, x.Right) && aliased(n, x.Left) {
		m, n = n, m
	}
	if !aliased(m, x.Left) || !aliased(n, x.Right) {
		return nil, nil
	}
	return without(m), without(n)
}

func aliased(n *sqlexpr.Name, alias string) bool { return len(n.Parts) > 1 && n.Parts[0] == alias }

func without(n *sqlexpr.Name) *sqlexpr.Name { return &sqlexpr.Name{Span: n.Span, Parts: n.Parts[1:]} }

// needed are the columns of the right side that the commands after a join read.
func (c *compiler) needed(x *Join, keys []*sqlexpr.Name, residual []sqlexpr.Expr, rest []Command) []*sqlexpr.Name {
	var list []*sqlexpr.Name
	var seen []string
	want := func(e sqlexpr.Expr) {
		sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
			n, ok := e.(*sqlexpr.Name)
			if ok && aliased(n, x.Right) && !slices.Contains(seen, dotted(without(n))) {
				seen = append(seen, dotted(without(n)))
				list = append(list, without(n))
			}
			return true
		})
	}
	for _, e := range residual {
		want(e)
	}
	for _, cmd := range rest {
		for _, e := range exprsOf(cmd) {
			want(e)
		}
	}
	return list
}

// sided is a column of one of the sides; nil when the name has no alias.
func (c *compiler) sided(n *sqlexpr.Name) (plan.Expr, error) {
	j := c.scope.joined
	switch {
	case aliased(n, j.left):
		c.scope.joined = nil
		defer func() { c.scope.joined = j }()
		return c.column(without(n))
	case aliased(n, j.right):
		name := dotted(without(n))
		for i, k := range j.columns {
			if k == name {
				return j.side.Cell(i), nil
			}
		}
	}
	return nil, nil
}

// exprsOf returns the expressions of a command.
func exprsOf(cmd Command) []sqlexpr.Expr {
	var all []sqlexpr.Expr
	names := func(list []*sqlexpr.Name) {
		for _, n := range list {
			all = append(all, n)
		}
	}
	assigns := func(list []Assign) {
		for _, a := range list {
			all = append(all, a.X)
		}
	}
	switch x := cmd.(type) {
	case *Where:
		all = append(all, x.Cond)
	case *Fields:
		names(x.Names)
	case *Eval:
		assigns(x.Items)
	case *Stats:
		for _, i := range x.Items {
			all = append(all, i.X)
		}
		for _, k := range x.By {
			all = append(all, k.X)
		}
	case *Sort:
		for _, k := range x.Keys {
			all = append(all, k.Name)
		}
	case *Dedup:
		names(x.Names)
	case *Rename:
		for _, p := range x.Pairs {
			all = append(all, p.From)
		}
	case *Extract:
		all = append(all, x.X)
	case *Grok:
		all = append(all, x.X)
	case *Top:
		names(append(slices.Clone(x.By), x.Names...))
	case *Trendline:
		if x.Sort != nil {
			all = append(all, x.Sort.Name)
		}
		for _, t := range x.Items {
			all = append(all, t.Name)
		}
	case *Flatten:
		all = append(all, x.Name)
	case *Expand:
		all = append(all, x.Name)
	case *FieldSummary:
		all = append(all, x.Name)
	case *FillNull:
		names(x.Names)
		assigns(x.Using)
	}
	return all
}
