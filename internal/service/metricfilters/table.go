package metricfilters

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// version is a filter from one change of it to the next. It never changes.
type version struct {
	record
	*compiled
	id    logs.GroupID
	scope logs.Scope

	unkept bool // its names are none that the metrics keep, so it is disabled
}

// covers reports whether the events of a batch belong to the version.
func (v *version) covers(lsn uint64) bool {
	return lsn > v.Since && (v.Until == 0 || lsn <= v.Until)
}

// until returns the version as it is once it has ended.
func (v *version) until(lsn uint64) *version {
	ended := *v
	ended.Until = lsn
	return &ended
}

func (v *version) key() catalog.DocumentKey {
	k := catalog.DocumentKey{Kind: kindFilter, Scope: v.scope, Group: v.id, Name: v.Name}
	if v.Until != 0 {
		k.Kind, k.Name = kindEnded, endedName(v.Name, v.Until)
	}
	return k
}

// table is all filters there are. It never changes.
type table struct {
	groups map[logs.GroupID]*groupFilters
	ended  int // versions
}

// groupFilters are the filters of a group. They never change.
type groupFilters struct {
	live  map[string]*version
	ended []*version
}

// live returns the filters of a group that are in force, by name.
func (t *table) live(id logs.GroupID) map[string]*version {
	if g := t.groups[id]; g != nil {
		return g.live
	}
	return nil
}

// edit returns a table in which a group was changed.
func (t *table) edit(id logs.GroupID, change func(*groupFilters)) *table {
	next := &groupFilters{live: map[string]*version{}}
	if g := t.groups[id]; g != nil {
		next.live, next.ended = maps.Clone(g.live), slices.Clone(g.ended)
	}
	change(next)
	n := &table{maps.Clone(t.groups), t.ended}
	n.set(id, next)
	return n
}

// set replaces the filters of a group in a table that no one else has.
func (t *table) set(id logs.GroupID, g *groupFilters) {
	if old := t.groups[id]; old != nil {
		t.ended -= len(old.ended)
	}
	t.ended += len(g.ended)
	if t.groups[id] = g; len(g.live)+len(g.ended) == 0 {
		delete(t.groups, id)
	}
}

// prune returns a table without the groups that are gone and the ended versions that are over, and
// those versions.
func (t *table) prune(gone []logs.GroupID, over func(*version) bool) (*table, []*version) {
	n := &table{maps.Clone(t.groups), t.ended}
	for _, id := range gone {
		n.set(id, &groupFilters{})
	}
	if n.ended == 0 {
		return n, nil
	}
	var removed []*version
	for id, g := range n.groups {
		if !slices.ContainsFunc(g.ended, over) {
			continue
		}
		next := &groupFilters{live: g.live}
		for _, v := range g.ended {
			if over(v) {
				removed = append(removed, v)
			} else {
				next.ended = append(next.ended, v)
			}
		}
		n.set(id, next)
	}
	return n, removed
}

// with returns the table after the filter of a name became v (nil: none) and a
// version ended (nil: none did).
func (t *table) with(id logs.GroupID, name string, v, ended *version) *table {
	return t.edit(id, func(g *groupFilters) {
		delete(g.live, name)
		if v != nil {
			g.live[name] = v
		}
		if ended != nil {
			g.ended = append(g.ended, ended)
		}
	})
}

// load reads all filters from the catalog.
func (s *Service) load(ctx context.Context) (*table, error) {
	t := &table{groups: map[logs.GroupID]*groupFilters{}}
	// A log that lost its end counts up to the same numbers again.
	applied := s.o.Feed.Applied()
	for _, kind := range []string{kindFilter, kindEnded} {
		docs, err := s.o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: kind})
		if err != nil {
			return nil, fmt.Errorf("read metric filters: %w", err)
		}
		for i := range docs {
			d := &docs[i]
			v, err := open(d)
			if err != nil {
				return nil, fmt.Errorf("metric filter %q of group %d: %w", d.Name, d.Group, err)
			}
			if v.unkept {
				s.o.Logger.Warn("a metric filter has a metric name that cannot be kept and is disabled until it is put again with another one",
					"group", v.Group, "filter", v.Name, "metric", v.Transformation.Name, "namespace", v.Transformation.Namespace)
			}
			v.Since = min(v.Since, applied)
			g := t.groups[d.Group]
			if g == nil {
				g = &groupFilters{live: map[string]*version{}}
				t.groups[d.Group] = g
			}
			if kind == kindFilter {
				g.live[v.Name] = v
			} else {
				g.ended = append(g.ended, v)
				t.ended++
			}
		}
	}
	return t, nil
}

// open returns the version that a document is.
func open(d *catalog.Document) (*version, error) {
	r, err := decode(d.Body)
	if err != nil {
		return nil, err
	}
	r.Name = d.Name
	if d.Kind == kindEnded {
		if _, r.Name, _ = strings.Cut(d.Name, "/"); r.Until == 0 {
			return nil, fmt.Errorf("it has ended, and nothing says when")
		}
	}
	c, err := compile(&r.Spec)
	if err != nil {
		return nil, err
	}
	v := &version{record: *r, compiled: c, id: d.Group, scope: d.Scope}
	if checkKept(&r.Transformation) != nil {
		v.DisabledMS = max(v.DisabledMS, d.UpdatedMS, 1)
		v.unkept = true
	}
	return v, nil
}
