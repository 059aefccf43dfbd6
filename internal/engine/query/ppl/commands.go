package ppl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

func dotted(n *sqlexpr.Name) string { return strings.Join(n.Parts, ".") }

// names returns the names of columns, each once.
func (c *compiler) names(list []*sqlexpr.Name) ([]string, error) {
	var out []string
	for _, n := range list {
		name := dotted(n)
		if slices.Contains(out, name) {
			return nil, c.errorf(n.Span, "the column %s is named twice", name)
		}
		out = append(out, name)
	}
	return out, nil
}

func (c *compiler) fields(x *Fields) error {
	list, err := c.names(x.Names)
	if err != nil {
		return err
	}
	if x.Drop {
		for i, name := range list {
			if _, err := c.column(x.Names[i]); err != nil {
				return err
			}
			c.scope.drop(name)
		}
		if !c.scope.open && len(c.scope.cols) == 0 {
			return c.errorf(x.Span, "no columns are left")
		}
		return nil
	}
	return c.project(x.Names, list)
}

// project replaces the columns by some of them. Rows stay in their order.
func (c *compiler) project(from []*sqlexpr.Name, names []string) error {
	cols := make([]plan.Named, len(from))
	for i, n := range from {
		e, err := c.expr.Value(n)
		if err != nil {
			return err
		}
		cols[i] = plan.Named{Expr: e, As: names[i]}
	}
	c.replace(cols)
	return nil
}

// replace replaces the columns by others.
func (c *compiler) replace(cols []plan.Named) {
	s := newScope()
	s.open = false
	for _, k := range cols {
		s.times[k.As] = c.expr.IsTime(k.Expr)
		s.cols = append(s.cols, k.As)
	}
	c.step(plan.Project{Cols: cols})
	c.scope = s
}

// assign is eval: each item sees those before it.
func (c *compiler) assign(items []Assign) error {
	for _, a := range items {
		e, err := c.expr.Value(a.X)
		if err != nil {
			return err
		}
		c.extend(dotted(a.Name), e)
	}
	return nil
}

func (c *compiler) sort(x *Sort) error {
	var keys []plan.SortKey
	for _, k := range x.Keys {
		e, err := c.expr.Value(k.Name)
		if err != nil {
			return err
		}
		keys = append(keys, plan.SortKey{Expr: sqlexpr.SortAs(e, k.As), Desc: k.Desc})
	}
	c.step(plan.Sort{Keys: keys})
	c.ordered = true
	return nil
}

func (c *compiler) dedup(x *Dedup) error {
	d := plan.Dedup{N: x.N, Null: plan.DropNull}
	if x.KeepEmpty {
		d.Null = plan.KeepNull
	}
	if _, err := c.names(x.Names); err != nil {
		return err
	}
	for _, n := range x.Names {
		e, err := c.expr.Value(n)
		if err != nil {
			return err
		}
		d.Keys = append(d.Keys, e)
	}
	c.step(d)
	return nil
}

func (c *compiler) rename(x *Rename) error {
	for _, p := range x.Pairs {
		from, to := dotted(p.From), dotted(p.To)
		e, err := c.expr.Value(p.From)
		if err != nil {
			return err
		}
		if from == to {
			continue
		}
		if slices.Contains(c.scope.cols, to) {
			return c.errorf(p.To.Span, "there is a column %s already", to)
		}
		at := slices.Index(c.scope.cols, from)
		c.extend(to, e)
		c.scope.drop(from)
		if at >= 0 { // the new name takes the place of the old one
			c.scope.cols = slices.Insert(c.scope.cols[:len(c.scope.cols)-1], at, to)
		}
	}
	return nil
}

