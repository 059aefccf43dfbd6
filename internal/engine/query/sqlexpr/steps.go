package sqlexpr

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// AppendStep appends a step to those of a query. Columns that are added one after
// the other become one step.
func AppendStep(steps []plan.Step, s plan.Step) []plan.Step {
	if e, ok := s.(plan.Extend); ok && len(steps) > 0 {
		last, ok := steps[len(steps)-1].(plan.Extend)
		if ok && len(last.Cols)+len(e.Cols) <= plan.MaxItems {
			steps[len(steps)-1] = plan.Extend{Cols: slices.Concat(last.Cols, e.Cols)}
			return steps
		}
	}
	return append(steps, s)
}

// CheckSteps refuses a query that is more than a plan can be.
func (c *Compiler) CheckSteps(steps []plan.Step) error {
	if _, err := plan.Optimize(&plan.Plan{Steps: slices.Clone(steps)}); err != nil {
		return c.errorf(Span{0, len(c.Text)}, "the query is too complex: %s", err)
	}
	return nil
}
