package insights

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Limits of the groups of one query.
const (
	MaxNamed  = 50     // by the parameters of a request
	MaxGroups = 10_000 // by SOURCE
)

// Directory finds groups and streams; *groups.Service is one.
type Directory interface {
	Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (groups.Group, error)
	ResolveStream(ctx context.Context, g groups.Group, name string) (groups.Stream, error)
	Select(ctx context.Context, scope logs.Scope, sel groups.Selection, limit int) ([]groups.Group, error)
	DeadStreamsOf(ctx context.Context, ids []logs.GroupID) ([]logs.StreamID, error)
	StreamName(ctx context.Context, id logs.StreamID) (string, error)
	Began(ctx context.Context, g groups.Group) (int64, error)
	Streams(ctx context.Context, group logs.GroupID, prefix, after string, limit int) ([]groups.Stream, error)
}

// selection is the groups that a query reads.
type selection struct {
	groups []groups.Group
	shown  []string // their names or ARNs, as they were asked for
}

// add takes a group in unless it is in already.
func (s *selection) add(g groups.Group, shown string) {
	if !slices.ContainsFunc(s.groups, func(h groups.Group) bool { return h.ID == g.ID }) {
		s.groups = append(s.groups, g)
		s.shown = append(s.shown, shown)
	}
}

// names returns the names of the groups.
func (s *selection) names() []string {
	out := make([]string, len(s.groups))
	for i, g := range s.groups {
		out[i] = g.Name
	}
	return out
}

// byName resolves names and ARNs. Clients end ARNs with ":*" or ":" too.
func (s *Service) byName(ctx context.Context, scope logs.Scope, names []string) (selection, error) {
	var out selection
	for _, name := range names {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "*"), ":")
		g, err := s.dir.Resolve(ctx, scope, name)
		if err != nil {
			return selection{}, err
		}
		out.add(g, name)
	}
	return out, nil
}

// bySource resolves the selectors of a query, which intersect.
func (s *Service) bySource(ctx context.Context, scope logs.Scope, sources []insightsql.Source) (selection, error) {
	sel := groups.Selection{Class: groups.ClassStandard}
	var names []string
	selects := false
	for i := range sources {
		src := &sources[i]
		switch src.Kind {
		case insightsql.SourceNames:
			names = append(names, src.Names...)
		case insightsql.SourceLogGroups:
			if selects && len(sel.Prefixes) > 0 && len(src.Names) > 0 {
				return selection{}, parameterf("SOURCE can have one logGroups selector.")
			}
			selects = true
			sel.Prefixes = append(sel.Prefixes, src.Names...)
			sel.Class = cmp.Or(src.Class, groups.ClassStandard)
			if len(src.Accounts) > 0 && !slices.Contains(src.Accounts, scope.Account) {
				return selection{}, parameterf("Account %s is not linked to account %s.", src.Accounts[0], scope.Account)
			}
		case insightsql.SourceDataSource:
			selects = true
			filters, err := dataSourceTags(src.Names)
			if err != nil {
				return selection{}, err
			}
			sel.Tags = append(sel.Tags, filters...)
		case insightsql.SourceTags:
			selects = true
			for _, t := range src.Tags {
				sel.Tags = append(sel.Tags, groups.TagFilter{Key: t.Key, Values: t.Values})
			}
		}
	}
	if !selects {
		return s.byName(ctx, scope, names)
	}
	found, err := s.dir.Select(ctx, scope, sel, MaxGroups+1)
	if err != nil {
		return selection{}, err
	}
	if len(found) > MaxGroups {
		return selection{}, ErrTooManySelected
	}
	if len(names) > 0 {
		named, err := s.byName(ctx, scope, names)
		if err != nil {
			return selection{}, err
		}
		found = slices.DeleteFunc(found, func(g groups.Group) bool {
			return !slices.ContainsFunc(named.groups, func(h groups.Group) bool { return h.ID == g.ID })
		})
	}
	out := selection{groups: found}
	out.shown = out.names()
	return out, nil
}

// The tags by which a group belongs to a data source.
const (
	tagSourceName = "cw:datasource:name"
	tagSourceType = "cw:datasource:type"
)

// dataSourceTags returns the tags that groups of one of the data sources have, each
// written name.type or name. Several have to agree in all but one of the two.
func dataSourceTags(sources []string) ([]groups.TagFilter, error) {
	var names, types []string
	for _, src := range sources {
		name, kind, _ := strings.Cut(src, ".")
		if name == "" || strings.ContainsAny(src, "*!") {
			return nil, parameterf("%q is not the name of a data source.", src)
		}
		names, types = append(names, name), append(types, kind)
	}
	slices.Sort(names)
	slices.Sort(types)
	names, types = slices.Compact(names), slices.Compact(types)
	if len(names) > 1 && len(types) > 1 || len(types) > 1 && types[0] == "" {
		return nil, parameterf("Data sources of different names and different types cannot be queried together.")
	}
	out := []groups.TagFilter{{Key: tagSourceName, Values: names}}
	if types[0] != "" {
		out = append(out, groups.TagFilter{Key: tagSourceType, Values: types})
	}
	return out, nil
}

