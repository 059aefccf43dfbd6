package exec

import (
	"github.com/cumulog/cumulog/internal/engine/column"
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

	names []string // of the columns
}

func newClusters(s *scratch, step plan.Cluster) *clusters {
	return &clusters{s: s, q: s.arena.q, c: cluster.New(cluster.Options{Values: step.Values}), names: step.Columns()}
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
	t := &table{q: c.q, names: c.names}
	if err := t.alloc(len(found)); err != nil {
		return nil, err
	}
	for i, p := range found {
		if err := c.q.grow(len(p.Text)); err != nil {
			return nil, err
		}
		t.cols[0][i] = plan.TextValue(p.Text)
		t.cols[1][i] = plan.NumberValue(float64(p.Count))
		t.cols[2][i] = plan.RatioValue(p.Count, total)
		t.cols[3][i] = plan.TextValue(p.Severity)
		if p.Tokens != nil {
			text := cluster.TokensJSON(p.Tokens)
			if err := c.q.grow(len(text)); err != nil {
				return nil, err
			}
			t.cols[4][i] = plan.TextValue(text)
		}
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
	path int // slot, when the text is just a path; else -1
	vals []plan.Value

	codes  []uint32
	counts []int64
}

func newClusterHead(step plan.Cluster, c *compiler, s *scratch) *clusterHead {
	h := &clusterHead{clusters: newClusters(s, step), x: c.compile(step.X), step: step, path: -1, vals: make([]plan.Value, batch)}
	if _, ok := step.X.(plan.Field); ok && !h.x.ref.sys && h.x.ref.element == 0 {
		h.path = h.x.ref.slot
	}
	return h
}

func (h *clusterHead) done() bool                           { return false }
func (h *clusterHead) header(plan.Block, int) (bool, error) { return false, nil }

// take adds the texts of rows. All that is needed of the block was read before.
func (h *clusterHead) take(f rowFrame, rows []uint32) error {
	if b := f.own(); b != nil && h.path >= 0 {
		c, err := b.column(h.path)
		if err != nil {
			return err
		}
		if c.v.Kind == column.Dict {
			return h.entries(c, rows)
		}
	}
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

// entries adds each text of a dictionary once, with how many rows have it.
func (h *clusterHead) entries(c *blockColumn, rows []uint32) error {
	h.codes, h.counts = fit(h.codes[:0], len(rows)), fit(h.counts[:0], len(c.dict))
	c.codes(rows, h.codes)
	clear(h.counts)
	for _, code := range h.codes {
		h.counts[code]++
	}
	for i, n := range h.counts {
		if v := &c.dict[i]; n > 0 && plan.HasText(v) {
			h.c.AddN(v.Text, n)
			if err := h.s.pace.work(len(v.Text) + 64); err != nil {
				return err
			}
		}
	}
	return h.charge()
}

func (h *clusterHead) merge(o head) error {
	h.c.Merge(o.(*clusterHead).c.Copy())
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
