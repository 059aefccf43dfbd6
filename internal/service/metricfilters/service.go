package metricfilters

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Limits of a group.
const (
	MaxStrict        = 100   // filters, as on the real service
	MaxFilters       = 1_000 // filters otherwise
	MaxStrictRegexps = 5     // filters with regular expressions, as on the real service

	defaultPage = 50 // of Describe
)

// Kinds of documents: filters in force, and versions of filters that were replaced or deleted
// while there were events behind the position that they still count.
const (
	kindFilter = "metric-filter"
	kindEnded  = "metric-filter-ended"
)

// Directory finds groups; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
}

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB // required
	Directory Directory   // required
	Feed      Feed        // required
	Metrics   Metrics     // required
	Strict    bool        // the quotas of the real service
	Logger    *slog.Logger
	Now       func() time.Time // nil means time.Now
}

// Service is the entry to metric filters. Its methods are safe for concurrent use.
type Service struct {
	o      Options
	change sync.Mutex // held by whoever changes a filter

	mu       sync.Mutex
	table    *table
	changing bool   // a change is under way, and
	fence    uint64 // events behind it are not to be consumed until it is known

	consumer consumer
}

// New returns a Service. Run makes it work.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Catalog == nil || o.Directory == nil || o.Feed == nil || o.Metrics == nil {
		return nil, errors.New("metricfilters: options Catalog, Directory, Feed and Metrics are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o}
	t, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.table = t
	if err := s.consumer.init(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Put creates a filter, or replaces that of the same name. It has the events that are
// appended after Put returned. *ParameterError, ErrClass, ErrTransformer, ErrTooMany,
// groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) Put(ctx context.Context, scope logs.Scope, group string, spec Spec) error {
	c, err := compile(&spec)
	if err != nil {
		return err
	}
	if err := checkKept(&spec.Transformation); err != nil {
		return err
	}
	g, err := s.resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	if spec.Transformed != nil && *spec.Transformed {
		return ErrTransformer
	}
	return s.alter(ctx, g, func(since uint64) (*version, error) {
		limit := MaxFilters
		have := s.snapshot().live(g.ID)
		if s.o.Strict {
			limit = MaxStrict
			if n := regexps(have, spec.Name); c.hasRegexp() && n >= MaxStrictRegexps {
				return nil, ErrTooMany
			}
		}
		if have[spec.Name] == nil && len(have) >= limit {
			return nil, ErrTooMany
		}
		return &version{record: record{Spec: spec, Group: g.Name, Since: since}, compiled: c, id: g.ID, scope: g.Scope}, nil
	}, spec.Name)
}

func regexps(have map[string]*version, but string) (n int) {
	for name, v := range have {
		if name != but && v.hasRegexp() {
			n++
		}
	}
	return n
}

// Delete removes a filter. It still has the events that were appended before. ErrNotFound,
// ErrClass, groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, group, name string) error {
	g, err := s.resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	return s.alter(ctx, g, func(uint64) (*version, error) {
		if s.snapshot().live(g.ID)[name] == nil {
			return nil, ErrNotFound
		}
		return nil, nil
	}, name)
}

func (s *Service) resolve(ctx context.Context, scope logs.Scope, group string) (groups.Group, error) {
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return groups.Group{}, err
	}
	if g.Class != groups.ClassStandard {
		return groups.Group{}, ErrClass
	}
	return g, nil
}

// alter replaces the filter of a name by what next returns for the position from which it
// counts; nil deletes it. The consumer does not go beyond that position meanwhile.
func (s *Service) alter(ctx context.Context, g groups.Group, next func(since uint64) (*version, error), name string) error {
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.refresh(ctx); err != nil {
		return unavailable(err)
	}
	s.mu.Lock()
	s.fence, s.changing = s.o.Feed.Applied(), true
	since := s.fence
	s.mu.Unlock()
	t, err := s.write(ctx, g, since, next, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changing = false
	s.table = t
	return err
}

// write makes a change durable and returns the table that holds from now on: nil when
// that is not known, which makes whoever needs it load it.
func (s *Service) write(ctx context.Context, g groups.Group, since uint64, next func(since uint64) (*version, error), name string) (*table, error) {
	t := s.snapshot()
	v, err := next(since)
	if err != nil {
		return t, err
	}
	now := s.o.Now().UnixMilli()
	key := catalog.DocumentKey{Kind: kindFilter, Scope: g.Scope, Group: g.ID, Name: name}
	var c catalog.Changes
	var ended *version
	if old := t.live(g.ID)[name]; old != nil && s.consumer.reached() < since && old.DisabledMS == 0 {
		ended = old.until(since)
		body, err := ended.encode()
		if err != nil {
			return t, err
		}
		c.Put = append(c.Put, catalog.Document{DocumentKey: ended.key(), CreatedMS: now, UpdatedMS: now, Body: body})
	}
	if v == nil {
		c.Delete = append(c.Delete, key)
	} else {
		body, err := v.encode()
		if err != nil {
			return t, err
		}
		c.Put = append(c.Put, catalog.Document{DocumentKey: key, CreatedMS: now, UpdatedMS: now, Body: body})
	}
	switch err := s.o.Catalog.Apply(ctx, c); {
	case errors.Is(err, catalog.ErrNotFound):
		return t, groups.ErrGroupNotFound
	case err != nil:
		return nil, fmt.Errorf("write metric filter: %w", unavailable(err))
	}
	return t.with(g.ID, name, v, ended), nil
}

// snapshot returns the present table; nil when it has to be loaded.
func (s *Service) snapshot() *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table
}

