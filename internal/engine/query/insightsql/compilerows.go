package insightsql

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// dedupe translates dedup.
func (c *compiler) dedupe(x *Dedup) error {
	step := plan.Dedup{N: 1}
	for _, f := range x.Fields {
		e, err := c.expr(f)
		if err != nil {
			return err
		}
		step.Keys = append(step.Keys, e)
	}
	c.step(step)
	c.ordered = true
	c.after = x
	return nil
}

// pattern translates pattern.
func (c *compiler) pattern(x *Pattern) error {
	e, err := c.expr(x.X)
	if err != nil {
		return err
	}
	c.step(plan.Cluster{X: e})
	c.scope.replace(plan.ClusterColumns())
	c.ordered = true
	c.out.Events = false
	return nil
}

// unnest translates unnest.
func (c *compiler) unnest(x *Unnest) error {
	switch x.X.(type) {
	case *Field, *Element:
	case *Call:
		if call := x.X.(*Call); call.Func == "jsonparse" {
			break
		}
		return unexpected(x.X.where(), c.text(x.X))
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
	c.ordered = true
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
	c.scope.show(name)
	c.ordered = true
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
