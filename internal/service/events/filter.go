package events

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

const (
	// MaxStreamNames bounds the names of one filter.
	MaxStreamNames = 100

	// maxPrefixStreams is how many streams of a prefix are looked up front;
	// with more, names are looked up as their events appear.
	maxPrefixStreams = 1000
)

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
// streams in the order (timestamp, time of arrival).
//
// A page carries a token only when there was another matching event behind it when it
// was made, or when it ended early because the search took long; only then may a page
// before the last be empty, as on the real service. The token holds the position behind the page and is bound to its query: group,
// streams, range and pattern; only the limit may differ. It names no upper end beside
// the query's own: a client that asks again with its last token
// sees what has arrived since, which is how some clients follow a group.
//
// Naming a stream that does not exist is an error rather than a search
// of nothing.
func (s *Service) Filter(ctx context.Context, scope logs.Scope, r FilterRequest) (FilterPage, error) {
	match, need, limit, err := r.check()
	if err != nil {
		return FilterPage{}, err
	}
	g, err := s.readable(ctx, scope, r.Group)
	if err != nil {
		return FilterPage{}, err
	}
	start, end := s.visible(g, r.Start, r.endExclusive())
	f := filterRun{
		s: s, group: g.ID, limit: limit,
		page: FilterPage{Group: g.ID, names: map[logs.StreamID]string{}},
		q:    store.Query{Group: g.ID, Start: start, End: end, Need: need, Match: match},
	}
	now, query := s.now().UnixMilli(), r.query(g.ID)
	if r.Token != "" {
		after, err := r.decodeToken(query, now)
		if err != nil {
			return FilterPage{}, err
		}
		f.q.After = &after
	}
	if err := f.chooseStreams(ctx, g, &r); err != nil {
		return FilterPage{}, err
	}
	if f.q.Start < f.q.End && (f.q.Streams == nil || len(f.q.Streams) > 0) {
		if err := f.run(ctx); err != nil {
			return FilterPage{}, fmt.Errorf("filter group %d: %w", g.ID, err)
		}
	}
	if f.more {
		f.page.Token = r.encodeToken(query, now, f.next)
	}
	return f.page, nil
}

func (r *FilterRequest) check() (match func([]byte) bool, need hint.Need, limit int, err error) {
	if limit, err = pageLimit(r.Limit); err != nil {
		return nil, need, 0, err
	}
	if r.Start != nil && r.End != nil && *r.Start > *r.End {
		return nil, need, 0, ErrTimeRange
	}
	if r.Streams != nil && r.Prefix != nil {
		return nil, need, 0, ErrNamesAndPrefix
	}
	if len(r.Streams) > MaxStreamNames {
		return nil, need, 0, ErrTooManyStreams
	}
	p, err := patterns.Parse(r.Pattern)
	if err != nil {
		return nil, need, 0, err
	}
	if !p.All() {
		match = p.Compile().Match
	}
	return match, p.Need(), limit, nil
}

func (r *FilterRequest) endExclusive() *int64 {
	if r.End == nil || *r.End == math.MaxInt64 {
		return nil
	}
	end := *r.End + 1
	return &end
}

// filterRun fills one page.
type filterRun struct {
	s     *Service
	group logs.GroupID
	limit int
	q     store.Query
	page  FilterPage
	more  bool     // another event waits behind the page, or may
	next  logs.Key // where the next page goes on, if there is more

	lazyPrefix string // when set, streams are judged as their events appear
	verdicts   map[logs.StreamID]bool
}

