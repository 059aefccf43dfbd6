package events

import (
	"context"
	"fmt"
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// MaxStreamNames bounds the names of one filter.
const MaxStreamNames = 100

// FilterRequest asks for a page of a group.
type FilterRequest struct {
	Group   string   // name or ARN
	Streams []string // nil: all streams; excludes Prefix
	Prefix  *string  // only streams whose name begins so
	Start   *int64   // ms, inclusive
	End     *int64   // ms, inclusive, unlike GetRequest
	Pattern string   // filter pattern; empty matches all
	Limit   int      // 1 to MaxPageEvents; 0: as many as fit
	Token   string   // the token of an earlier page of the same request
	Reverse bool     // newest first

	IngestedFrom *int64 // ms, inclusive: when the event arrived
	IngestedTo   *int64 // ms, exclusive
}

// FilterPage is a page of a group.
type FilterPage struct {
	Page
	Group logs.GroupID
	Token string // empty on the last page

	names map[logs.StreamID]string
}

// StreamName returns the name of the stream of event i.
func (p *FilterPage) StreamName(i int) string { return p.names[p.rows[i].stream] }

// EventID returns the id of event i.
func (p *FilterPage) EventID(i int) logs.EventID {
	return logs.EventID{Key: p.rows[i].key, Group: p.Group, Stream: p.rows[i].stream}
}

// Filter returns a page of the events of a group that match, over all its
// streams in the order (timestamp, time of arrival), or against it.
//
// A page carries a token only when there was another matching event behind it, or
// when it ended early because the search took long; only then may a page before
// the last be empty, as on the real service. The token holds the position behind
// the page and is bound to its query: only the limit may differ.
//
// The pages of a session show what had been sent when its first page was made, so
// that a loop over them ends. A client that asks again with the token that led to
// the last page follows the group: it sees what has arrived since. (Which tokens
// have led to the end is remembered for the last ones only, and not over a
// restart; then such a client sees its last page once more before it goes on.)
//
// Naming a stream that does not exist is an error rather than a search
// of nothing.
func (s *Service) Filter(ctx context.Context, scope logs.Scope, r FilterRequest) (FilterPage, error) {
	f, err := s.newRun(ctx, scope, r)
	if err != nil {
		return FilterPage{}, err
	}
	if f.q.Start < f.q.End && (f.q.Streams == nil || len(f.q.Streams) > 0) {
		if err := f.run(ctx); err != nil {
			return FilterPage{}, fmt.Errorf("filter group %d: %w", f.q.Group, err)
		}
	}
	switch {
	case f.more:
		f.page.Token = f.token(place{at: f.next, snapshot: f.snapshot})
	case r.Token != "":
		s.ended.add(r.Token)
	}
	return f.page, nil
}

// newRun checks a request and makes ready to search what it asks for.
func (s *Service) newRun(ctx context.Context, scope logs.Scope, r FilterRequest) (*filterRun, error) {
	p, limit, err := r.check()
	if err != nil {
		return nil, err
	}
	g, err := s.readable(ctx, scope, r.Group)
	if err != nil {
		return nil, err
	}
	start, end := s.visible(g, r.Start, r.endExclusive())
	f := &filterRun{
		s: s, r: r, now: s.now().UnixMilli(), limit: limit,
		page: FilterPage{Group: g.ID, names: map[logs.StreamID]string{}},
		q:    store.Query{Group: g.ID, Start: start, End: end, Need: p.Need()},
	}
	if !p.All() {
		m := p.Compile()
		f.q.Match, f.q.Columns, f.q.Automaton = m.Match, m.Columns(), m.Automaton()
	}
	if err := f.start(); err != nil {
		return nil, err
	}
	if f.q.Reverse && r.Start != nil && *r.Start < firstReverse {
		return nil, ErrReverse
	}
	if err := f.chooseStreams(ctx, g); err != nil {
		return nil, err
	}
	return f, nil
}

// start puts the run where its token says. The direction of a token counts, whatever
// the request says.
func (f *filterRun) start() error {
	if f.r.Token == "" {
		f.q.Reverse = f.r.Reverse
		return nil
	}
	p, err := f.r.decodeToken(f.q.Group, f.now)
	if err != nil {
		return err
	}
	f.q.Reverse = f.r.Reverse
	f.goOn(p.at)
	f.emptied = p.emptied
	if !f.s.ended.has(f.r.Token) {
		f.snapshot = p.snapshot
	}
	return nil
}

// token returns the token of a place in the search.
func (f *filterRun) token(at place) string { return f.r.encodeToken(f.q.Group, f.now, at) }

func (r *FilterRequest) check() (p *pattern.Pattern, limit int, err error) {
	if limit, err = pageLimit(r.Limit); err != nil {
		return nil, 0, err
	}
	if r.Start != nil && r.End != nil && *r.Start > *r.End {
		return nil, 0, ErrTimeRange
	}
	if r.IngestedFrom != nil && r.IngestedTo != nil && *r.IngestedFrom > *r.IngestedTo {
		return nil, 0, ErrIngestedRange
	}
	if r.Streams != nil && r.Prefix != nil {
		return nil, 0, ErrNamesAndPrefix
	}
	if len(r.Streams) > MaxStreamNames {
		return nil, 0, ErrTooManyStreams
	}
	p, err = patterns.Parse(r.Pattern)
	return p, limit, err
}

func (r *FilterRequest) endExclusive() *int64 {
	if r.End == nil || *r.End == math.MaxInt64 {
		return nil
	}
	end := *r.End + 1
	return &end
}
