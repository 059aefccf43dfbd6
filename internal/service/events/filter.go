package events

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
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
	p, limit, err := r.check()
	if err != nil {
		return FilterPage{}, err
	}
	g, err := s.readable(ctx, scope, r.Group)
	if err != nil {
		return FilterPage{}, err
	}
	start, end := s.visible(g, r.Start, r.endExclusive())
	f := filterRun{
		s: s, group: g.ID, limit: limit, from: r.IngestedFrom, to: r.IngestedTo,
		page: FilterPage{Group: g.ID, names: map[logs.StreamID]string{}},
		q:    store.Query{Group: g.ID, Start: start, End: end, Need: p.Need(), Reverse: r.Reverse},
	}
	if !p.All() {
		m := p.Compile()
		f.q.Match, f.q.Columns = m.Match, m.Columns()
	}
	now := s.now().UnixMilli()
	if r.Token != "" {
		at, snapshot, err := r.decodeToken(g.ID, now)
		if err != nil {
			return FilterPage{}, err
		}
		f.q.Reverse = r.Reverse
		f.goOn(at)
		if !s.ended.has(r.Token) {
			f.snapshot = snapshot
		}
	}
	if r.Reverse && r.Start != nil && *r.Start < firstReverse {
		return FilterPage{}, ErrReverse
	}
	if err := f.chooseStreams(ctx, g, &r); err != nil {
		return FilterPage{}, err
	}
	if f.q.Start < f.q.End && (f.q.Streams == nil || len(f.q.Streams) > 0) {
		if err := f.run(ctx); err != nil {
			return FilterPage{}, fmt.Errorf("filter group %d: %w", g.ID, err)
		}
	}
	switch {
	case f.more:
		f.page.Token = r.encodeToken(g.ID, now, f.next, f.snapshot)
	case r.Token != "":
		s.ended.add(r.Token)
	}
	return f.page, nil
}

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

// filterRun fills one page.
type filterRun struct {
	s     *Service
	group logs.GroupID
	limit int
	q     store.Query
	page  FilterPage
	more  bool     // another event waits behind the page, or may
	next  logs.Key // where the next page goes on, if there is more

	dead map[logs.StreamID]bool // streams that were found deleted

	snapshot logs.Seq // no event with a higher one is shown; 0: not chosen yet
	from, to *int64   // of the ingestion time

	lazyPrefix string // when set, streams are judged as their events appear
	verdicts   map[logs.StreamID]bool
}

// chooseStreams narrows the query to the streams that the request names.
func (f *filterRun) chooseStreams(ctx context.Context, g groups.Group, r *FilterRequest) error {
	if r.Streams != nil {
		f.q.Streams = []logs.StreamID{}
	}
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

// goOn continues behind a position.
func (f *filterRun) goOn(at logs.Key) {
	if f.q.Reverse {
		f.q.Before = &at
	} else {
		f.q.After = &at
	}
}

// run scans until the page is full and one more event is known to wait behind
// it, or until the end. Names are looked up in bulk after a scan; rows of
// streams that are gone fall out then, and the scan goes on behind them.
//
// A search that takes longer than pageTime ends where it stands, with what was
// found. A page with nothing on it goes on until emptyTime, since clients that
// stop at an empty page exist.
func (f *filterRun) run(ctx context.Context) error {
	begin := time.Now()
	for {
		f.q.Budget.Time = max(f.s.pageTime-time.Since(begin), time.Millisecond)
		if len(f.page.rows) == 0 {
			f.q.Budget.Time = max(f.s.emptyTime-time.Since(begin), time.Millisecond)
			f.q.Budget.Time = min(f.q.Budget.Time, f.s.pageTime)
		}
		var (
			consumed logs.Key    // position of the last event that is dealt with
			behind   *logs.Event // the event that did not fit, without its message
			scanErr  error
		)
		stats, err := f.s.store.Scan(ctx, f.q, func(e logs.Event) bool {
			if ok, err := f.shows(ctx, &e); err != nil || !ok {
				scanErr = err
				return err == nil
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
		if f.snapshot == 0 {
			f.snapshot = stats.Applied
		}
		gone, err := f.nameStreams(ctx, behind)
		if err != nil {
			return err
		}
		switch {
		case behind == nil && stats.Frontier != nil && len(f.page.rows) == 0 && time.Since(begin) < f.s.emptyTime:
			f.goOn(*stats.Frontier)
			continue
		case behind == nil:
			if stats.Frontier != nil {
				f.more, f.next = true, *stats.Frontier
			}
			return nil
		case !gone:
			f.more, f.next = true, f.page.last()
			return nil
		}
		if _, alive := f.page.names[behind.Stream]; !alive {
			consumed = behind.Key
		}
		if consumed == (logs.Key{}) {
			continue
		}
		// Many deleted streams may lie ahead.
		if took := time.Since(begin); took >= f.s.emptyTime || took >= f.s.pageTime && len(f.page.rows) > 0 {
			f.more, f.next = true, consumed
			return nil
		}
		f.goOn(consumed)
	}
}

// shows reports whether an event that matches is to be shown.
func (f *filterRun) shows(ctx context.Context, e *logs.Event) (bool, error) {
	switch {
	case f.snapshot != 0 && e.Seq > f.snapshot:
		return false, nil
	case f.from != nil && e.Ingestion < *f.from, f.to != nil && e.Ingestion >= *f.to:
		return false, nil
	case f.lazyPrefix != "":
		return f.wanted(ctx, e.Stream)
	}
	return !f.dead[e.Stream], nil
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
	if f.dead == nil {
		f.dead = map[logs.StreamID]bool{}
	}
	for _, id := range missing {
		if _, alive := names[id]; !alive {
			f.dead[id] = true
		}
	}
	f.page.keep(func(r *row) bool { _, alive := f.page.names[r.stream]; return alive })
	return true, nil
}
