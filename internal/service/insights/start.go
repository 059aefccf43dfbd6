package insights

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// StartRequest asks for a query to be run.
type StartRequest struct {
	Language string // "" = CWLI
	Query    string
	// Exactly one of these names groups, unless the query does so itself.
	Group       *string
	Groups      []string // names
	Identifiers []string // names or ARNs
	// Start and End are both included, in seconds since the Unix epoch; values from
	// 10^11 on are ms. Of seconds, all of the second is included.
	Start, End int64
	Limit      int    // rows; 0 = DefaultRows unless the query says otherwise
	User       string // who asks, as DescribeQueries shows it
}

// msFrom is the least time that is taken for one in ms: the year 1973 in ms, 5138 in seconds.
const msFrom = 100_000_000_000

// timeRange returns the range [start, end) in ms.
func (r *StartRequest) timeRange() (start, end int64, err error) {
	if r.Start < 0 || r.End < 0 {
		return 0, 0, ErrTimeRange
	}
	start, end = r.Start, r.End
	if start < msFrom {
		start *= 1000
	}
	if end < msFrom {
		end = end*1000 + 999
	}
	if start > end {
		return 0, 0, ErrTimeRange
	}
	return start, min(end, math.MaxInt64-1) + 1, nil
}

// spec is the JSON of a query's record that is fixed at its start.
type spec struct {
	Start  int64    `json:"start"` // ms, of [Start, End)
	End    int64    `json:"end"`
	Limit  int      `json:"limit,omitempty"`
	User   string   `json:"user,omitempty"`
	Groups []string `json:"groups"` // as they were asked for
	Source bool     `json:"source"` // the query names its groups itself
}

// Start starts a query and returns its id. It returns when the record of the query is
// durable. *ParameterError, *MalformedError, *ConcurrencyError, ErrGroups, ErrSourceAndGroups,
// ErrTooManyGroups, ErrTooManySelected, ErrTimeRange, ErrClass, groups.ErrGroupNotFound,
// groups.ErrUnavailable.
func (s *Service) Start(ctx context.Context, scope logs.Scope, r StartRequest) (string, error) {
	j, err := s.prepare(ctx, scope, r)
	if err != nil {
		return "", err
	}
	if err := s.admit(j); err != nil {
		j.cancel(err)
		return "", err
	}
	if err := s.record(ctx, j); err != nil {
		return "", err
	}
	return j.id, nil
}

// prepare checks a request and makes a job of it.
func (s *Service) prepare(ctx context.Context, scope logs.Scope, r StartRequest) (*job, error) {
	name := cmp.Or(r.Language, CWLI)
	lang, known := s.languages[name]
	if !known {
		return nil, parameterf("Queries in the language %s are not supported by this server.", name)
	}
	if r.Limit < 0 || r.Limit > MaxRows {
		return nil, parameterf("The limit must be between 1 and %d.", MaxRows)
	}
	start, end, err := r.timeRange()
	if err != nil {
		return nil, err
	}
	x := expansion{text: r.Query}
	if name == CWLI {
		if x, err = s.expand(ctx, scope, r.Query); err != nil {
			return nil, err
		}
	}
	query := x.text
	if n := utf8.RuneCountInString(query); n > MaxText {
		return nil, parameterf("The query has %d characters; at most %d are allowed.", n, MaxText)
	}
	st, err := lang.parse(query)
	if err != nil {
		return nil, x.place(err)
	}
	sel, err := s.groupsOf(ctx, scope, &r, lang, st.sources)
	if err != nil {
		return nil, err
	}
	if err := st.checkClasses(sel.groups); err != nil {
		return nil, err
	}
	now := s.now()
	start, end = shifted(st.sources, now.UnixMilli(), start, end)
	if start > end {
		return nil, ErrTimeRange
	}
	if err := s.checkRange(ctx, sel.groups, end, utf8.RuneCountInString(r.Query)); err != nil {
		return nil, err
	}
	j := &job{
		s: s, status: Scheduled, id: uuid.NewString(), scope: scope, language: name, shown: r.Query, statement: st, selection: sel,
		createdMS: now.UnixMilli(), born: time.Now(), recorded: make(chan struct{}), done: make(chan struct{}), saved: make(chan struct{}),
		spec: spec{Start: start, End: end, Limit: r.Limit, User: r.User, Groups: sel.shown, Source: len(st.sources) > 0},
	}
	j.ctx, j.cancel = context.WithCancelCause(context.Background())
	j.env = newEnv(j)
	if err := j.compileEarly(ctx); err != nil {
		j.cancel(err)
		return nil, x.place(err)
	}
	if j.compiled != nil && j.compiled.Unmask && infrequent(sel.groups) {
		st.standardOnly = "unmask"
		err := st.checkClasses(sel.groups)
		j.cancel(err)
		return nil, err
	}
	return j, nil
}

