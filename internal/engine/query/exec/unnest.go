package exec

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// unnester makes rows of the elements of a list, some thousand at a time.
type unnester struct {
	x     *node
	conds []*node
	vals  []plan.Value // of a batch: the lists
	frame elementFrame
	rows  []uint32 // of the frame
	held  int      // bytes of the frame
	last  uint32   // row of the block that the last element is of
	nth   uint32   // of the elements of that row
	steps []StepStats
}

// elementFrame has a row for each element.
type elementFrame struct {
	base *blockFrame
	of   []uint32       // row of the block
	nth  []uint32       // of the rows of that row
	cols [][]plan.Value // elements: of this Unnest, after those of the ones before

	keys   []logs.Key
	strs   []logs.StreamID
	unique []uint32 // scratch: rows of the block, each once
	vals   []plan.Value
}

// elementLevel returns the number of the Unnest that a field is the element of, from 1.
func elementLevel(name string) int {
	digits, _, _ := strings.Cut(name[1:], ":")
	n, _ := strconv.Atoi(digits)
	return n
}

func newUnnester(c *compiler, u *plan.Unnested, level int) *unnester {
	n := &unnester{x: c.compile(u.X), vals: make([]plan.Value, batch), steps: make([]StepStats, 1+len(u.Conds))}
	n.frame.cols = make([][]plan.Value, level)
	n.frame.vals = make([]plan.Value, batch)
	for _, e := range u.Conds {
		n.conds = append(n.conds, c.compile(e))
	}
	return n
}

// expand gives the elements of rows to the next Unnest or to the head.
func (w *worker) expand(level int, f rowFrame, rows []uint32) error {
	if level == len(w.unnests) {
		return w.head.take(f, rows)
	}
	u := w.unnests[level]
	u.steps[0].RowsIn += int64(len(rows))
	for len(rows) > 0 {
		part := rows[:min(batch, len(rows))]
		rows = rows[len(part):]
		mark := len(w.s.arena.Bytes)
		if err := u.x.eval(f, part, u.vals, &w.s.arena, w.s.pace); err != nil {
			return err
		}
		u.frame.reset(w.frame)
		for i, r := range part {
			v := &u.vals[i]
			if v.Kind == plan.Null {
				continue
			}
			u.add(f, r, v, &w.s.arena)
			if err := w.s.pace.work(16 + len(v.Text)); err != nil {
				return err
			}
			if len(u.frame.of) >= column.MaxRows {
				if err := w.flush(level); err != nil {
					return err
				}
				u.frame.reset(w.frame)
			}
		}
		if err := w.flush(level); err != nil {
			return err
		}
		w.s.arena.Bytes = w.s.arena.Bytes[:mark]
	}
	return nil
}

// add appends the elements of a list, or the value itself.
func (u *unnester) add(f rowFrame, row uint32, v *plan.Value, a *arena) {
	e := &u.frame
	own := len(e.cols) - 1
	if v.Kind == plan.List {
		e.cols[own] = appendElements(e.cols[own], v.Text, a)
	} else {
		e.cols[own] = append(e.cols[own], *v)
	}
	base := row
	if outer, ok := f.(*elementFrame); ok {
		base = outer.of[row]
	}
	if base != u.last {
		u.last, u.nth = base, 0
	}
	for range len(e.cols[own]) - len(e.of) {
		e.of, e.nth = append(e.of, base), append(e.nth, u.nth)
		u.nth++
		if outer, ok := f.(*elementFrame); ok {
			for i := range own {
				e.cols[i] = append(e.cols[i], outer.cols[i][row])
			}
		}
	}
}

// flush gives the rows of a frame on that pass its conditions.
func (w *worker) flush(level int) error {
	u := w.unnests[level]
	if err := w.s.arena.charge(); err != nil {
		return err
	}
	grown := (valueBytes*len(u.frame.cols)+12)*cap(u.frame.of) - u.held
	u.held += grown
	if err := w.s.arena.q.grow(grown); err != nil {
		return err
	}
	u.rows = u.rows[:0]
	for i := range u.frame.of {
		u.rows = append(u.rows, uint32(i))
	}
	u.steps[0].RowsOut += int64(len(u.rows))
	for i, c := range u.conds {
		u.steps[i+1].RowsIn += int64(len(u.rows))
		if err := w.keep(c, &u.frame, &u.rows); err != nil {
			return err
		}
		u.steps[i+1].RowsOut += int64(len(u.rows))
	}
	if len(u.rows) == 0 {
		return nil
	}
	return w.expand(level+1, &u.frame, u.rows)
}

// keep removes the rows for which a condition does not hold.
func (w *worker) keep(c *node, f frame, rows *[]uint32) error {
	kept := (*rows)[:0]
	for from := 0; from < len(*rows); from += batch {
		part := (*rows)[from:min(from+batch, len(*rows))]
		mark := len(w.s.arena.Bytes)
		if err := c.eval(f, part, w.s.vals, &w.s.arena, w.s.pace); err != nil {
			return err
		}
		for i, r := range part {
			if w.s.vals[i].True() {
				kept = append(kept, r)
			}
		}
		w.s.arena.Bytes = w.s.arena.Bytes[:mark]
	}
	*rows = kept
	return nil
}

// start begins a block.
func (u *unnester) start() { u.last, u.nth = math.MaxUint32, 0 }

func (f *elementFrame) reset(base *blockFrame) {
	f.base, f.of, f.nth = base, f.of[:0], f.nth[:0]
	f.keys, f.strs = f.keys[:0], f.strs[:0]
	for i := range f.cols {
		f.cols[i] = f.cols[i][:0]
	}
}

func (f *elementFrame) own() *blockFrame    { return nil }
func (f *elementFrame) Group() logs.GroupID { return f.base.Group() }

func (f *elementFrame) event(row uint32, keys []logs.Key, streams []logs.StreamID) event {
	return event{place: place{keys[row], f.Group()}, stream: streams[row], nth: f.nth[row]}
}

func (f *elementFrame) rowKeys() ([]logs.Key, error) {
	if len(f.keys) == 0 {
		keys, err := f.base.rowKeys()
		if err != nil {
			return nil, err
		}
		for _, r := range f.of {
			f.keys = append(f.keys, keys[r])
		}
	}
	return f.keys, nil
}

func (f *elementFrame) streams() ([]logs.StreamID, error) {
	if len(f.strs) == 0 {
		streams, err := f.base.streams()
		if err != nil {
			return nil, err
		}
		for _, r := range f.of {
			f.strs = append(f.strs, streams[r])
		}
	}
	return f.strs, nil
}

func (f *elementFrame) load(ref *fieldRef, rows []uint32, out []plan.Value, a *arena) error {
	if ref.element > 0 {
		c := f.cols[ref.element-1]
		for i, r := range rows {
			out[i] = c[r]
		}
		return nil
	}
	f.unique = f.unique[:0]
	for _, r := range rows {
		f.unique = append(f.unique, f.of[r])
	}
	f.unique = slices.Compact(f.unique)
	if err := f.base.load(ref, f.unique, f.vals, a); err != nil {
		return err
	}
	at := 0
	for i, r := range rows {
		if f.unique[at] != f.of[r] {
			at++
		}
		out[i] = f.vals[at]
	}
	return nil
}
