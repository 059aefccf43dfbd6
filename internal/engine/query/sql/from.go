package sql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// from translates FROM, JOIN and WHERE.
func (c *compiler) from(r *resolved) error {
	if r.From.Query != nil {
		if err := c.statement(r.From.Query); err != nil {
			return err
		}
	} else {
		c.scope = scope{open: true}
		if err := c.index(&r.From); err != nil {
			return err
		}
	}
	alias, implied := r.From.alias()
	c.scope.tables = []tableRef{{alias: alias, implied: implied}}
	if r.Join != nil {
		return c.join(r)
	}
	return c.filter(r.Where)
}

func (c *compiler) filter(e sqlexpr.Expr) error {
	if e == nil {
		return nil
	}
	cond, err := c.expr.Cond(e)
	if err != nil {
		return err
	}
	c.step(plan.Filter{Cond: cond})
	return nil
}

// index translates filterIndex.
func (c *compiler) index(t *Table) error {
	for _, x := range t.index {
		c.out.Index = append(c.out.Index, insightsql.IndexCond{Field: x.field, Values: x.values})
		f, err := c.expr.Column(&sqlexpr.Name{Span: t.Span, Parts: []string{x.field}})
		if err != nil {
			return err
		}
		in := plan.In{X: f}
		for _, v := range x.values {
			in.List = append(in.List, sqlexpr.IndexValues(v)...)
		}
		c.step(plan.Filter{Cond: in})
	}
	return nil
}

func conjuncts(e sqlexpr.Expr) []sqlexpr.Expr {
	if e == nil {
		return nil
	}
	if l, ok := e.(*sqlexpr.Logic); ok && l.Op == "and" {
		var all []sqlexpr.Expr
		for _, k := range l.X {
			all = append(all, conjuncts(k)...)
		}
		return all
	}
	return []sqlexpr.Expr{e}
}

// sides of a join that an expression reads.
type sides uint8

const (
	leftSide sides = 1 << iota
	rightSide
	unknownSide // a name without alias
)

func (r *resolved) sidesOf(e sqlexpr.Expr) sides {
	s := sides(0)
	left, _ := r.From.alias()
	right, _ := r.Join.Right.alias()
	sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
		if n, ok := e.(*sqlexpr.Name); ok {
			switch {
			case len(n.Parts) > 1 && isAlias(left, n.Parts[0]):
				s |= leftSide
			case len(n.Parts) > 1 && isAlias(right, n.Parts[0]):
				s |= rightSide
			default:
				s |= unknownSide
			}
		}
		return true
	})
	return s
}

// joinParts are the conditions of a join, by what they are used for.
type joinParts struct {
	left, right   []sqlexpr.Expr // the keys of both sides
	before, after []sqlexpr.Expr // conditions on rows of the left side, and on joined rows
	inner         []sqlexpr.Expr // conditions on rows of the right side
}

func (c *compiler) parts(r *resolved) (*joinParts, error) {
	j := r.Join
	left, _ := r.From.alias()
	right, _ := j.Right.alias()
	if isAlias(left, right) {
		return nil, c.errorf(j.Right.Span, "both sides of the join are called %s", right)
	}
	p := &joinParts{}
	for _, n := range j.Using {
		p.left = append(p.left, c.qualified(j.Span, left, n))
		p.right = append(p.right, c.qualified(j.Span, right, n))
	}
	for _, k := range conjuncts(j.On) {
		if b, ok := k.(*sqlexpr.Binary); ok && b.Op == "=" {
			x, y := r.sidesOf(b.A), r.sidesOf(b.B)
			switch {
			case x == leftSide && y == rightSide:
				p.left, p.right = append(p.left, b.A), append(p.right, b.B)
				continue
			case x == rightSide && y == leftSide:
				p.left, p.right = append(p.left, b.B), append(p.right, b.A)
				continue
			}
		}
		s := r.sidesOf(k)
		switch {
		case s == rightSide:
			p.inner = append(p.inner, k)
		case j.Outer:
			return nil, c.errorf(k.At(), "a LEFT JOIN takes equalities of both sides, and conditions on the right side")
		case s == leftSide:
			p.before = append(p.before, k)
		default:
			p.after = append(p.after, k)
		}
	}
	for _, k := range conjuncts(r.Where) {
		switch s := r.sidesOf(k); {
		case s == leftSide:
			p.before = append(p.before, k)
		case s == rightSide && !j.Outer:
			p.inner = append(p.inner, k)
		default:
			p.after = append(p.after, k)
		}
	}
	if len(p.left) == 0 {
		return nil, c.errorf(j.Span, "a join needs a condition such as a.x = b.y; tables and their columns with aliases")
	}
	return p, nil
}

func (c *compiler) qualified(at sqlexpr.Span, alias, name string) sqlexpr.Expr {
	n := &sqlexpr.Name{Span: at, Parts: []string{name}}
	if alias != "" {
		n.Parts = []string{alias, name}
	}
	return n
}

func and(list []sqlexpr.Expr) sqlexpr.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &sqlexpr.Logic{Span: list[0].At(), Op: "and", X: list}
}