// shifted applies the start and end that a SOURCE may have: ms before now.
func shifted(sources []insightsql.Source, now, start, end int64) (from, to int64) {
	for i := range sources {
		if sources[i].From != nil {
			start = now - *sources[i].From
		}
		if sources[i].To != nil {
			end = now - *sources[i].To
		}
	}
	return start, end
}

// groupsOf resolves the groups that a request names, one way or the other.
func (s *Service) groupsOf(ctx context.Context, scope logs.Scope, r *StartRequest, lang language, sources []insightsql.Source) (selection, error) {
	ways := 0
	var names []string
	if r.Group != nil {
		ways++
		names = []string{*r.Group}
	}
	for _, list := range [][]string{r.Groups, r.Identifiers} {
		if len(list) > 0 {
			ways++
			names = list
		}
	}
	switch {
	case len(sources) > 0 || lang.named:
		if ways > 0 {
			return selection{}, ErrSourceAndGroups
		}
		return s.bySource(ctx, scope, sources)
	case ways != 1:
		return selection{}, ErrGroups
	case len(names) > MaxNamed:
		return selection{}, ErrTooManyGroups
	}
	return s.byName(ctx, scope, names)
}

// admit gives a job a place, or lets it wait for one.
func (s *Service) admit(j *job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.o.Strict {
		if err := s.quota(j); err != nil {
			return err
		}
	}
	if s.running >= s.o.Concurrency {
		if len(s.queue) >= s.o.MaxQueued {
			return &ConcurrencyError{s.o.MaxQueued + s.o.Concurrency}
		}
		s.jobs[j.id] = j
		s.queue = append(s.queue, j)
		return nil
	}
	s.jobs[j.id] = j
	s.start(j)
	return nil
}

// start runs a job. The lock is held.
func (s *Service) start(j *job) {
	s.running++
	s.work.Go(func() {
		j.run()
		j.save()
		s.next()
	})
}

// next gives the place of a job to the one that has waited longest.
func (s *Service) next() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if len(s.queue) == 0 || s.closed {
		return
	}
	j := s.queue[0]
	s.queue = s.queue[1:]
	s.start(j)
}

// quota applies AWS's quota to the jobs of the account and Region that have not ended. The lock
// is held.
func (s *Service) quota(j *job) error {
	kind := func(j *job) int {
		switch {
		case infrequent(j.selection.groups):
			return awsConcurrencyInfrequent
		case j.language != CWLI:
			return awsConcurrencyOpenSearch
		}
		return awsConcurrency
	}
	limit, n := kind(j), 0
	for _, other := range s.jobs {
		if other.scope == j.scope && kind(other) == limit && !other.ended() {
			n++
		}
	}
	if n >= limit {
		return &ConcurrencyError{limit}
	}
	return nil
}

// record writes the record of a query that was admitted.
func (s *Service) record(ctx context.Context, j *job) error {
	b, err := json.Marshal(j.spec)
	if err != nil {
		return fmt.Errorf("encode the record of a query: %w", err)
	}
	_, err = s.o.Catalog.CreateQuery(ctx, catalog.Query{
		ID: j.id, Scope: j.scope, Language: j.language, Status: Running, CreatedMS: j.createdMS, Text: j.shown,
		Groups: j.selection.names(), Spec: b, Outcome: []byte(`{}`),
	})
	if err != nil {
		j.cancel(err)
		j.unrecorded = true
		close(j.recorded)
		s.dequeue(j)
		return translate(fmt.Errorf("write the record of a query: %w", err), nil)
	}
	close(j.recorded)
	return nil
}

// dequeue ends a job that was cancelled, if it waits still.
func (s *Service) dequeue(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.queue, j); i >= 0 {
		s.queue = slices.Delete(slices.Clone(s.queue), i, i+1)
		s.work.Go(func() { s.endQueued(j) })
	}
}

// forget drops a job that is written, or that never was.
func (s *Service) forget(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, j.id)
}

// find returns a job of a scope that is still in memory.
func (s *Service) find(scope logs.Scope, id string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil && j.scope == scope {
		return j
	}
	return nil
}
