package insightsql

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/transform"
)

// transform translates the commands that look at rows together.
func (c *compiler) transform(i int, x Command) error {
	switch x := x.(type) {
	case *AddTotals:
		return c.addTotals(x)
	case *Accum:
		return c.accum(x)
	case *Autoregress:
		return c.autoregress(x)
	case *AppendCols:
		return c.appendCols(x)
	case *FillDown:
		names := make([]string, len(x.Names))
		for i, n := range x.Names {
			names[i] = n.Text
		}
		return c.over(x.Span, names, func() (plan.Transform, error) { return transform.FillDown(names) })
	case *FillMissing:
		return c.fillMissing(x)
	case *Outlier:
		return c.outlier(x)
	case *Sessionize:
		return c.sessionize(x)
	case *RelevantFields:
		return c.relevantFields(x)
	case *Diff:
		return c.compared(x, transform.Diff, func(t time.Time) time.Time {
			switch x.Before {
			case "previousDay":
				return t.AddDate(0, 0, -1)
			case "previousWeek":
				return t.AddDate(0, 0, -7)
			case "previousMonth":
				return t.AddDate(0, -1, 0)
			}
			return t.Add(-c.length())
		})
	case *Anomaly:
		return c.compared(x, transform.Anomaly, func(t time.Time) time.Time { return t.Add(-c.length()) })
	case *LogCompare:
		if !c.rules.patterns { // of messages, unless the rows are patterns already
			p := &Pattern{Span: x.Span, X: &Field{x.Span, []string{plan.Message}}}
			if err := c.pattern(p); err != nil {
				return err
			}
			c.earlier = append(c.tree.Commands[:i:i], p)
			c.rules.patterns = true
		}
		return c.compared(x, transform.LogCompare, x.Shift.before)
	}
	panic("insightsql: no translation of " + x.name())
}

// over adds a transform. reads are the names that it looks for.
func (c *compiler) over(at Span, reads []string, make func() (plan.Transform, error)) error {
	t, err := make()
	if errors.Is(err, transform.ErrParameter) {
		return refused(at, "%s", strings.TrimPrefix(err.Error(), transform.ErrParameter.Error()+": "))
	}
	if err != nil {
		return err
	}
	if !t.Events {
		in := t.Reads
		if t.All {
			in = c.settle(reads)
			t.Reads = in
		}
		c.step(t)
		c.reshape(t.Columns(slices.Clone(in)))
		c.out.Events, c.ordered, c.grew = false, true, c.grew || c.capped
		return nil
	}
	if t.All { // of events that is what is shown; other fields stay what they are
		t.All, t.Reads = false, slices.Clone(c.scope.columns())
		for _, n := range reads {
			t.Reads = appendNew(t.Reads, n)
		}
	}
	c.step(t)
	c.ordered = true
	for _, n := range t.Columns(slices.Clone(t.Reads)) {
		if !slices.Contains(t.Reads, n) {
			c.scope.made[n] = nil
			c.scope.show(n)
		}
	}
	return nil
}

// settle makes the columns that are shown, and some more, the only ones, and
// returns them.
func (c *compiler) settle(more []string) []string {
	names := slices.Clone(c.scope.columns())
	for _, n := range more {
		names = appendNew(names, n)
	}
	if !c.scope.closed || c.scope.chosen || c.scope.display != nil {
		cols := make([]plan.Named, len(names))
		for i, n := range names {
			cols[i] = plan.Named{Expr: c.column(n), As: n}
		}
		c.step(plan.Project{Cols: cols})
	}
	c.reshape(names)
	return names
}

// reshape says that there are only some columns from now on. Those that were
// there before can be called by what made them.
func (c *compiler) reshape(names []string) {
	old := c.scope
	c.scope = newScope()
	c.scope.replace(names)
	c.scope.same = map[string]string{}
	for _, n := range names {
		if e := old.made[n]; e != nil {
			c.scope.same[canonical(e)] = n
		}
		c.scope.truths[n], c.scope.lists[n], c.scope.scalars[n] = old.truths[n], old.lists[n], old.scalars[n]
	}
	for text, n := range old.same {
		if slices.Contains(names, n) {
			c.scope.same[text] = n
		}
	}
}

