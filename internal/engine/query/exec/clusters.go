package exec

import (
	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// clusters groups texts by what they have in common.
type clusters struct {
	s    *scratch
	q    *quota
	c    *cluster.Clusterer
	held int
	text []byte
}

func newClusters(s *scratch) *clusters {
	return &clusters{s: s, q: s.arena.q, c: cluster.New(cluster.Options{})}
}

func (c *clusters) add(vals []plan.Value) error {
	for i := range vals {
		v := &vals[i]
		if !plan.HasText(v) {
			continue
		}
		t := v.Text
		if v.Kind == plan.Number || v.Kind == plan.Time {
			c.text = v.AppendText(c.text[:0])
			t = c.text
		}
		c.c.Add(t)
		if err := c.s.pace.work(len(t) + 64); err != nil {
			return err
		}
	}
	return c.charge()
}

func (c *clusters) charge() error {
	grown := c.c.Bytes() - c.held
	c.held += grown
	return c.q.grow(grown)
}

// rows returns the patterns as rows.
func (c *clusters) rows() (*table, error) {
	found, total := c.c.Patterns(), c.c.Total()
	t := &table{q: c.q, names: plan.ClusterColumns()}
	if err := t.alloc(len(found)); err != nil {
		return nil, err
	}
	for i, p := range found {
		if err := c.q.grow(len(p.Text)); err != nil {
			return nil, err
		}
		t.cols[0][i] = plan.TextValue(p.Text)
		t.cols[1][i] = plan.NumberValue(float64(p.Count))
		t.cols[2][i] = plan.NumberValue(float64(p.Count) / float64(total))
		t.cols[3][i] = plan.TextValue(p.Severity)
		if err := c.s.pace.work(len(p.Text) + 64); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// clusterHead is a Cluster over blocks.
type clusterHead struct {
	*clusters
	x    *node
	step plan.Cluster
	vals []plan.Value
}

func (h *clusterHead) done() bool                           { return false }
func (h *clusterHead) header(plan.Block, int) (bool, error) { return false, nil }

// take adds the texts of rows. All that is needed of the block was read before.
func (h *clusterHead) take(f rowFrame, rows []uint32) error {
	for len(rows) > 0 {
		part := rows[:min(batch, len(rows))]
		rows = rows[len(part):]
		mark := len(h.s.arena.Bytes)
		if err := h.x.eval(f, part, h.vals, &h.s.arena, h.s.pace); err != nil {
			return err
		}
		if err := h.add(h.vals[:len(part)]); err != nil {
			return err
		}
		h.s.arena.Bytes = h.s.arena.Bytes[:mark]
	}
	return nil
}

func (h *clusterHead) merge(o head) error {
	h.c.Merge(o.(*clusterHead).c)
	if err := h.charge(); err != nil {
		return err
	}
	return h.s.pace.work(checkEvery)
}

func (h *clusterHead) table(matched int, rest []plan.Step, count counter) (*table, []plan.Step, error) {
	t, err := h.rows()
	if err != nil {
		return nil, nil, err
	}
	count(h.step, matched, t.n)
	return t, rest, nil
}
