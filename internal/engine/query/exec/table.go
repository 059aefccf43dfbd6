package exec

import (
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// event is the identity of a row that is an event.
type event struct {
	place
	stream logs.StreamID
	nth    uint32 // of the rows made of the event
}

// newer orders events newest first, those of one time by group and stream.
func (e *event) newer(o *event) int {
	if c := o.place.Key.Compare(e.place.Key); c != 0 {
		return c
	}
	if e.group != o.group {
		return int(min(max(e.group-o.group, -1), 1))
	}
	if e.stream != o.stream {
		return int(min(max(e.stream-o.stream, -1), 1))
	}
	return int(e.nth) - int(o.nth)
}

// table is rows in memory, column by column.
type table struct {
	names  []string
	cols   [][]plan.Value
	n      int
	events []event // of rows that are events

	// Until the rows of a Stats are needed in their order, they are not sorted:
	// ties says how many of the first columns are the keys, which tie keeps.
	ties int
	tie  [][]plan.Value

	q    *quota
	held int
}

const valueBytes = 40

// alloc makes the columns for n rows.
func (t *table) alloc(n int) error {
	t.n = n
	t.held += n * len(t.names) * valueBytes
	if err := t.q.grow(n * len(t.names) * valueBytes); err != nil {
		return err
	}
	t.cols = make([][]plan.Value, len(t.names))
	for i := range t.cols {
		t.cols[i] = make([]plan.Value, n)
	}
	return nil
}

func (t *table) ref(name string) fieldRef {
	return fieldRef{name: name, slot: slices.Index(t.names, name)}
}

func (t *table) load(f *fieldRef, rows []uint32, out []plan.Value, _ *arena) error {
	if f.slot < 0 {
		clear(out[:len(rows)])
		return nil
	}
	c := t.cols[f.slot]
	for i, r := range rows {
		out[i] = c[r]
	}
	return nil
}

// keys starts the deferred order: the first columns are kept to order by.
func (t *table) keepTies() {
	if t.ties > 0 && t.tie == nil {
		t.tie = slices.Clone(t.cols[:t.ties])
	}
}

// compareTies orders two rows that a Sort finds equal.
func (t *table) compareTies(a, b uint32) int {
	for _, c := range t.tie {
		if d := plan.Order(&c[a], &c[b]); d != 0 {
			return d
		}
	}
	return int(a) - int(b)
}

// order puts the rows of a Stats in the order of their keys.
func (t *table) order(p *pace) error {
	t.keepTies()
	if t.tie == nil {
		return nil
	}
	rows := t.all()
	if err := sortPaced(rows, t.compareTies, p); err != nil {
		return err
	}
	t.tie, t.ties = nil, 0
	return t.pick(rows, p)
}

func (t *table) all() []uint32 {
	rows := make([]uint32, t.n)
	for i := range rows {
		rows[i] = uint32(i)
	}
	return rows
}

// pick keeps rows, in the order given.
func (t *table) pick(rows []uint32, p *pace) error {
	done := map[*plan.Value][]plan.Value{}
	for _, cols := range [][][]plan.Value{t.cols, t.tie} {
		for i, c := range cols {
			if len(c) == 0 {
				continue
			}
			d, ok := done[&c[0]]
			if !ok {
				d = make([]plan.Value, len(rows))
				for from := 0; from < len(rows); from += batch {
					for j := from; j < min(from+batch, len(rows)); j++ {
						d[j] = c[rows[j]]
					}
					if err := p.work(32 * batch); err != nil {
						return err
					}
				}
				done[&c[0]] = d
			}
			cols[i] = d
		}
	}
	if t.events != nil {
		e := make([]event, len(rows))
		for i, r := range rows {
			e[i] = t.events[r]
		}
		t.events = e
	}
	t.n = len(rows)
	return p.work(checkEvery)
}

// steps runs the rest of a query over rows in memory.
func (t *table) run(steps []plan.Step, s *scratch, count counter) (*table, error) {
	for _, step := range steps {
		in := t.n
		var err error
		switch step.(type) {
		case plan.Stats, plan.Limit, plan.Unnest, plan.Dedup, plan.Transform:
			err = t.order(s.pace)
		}
		if err != nil {
			return nil, err
		}
		switch x := step.(type) {
		case plan.Filter:
			t.keepTies()
			err = t.filter(x, s)
		case plan.Extend:
			t.keepTies()
			err = t.extend(x.Cols, s)
		case plan.Project:
			t.keepTies()
			err = t.project(x.Cols, s)
		case plan.Stats:
			t, err = t.stats(x, s)
		case plan.Sort:
			t.keepTies()
			err = t.sort(x, s)
		case plan.Limit:
			if x.N < t.n {
				err = t.pick(t.all()[:x.N], s.pace)
			}
		case plan.Unnest:
			err = t.unnest(x, s)
		case plan.Dedup:
			err = t.dedup(x, s)
		case plan.Cluster:
			t, err = t.cluster(x, s)
		case plan.Transform:
			t, err = t.transform(x, s)
		default:
			err = fmt.Errorf("%w: %s cannot be run", plan.ErrInvalid, step)
		}
		if err != nil {
			return nil, err
		}
		count(step, in, t.n)
	}
	return t, t.order(s.pace)
}

func (t *table) compiler() *compiler { return &compiler{slot: t.ref} }

// compute evaluates an expression for all rows. What it makes stays in the arena.
func (t *table) compute(e plan.Expr, s *scratch) ([]plan.Value, error) {
	t.held += t.n * valueBytes
	if err := t.q.grow(t.n * valueBytes); err != nil {
		return nil, err
	}
	n := t.compiler().compile(e)
	out := make([]plan.Value, t.n)
	var rows [batch]uint32
	for from := 0; from < t.n; from += batch {
		k := min(batch, t.n-from)
		for i := range k {
			rows[i] = uint32(from + i)
		}
		if err := n.eval(t, rows[:k], out[from:from+k], &s.arena, s.pace); err != nil {
			return nil, err
		}
		if err := s.pace.work(16 * batch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *table) filter(f plan.Filter, s *scratch) error {
	mark := len(s.arena.Bytes)
	vals, err := t.compute(f.Cond, s)
	if err != nil {
		return err
	}
	var rows []uint32
	for i := range vals {
		if vals[i].True() {
			rows = append(rows, uint32(i))
		}
	}
	s.arena.Bytes = s.arena.Bytes[:mark]
	return t.pick(rows, s.pace)
}

func (t *table) extend(cols []plan.Named, s *scratch) error {
	for _, c := range cols {
		vals, err := t.compute(c.Expr, s)
		if err != nil {
			return err
		}
		if i := slices.Index(t.names, c.As); i >= 0 {
			t.cols[i] = vals
			continue
		}
		t.names = append(t.names, c.As)
		t.cols = append(t.cols, vals)
	}
	return nil
}

func (t *table) project(cols []plan.Named, s *scratch) error {
	var names []string
	var made [][]plan.Value
	for _, c := range cols {
		var vals []plan.Value
		if f, ok := c.Expr.(plan.Field); ok && slices.Contains(t.names, f.Name) {
			vals = t.cols[slices.Index(t.names, f.Name)]
		} else {
			var err error
			if vals, err = t.compute(c.Expr, s); err != nil {
				return err
			}
		}
		if i := slices.Index(names, c.As); i >= 0 {
			made[i] = vals
			continue
		}
		names, made = append(names, c.As), append(made, vals)
	}
	t.names, t.cols = names, made
	return nil
}

func (t *table) sort(step plan.Sort, s *scratch) error {
	mark := len(s.arena.Bytes)
	keys := make([][]plan.Value, len(step.Keys))
	for i, k := range step.Keys {
		var err error
		if keys[i], err = t.compute(k.Expr, s); err != nil {
			return err
		}
	}
	cmp := func(a, b uint32) int {
		for i, k := range keys {
			c := plan.Order(&k[a], &k[b])
			if step.Keys[i].Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return t.compareTies(a, b)
	}
	rows, err := first(t.all(), step.Limit, cmp, s.pace)
	if err != nil {
		return err
	}
	err = t.pick(rows, s.pace)
	t.ties, t.tie = 0, nil
	s.arena.Bytes = s.arena.Bytes[:mark]
	return err
}

// first returns the n first rows in order; 0 means all. It orders rows in place.
func first(rows []uint32, n int, cmp func(a, b uint32) int, p *pace) ([]uint32, error) {
	if n > 0 && n < len(rows)/4 {
		top := rows[:n]
		down := func(i int) {
			for {
				k := 2*i + 1
				if k >= n {
					return
				}
				if k+1 < n && cmp(top[k+1], top[k]) > 0 {
					k++
				}
				if cmp(top[k], top[i]) <= 0 {
					return
				}
				top[i], top[k] = top[k], top[i]
				i = k
			}
		}
		for i := n/2 - 1; i >= 0; i-- {
			down(i)
			if err := p.work(64); err != nil {
				return nil, err
			}
		}
		for _, r := range rows[n:] {
			work := 16
			if cmp(r, top[0]) < 0 {
				top[0] = r
				down(0)
				work = downWork
			}
			if err := p.work(work); err != nil {
				return nil, err
			}
		}
		rows = top
	}
	err := sortPaced(rows, cmp, p)
	if n > 0 && n < len(rows) {
		rows = rows[:n]
	}
	return rows, err
}

// stats aggregates the rows.
func (t *table) stats(step plan.Stats, s *scratch) (*table, error) {
	o := newStats(step, t.compiler(), s, t.q)
	rows := make([]uint32, 0, column.MaxRows)
	var at place
	for _, in := range o.inputs {
		in.order = func(i int) *place {
			if t.events != nil {
				return &t.events[in.rows[i]].place
			}
			at.Key = logs.Key{Timestamp: int64(in.rows[i])}
			return &at
		}
	}
	for from := 0; from < t.n; from += column.MaxRows {
		rows = rows[:0]
		for i := from; i < min(from+column.MaxRows, t.n); i++ {
			rows = append(rows, uint32(i))
		}
		if err := o.rows(t, nil, rows); err != nil {
			return nil, err
		}
	}
	if _, err := o.finish(); err != nil {
		return nil, err
	}
	return o.table(nil)
}
