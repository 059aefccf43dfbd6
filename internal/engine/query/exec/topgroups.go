package exec

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// topGroup is a group that may be among the first of a Sort.
type topGroup struct {
	group int
	sort  []plan.Value // values of the sort keys
	keys  []plan.Value // of the group; nil until two groups are equal
}

// topGroups are the first groups of a Sort with a Limit right after a Stats. It
// makes the rows of those only: a table of all groups would take several times
// the memory of counting them.
type topGroups struct {
	o    *statsOp
	sort plan.Sort
	cols []int // of the sort keys
	heap []topGroup
}

// newTopGroups returns nil when the sort keys are not just columns.
func newTopGroups(o *statsOp, step plan.Step) *topGroups {
	s, ok := step.(plan.Sort)
	if !ok || s.Limit == 0 || s.Limit >= o.g.table.len() {
		return nil
	}
	t := &topGroups{o: o, sort: s}
	names := o.names()
	for _, k := range s.Keys {
		f, ok := k.Expr.(plan.Field)
		at := slices.Index(names, f.Name)
		if !ok || at < 0 {
			return nil
		}
		t.cols = append(t.cols, at)
	}
	return t
}

func (t *topGroups) value(group, col int) plan.Value {
	if by := len(t.o.step.By); col >= by {
		return t.o.aggs[col-by].value(group)
	}
	return plan.KeyValues(t.o.g.table.key(group), nil)[col]
}

func (t *topGroups) compare(a, b *topGroup) int {
	for i := range a.sort {
		c := plan.Order(&a.sort[i], &b.sort[i])
		if t.sort.Keys[i].Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	for _, x := range []*topGroup{a, b} {
		if len(x.keys) == 0 {
			x.keys = plan.KeyValues(t.o.g.table.key(x.group), x.keys)
		}
	}
	for i := range a.keys {
		if c := plan.Order(&a.keys[i], &b.keys[i]); c != 0 {
			return c
		}
	}
	return 0
}

func (t *topGroups) down(i int) {
	h := t.heap
	for {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && t.compare(&h[k+1], &h[k]) > 0 {
			k++
		}
		if t.compare(&h[k], &h[i]) <= 0 {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

// pick returns the first groups in order.
func (t *topGroups) pick() ([]int, error) {
	limit := t.sort.Limit
	per := 2*valueBytes*(len(t.cols)+len(t.o.step.By)) + 64
	if err := t.o.q.grow(limit * per); err != nil {
		return nil, err
	}
	defer t.o.q.shrink(limit * per)
	cand := topGroup{sort: make([]plan.Value, len(t.cols))}
	for g := range t.o.g.table.len() {
		cand.group, cand.keys = g, cand.keys[:0]
		for i, c := range t.cols {
			cand.sort[i] = t.value(g, c)
		}
		if err := t.o.s.pace.work(64); err != nil {
			return nil, err
		}
		switch {
		case len(t.heap) < limit:
			t.heap = append(t.heap, topGroup{group: g, sort: slices.Clone(cand.sort)})
			if len(t.heap) == limit {
				for i := limit/2 - 1; i >= 0; i-- {
					t.down(i)
					if err := t.o.s.pace.work(64); err != nil {
						return nil, err
					}
				}
			}
		case t.compare(&cand, &t.heap[0]) < 0:
			t.heap[0], cand = cand, t.heap[0]
			t.down(0)
			if err := t.o.s.pace.work(downWork); err != nil {
				return nil, err
			}
		}
	}
	if err := sortPaced(t.heap, func(a, b topGroup) int { return t.compare(&a, &b) }, t.o.s.pace); err != nil {
		return nil, err
	}
	groups := make([]int, len(t.heap))
	for i := range t.heap {
		groups[i] = t.heap[i].group
	}
	return groups, nil
}
