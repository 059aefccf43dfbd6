package fieldindex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside *PolicyError, groups.ErrGroupNotFound and
// groups.ErrUnavailable.
var (
	ErrClass    = errors.New("log group class has no field indexes")
	ErrNoPolicy = errors.New("log group has no index policy")
	ErrBadToken = errors.New("bad paging token")
)

// reach is how far back an index goes, and how long it stays after its policy.
const reach = 30 * 24 * time.Hour

const settingKind = "index policy"

// Directory finds groups; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	GroupTags(ctx context.Context, scope logs.Scope, name string) (map[string]string, error)
}

// Events finds fields in events; *explore.Service is one.
type Events interface {
	Times(ctx context.Context, g groups.Group, field string, since int64) (first, last int64, found bool, err error)
}

// Options configure a Service.
type Options struct {
	Catalog   *catalog.DB      // required
	Directory Directory        // required
	Events    Events           // required
	Now       func() time.Time // nil means time.Now
}

// Service is the entry to field indexes. Its methods are safe for concurrent use.
type Service struct {
	o      Options
	change sync.Mutex // held by whoever changes a policy
}

// New returns a Service.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Directory == nil || o.Events == nil {
		return nil, errors.New("fieldindex: options Catalog, Directory and Events are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o}, nil
}

// Policy is the index policy in force on a group.
type Policy struct {
	GroupARN  string
	Document  string // as given
	UpdatedMS int64
}

// setting is what the catalog keeps for a group.
type setting struct {
	Document  string             `json:"document,omitempty"` // "": deleted
	UpdatedMS int64              `json:"updatedMs,omitempty"`
	Fields    []Field            `json:"fields,omitempty"`
	Retired   map[string]retired `json:"retired,omitempty"` // by field
}

// retired is a field that no policy names any more.
type retired struct {
	Type string `json:"type"`
	AtMS int64  `json:"atMs"`
}

func (r retired) lasts(now int64) bool { return now-r.AtMS < reach.Milliseconds() }

// load returns the setting of a group, an empty one when there is none.
func (s *Service) load(ctx context.Context, g groups.Group) (setting, error) {
	row, err := s.o.Catalog.GroupSetting(ctx, g.ID, settingKind)
	if errors.Is(err, catalog.ErrNotFound) {
		return setting{}, nil
	}
	if err != nil {
		return setting{}, unavailable(err)
	}
	var out setting
	if err := json.Unmarshal([]byte(row.Body), &out); err != nil {
		return setting{}, fmt.Errorf("decode index policy of group %d: %w", g.ID, err)
	}
	return out, nil
}

// store replaces the setting of a group by another, in which the fields that old
// names and the new one does not are retired.
func (s *Service) store(ctx context.Context, g groups.Group, old, next setting) error {
	now := s.o.Now().UnixMilli()
	next.Retired = map[string]retired{}
	for name, r := range old.Retired {
		if r.lasts(now) {
			next.Retired[name] = r
		}
	}
	for _, f := range old.Fields {
		next.Retired[f.Name] = retired{f.Type, now}
	}
	for _, f := range next.Fields {
		delete(next.Retired, f.Name)
	}
	body, err := json.Marshal(&next)
	if err != nil {
		return fmt.Errorf("encode index policy: %w", err)
	}
	err = s.o.Catalog.PutGroupSetting(ctx, g.ID, settingKind, catalog.GroupSetting{Body: string(body), UpdatedMS: now})
	if errors.Is(err, catalog.ErrNotFound) {
		return groups.ErrGroupNotFound
	}
	return unavailable(err)
}

func unavailable(err error) error {
	if errors.Is(err, catalog.ErrFull) {
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}

// Put sets the policy of a group. *PolicyError, ErrClass, groups.ErrGroupNotFound,
// groups.ErrUnavailable.
func (s *Service) Put(ctx context.Context, scope logs.Scope, group, document string) (Policy, error) {
	fields, err := ParsePolicy(document)
	if err != nil {
		return Policy{}, err
	}
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return Policy{}, err
	}
	if g.Class != groups.ClassStandard {
		return Policy{}, ErrClass
	}
	s.change.Lock()
	defer s.change.Unlock()
	old, err := s.load(ctx, g)
	if err != nil {
		return Policy{}, err
	}
	next := setting{Document: document, UpdatedMS: s.o.Now().UnixMilli(), Fields: fields}
	if err := s.store(ctx, g, old, next); err != nil {
		return Policy{}, err
	}
	return next.policy(g), nil
}

func (p *setting) policy(g groups.Group) Policy {
	return Policy{GroupARN: g.Scope.GroupARN(g.Name), Document: p.Document, UpdatedMS: p.UpdatedMS}
}

// Delete removes the policy of a group; its fields stay indexed for 30 days.
// ErrNoPolicy, groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, group string) error {
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	old, err := s.load(ctx, g)
	if err != nil {
		return err
	}
	if old.Document == "" {
		return ErrNoPolicy
	}
	return s.store(ctx, g, old, setting{})
}

// Policies returns the policies in force on a group: one or none.
// groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) Policies(ctx context.Context, scope logs.Scope, group string) ([]Policy, error) {
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return nil, err
	}
	p, err := s.load(ctx, g)
	if err != nil || p.Document == "" {
		return nil, err
	}
	return []Policy{p.policy(g)}, nil
}

// Indexed returns the names of the fields of a group that are indexed, by name, as
// queries write them: those of its policy, of policies of the last 30 days, and those
// indexed by default. Groups of other classes than STANDARD have none.
// groups.ErrUnavailable.
func (s *Service) Indexed(ctx context.Context, g groups.Group) ([]string, error) {
	fields, err := s.indexed(ctx, g)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out, nil
}

func (s *Service) indexed(ctx context.Context, g groups.Group) ([]Field, error) {
	if g.Class != groups.ClassStandard {
		return nil, nil
	}
	p, err := s.load(ctx, g)
	if err != nil {
		return nil, err
	}
	tags, err := s.o.Directory.GroupTags(ctx, g.Scope, g.Name)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, name := range defaults(tags) {
		all[name] = TypeIndex
	}
	now := s.o.Now().UnixMilli()
	for name, r := range p.Retired {
		if r.lasts(now) {
			all[name] = r.Type
		}
	}
	for _, f := range p.Fields {
		all[f.Name] = f.Type
	}
	out := make([]Field, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, Field{name, all[name]})
	}
	return out, nil
}
