package metrics

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
	"github.com/cumulog/cumulog/internal/logs"
)

// plan is a list of queries that was checked.
type plan struct {
	s           *Service
	scope       logs.Scope
	queries     []Query
	byID        map[string]int
	expressions []*metricmath.Expr // nil: a metric
	order       []int              // of evaluation
	types       []metricmath.Value // of the queries, without data
	periods     []int64            // of the queries, as periodOf found them; 0: not yet
	exact       bool               // the start is not rounded
}

// prepare checks queries and orders them so that expressions come after what they need.
func (s *Service) prepare(ctx context.Context, scope logs.Scope, queries []Query) (*plan, error) {
	if len(queries) == 0 {
		return nil, missing("The parameter MetricDataQueries is required.")
	}
	if len(queries) > maxQueries {
		return nil, validation("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	p := &plan{s: s, scope: scope, queries: queries, byID: map[string]int{}, expressions: make([]*metricmath.Expr, len(queries)), types: make([]metricmath.Value, len(queries)), periods: make([]int64, len(queries))}
	searches := 0
	for i := range queries {
		if err := p.check(i); err != nil {
			return nil, err
		}
		if x := p.expressions[i]; x != nil {
			searches += x.Calls("SEARCH")
		}
	}
	if searches > maxSearches {
		return nil, validation("The request has more than %d SEARCH expressions.", maxSearches)
	}
	state := make([]int, len(queries))
	for i := range queries {
		if err := p.visit(i, state); err != nil {
			return nil, err
		}
	}
	// Without data, expressions show what they are and what is wrong with them.
	env := p.env(nil, &window{})
	env.Search = func(_ context.Context, text, statistic string, period int64) ([]*metricmath.Series, error) {
		_, _, err := checkSearch(text, statistic, period)
		return nil, err
	}
	for _, i := range p.order {
		if p.expressions[i] == nil {
			p.types[i] = metricmath.Value{Type: metricmath.TimeSeries, Series: []*metricmath.Series{{Period: int64(queries[i].Stat.Period)}}}
			continue
		}
		env.Period = p.periodOf(i)
		v, err := p.expressions[i].Eval(ctx, env)
		if err == nil && !queries[i].Hidden {
			err = metricmath.Final(v)
		}
		if err != nil {
			return nil, p.failed(i, err)
		}
		p.types[i] = v
	}
	return p, nil
}

// failed turns an error of an expression into one for the client.
func (p *plan) failed(i int, err error) error {
	var inner *metricmath.Error
	if errors.As(err, &inner) {
		return validation("Error in expression '%s': %s", p.queries[i].ID, message(err))
	}
	return err
}

// message is an error of an expression as a sentence.
func message(err error) string {
	text := err.Error()
	if text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

// check checks one query by itself.
func (p *plan) check(i int) error {
	q := &p.queries[i]
	switch {
	case !idPattern.MatchString(q.ID):
		return validation("The value %.255q for parameter MetricDataQueries.member.%d.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID, i+1)
	case q.Stat == nil && q.Expression == "":
		return validation("Query %s must have a MetricStat or an Expression.", q.ID)
	case q.Stat != nil && q.Expression != "":
		return validation("Query %s must not have both a MetricStat and an Expression.", q.ID)
	case q.AccountID != "" && q.AccountID != p.scope.Account:
		return validation("Query %s is for another account.", q.ID)
	case q.Period != 0 && !validPeriod(q.Period):
		return validation("The period of query %s must be 1, 5, 10, 20, 30 or a multiple of 60.", q.ID)
	}
	if _, twice := p.byID[q.ID]; twice {
		return validation("The values for parameter Id in MetricDataQueries are not unique: %s.", q.ID)
	}
	p.byID[q.ID] = i
	if q.Stat != nil {
		if q.Period != 0 {
			return validation("Query %s must not have a Period beside its MetricStat.", q.ID)
		}
		return q.checkStat(p.scope)
	}
	x, err := metricmath.Parse(q.Expression)
	if err != nil {
		return p.failed(i, err)
	}
	p.expressions[i] = x
	return nil
}

// visit adds a query to the order, after what it needs.
func (p *plan) visit(i int, state []int) error {
	const (
		open = 1
		done = 2
	)
	switch state[i] {
	case open:
		return validation("Error in expression '%s': It refers to itself", p.queries[i].ID)
	case done:
		return nil
	}
	state[i] = open
	if x := p.expressions[i]; x != nil {
		for _, id := range x.IDs() {
			if j, ok := p.byID[id]; ok {
				if err := p.visit(j, state); err != nil {
					return err
				}
			}
		}
	}
	state[i] = done
	p.order = append(p.order, i)
	return nil
}

// periodOf returns the period of a query: its own, that of what it needs, or that of
// any metric of the request.
func (p *plan) periodOf(i int) int64 {
	if p.periods[i] == 0 {
		p.periods[i] = p.findPeriod(i)
	}
	return p.periods[i]
}

func (p *plan) findPeriod(i int) int64 {
	q := &p.queries[i]
	if q.Stat != nil {
		return int64(q.Stat.Period)
	}
	if q.Period != 0 {
		return int64(q.Period)
	}
	period := int64(0)
	for _, id := range p.expressions[i].IDs() {
		if j, ok := p.byID[id]; ok {
			period = max(period, p.periodOf(j))
		}
	}
	if period > 0 {
		return period
	}
	for j := range p.queries {
		if m := p.queries[j].Stat; m != nil {
			period = max(period, int64(m.Period))
		}
	}
	return max(period, 60)
}