// refresh loads the table when it is not known. The caller holds change.
func (s *Service) refresh(ctx context.Context) error {
	if s.snapshot() != nil {
		return nil
	}
	t, err := s.load(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.table = t
	s.mu.Unlock()
	return nil
}

// Count returns how many filters a group has.
func (s *Service) Count(ctx context.Context, id logs.GroupID) (int, error) {
	t := s.snapshot()
	if t == nil {
		s.change.Lock()
		err := s.refresh(ctx)
		s.change.Unlock()
		if t = s.snapshot(); err != nil || t == nil {
			return 0, unavailable(err)
		}
	}
	return len(t.live(id)), nil
}

// DescribeRequest selects and pages filters.
type DescribeRequest struct {
	Group  string // "": of the whole account, and then Prefix does not count, as on the real service
	Prefix string // of the names
	Metric *Metric
	Token  *string
	Limit  int // 0: 50
}

// Metric is what filters of a DescribeRequest publish to.
type Metric struct{ Namespace, Name string }

// Page is one page of filters, by byte order of their names and then by group. Next is the
// token of the next page, "" on the last.
type Page struct {
	Filters []Filter
	Next    string
}

// Describe lists filters. ErrBadToken, ErrClass, groups.ErrGroupNotFound,
// groups.ErrUnavailable.
func (s *Service) Describe(ctx context.Context, scope logs.Scope, r DescribeRequest) (Page, error) {
	q := catalog.DocumentQuery{Kind: kindFilter, Scope: &scope}
	query := []string{scope.Account, scope.Region, r.Group, r.Prefix}
	if r.Group != "" {
		g, err := s.resolve(ctx, scope, r.Group)
		if err != nil {
			return Page{}, err
		}
		q.Group, q.Prefix = &g.ID, r.Prefix
	}
	if r.Metric != nil {
		query = append(query, r.Metric.Namespace, r.Metric.Name)
	}
	now := s.o.Now().UnixMilli()
	hash := logs.QueryHash(query...)
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenMetricFilters, hash, now)
		if err != nil || len(b) < 8 {
			return Page{}, ErrBadToken
		}
		q.After = &catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: logs.GroupID(binary.BigEndian.Uint64(b)), Name: string(b[8:])}
	}
	limit := r.Limit
	if limit == 0 {
		limit = defaultPage
	}
	q.Limit = max(limit+1, 200)
	var page Page
	for {
		found, err := s.o.Catalog.Documents(ctx, q)
		if err != nil {
			return Page{}, unavailable(err)
		}
		for i := range found {
			d := &found[i]
			rec, err := decode(d.Body)
			if err != nil {
				return Page{}, fmt.Errorf("metric filter %q of group %d: %w", d.Name, d.Group, err)
			}
			if t := &rec.Transformation; r.Metric != nil && *r.Metric != (Metric{t.Namespace, t.Name}) {
				continue
			}
			if len(page.Filters) == limit {
				page.Next = logs.EncodeToken(logs.TokenMetricFilters, hash, now, position(q.After))
				return page, nil
			}
			rec.Name = d.Name
			page.Filters = append(page.Filters, Filter{Spec: rec.Spec, Group: rec.Group, CreatedMS: d.CreatedMS})
			q.After = &d.DocumentKey
		}
		if len(found) < q.Limit {
			return page, nil
		}
		q.After = &found[len(found)-1].DocumentKey
	}
}

func position(k *catalog.DocumentKey) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(k.Group)), k.Name...)
}

// endedName is the name of the document of a version that ended.
func endedName(name string, until uint64) string {
	return strconv.FormatUint(until, 10) + "/" + name
}