// join translates a join: the right side is read first.
func (c *compiler) join(r *resolved) error {
	p, err := c.parts(r)
	if err != nil {
		return err
	}
	for _, k := range p.before {
		if err := c.filter(k); err != nil {
			return err
		}
	}
	keys, err := c.expr.Values(p.left)
	if err != nil {
		return err
	}
	right := tableRef{open: true}
	right.alias, _ = r.Join.Right.alias()
	if q := r.Join.Right.Query; q != nil {
		compiled, err := compile(context.Background(), q, insightsql.Env{End: 1}, true)
		if err != nil {
			return err
		}
		right.open, right.cols = compiled.Discover, compiled.Columns
	}
	sub := &Select{Span: r.Join.Span, From: r.Join.Right, Where: and(p.inner)}
	for i, k := range p.right {
		sub.Items = append(sub.Items, Item{Span: k.At(), X: k, As: fmt.Sprintf("$key%d", i)})
	}
	cols := make([]string, len(p.right))
	for i, n := range c.needed(r, p, &right) {
		sub.Items = append(sub.Items, Item{Span: n.Span, X: c.qualified(n.Span, right.alias, n.Parts[0]), As: fmt.Sprintf("$col%d", i)})
		cols = append(cols, n.Parts[0])
	}
	rows, err := c.run(&Query{Span: r.Join.Span, Body: sub, Limit: -1, text: c.text}, sqlexpr.MaxJoinRows+1, r.Join.Span)
	if err != nil {
		return err
	}
	if rows.Len > sqlexpr.MaxJoinRows {
		return c.errorf(r.Join.Span, "the right side of the join has more than %d rows", sqlexpr.MaxJoinRows)
	}
	right.side, right.cols = sqlexpr.NewJoin(rows, len(keys), r.Join.Outer), cols
	c.step(right.side.Steps(keys)...)
	c.scope.tables = append(c.scope.tables, right)
	for _, k := range p.after {
		if err := c.filter(k); err != nil {
			return err
		}
	}
	return nil
}

// needed are the columns of the right side that a select reads after the join, as
// names of one part.
func (c *compiler) needed(r *resolved, p *joinParts, right *tableRef) []*sqlexpr.Name {
	var list []*sqlexpr.Name
	var seen []string
	left, _ := r.From.alias()
	want := func(e sqlexpr.Expr) {
		sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
			n, ok := e.(*sqlexpr.Name)
			if !ok {
				return true
			}
			var name string
			switch {
			case len(n.Parts) > 1 && isAlias(left, n.Parts[0]):
				return true
			case len(n.Parts) > 1 && isAlias(right.alias, n.Parts[0]):
				name = strings.Join(n.Parts[1:], ".")
			default:
				name = strings.Join(n.Parts, ".")
				if plan.IsSystem(name) || !right.open && !slices.Contains(right.cols, name) {
					return true
				}
			}
			if !slices.Contains(seen, name) {
				seen = append(seen, name)
				list = append(list, &sqlexpr.Name{Span: n.Span, Parts: []string{name}})
			}
			return true
		})
	}
	for _, i := range r.items {
		want(i.X)
	}
	for _, k := range p.after {
		want(k)
	}
	for _, k := range r.group {
		want(k)
	}
	want(r.having)
	for _, o := range r.order {
		want(o.X)
	}
	return list
}

// checkNames refuses names that differ in nothing but case.
func checkNames(q *Query) error {
	seen := map[string]string{}
	var bad error
	visit := func(e sqlexpr.Expr) {
		sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
			n, ok := e.(*sqlexpr.Name)
			if !ok || bad != nil {
				return bad == nil
			}
			name := strings.Join(n.Parts, ".")
			low := strings.ToLower(name)
			if old, ok := seen[low]; ok && old != name {
				bad = sqlexpr.Errorf(q.text, n.Span, "the names %s and %s differ only by case", old, name)
			}
			seen[low] = name
			return true
		})
	}
	walkQueries(q, visit)
	return bad
}

// walkQueries visits the expressions of a query and of those inside of it.
func walkQueries(q *Query, visit func(sqlexpr.Expr)) {
	var body func(b Body)
	deep := func(e sqlexpr.Expr) {
		if e == nil {
			return
		}
		visit(e)
		sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
			switch x := e.(type) {
			case *sqlexpr.In:
				if s, ok := x.Sub.(*Query); ok {
					walkQueries(s, visit)
				}
			case *sqlexpr.Sub:
				if s, ok := x.Query.(*Query); ok {
					walkQueries(s, visit)
				}
			}
			return true
		})
	}
	body = func(b Body) {
		switch x := b.(type) {
		case *Query:
			walkQueries(x, visit)
		case *Set:
			body(x.A)
			body(x.B)
		case *Select:
			for _, i := range x.Items {
				deep(i.X)
			}
			if x.From.Query != nil {
				walkQueries(x.From.Query, visit)
			}
			if x.Join != nil {
				deep(x.Join.On)
				if x.Join.Right.Query != nil {
					walkQueries(x.Join.Right.Query, visit)
				}
			}
			deep(x.Where)
			for _, g := range x.Group {
				deep(g)
			}
			deep(x.Having)
		}
	}
	body(q.Body)
	for _, o := range q.Order {
		deep(o.X)
	}
}
