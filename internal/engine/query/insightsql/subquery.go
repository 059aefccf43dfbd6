package insightsql

import (
	"fmt"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// fewValues is how many values of a subquery become a condition that storage can
// use; more of them are looked up.
const fewValues = 200

// maxRuns bounds the queries that one query runs besides itself (ours).
const maxRuns = 10

// another counts a query that is run besides this one.
func (c *compiler) another(at Span) error {
	if c.counts.runs++; c.counts.runs > maxRuns {
		return refused(at, "a query runs at most %d others", maxRuns)
	}
	return nil
}

// subqueryRange is the range of a subquery: that of the query, or what SOURCE says.
func (c *compiler) subqueryRange(q *Query) (start, end int64) {
	start, end = c.env.Start, c.env.End
	for i := range q.Sources {
		if from := q.Sources[i].From; from != nil {
			start = max(c.env.Now-*from, 0)
		}
		if to := q.Sources[i].To; to != nil {
			end = max(c.env.Now-*to, 0)
		}
	}
	return start, max(start, end)
}

// columnsOfSub checks a subquery and returns its columns. It stands at a place of the text.
func (c *compiler) columnsOfSub(q *Query, at Span) ([]string, error) {
	if err := c.another(at); err != nil {
		return nil, err
	}
	sub := &compiler{ctx: c.ctx, env: &Env{End: 1}, dry: true}
	out, err := sub.query(q)
	if err != nil {
		return nil, err
	}
	if out.Estimate {
		return nil, refused(q.Commands[len(q.Commands)-1].where(), "a subquery cannot be an estimate")
	}
	c.out.Unmask = c.out.Unmask || out.Unmask
	return out.Columns, nil
}

// run runs a subquery, whose rows have to be fewer than MaxLimit.
func (c *compiler) run(q *Query, start, end int64, most int, at Span) (*plan.Rows, error) {
	if c.env.Run == nil {
		return nil, refused(at, "a query within a query cannot be run here")
	}
	rows, err := c.env.Run(c.ctx, Sub{Query: q, Start: start, End: end, MaxRows: most})
	if err != nil {
		return nil, fmt.Errorf("run a subquery: %w", err)
	}
	return rows, nil
}

// inSub translates a condition on the rows of a subquery.
func (c *compiler) inSub(e *In) (plan.Expr, error) {
	at := e.where()
	columns, err := c.columnsOfSub(e.Sub, at)
	if err != nil {
		return nil, err
	}
	if len(columns) != 1 {
		return nil, refused(at, "the subquery of in has %d columns, not 1", len(columns))
	}
	x, err := c.expr(e.X)
	if err != nil || c.dry {
		return negated(plan.In{X: x}, e.Not), err
	}
	start, end := c.subqueryRange(e.Sub)
	rows, err := c.run(e.Sub, start, end, MaxLimit, at)
	if err != nil {
		return nil, err
	}
	if rows.Len >= MaxLimit {
		return nil, refused(at, "the subquery of in gives %d rows or more", MaxLimit)
	}
	set := newValueSet()
	for _, v := range rows.Column(columns[0]) {
		set.add(&v)
	}
	if len(set.list) <= fewValues {
		return negated(plan.In{X: x, List: set.list}, e.Not), nil
	}
	c.counts.sets++
	f := &plan.Function{Name: "subquery[" + strconv.Itoa(c.counts.sets) + "]", Min: 1, Max: 1, Predicate: true, Absent: true,
		Eval: func(args []plan.Value, _ *plan.Arena) plan.Value { return plan.BoolValue(set.has(&args[0])) }}
	return negated(plan.Call{Func: f, Args: []plan.Expr{x}}, e.Not), nil
}

// valueSet is a set of values that are told apart as plan.Holds compares them.
type valueSet struct {
	list    []plan.Value
	texts   map[string]bool
	numbers map[float64]bool // of values that are no text
	numeric map[float64]bool // of texts that are a number
	bools   map[string]bool  // texts of booleans
}

func newValueSet() *valueSet {
	return &valueSet{texts: map[string]bool{}, numbers: map[float64]bool{}, numeric: map[float64]bool{}, bools: map[string]bool{}}
}

func (s *valueSet) add(v *plan.Value) {
	f, ok := v.Float()
	switch {
	case v.Kind == plan.Null || v.Kind == plan.List || s.same(v):
		return
	case v.Kind == plan.Text:
		s.texts[string(v.Text)] = true
		if ok {
			s.numeric[f] = true
		}
	default:
		s.numbers[f] = true
		if v.Kind == plan.Bool {
			s.bools[string(v.Text)] = true
		}
	}
	s.list = append(s.list, v.Clone())
}

// same reports whether a value adds nothing to the set.
func (s *valueSet) same(v *plan.Value) bool {
	switch v.Kind {
	case plan.Text:
		return s.texts[string(v.Text)]
	case plan.Bool:
		return s.bools[string(v.Text)]
	}
	return s.numbers[v.Num]
}

func (s *valueSet) has(v *plan.Value) bool {
	f, ok := v.Float()
	switch v.Kind {
	case plan.Null, plan.List:
		return false
	case plan.Text:
		return s.texts[string(v.Text)] || s.bools[string(v.Text)] || ok && s.numbers[f]
	case plan.Bool:
		if s.texts[string(v.Text)] {
			return true
		}
	}
	return s.numbers[f] || s.numeric[f]
}
