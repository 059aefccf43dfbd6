package explore

import (
	"context"
	"errors"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

const (
	// MaxGroups bounds the groups of one question.
	MaxGroups = 50
	// MaxPrefixStreams bounds the streams that a prefix may stand for.
	MaxPrefixStreams = 10_000
)

// Selection says which events a question is about.
type Selection struct {
	Group   string   // name or ARN
	Groups  []string // the same, 1 to MaxGroups; instead of Group
	Streams []string // nil: all; each must be in one of the groups at least
	Prefix  *string  // only streams whose name begins so; instead of Streams
	Start   *int64   // ms, inclusive; required
	End     *int64   // ms, inclusive; required
	Pattern string   // filter pattern; empty matches all
}

// question is a selection that is resolved. What retention hides and what deleted
// streams have left is not in it.
type question struct {
	scan    plan.Scan
	where   []plan.Step // conditions on what scan reads
	groups  []groups.Group
	start   int64 // ms, inclusive
	end     int64 // ms, exclusive
	pattern *pattern.Pattern
	matcher *pattern.Matcher // nil: all
}

// check checks what needs no group.
func (sel *Selection) check() (names []string, err error) {
	switch {
	case sel.Start == nil || sel.End == nil || *sel.Start < 0 || *sel.Start > *sel.End:
		return nil, ErrTimeRange
	case len(sel.Streams) > events.MaxStreamNames:
		return nil, events.ErrTooManyStreams
	case len(sel.Streams) > 0 && sel.Prefix != nil:
		return nil, events.ErrNamesAndPrefix
	case (sel.Group == "") == (len(sel.Groups) == 0) || len(sel.Groups) > MaxGroups:
		return nil, ErrGroups
	case sel.Group != "":
		return []string{sel.Group}, nil
	}
	return sel.Groups, nil
}

// resolve resolves a selection.
func (s *Service) resolve(ctx context.Context, scope logs.Scope, sel *Selection) (*question, error) {
	names, err := sel.check()
	if err != nil {
		return nil, err
	}
	q := &question{start: *sel.Start, end: *sel.End}
	if q.pattern, err = patterns.Parse(sel.Pattern); err != nil {
		return nil, err
	}
	if q.end < math.MaxInt64 {
		q.end++
	}
	for _, name := range names {
		g, err := s.readable(ctx, scope, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(q.scan.Groups, g.ID) {
			q.groups = append(q.groups, g)
			q.scan.Groups = append(q.scan.Groups, g.ID)
		}
	}
	if err := s.chooseStreams(ctx, sel, q); err != nil {
		return nil, err
	}
	q.where = append(q.where, q.hideExpired(s.now())...)
	if p := q.pattern; !p.All() {
		q.matcher = p.Compile()
		q.where = append(q.where, plan.Filter{Cond: condition(p, q.matcher)})
	}
	q.where = slices.Clip(q.where) // so that several plans can begin with it
	return q, nil
}

// condition is a pattern as a condition on events.
func condition(p *pattern.Pattern, m *pattern.Matcher) plan.Expr {
	if p.Kind == pattern.Regex {
		return plan.Match{X: plan.Field{Name: plan.Message}, Re: regexp.MustCompile(p.Regexp.Go)} // Parse has compiled it
	}
	return plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}
}

// chooseStreams narrows the question to the streams that are asked for, or leaves
// out the deleted ones.
func (s *Service) chooseStreams(ctx context.Context, sel *Selection, q *question) error {
	var dead []logs.StreamID
	for _, g := range q.groups {
		switch {
		case len(sel.Streams) > 0:
		case sel.Prefix != nil && *sel.Prefix != "":
			room := MaxPrefixStreams - len(q.scan.Streams)
			list, err := s.dir.Streams(ctx, g.ID, *sel.Prefix, "", room+1)
			if err != nil {
				return err
			}
			if len(list) > room {
				return ErrPrefix
			}
			if q.scan.Streams == nil {
				q.scan.Streams = []logs.StreamID{}
			}
			for _, st := range list {
				q.scan.Streams = append(q.scan.Streams, st.ID)
			}
		default:
			ids, err := s.dir.DeadStreams(ctx, g.ID)
			if err != nil {
				return err
			}
			dead = append(dead, ids...)
		}
	}
	q.where = without(dead)
	for _, name := range sel.Streams {
		if err := s.addStream(ctx, name, q); err != nil {
			return err
		}
	}
	return nil
}

// addStream adds the streams of a name, of which one group at least must have one.
func (s *Service) addStream(ctx context.Context, name string, q *question) error {
	missing := error(nil)
	found := false
	for _, g := range q.groups {
		st, err := s.dir.ResolveStream(ctx, g, name)
		switch {
		case errors.Is(err, groups.ErrStreamNotFound):
			missing = err
		case err != nil:
			return err
		default:
			found = true
			q.scan.Streams = append(q.scan.Streams, st.ID)
		}
	}
	if !found {
		return missing
	}
	return nil
}

// hideExpired narrows the scan to the times that one of the groups shows, and
// returns the conditions for those that show less.
func (q *question) hideExpired(now time.Time) (steps []plan.Step) {
	floors := make([]int64, len(q.groups))
	for i, g := range q.groups {
		from, _ := groups.Visible(g, now, &q.start, &q.end)
		floors[i] = min(from, q.end)
	}
	q.scan.Start, q.scan.End = slices.Min(floors), q.end
	for i, g := range q.groups {
		if floors[i] > q.scan.Start {
			steps = append(steps, plan.Filter{Cond: plan.Or{X: []plan.Expr{
				plan.Cmp{Op: plan.Ne, A: plan.Field{Name: plan.LogGroup}, B: plan.Num(float64(g.ID))},
				plan.Cmp{Op: plan.Ge, A: plan.Field{Name: plan.Timestamp}, B: plan.Num(float64(floors[i]))},
			}}})
		}
	}
	return steps
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