// columnFor returns the column that a field is, and makes one of it when it is
// a part of a structure.
func (c *compiler) columnFor(f *Field) (string, error) {
	e, err := c.expr(f)
	if err != nil {
		return "", err
	}
	name := strings.Join(f.Path, ".")
	if col, ok := e.(plan.Field); ok {
		return col.Name, nil
	}
	if c.system(name) {
		return "", refused(f.Span, "the field %s cannot be used here", name)
	}
	c.extend(name, e)
	c.scope.made[name] = nil
	return name, nil
}

func (c *compiler) columnsFor(fields []*Field) ([]string, error) {
	var names []string
	for _, f := range fields {
		n, err := c.columnFor(f)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, n) {
			return nil, defined(f.Span, n)
		}
		names = append(names, n)
	}
	return names, nil
}

// free refuses a name for a new column that is taken.
func (c *compiler) free(n *Name) (string, error) {
	if n == nil {
		return "", nil
	}
	if c.scope.taken(n.Text) {
		return "", defined(n.Span, n.Text)
	}
	return n.Text, nil
}

func (c *compiler) addTotals(x *AddTotals) error {
	names, err := c.columnsFor(x.Fields)
	if err != nil {
		return err
	}
	as := x.As
	if as == "" {
		as = "Total"
	}
	if !x.NoRow && c.scope.taken(as) {
		return defined(x.Span, as)
	}
	return c.over(x.Span, names, func() (plan.Transform, error) {
		return transform.AddTotals(transform.Totals{As: as, NoRow: x.NoRow, Col: x.Col, Fields: names})
	})
}

func (c *compiler) accum(x *Accum) error {
	field, err := c.columnFor(x.Field)
	if err != nil {
		return err
	}
	as, err := c.free(x.As)
	if err != nil {
		return err
	}
	if as == "" {
		if plan.IsSystem(field) && !c.scope.closed {
			return refused(x.Field.Span, "the field %s cannot be replaced", field)
		}
		if _, ok := c.scope.made[field]; !ok { // the running total takes its place
			c.extend(field, plan.Field{Name: field})
			c.scope.made[field] = nil
			c.scope.show(field)
		}
	}
	return c.over(x.Span, []string{field}, func() (plan.Transform, error) { return transform.Accum(field, as) })
}

func (c *compiler) autoregress(x *Autoregress) error {
	field, err := c.columnFor(x.Field)
	if err != nil {
		return err
	}
	as, err := c.free(x.As)
	if err != nil {
		return err
	}
	return c.over(x.Span, []string{field}, func() (plan.Transform, error) {
		t, err := transform.Autoregress(transform.Lags{Field: field, As: as, From: x.First, To: x.Last})
		if err == nil {
			for _, n := range t.Columns(nil) {
				if c.scope.taken(n) {
					return t, defined(x.Span, n)
				}
			}
		}
		return t, err
	})
}

func (c *compiler) appendCols(x *AppendCols) error {
	columns, err := c.columnsOfSub(x.Sub, x.Span)
	if err != nil {
		return err
	}
	most := x.Max
	if most == 0 {
		most = maxAppended
	}
	rows := &plan.Rows{Names: columns, Cols: make([][]plan.Value, len(columns))}
	if !c.dry {
		start, end := c.subqueryRange(x.Sub)
		if rows, err = c.run(x.Sub, start, end, most, x.Span); err != nil {
			return err
		}
	}
	return c.over(x.Span, nil, func() (plan.Transform, error) {
		return transform.AppendCols(transform.Pasted{Rows: rows, Override: x.Override, Max: most})
	})
}