func (c *compiler) fillNull(x *FillNull) error {
	if x.With == nil {
		for _, a := range x.Using {
			if err := c.fill(a.Name, a.X); err != nil {
				return err
			}
		}
		return nil
	}
	for _, n := range x.Names {
		if err := c.fill(n, x.With); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) fill(n *sqlexpr.Name, with sqlexpr.Expr) error {
	old, err := c.expr.Value(n)
	if err != nil {
		return err
	}
	e, err := c.expr.Value(with)
	if err != nil {
		return err
	}
	c.extend(dotted(n), sqlexpr.FirstPresent(old, e))
	return nil
}

// key translates a group key.
func (c *compiler) key(k Key) (sqlexpr.GroupKey, error) {
	e, err := c.expr.Value(k.X)
	if err != nil {
		return sqlexpr.GroupKey{}, err
	}
	switch {
	case k.Every == 0:
		return sqlexpr.GroupKey{X: k.X, Plan: e}, nil
	case k.Unit != "":
		if k.Every > 1e6 {
			return sqlexpr.GroupKey{}, c.errorf(k.X.At(), "a span has at most 1000000 units")
		}
		return sqlexpr.GroupKey{Plan: sqlexpr.SpanOf(e, int(k.Every), k.Unit)}, nil
	}
	return sqlexpr.GroupKey{Plan: sqlexpr.Rounded(e, k.Every)}, nil
}

func (c *compiler) keys(by []Key) ([]sqlexpr.GroupKey, error) {
	keys := make([]sqlexpr.GroupKey, len(by))
	var err error
	for i, k := range by {
		if keys[i], err = c.key(k); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// stats makes the columns of the aggregates, then those of the keys.
func (c *compiler) stats(x *Stats) error {
	keys, err := c.keys(x.By)
	if err != nil {
		return err
	}
	g := c.expr.Grouping(keys, c.isEvents())
	var cols []plan.Named
	var names []string
	add := func(at sqlexpr.Span, name string, e plan.Expr) error {
		if slices.Contains(names, name) {
			return c.errorf(at, "the column %s is named twice", name)
		}
		names = append(names, name)
		cols = append(cols, plan.Named{Expr: e, As: name})
		return nil
	}
	for _, item := range x.Items {
		if !sqlexpr.HasAggregate(sqlexpr.PPL, item.X) {
			return c.errorf(item.X.At(), "stats needs an aggregate")
		}
		c.expr.Replace = g.Replace
		e, err := c.expr.Value(item.X)
		c.expr.Replace = nil
		if err != nil {
			return err
		}
		if err := add(item.X.At(), item.name, e); err != nil {
			return err
		}
	}
	for i, k := range x.By {
		if err := add(k.X.At(), k.name, g.Key(i)); err != nil {
			return err
		}
	}
	for _, s := range g.Steps() {
		c.step(s)
	}
	c.replace(cols)
	c.ordered = true
	return nil
}

// isEvents reports whether rows are events that still have their time.
func (c *compiler) isEvents() bool { return c.scope.open && c.scope.joined == nil }

func (c *compiler) top(x *Top) error {
	list, err := c.names(append(slices.Clone(x.By), x.Names...))
	if err != nil {
		return err
	}
	s := plan.Stats{}
	const count = "$n"
	var cols []plan.Named
	for i, n := range append(slices.Clone(x.By), x.Names...) {
		e, err := c.expr.Value(n)
		if err != nil {
			return err
		}
		if i >= len(x.By) {
			c.step(plan.Filter{Cond: plan.Present{X: e}})
		}
		as := "$k" + strconv.Itoa(i)
		s.By = append(s.By, plan.Named{Expr: e, As: as})
		cols = append(cols, plan.Named{Expr: plan.Field{Name: as}, As: list[i]})
	}
	s.Aggs = []plan.Agg{{Func: plan.Count, As: count}}
	c.step(s)
	order := []plan.SortKey{}
	for i := range x.By {
		order = append(order, plan.SortKey{Expr: plan.Field{Name: "$k" + strconv.Itoa(i)}})
	}
	order = append(order, plan.SortKey{Expr: plan.Field{Name: count}, Desc: !x.Rare})
	c.step(plan.Sort{Keys: order})
	if len(x.By) == 0 {
		c.step(plan.Limit{N: x.N})
	} else {
		d := plan.Dedup{N: x.N, Null: plan.SameNull}
		for i := range x.By {
			d.Keys = append(d.Keys, plan.Field{Name: "$k" + strconv.Itoa(i)})
		}
		c.step(d)
	}
	c.replace(cols)
	c.ordered = true
	return nil
}

func (c *compiler) expand(x *Expand) error {
	e, err := c.expr.Value(x.Name)
	if err != nil {
		return err
	}
	name := dotted(x.Name)
	if x.As != nil {
		name = dotted(x.As)
	}
	c.step(plan.Unnest{X: e, As: name})
	c.scope.add(name)
	return nil
}

// flatten makes the members of an object columns: those of the aliases by their
// place in it, or all of them by their names.
func (c *compiler) flatten(x *Flatten) error {
	e, err := c.expr.Value(x.Name)
	if err != nil {
		return err
	}
	name := dotted(x.Name)
	if len(x.As) > 0 {
		for i, as := range x.As {
			if slices.Contains(x.As[:i], as) {
				return c.errorf(x.Span, "the column %s is named twice", as)
			}
		}
		c.step(plan.Unnest{X: e, As: name})
		c.scope.add(name)
		for i, as := range x.As {
			c.extend(as, sqlexpr.Member(plan.Field{Name: name}, i))
		}
		c.scope.drop(name)
		return nil
	}
	if !c.isEvents() || slices.Contains(c.scope.cols, name) {
		return c.errorf(x.Span, "name the columns: flatten %s as (a, b)", x.Name)
	}
	c.scope.nested = append(c.scope.nested, name)
	return nil
}

// fieldSummary describes one column in one row.
func (c *compiler) fieldSummary(x *FieldSummary) error {
	e, err := c.expr.Value(x.Name)
	if err != nil {
		return err
	}
	agg := func(f plan.AggFunc, as string) plan.Agg { return plan.Agg{Func: f, Arg: e, As: as} }
	s := plan.Stats{Aggs: []plan.Agg{
		agg(plan.Count, "COUNT"), agg(plan.CountDistinct, "COUNT_DISTINCT"), agg(plan.Min, "MIN"), agg(plan.Max, "MAX"),
		agg(plan.Avg, "AVG"), agg(plan.StddevSamp, "STDDEV"), {Func: plan.Count, As: "$rows"},
	}}
	c.step(s)
	cols := []plan.Named{{Expr: plan.Str(dotted(x.Name)), As: "Field"}}
	for _, a := range s.Aggs[:6] {
		cols = append(cols, plan.Named{Expr: plan.Field{Name: a.As}, As: a.As})
	}
	if x.Nulls {
		cols = append(cols, plan.Named{Expr: plan.Arith{Op: '-', A: plan.Field{Name: "$rows"}, B: plan.Field{Name: "COUNT"}}, As: "NULLS"})
	}
	c.replace(cols)
	c.ordered = true
	return nil
}