// checkRange refuses a range that lies before the creation of every group, or before
// what the retention of every group keeps. Groups with older events are older (ours).
func (s *Service) checkRange(ctx context.Context, found []groups.Group, end int64, characters int) error {
	if len(found) == 0 {
		return nil
	}
	now := s.now()
	for _, g := range found {
		if from, _ := groups.Visible(g, now, &g.CreatedMS, nil); from < end {
			return nil
		}
	}
	for _, g := range found {
		began, err := s.dir.Began(ctx, g)
		if err != nil {
			return err
		}
		if from, _ := groups.Visible(g, now, &began, nil); from < end {
			return nil
		}
	}
	return &MalformedError{0, characters, fmt.Sprintf(
		"Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings ([0,%d])", characters)}
}

// scan returns what the executor reads of groups in [start, end) and the conditions
// that hide what users must not see: events past the retention of their group, and
// those of deleted streams.
func (s *Service) scan(ctx context.Context, found []groups.Group, start, end int64) (plan.Scan, []plan.Step, error) {
	out := plan.Scan{Start: math.MaxInt64, End: end}
	byFloor := map[int64][]logs.GroupID{}
	now := s.now()
	for _, g := range found {
		if from, to := groups.Visible(g, now, &start, &end); from < to {
			byFloor[from] = append(byFloor[from], g.ID)
			out.Groups = append(out.Groups, g.ID)
			out.Start = min(out.Start, from)
		}
	}
	if len(out.Groups) == 0 {
		return plan.Scan{Start: max(end, 0), End: max(end, 0)}, nil, nil
	}
	steps := pastRetention(byFloor, out.Start)
	dead, err := s.dir.DeadStreamsOf(ctx, out.Groups)
	if err != nil {
		return plan.Scan{}, nil, err
	}
	if len(dead) > 0 {
		steps = append(steps, plan.Filter{Cond: plan.Not{X: isOneOf("deletedstream", plan.LogStream, dead)}})
	}
	return out, steps, nil
}

const (
	// maxListed is how many ids a plan lists; more are looked up by a function.
	maxListed = 256
	// maxFloors is how many times of groups a plan has conditions for; more are looked up by a function.
	maxFloors = 4
)

// pastRetention hides the events of groups before the time that theirs begins at, which is not
// below start. floors has the groups by that time.
func pastRetention(floors map[int64][]logs.GroupID, start int64) (steps []plan.Step) {
	if len(floors) > maxFloors {
		of := map[logs.GroupID]int64{}
		for floor, ids := range floors {
			for _, id := range ids {
				of[id] = floor
			}
		}
		kept := &plan.Function{Name: "kept", Min: 2, Max: 2, Predicate: true, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
			return plan.BoolValue(int64(args[1].Num) >= of[logs.GroupID(args[0].Num)])
		}}
		return []plan.Step{plan.Filter{Cond: plan.Call{Func: kept, Args: []plan.Expr{plan.Field{Name: plan.LogGroup}, plan.Field{Name: plan.Timestamp}}}}}
	}
	for _, floor := range slices.Sorted(maps.Keys(floors)) {
		if floor == start {
			continue
		}
		newEnough := plan.Cmp{Op: plan.Ge, A: plan.Field{Name: plan.Timestamp}, B: plan.Num(float64(floor))}
		others := plan.Not{X: isOneOf("oneof"+strconv.FormatInt(floor, 10), plan.LogGroup, floors[floor])}
		steps = append(steps, plan.Filter{Cond: plan.Or{X: []plan.Expr{others, newEnough}}})
	}
	return steps
}

// isOneOf is the condition that a system field with ids has one of them. name tells it from others
// of the plan.
func isOneOf[ID ~int64](name, field string, ids []ID) plan.Expr {
	if len(ids) <= maxListed {
		list := make([]plan.Value, len(ids))
		for i, id := range ids {
			list[i] = plan.NumberValue(float64(id))
		}
		return plan.In{X: plan.Field{Name: field}, List: list}
	}
	set := make(map[ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	f := &plan.Function{Name: name, Min: 1, Max: 1, Predicate: true, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		return plan.BoolValue(set[ID(args[0].Num)])
	}}
	return plan.Call{Func: f, Args: []plan.Expr{plan.Field{Name: field}}}
}
