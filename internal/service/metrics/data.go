package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
	"github.com/cumulog/cumulog/internal/logs"
)

// DataRequest asks for several lines of data.
type DataRequest struct {
	Queries    []Query
	Start, End int64 // ms since 1970; Start is rounded down, End is exclusive
	Ascending  bool  // oldest first; else the newest
	Max        int   // datapoints on a page; 0: 100,800
	NextToken  string
	Timezone   string // of times in labels, such as +0130; "": UTC
}

// DataResult is a page of data.
type DataResult struct {
	Results   []Result // of queries that are not hidden, in their order; an expression may have several
	NextToken string
	Messages  []Message
}

// Data returns data of metrics and expressions.
func (s *Service) Data(ctx context.Context, scope logs.Scope, r DataRequest) (DataResult, error) {
	page, err := r.page()
	if err != nil {
		return DataResult{}, err
	}
	if r.Start >= r.End {
		return DataResult{}, validation("The parameter StartTime must be less than the parameter EndTime.")
	}
	r.Start, r.End = max(r.Start, 0), min(r.End, maxTime)
	zone, err := parseZone(r.Timezone)
	if err != nil {
		return DataResult{}, err
	}
	p, err := s.prepare(ctx, scope, r.Queries)
	if err != nil {
		return DataResult{}, err
	}
	if !slices.ContainsFunc(r.Queries, func(q Query) bool { return !q.Hidden }) {
		return DataResult{}, validation("At least one of the MetricDataQueries must return data.")
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return DataResult{}, ctx.Err()
	}
	lines, messages, err := p.page(ctx, &r, page)
	if err != nil {
		return DataResult{}, err
	}
	out := DataResult{Messages: messages}
	for i := range lines {
		out.Results = append(out.Results, lines[i].result(zone, s.o.Now()))
	}
	out.NextToken = page.cut(out.Results, r.Ascending)
	return out, nil
}

// Check refuses queries that Evaluate could not compute, and with single those that do not return exactly
// one time series.
func (s *Service) Check(ctx context.Context, scope logs.Scope, queries []Query, single bool) error {
	p, err := s.prepare(ctx, scope, queries)
	if err != nil {
		return err
	}
	if !single {
		return nil
	}
	shown := 0
	for _, i := range p.order {
		if p.queries[i].Hidden {
			continue
		}
		shown++
		if x := p.expressions[i]; x != nil && x.Calls("SEARCH") > 0 {
			return validation("An alarm cannot watch a SEARCH expression.")
		}
		if err := metricmath.OnlyFinal(p.types[i]); err != nil {
			return validation("Error in expression '%s': %s", p.queries[i].ID, message(err))
		}
	}
	if shown != 1 {
		return validation("Exactly one of the metrics must return data.")
	}
	return nil
}

// Evaluate returns the data of the queries that are not hidden, by time, in periods that begin at
// start, which is not rounded.
func (s *Service) Evaluate(ctx context.Context, scope logs.Scope, queries []Query, start, end int64) ([]Result, error) {
	p, err := s.prepare(ctx, scope, queries)
	if err != nil {
		return nil, err
	}
	p.exact = true
	lines, _, err := p.run(ctx, &window{start: start, end: end, from: start, to: end, now: s.o.Now()})
	if err != nil {
		return nil, err
	}
	out := make([]Result, len(lines))
	for i := range lines {
		out[i] = lines[i].result(time.UTC, s.o.Now())
	}
	return out, nil
}
