package explore

import (
	"context"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

const (
	// MaxFacets bounds the fields of one answer.
	MaxFacets = 20

	maxFieldName = 255
)

// FacetsRequest asks which values fields have.
type FacetsRequest struct {
	Selection
	Fields []string // JSON paths
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
	Facets []Facet // in the order of the request
	Stats  Stats
}

// Facets returns the most frequent values of fields. Events are read once for all
// fields and then once for each, so that an event that arrives meanwhile may be in
// some of the counts only.
func (s *Service) Facets(ctx context.Context, scope logs.Scope, r FacetsRequest) (Facets, error) {
	if len(r.Fields) == 0 || len(r.Fields) > MaxFacets {
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
	if r.Top == 0 {
		r.Top = defaultTop
	}
	scan, filter, err := s.scan(ctx, scope, &r.Selection)
	if err != nil {
		return Facets{}, err
	}
	filter = filter[:len(filter):len(filter)]
	aggs := []plan.Agg{{Func: plan.Count, As: "total"}}
	for i, f := range r.Fields {
		n := strconv.Itoa(i) // a field may be asked for twice
		aggs = append(aggs, plan.Agg{Func: plan.Count, Arg: plan.Field{Name: f}, As: "has " + n},
			plan.Agg{Func: plan.CountDistinct, Arg: plan.Field{Name: f}, As: "of " + n})
	}
	result, err := s.run(ctx, scan, append(filter, plan.Stats{Aggs: aggs}))
	if err != nil {
		return Facets{}, err
	}
	number := func(i int) int64 {
		n, _ := result.Rows[0][i].Float()
		return int64(n)
	}
	out := Facets{Total: number(0), Stats: statsOf(&result.Stats)}
	for i, f := range r.Fields {
		facet := Facet{Field: f, Present: number(1 + 2*i), Distinct: number(2 + 2*i), Top: []ValueCount{}}
		if facet.Present > 0 {
			top, err := s.run(ctx, scan, append(filter,
				plan.Filter{Cond: plan.Present{X: plan.Field{Name: f}}},
				plan.Stats{By: []plan.Named{valueOf(f)}, Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}},
				plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: "n"}, Desc: true}}, Limit: r.Top}))
			if err != nil {
				return Facets{}, err
			}
			for _, row := range top.Rows {
				n, _ := row[1].Float()
				facet.Top = append(facet.Top, ValueCount{string(row[0].AppendText(nil)), int64(n)})
			}
		}
		out.Facets = append(out.Facets, facet)
	}
	return out, nil
}
