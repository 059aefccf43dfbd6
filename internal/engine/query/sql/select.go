package sql

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// selects translates a select, and the order and limit of the query that is it.
func (c *compiler) selects(s *Select, q *Query) error {
	r := resolve(s, q)
	if err := c.names(r); err != nil {
		return err
	}
	if err := c.from(r); err != nil {
		return err
	}
	star := len(r.items) == 0
	for _, i := range r.items {
		star = star || i.X == nil
	}
	switch {
	case r.grouped && star:
		return c.errorf(r.starAt(), "* cannot stand beside groups and aggregates")
	case r.grouped:
		return c.grouped(r)
	}
	if r.having != nil {
		return c.errorf(r.having.At(), "HAVING needs an aggregate or GROUP BY")
	}
	return c.plain(r)
}

// resolved is a select whose aliases and numbers of columns are replaced by what
// they stand for.
type resolved struct {
	*Select
	query   *Query
	items   []Item
	group   []sqlexpr.Expr
	having  sqlexpr.Expr
	order   []sqlexpr.Order
	grouped bool
	windows bool
	err     func(c *compiler) error
}

func (r *resolved) starAt() sqlexpr.Span {
	for _, i := range r.items {
		if i.X == nil {
			return i.Span
		}
	}
	return r.Span
}

func resolve(s *Select, q *Query) *resolved {
	r := &resolved{Select: s, query: q, items: s.Items}
	aliases := map[string]sqlexpr.Expr{}
	for _, i := range s.Items {
		if i.As != "" && i.X != nil {
			aliases[i.As] = i.X
		}
	}
	// number returns the column of GROUP BY 1 or ORDER BY 1.
	number := func(e sqlexpr.Expr) sqlexpr.Expr {
		l, ok := e.(*sqlexpr.Literal)
		if !ok || l.Kind != sqlexpr.NumberLiteral {
			return e
		}
		v, _ := sqlexpr.Constant(e)
		if n := int(v.Num); v.Num == float64(n) && n >= 1 && n <= len(s.Items) && s.Items[n-1].X != nil {
			return s.Items[n-1].X
		}
		r.err = func(c *compiler) error { return c.errorf(l.Span, "there is no column number %s", l.Text) }
		return e
	}
	for _, g := range s.Group {
		g = number(g)
		if n, ok := g.(*sqlexpr.Name); ok && len(n.Parts) == 1 {
			if x := aliases[n.Parts[0]]; x != nil && !mentions(x, n.Parts[0]) {
				g = x
			}
		}
		r.group = append(r.group, g)
	}
	if s.Having != nil {
		r.having = sqlexpr.Substitute(s.Having, aliases)
	}
	for _, o := range q.Order {
		o.X = sqlexpr.Substitute(number(o.X), aliases)
		r.order = append(r.order, o)
	}
	r.grouped = len(r.group) > 0
	look := func(e sqlexpr.Expr) {
		if e != nil {
			r.grouped = r.grouped || sqlexpr.HasAggregate(sqlexpr.SQL, e)
			r.windows = r.windows || sqlexpr.HasWindow(e)
		}
	}
	for _, i := range r.items {
		look(i.X)
	}
	look(r.having)
	for _, o := range r.order {
		look(o.X)
	}
	return r
}

// mentions reports whether a name is in an expression.
func mentions(e sqlexpr.Expr, name string) bool {
	found := false
	sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
		if n, ok := e.(*sqlexpr.Name); ok && len(n.Parts) == 1 && n.Parts[0] == name {
			found = true
		}
		return !found
	})
	return found
}

// names gives the columns their names and refuses what no column can be.
func (c *compiler) names(r *resolved) error {
	if r.err != nil {
		return r.err(c)
	}
	r.items = slices.Clone(r.items)
	count := map[string]int{}
	for i := range r.items {
		it := &r.items[i]
		if it.X == nil {
			continue
		}
		if err := c.notConstant(it.X); err != nil {
			return err
		}
		if it.name = it.As; it.name == "" {
			it.name = c.written(it.X, r)
		}
		count[it.name]++
	}
	seen := map[string]bool{}
	for i := range r.items {
		it := &r.items[i]
		if it.X == nil {
			continue
		}
		if n, ok := it.X.(*sqlexpr.Name); ok && it.As == "" && count[it.name] > 1 {
			it.name = strings.Join(n.Parts, ".") // with the alias of its table
		}
		if seen[it.name] {
			return c.errorf(it.Span, "two columns are named %s", it.name)
		}
		seen[it.name] = true
	}
	return nil
}

