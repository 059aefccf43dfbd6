package consoleapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

func (a *API) countEvents(ctx context.Context, in *consolewire.CountEventsInput) (*consolewire.CountEventsOutput, error) {
	c, err := a.explore.Counts(ctx, scopeOf(ctx), explore.CountsRequest{
		Selection: explore.Selection{
			Group: value(in.LogGroupIdentifier), Groups: in.LogGroupIdentifiers, Streams: in.LogStreamNames, Prefix: in.LogStreamNamePrefix,
			Start: in.StartTime, End: in.EndTime, Pattern: value(in.FilterPattern),
		},
		Period: value(in.Period), Buckets: int(value(in.Buckets)), By: value(in.By), Top: int(value(in.Top)),
	})
	if err != nil {
		return nil, err
	}
	out := &consolewire.CountEventsOutput{
		Period: &c.Period, StartTime: &c.Start, Total: &c.Total, Buckets: c.Buckets, Statistics: statistics(&c.Stats),
	}
	for i := range c.Values {
		v := &c.Values[i]
		w := consolewire.ValueCount{Total: &v.Total, Buckets: v.Buckets}
		switch {
		case v.Missing:
			w.Missing = ptr(true)
		case v.Other:
			w.Other = ptr(true)
		default:
			w.Value = &v.Value
		}
		out.Values = append(out.Values, w)
	}
	return out, nil
}

func statistics(s *explore.Stats) *consolewire.Statistics {
	return &consolewire.Statistics{
		RecordsMatched: &s.Matched, RecordsScanned: &s.Scanned, RecordsSkipped: &s.Skipped, BytesScanned: &s.BytesScanned,
	}
}

func (a *API) getFacets(ctx context.Context, in *consolewire.GetFacetsInput) (*consolewire.GetFacetsOutput, error) {
	f, err := a.explore.Facets(ctx, scopeOf(ctx), explore.FacetsRequest{
		Selection: explore.Selection{
			Group: value(in.LogGroupIdentifier), Groups: in.LogGroupIdentifiers, Streams: in.LogStreamNames, Prefix: in.LogStreamNamePrefix,
			Start: in.StartTime, End: in.EndTime, Pattern: value(in.FilterPattern),
		},
		Fields: in.Fields, Top: int(value(in.Top)),
	})
	if err != nil {
		return nil, err
	}
	out := &consolewire.GetFacetsOutput{Total: &f.Total, Facets: []consolewire.Facet{}, Statistics: statistics(&f.Stats)}
	for i := range f.Facets {
		x := &f.Facets[i]
		facet := consolewire.Facet{Field: &x.Field, Present: &x.Present, Distinct: &x.Distinct, Top: []consolewire.FacetValue{}}
		for j := range x.Top {
			facet.Top = append(facet.Top, consolewire.FacetValue{Value: &x.Top[j].Value, Count: &x.Top[j].Count})
		}
		out.Facets = append(out.Facets, facet)
	}
	return out, nil
}

func (a *API) explainPattern(_ context.Context, in *consolewire.ExplainPatternInput) (*consolewire.ExplainPatternOutput, error) {
	t, err := patterns.NewTester(value(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	out := &consolewire.ExplainPatternOutput{Pattern: ptr(t.Pattern())}
	for _, m := range in.Messages {
		values, ok := t.Values([]byte(m))
		part := t.Explain([]byte(m))
		out.Explanations = append(out.Explanations, consolewire.Explanation{Matched: &ok, Values: values, Part: partOf(&part)})
	}
	return out, nil
}

func partOf(p *patterns.Part) *consolewire.Part {
	out := &consolewire.Part{Text: &p.Text, Matched: &p.Matched, Span: spanOf(p.Span)}
	if p.Ignored {
		out.Ignored = &p.Ignored
	}
	if p.Reason != "" {
		out.Reason = &p.Reason
	}
	for _, s := range p.At {
		out.At = append(out.At, *spanOf(s))
	}
	for i := range p.Parts {
		out.Parts = append(out.Parts, *partOf(&p.Parts[i]))
	}
	return out
}

func spanOf(s patterns.Span) *consolewire.Span {
	return &consolewire.Span{Start: ptr(int64(s.Start)), End: ptr(int64(s.End))}
}
