package sql

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// scope is what expressions can see.
type scope struct {
	open     bool            // the fields of events, besides the columns
	cols     []string        // columns that a query made, in their order
	times    map[string]bool // those that are times
	discover bool            // the result shows the fields of @message too
	tables   []tableRef
}

// tableRef is a table of FROM.
type tableRef struct {
	alias   string
	implied bool              // it is the name of a log group
	side    *sqlexpr.JoinSide // of the right side of a join
	cols    []string          // that were read of it
	open    bool              // the right side has any field
}

// system are the columns of events that SELECT * shows first.
func system() []string { return []string{plan.Timestamp, plan.Message, plan.LogStream, plan.LogGroup} }

// columns are those of the result.
func (s *scope) columns() []string {
	if !s.open {
		return s.cols
	}
	all := slices.DeleteFunc(system(), func(n string) bool { return slices.Contains(s.cols, n) })
	return append(all, s.cols...)
}

// close makes the columns of the result the only ones.
func (c *compiler) close() {
	if !c.scope.open {
		return
	}
	var cols []plan.Named
	names := c.scope.columns()
	for _, n := range names {
		x, err := c.expr.Value(&sqlexpr.Name{Parts: []string{n}})
		if err != nil {
			continue // names of the scope are always found
		}
		cols = append(cols, plan.Named{Expr: x, As: n})
	}
	c.step(plan.Project{Cols: cols})
	c.scope = scope{cols: names, times: c.timesOf(cols), discover: c.scope.discover}
}

// timesOf returns the columns that are times.
func (c *compiler) timesOf(cols []plan.Named) map[string]bool {
	times := map[string]bool{}
	for _, k := range cols {
		times[k.As] = c.expr.IsTime(k.Expr)
	}
	return times
}

// column translates a name.
func (c *compiler) column(n *sqlexpr.Name) (plan.Expr, error) {
	s := &c.scope
	if len(n.Parts) > 1 {
		for i, t := range s.tables {
			if t.alias == "" || !strings.EqualFold(t.alias, n.Parts[0]) {
				continue
			}
			rest := &sqlexpr.Name{Span: n.Span, Parts: n.Parts[1:]}
			if i == 0 && t.implied && s.open {
				field, err := c.left(n)
				if err != nil {
					return nil, err
				}
				x, err := c.left(rest)
				return sqlexpr.FirstPresent(x, field), err
			}
			if i == 0 {
				return c.left(rest)
			}
			return c.right(&s.tables[i], rest)
		}
		if slices.ContainsFunc(c.outer, func(a string) bool { return strings.EqualFold(a, n.Parts[0]) }) {
			return nil, c.errorf(n.Span, "correlated subqueries are not supported: %s is a column of the query around it", strings.Join(n.Parts, "."))
		}
	}
	if len(s.tables) < 2 {
		return c.left(n)
	}
	right := &s.tables[1]
	name := strings.Join(n.Parts, ".")
	hasLeft, hasRight := s.open || slices.Contains(s.cols, name), slices.Contains(right.cols, name)
	if !hasLeft || !hasRight || plan.IsSystem(name) {
		if hasRight && !hasLeft {
			return c.right(right, n)
		}
		return c.left(n)
	}
	l, err := c.left(n)
	if err != nil {
		return nil, err
	}
	r, err := c.right(right, n)
	if err != nil || !s.open {
		return l, err
	}
	return sqlexpr.FirstPresent(l, r), nil
}

// left is a column or field of the first table.
func (c *compiler) left(n *sqlexpr.Name) (plan.Expr, error) {
	s := &c.scope
	name := strings.Join(n.Parts, ".")
	if slices.Contains(s.cols, name) {
		return plan.Field{Name: name}, nil
	}
	for i := len(n.Parts) - 1; i > 0; i-- {
		if made := strings.Join(n.Parts[:i], "."); slices.Contains(s.cols, made) {
			return sqlexpr.ElementOf(plan.Field{Name: made}, n.Parts[i:]...), nil
		}
	}
	if !s.open {
		return nil, c.errorf(n.Span, "there is no column %s here", name)
	}
	return plan.Field{Name: name}, nil
}

// right is a column of the second table.
func (c *compiler) right(t *tableRef, n *sqlexpr.Name) (plan.Expr, error) {
	name := strings.Join(n.Parts, ".")
	if i := slices.Index(t.cols, name); i >= 0 {
		return t.side.Cell(i), nil
	}
	return nil, c.errorf(n.Span, "there is no column %s in %s", name, t.alias)
}
