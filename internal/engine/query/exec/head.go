package exec

import "github.com/cumulog/cumulog/internal/engine/query/plan"

// head takes the rows of all blocks together, for one worker. An error of header or
// take leaves it as it was.
type head interface {
	// done reports that no more rows are wanted.
	done() bool
	// header takes all rows of a block without decoding anything, if it can.
	header(b plan.Block, rows int) (bool, error)
	// take adds rows of a block.
	take(f rowFrame, rows []uint32) error
	// merge adds what the head of another worker has, which it does not change.
	merge(o head) error
	// table returns the rows and the steps that are left to do; matched is how many
	// rows were taken. The head is of no use afterwards.
	table(matched int, rest []plan.Step, count counter) (*table, []plan.Step, error)
}

// narrower is a head that does not want all rows.
type narrower interface {
	// skips reports whether no row of a block is wanted.
	skips(f *blockFrame, b plan.Block) bool
	// narrow returns the rows of a block that are wanted, valid until the next call.
	narrow(f *blockFrame, rows []uint32) ([]uint32, error)
}

// counter is told how many rows a step got and made.
type counter func(step plan.Step, in, out int)

func (r *run) newHead(c *compiler, s *scratch) head {
	switch h := r.query.Head.(type) {
	case plan.Stats:
		return &statsHead{newStats(h, c, s, s.arena.q), h}
	case plan.Dedup:
		return newDedup(r.query, h, c, s, &r.frontier, &r.best)
	case plan.Cluster:
		return newClusterHead(h, c, s)
	}
	return newTop(r.query, c, s, s.arena.q, &r.found, &r.frontier, &r.best)
}

// statsHead is a Stats over blocks.
type statsHead struct {
	*statsOp
	step plan.Step
}

func (h *statsHead) done() bool                                  { return false }
func (h *statsHead) header(b plan.Block, rows int) (bool, error) { return h.fromHeader(b, rows) }

func (h *statsHead) take(f rowFrame, rows []uint32) error {
	if b := f.own(); b != nil {
		return h.rows(b, b, rows)
	}
	keys, err := f.rowKeys()
	if err != nil {
		return err
	}
	for _, in := range h.inputs {
		in.order = func(i int) *place {
			in.place = place{keys[in.rows[i]], f.Group()}
			return &in.place
		}
	}
	return h.rows(f, nil, rows)
}
func (h *statsHead) merge(o head) error { return h.statsOp.merge(o.(*statsHead).statsOp) }

func (h *statsHead) table(matched int, rest []plan.Step, count counter) (*table, []plan.Step, error) {
	n, err := h.finish()
	if err != nil {
		return nil, nil, err
	}
	count(h.step, matched, n)
	if len(rest) > 0 {
		if top := newTopGroups(h.statsOp, rest[0]); top != nil {
			groups, err := top.pick()
			if err != nil {
				return nil, nil, err
			}
			count(rest[0], n, len(groups))
			t, err := h.statsOp.table(groups)
			return t, rest[1:], err
		}
	}
	t, err := h.statsOp.table(nil)
	return t, rest, err
}
