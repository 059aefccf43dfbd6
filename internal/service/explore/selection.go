package explore

import (
	"context"
	"math"
	"regexp"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Selection says which events a question is about.
type Selection struct {
	Group   string   // name or ARN
	Streams []string // nil: all
	Start   *int64   // ms, inclusive; required
	End     *int64   // ms, inclusive; required
	Pattern string   // filter pattern; empty matches all
}

// scan resolves a selection to what the executor reads and the conditions on it.
// What retention hides and what deleted streams have left is not in it.
func (s *Service) scan(ctx context.Context, scope logs.Scope, sel *Selection) (plan.Scan, []plan.Step, error) {
	if sel.Start == nil || sel.End == nil || *sel.Start < 0 || *sel.Start > *sel.End {
		return plan.Scan{}, nil, ErrTimeRange
	}
	if len(sel.Streams) > events.MaxStreamNames {
		return plan.Scan{}, nil, events.ErrTooManyStreams
	}
	p, err := patterns.Parse(sel.Pattern)
	if err != nil {
		return plan.Scan{}, nil, err
	}
	g, err := s.readable(ctx, scope, sel.Group)
	if err != nil {
		return plan.Scan{}, nil, err
	}
	end := *sel.End
	if end < math.MaxInt64 {
		end++
	}
	from, to := groups.Visible(g, s.now(), sel.Start, &end)
	out := plan.Scan{Groups: []logs.GroupID{g.ID}, Start: min(from, to), End: to}
	var steps []plan.Step
	if len(sel.Streams) > 0 {
		if out.Streams, err = s.named(ctx, g, sel.Streams); err != nil {
			return plan.Scan{}, nil, err
		}
	} else {
		dead, err := s.dir.DeadStreams(ctx, g.ID)
		if err != nil {
			return plan.Scan{}, nil, err
		}
		steps = without(dead)
	}
	switch {
	case p.All():
	case p.Kind == pattern.Regex:
		steps = append(steps, plan.Filter{Cond: plan.Match{X: plan.Field{Name: plan.Message}, Re: regexp.MustCompile(p.Regexp.Go)}}) // Parse has compiled it
	default:
		m := p.Compile()
		steps = append(steps, plan.Filter{Cond: plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}})
	}
	return out, steps, nil
}

// named returns the streams of those names.
func (s *Service) named(ctx context.Context, g groups.Group, names []string) ([]logs.StreamID, error) {
	ids := make([]logs.StreamID, len(names))
	for i, name := range names {
		st, err := s.dir.ResolveStream(ctx, g, name)
		if err != nil {
			return nil, err
		}
		ids[i] = st.ID
	}
	return ids, nil
}

// without leaves out the events of streams.
func without(streams []logs.StreamID) (steps []plan.Step) {
	for chunk := range slices.Chunk(streams, plan.MaxNodes) {
		list := make([]plan.Value, len(chunk))
		for i, id := range chunk {
			list[i] = plan.NumberValue(float64(id))
		}
		steps = append(steps, plan.Filter{Cond: plan.Not{X: plan.In{X: plan.Field{Name: plan.LogStream}, List: list}}})
	}
	return steps
}