// fillMissing adds the periods without rows. Counts are 0 in them, other columns
// are missing, unless the command says otherwise (ours).
func (c *compiler) fillMissing(x *FillMissing) error {
	m := transform.Missing{Time: c.keys.column, Keys: c.keys.names, Next: c.keys.period.rounding().Next}
	set := func(name string, v plan.Value) {
		if slices.Contains(m.Keys, name) {
			return
		}
		m.Fills = slices.DeleteFunc(m.Fills, func(f transform.Fill) bool { return f.Field == name })
		m.Fills = append(m.Fills, transform.Fill{Field: name, Value: v})
	}
	shown := c.scope.columns()
	for _, n := range c.keys.counts {
		if slices.Contains(shown, n) {
			set(n, plan.NumberValue(0))
		}
	}
	for _, w := range x.With {
		if len(w.Fields) == 0 {
			for _, n := range shown {
				set(n, constant(w.Value))
			}
		}
		for _, f := range w.Fields {
			n, err := c.columnFor(f)
			if err != nil {
				return err
			}
			if !slices.Contains(shown, n) || slices.Contains(m.Keys, n) {
				return refused(f.Span, "fillmissing cannot fill the field %s", n)
			}
			set(n, constant(w.Value))
		}
	}
	for _, k := range m.Keys {
		if !slices.Contains(shown, k) {
			return refused(x.Span, "fillmissing needs the field %s, which is not shown", k)
		}
	}
	return c.over(x.Span, nil, func() (plan.Transform, error) { return transform.FillMissing(m) })
}

func (c *compiler) outlier(x *Outlier) error {
	names, err := c.columnsFor(x.Fields)
	if err != nil {
		return err
	}
	for i, n := range names {
		if c.system(n) {
			return refused(x.Fields[i].Span, "the field %s cannot be replaced", n)
		}
	}
	return c.over(x.Span, names, func() (plan.Transform, error) {
		return transform.Outlier(transform.Outliers{Fields: names, Remove: x.Remove, Param: x.Param, Lower: x.UseLower, Mark: x.Mark})
	})
}

// sessionize numbers sessions. It needs the times of events.
func (c *compiler) sessionize(x *Sessionize) error {
	names, err := c.columnsFor(x.Fields)
	if err != nil {
		return err
	}
	if _, err := c.field(&Field{x.Span, []string{plan.Timestamp}}); err != nil {
		return err
	}
	as := x.As
	if as == nil {
		as = &Name{x.Span, "session_id"}
	}
	if _, err := c.free(as); err != nil {
		return err
	}
	s := transform.Sessions{Fields: names, As: as.Text}
	if x.MaxSpan != nil {
		s.Gap, _ = x.MaxSpan.Millis()
	}
	return c.over(x.Span, names, func() (plan.Transform, error) { return transform.Sessionize(s) })
}

// condColumn is the column of a condition; no field can have this name.
const condColumn = "`cond"

func (c *compiler) relevantFields(x *RelevantFields) error {
	names, err := c.columnsFor(x.Fields)
	if err != nil {
		return err
	}
	cond, err := c.expr(x.Cond)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		for _, n := range c.scope.columns() {
			if !plan.IsSystem(n) {
				names = append(names, n)
			}
		}
		if len(names) == 0 {
			return refused(x.Span, "relevantfields needs fields")
		}
	}
	c.extend(condColumn, cond)
	return c.over(x.Span, nil, func() (plan.Transform, error) {
		return transform.RelevantFields(transform.Relevance{Fields: names, Cond: condColumn})
	})
}

// length is that of the range of the query.
func (c *compiler) length() time.Duration {
	return time.Duration(c.env.End-c.env.Start) * time.Millisecond
}

// compared translates a comparison of patterns with those that the same query
// has in an earlier range of the same length.
func (c *compiler) compared(x Command, by func(previous *plan.Rows) (plan.Transform, error), before func(time.Time) time.Time) error {
	if err := c.another(x.where()); err != nil {
		return err
	}
	previous := &plan.Rows{}
	if !c.dry {
		start := max(before(time.UnixMilli(c.env.Start).UTC()).UnixMilli(), 0)
		end := max(start+c.env.End-c.env.Start, start)
		q := &Query{Sources: c.tree.Sources, Commands: c.earlier, text: c.tree.text}
		var err error
		if previous, err = c.run(q, start, end, MaxLimit, x.where()); err != nil {
			return err
		}
	}
	return c.over(x.where(), nil, func() (plan.Transform, error) { return by(previous) })
}