// notConstant refuses expressions, other than literals, that read nothing.
func (c *compiler) notConstant(e sqlexpr.Expr) error {
	if _, ok := e.(*sqlexpr.Literal); ok {
		return nil
	}
	constant := true
	sqlexpr.Walk(e, func(e sqlexpr.Expr) bool {
		switch x := e.(type) {
		case *sqlexpr.Name, *sqlexpr.Sub:
			constant = false
		case *sqlexpr.Call:
			constant = constant && x.Over == nil && !x.Star && !sqlexpr.IsAggregate(sqlexpr.SQL, x) && !sqlexpr.NeedsOver(x.Func)
		}
		return constant
	})
	if constant {
		return c.errorf(e.At(), "an expression of constants only is not supported")
	}
	return nil
}

// written is the name of a column without alias: as it stands in the query, a name
// without back-ticks and without the alias of its table.
func (c *compiler) written(e sqlexpr.Expr, r *resolved) string {
	n, ok := e.(*sqlexpr.Name)
	if !ok {
		at := e.At()
		return strings.Join(strings.Fields(c.text[at.Start:at.End]), " ")
	}
	left, _ := r.From.alias()
	right := ""
	if r.Join != nil {
		right, _ = r.Join.Right.alias()
	}
	if len(n.Parts) > 1 && (isAlias(left, n.Parts[0]) || isAlias(right, n.Parts[0])) {
		return strings.Join(n.Parts[1:], ".")
	}
	return strings.Join(n.Parts, ".")
}

func isAlias(alias, part string) bool { return alias != "" && strings.EqualFold(alias, part) }

// plain translates a select without groups.
func (c *compiler) plain(r *resolved) error {
	w := c.expr.Windows()
	if r.windows {
		c.expr.Replace = w.Replace
		defer func() { c.expr.Replace = nil }()
	}
	return c.columnsOf(r, w)
}

// grouped translates a select with groups or aggregates.
func (c *compiler) grouped(r *resolved) error {
	keys := make([]sqlexpr.GroupKey, len(r.group))
	for i, k := range r.group {
		if sqlexpr.HasAggregate(sqlexpr.SQL, k) || sqlexpr.HasWindow(k) {
			return c.errorf(k.At(), "GROUP BY takes no aggregates and no window functions")
		}
		x, err := c.expr.Value(k)
		if err != nil {
			return err
		}
		keys[i] = sqlexpr.GroupKey{X: k, Plan: x}
	}
	g := c.expr.Grouping(keys, c.scope.open)
	w := c.expr.Windows()
	defer func() { c.expr.Replace = nil }()
	c.expr.Replace = g.Replace
	var having plan.Expr
	if r.having != nil {
		var err error
		if having, err = c.expr.Cond(r.having); err != nil {
			return err
		}
	}
	c.expr.Replace = func(e sqlexpr.Expr) (plan.Expr, error) {
		if x, err := w.Replace(e); x != nil || err != nil {
			return x, err
		}
		return g.Replace(e)
	}
	// The steps of the groups come first, but are known only after all expressions.
	before := c.out.Steps
	c.out.Steps = nil
	c.ordered = true
	if err := c.columnsOf(r, w); err != nil {
		return err
	}
	after := c.out.Steps
	c.out.Steps = before
	c.step(g.Steps()...)
	if having != nil {
		c.step(plan.Filter{Cond: having})
	}
	c.step(after...)
	return nil
}

