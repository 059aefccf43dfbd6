package cluster

import (
	"maps"
	"slices"
)

// Copy returns a Clusterer that has counted the same and shares nothing with c.
func (c *Clusterer) Copy() *Clusterer {
	n := New(Options{Shapes: c.shapes})
	n.level, n.total, n.bytes, n.held, n.values = c.level, c.total, c.bytes, c.held, c.values
	for s, g := range c.groups {
		n.groups[s] = g.copy()
		n.groups[s].held = &n.held
	}
	return n
}

func (g *group) copy() *group {
	n := *g
	n.made = nil
	n.masked, n.sample = slices.Clone(g.masked), slices.Clone(g.sample)
	n.rows = maps.Clone(g.rows)
	for key, r := range n.rows { // of a group these are no rows that became others
		n.rows[key] = &row{count: r.count, values: slices.Clone(r.values), sets: copySets(r.sets)}
	}
	return &n
}
