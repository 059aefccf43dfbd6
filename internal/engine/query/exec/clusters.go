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

// table returns the patterns as rows.
func (c *clusters) table() (*table, error) {
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
