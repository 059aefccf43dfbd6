package insightsql

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// dedupe translates dedup.
func (c *compiler) dedupe(x *Dedup) error {
	step := plan.Dedup{N: 1}
	for _, f := range x.Fields {
		e, err := c.key(f, "dedup")
		if err != nil {
			return err
		}
		step.Keys = append(step.Keys, e)
	}
	c.step(step)
	c.ordered = true
	return nil
}

// pattern translates pattern.
func (c *compiler) pattern(x *Pattern) error {
	e, err := c.key(x.X, "pattern")
	if err != nil {
		return err
	}
	step := plan.Cluster{X: e, Values: x.Values}
	c.step(step)
	c.scope.replace(step.Columns())
	c.ordered = true
	c.out.Events = false
	return nil
}

// unnest translates unnest.
func (c *compiler) unnest(x *Unnest) error {
	switch x.X.(type) {
	case *Field, *Element:
	case *Call:
		if x.X.(*Call).Func != "jsonparse" {
			return unexpected(x.X.where(), c.text(x.X))
		}
	default:
		return unexpected(x.X.where(), c.text(x.X))
	}
	e, err := c.expr(x.X)
	if err != nil {
		return err
	}
	if c.scope.taken(x.As.Text) {
		return defined(x.As.Span, x.As.Text)
	}
	c.step(plan.Unnest{X: e, As: x.As.Text})
	c.scope.made[x.As.Text] = nil
	c.scope.show(x.As.Text)
	c.ordered, c.grew = true, c.capped
	return nil
}

// expand translates expand: the elements get the name of the field.
func (c *compiler) expand(x *Expand) error {
	e, err := c.expr(x.Field)
	if err != nil {
		return err
	}
	name := strings.Join(x.Field.Path, ".")
	if c.system(name) {
		return unexpected(x.Field.Span, name)
	}
	c.step(plan.Unnest{X: e, As: name})
	c.scope.made[name] = nil
	c.scope.lists[name], c.scope.scalars[name] = false, false
	c.scope.show(name)
	c.ordered, c.grew = true, c.capped
	return nil
}

// text is what an expression is written as.
func (c *compiler) text(e Expr) string {
	at := e.where()
	return c.tree.text[at.Start:at.End]
}

func defined(at Span, name string) error {
	return refused(at, "the field %s is already defined", name)
}

func (c *compiler) sort(x *Sort) error {
	keys := make([]plan.SortKey, len(x.Keys))
	for i, k := range x.Keys {
		e, err := c.key(k.Expr, "sort")
		if err != nil {
			return err
		}
		keys[i] = plan.SortKey{Expr: e, Desc: k.Desc}
	}
	c.step(plan.Sort{Keys: keys})
	c.ordered = true
	return nil
}

// filterIndex translates filterIndex: a filter that also says which index it needs.
func (c *compiler) filterIndex(x *FilterIndex) error {
	if len(x.Field.Path) == 1 && c.system(x.Field.Path[0]) && x.Field.Path[0] != plan.LogStream {
		return refused(x.Field.Span, "the field %s cannot be indexed", x.Field.Path[0])
	}
	e, err := c.in(&In{Span: x.Span, X: x.Field, List: x.Values})
	if err != nil {
		return err
	}
	cond := IndexCond{Field: strings.Join(x.Field.Path, ".")}
	if _, made := c.scope.made[cond.Field]; made {
		return refused(x.Field.Span, "the field %s cannot be indexed", cond.Field)
	}
	for _, v := range x.Values {
		k := constant(v)
		cond.Values = append(cond.Values, string(k.AppendText(nil)))
	}
	c.out.Index = append(c.out.Index, cond)
	c.step(plan.Filter{Cond: e})
	return nil
}

// unmask translates the command of that name: its fields become columns.
func (c *compiler) unmask(x *Unmask) error {
	c.out.Unmask = true
	for _, f := range x.Fields {
		e, err := c.expr(f)
		if err != nil {
			return err
		}
		if err := c.define(f.Span, "unmask("+strings.Join(f.Path, ".")+")", e); err != nil {
			return err
		}
	}
	return nil
}

// json translates json: it picks values out of a text that is JSON.
func (c *compiler) json(x *JSON) error {
	of, err := c.expr(x.Field)
	if err != nil {
		return err
	}
	for _, p := range x.Picks {
		path, err := jsonPath(p.Path)
		if err != nil {
			return err
		}
		parsed := plan.Call{Func: function.Insights("jsonparse"), Args: []plan.Expr{of}}
		if err := c.define(p.As.Span, p.As.Text, element(parsed, path)); err != nil {
			return err
		}
	}
	return nil
}

// jsonPath cuts a path such as a.b[0].c into its parts.
func jsonPath(s *String) ([]string, error) {
	text := strings.TrimPrefix(strings.TrimPrefix(s.Value, "$"), ".")
	text = strings.NewReplacer("[", ".", "]", "").Replace(text)
	path := strings.Split(strings.TrimPrefix(text, "."), ".")
	for _, p := range path {
		if p == "" {
			return nil, unexpected(s.Span, quoteText(s.Value))
		}
	}
	if len(path) > maxPath {
		return nil, refused(s.Span, "a field name has more than %d parts", maxPath)
	}
	return path, nil
}

// countFrequent translates countFrequent: the values and how often they are
// there, most frequent first. The counts are exact (ours).
func (c *compiler) countFrequent(x *CountFrequent) error {
	step := plan.Stats{Aggs: []plan.Agg{{Func: plan.Count, As: "_approxcount"}}}
	var names []string
	for _, f := range x.Fields {
		e, err := c.key(f, "countFrequent")
		if err != nil {
			return err
		}
		name := strings.Join(f.Path, ".")
		if contains(names, name) || name == "_approxcount" {
			return defined(f.Span, name)
		}
		names = append(names, name)
		step.By = append(step.By, plan.Named{Expr: e, As: name})
	}
	c.step(step)
	c.step(plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: "_approxcount"}, Desc: true}}})
	c.scope.replace(append(names, "_approxcount"))
	c.ordered = true
	c.out.Events = false
	return nil
}
