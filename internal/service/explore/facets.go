package explore

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

const (
	// MaxFacets bounds the fields of one answer.
	MaxFacets = 20

	maxFieldName = 255
	facetEvents  = 1000 // of the sample that fields are found in
)

// FacetsRequest asks which values fields have.
type FacetsRequest struct {
	Selection
	Fields []string // JSON paths; nil: the most frequent ones of a sample, at most MaxFacets
	Top    int      // values of each; 0: 10
}

// Facet is a field of the events that match.
type Facet struct {
	Field    string
	Present  int64 // events that have it
	Distinct int64 // values; exact up to 16,384, else with an error of about 1 %
	Top      []ValueCount
}

// ValueCount is a value and how many events have it.
type ValueCount struct {
	Value string
	Count int64
}

// Facets are the fields of events that match.
type Facets struct {
	Total  int64
	Facets []Facet // in the order of the request, or by how frequent they are in the sample
	Stats  Stats
}

// Facets returns the most frequent values of fields. Events are read once for all
// fields and then once for each, so that an event that arrives meanwhile may be in
// some of the counts only. Without fields, those of the newest 1,000 events that match
// (or 16 MiB, or what a second reads) are taken; a list is no field then.
func (s *Service) Facets(ctx context.Context, scope logs.Scope, r FacetsRequest) (Facets, error) {
	if len(r.Fields) > MaxFacets {
		return Facets{}, ErrFields
	}
	for _, f := range r.Fields {
		if err := checkField(f); err != nil {
			return Facets{}, err
		}
	}
	if r.Top < 0 || r.Top > MaxTop {
		return Facets{}, ErrTop
	}
	r.Top = cmp.Or(r.Top, defaultTop)
	q, err := s.resolve(ctx, scope, &r.Selection)
	if err != nil {
		return Facets{}, err
	}
	found := len(r.Fields) == 0
	if found {
		if r.Fields, err = s.frequent(ctx, q); err != nil {
			return Facets{}, err
		}
	}
	out, err := s.present(ctx, q, r.Fields)
	if err != nil {
		return Facets{}, err
	}
	if found { // what the sample has by another reading of a path
		out.Facets = slices.DeleteFunc(out.Facets, func(f Facet) bool { return f.Present == 0 })
	}
	for i := range out.Facets {
		f := &out.Facets[i]
		if f.Top = []ValueCount{}; f.Present == 0 {
			continue
		}
		if f.Top, err = s.top(ctx, q, f.Field, r.Top); err != nil {
			return Facets{}, err
		}
	}
	return out, nil
}

// present counts events and, for each field, those that have it and its values.
func (s *Service) present(ctx context.Context, q *question, fields []string) (Facets, error) {
	aggs := []plan.Agg{{Func: plan.Count, As: "total"}}
	for i, f := range fields {
		n := strconv.Itoa(i) // a field may be asked for twice
		aggs = append(aggs, plan.Agg{Func: plan.Count, Arg: plan.Field{Name: f}, As: "has " + n},
			plan.Agg{Func: plan.CountDistinct, Arg: plan.Field{Name: f}, As: "of " + n})
	}
	result, err := s.run(ctx, q, plan.Stats{Aggs: aggs})
	if err != nil {
		return Facets{}, err
	}
	number := func(i int) int64 {
		n, _ := result.Rows[0][i].Float()
		return int64(n)
	}
	out := Facets{Total: number(0), Stats: statsOf(&result.Stats)}
	for i, f := range fields {
		out.Facets = append(out.Facets, Facet{Field: f, Present: number(1 + 2*i), Distinct: number(2 + 2*i)})
	}
	return out, nil
}

// top returns the most frequent values of a field.
func (s *Service) top(ctx context.Context, q *question, field string, n int) ([]ValueCount, error) {
	result, err := s.run(ctx, q,
		plan.Filter{Cond: plan.Present{X: plan.Field{Name: field}}},
		plan.Stats{By: []plan.Named{valueOf(field)}, Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}},
		plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: "n"}, Desc: true}}, Limit: n})
	if err != nil {
		return nil, err
	}
	out := []ValueCount{}
	for _, row := range result.Rows {
		count, _ := row[1].Float()
		out = append(out, ValueCount{string(row[0].AppendText(nil)), int64(count)})
	}
	return out, nil
}

// frequent returns the fields that most events of a sample have, at most MaxFacets.
func (s *Service) frequent(ctx context.Context, q *question) ([]string, error) {
	counts := map[string]int64{}
	for _, g := range q.groups {
		sample := store.Query{Streams: q.scan.Streams, Start: q.start, End: q.end}
		if q.matcher != nil {
			sample.Match, sample.Need, sample.Columns = q.matcher.Match, q.pattern.Need(), q.matcher.Columns()
		}
		err := s.sample(ctx, g, sample, facetEvents, len(q.groups), func(e logs.Event) {
			for name := range events.Discover(e.Message) {
				_, known := counts[name]
				if checkField(name) == nil && (known || len(counts) < maxFields) {
					counts[name]++
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return mostFrequent(counts, MaxFacets), nil
}