// columnsOf translates the columns of a select, DISTINCT, and the order and limit.
func (c *compiler) columnsOf(r *resolved, w *sqlexpr.Windows) error {
	var cols []plan.Named
	var names []string
	keepsAll := false // the fields of events stay
	discover := false
	for _, it := range r.items {
		if it.X == nil {
			if err := c.star(r, it); err != nil {
				return err
			}
			if c.scope.open && !r.Distinct {
				keepsAll = true
			}
			discover = discover || c.scope.open || c.scope.discover
			for _, n := range c.scope.columns() {
				x, err := c.expr.Value(&sqlexpr.Name{Span: it.Span, Parts: []string{n}})
				if err != nil {
					return err
				}
				if slices.Contains(names, n) {
					return c.errorf(it.Span, "two columns are named %s", n)
				}
				cols, names = append(cols, plan.Named{Expr: x, As: n}), append(names, n)
			}
			continue
		}
		x, err := c.expr.Value(it.X)
		if err != nil {
			return err
		}
		if slices.Contains(names, it.name) {
			return c.errorf(it.Span, "two columns are named %s", it.name)
		}
		cols, names = append(cols, plan.Named{Expr: x, As: it.name}), append(names, it.name)
	}
	var order []plan.SortKey
	var err error
	if !r.Distinct {
		if order, err = c.orderKeys(r.order, nil); err != nil {
			return err
		}
	}
	c.step(w.Steps()...)
	if len(order) > 0 {
		c.step(plan.Sort{Keys: order})
		c.ordered = true
	}
	if !r.Distinct {
		c.limit(r.query)
	}
	if keepsAll {
		c.extend(cols)
		c.scope.discover = true
		c.scope.tables = nil
		return nil
	}
	times := c.timesOf(cols)
	c.step(plan.Project{Cols: cols})
	c.scope = scope{cols: names, times: times, discover: discover}
	if !r.Distinct {
		return nil
	}
	d := plan.Dedup{N: 1, Null: plan.SameNull}
	for _, n := range names {
		d.Keys = append(d.Keys, plan.Field{Name: n})
	}
	c.step(d)
	c.expr.Replace = nil
	if order, err = c.orderKeys(r.order, r.items); err != nil {
		return err
	}
	if len(order) > 0 {
		c.step(plan.Sort{Keys: order})
		c.ordered = true
	}
	c.limit(r.query)
	return nil
}

// extend adds the columns that are not fields of the same name to events.
func (c *compiler) extend(cols []plan.Named) {
	var add []plan.Named
	times := c.timesOf(cols)
	for _, k := range cols {
		if f, ok := k.Expr.(plan.Field); ok && f.Name == k.As || plan.IsSystem(k.As) {
			continue
		}
		add = append(add, k)
	}
	for _, k := range cols {
		if !plan.IsSystem(k.As) && !slices.Contains(c.scope.cols, k.As) {
			c.scope.cols = append(c.scope.cols, k.As)
		}
	}
	if len(add) > 0 {
		c.step(plan.Extend{Cols: add})
	}
	c.scope.times = times
}

// star checks that * can stand in a select.
func (c *compiler) star(r *resolved, it Item) error {
	if r.Join != nil {
		return c.errorf(it.Span, "name the columns of a join: * is not supported there")
	}
	if left, _ := r.From.alias(); it.Table != "" && !isAlias(left, it.Table) {
		return c.errorf(it.Span, "there is no table %s", it.Table)
	}
	return nil
}

// orderKeys translates the keys of an order. With items, they must be among them.
func (c *compiler) orderKeys(order []sqlexpr.Order, items []Item) ([]plan.SortKey, error) {
	var keys []plan.SortKey
	for _, o := range order {
		var x plan.Expr
		var err error
		if items == nil {
			if l, ok := o.X.(*sqlexpr.Literal); ok && l.Kind == sqlexpr.NumberLiteral && !c.scope.open {
				v, _ := sqlexpr.Constant(l)
				if n := int(v.Num); n >= 1 && n <= len(c.scope.cols) && v.Num == float64(n) {
					x = plan.Field{Name: c.scope.cols[n-1]}
				} else {
					return nil, c.errorf(l.Span, "there is no column number %s", l.Text)
				}
			} else if x, err = c.expr.Value(o.X); err != nil {
				return nil, err
			}
		} else if x, err = c.selected(o.X, items); err != nil {
			return nil, err
		}
		switch o.Nulls {
		case "first":
			keys = append(keys, plan.SortKey{Expr: plan.Present{X: x}})
		case "last":
			keys = append(keys, plan.SortKey{Expr: plan.Present{X: x}, Desc: true})
		}
		keys = append(keys, plan.SortKey{Expr: sqlexpr.SortKey(x), Desc: o.Desc})
	}
	return keys, nil
}

// selected is the column of an expression that was selected.
func (c *compiler) selected(e sqlexpr.Expr, items []Item) (plan.Expr, error) {
	text := e.String()
	for _, it := range items {
		if it.X != nil && it.X.String() == text {
			return plan.Field{Name: it.name}, nil
		}
	}
	if n, ok := e.(*sqlexpr.Name); ok && slices.Contains(c.scope.cols, strings.Join(n.Parts, ".")) {
		return plan.Field{Name: strings.Join(n.Parts, ".")}, nil
	}
	return nil, c.errorf(e.At(), "ORDER BY beside DISTINCT takes selected columns only")
}