// chooseStreams narrows the query to the streams that the request names.
func (f *filterRun) chooseStreams(ctx context.Context, g groups.Group, r *FilterRequest) error {
	for _, name := range r.Streams {
		st, err := f.s.dir.ResolveStream(ctx, g, name)
		if err != nil {
			return err
		}
		if _, twice := f.page.names[st.ID]; !twice {
			f.q.Streams = append(f.q.Streams, st.ID)
			f.page.names[st.ID] = st.Name
		}
	}
	if r.Prefix == nil || *r.Prefix == "" {
		return nil
	}
	list, err := f.s.dir.Streams(ctx, g.ID, *r.Prefix, "", maxPrefixStreams+1)
	if err != nil {
		return err
	}
	if len(list) > maxPrefixStreams {
		f.lazyPrefix, f.verdicts = *r.Prefix, map[logs.StreamID]bool{}
		return nil
	}
	f.q.Streams = make([]logs.StreamID, len(list))
	for i, st := range list {
		f.q.Streams[i] = st.ID
		f.page.names[st.ID] = st.Name
	}
	return nil
}

// run scans until the page is full and one more event is known to wait behind
// it, or until the end. Names are looked up in bulk after a scan; rows of
// streams that are gone fall out then, and the scan goes on behind them.
//
// A search that takes longer than pageTime ends where it stands: the page holds
// what was found, maybe nothing, and its token goes on from there.
func (f *filterRun) run(ctx context.Context) error {
	end := time.Now().Add(f.s.pageTime)
	for {
		f.q.Budget.Time = max(time.Until(end), 1)
		var (
			consumed logs.Key    // position of the last event that is dealt with
			behind   *logs.Event // the event that did not fit, without its message
			scanErr  error
		)
		stats, err := f.s.store.Scan(ctx, f.q, func(e logs.Event) bool {
			if f.lazyPrefix != "" {
				wanted, err := f.wanted(ctx, e.Stream)
				if err != nil {
					scanErr = err
					return false
				}
				if !wanted {
					return true
				}
			}
			if !f.page.fits(len(e.Message), f.limit) {
				behind = &logs.Event{Key: e.Key, Stream: e.Stream}
				return false
			}
			f.page.add(&e)
			consumed = e.Key
			return true
		})
		if err = scanError(err); err == nil {
			err = scanErr
		}
		if err != nil {
			return err
		}
		gone, err := f.nameStreams(ctx, behind)
		if err != nil {
			return err
		}
		if behind == nil {
			if stats.Frontier != nil {
				f.more, f.next = true, *stats.Frontier
			}
			return nil
		}
		if !gone {
			f.more, f.next = true, f.page.last()
			return nil
		}
		if _, alive := f.page.names[behind.Stream]; !alive {
			consumed = behind.Key
		}
		if consumed != (logs.Key{}) {
			f.q.After = &consumed
		}
	}
}

// wanted judges a stream by the prefix and remembers its name.
func (f *filterRun) wanted(ctx context.Context, id logs.StreamID) (bool, error) {
	if v, seen := f.verdicts[id]; seen {
		return v, nil
	}
	names, err := f.s.dir.StreamNames(ctx, f.group, []logs.StreamID{id})
	if err != nil {
		return false, err
	}
	name, alive := names[id]
	v := alive && strings.HasPrefix(name, f.lazyPrefix)
	if f.verdicts[id] = v; v {
		f.page.names[id] = name
	}
	return v, nil
}

// nameStreams looks up the names that the page still lacks, drops the rows of
// streams that do not resolve, and reports whether there were any, the stream
// of the event behind the page (nil: none) included.
func (f *filterRun) nameStreams(ctx context.Context, behind *logs.Event) (gone bool, err error) {
	var missing []logs.StreamID
	seen := map[logs.StreamID]bool{}
	need := func(id logs.StreamID) {
		if _, known := f.page.names[id]; !known && !seen[id] {
			seen[id] = true
			missing = append(missing, id)
		}
	}
	for i := range f.page.rows {
		need(f.page.rows[i].stream)
	}
	if behind != nil {
		need(behind.Stream)
	}
	if len(missing) == 0 {
		return false, nil
	}
	names, err := f.s.dir.StreamNames(ctx, f.group, missing)
	if err != nil {
		return false, err
	}
	for id, name := range names {
		f.page.names[id] = name
	}
	if len(names) == len(missing) {
		return false, nil
	}
	f.page.keep(func(r *row) bool { _, alive := f.page.names[r.stream]; return alive })
	return true, nil
}
