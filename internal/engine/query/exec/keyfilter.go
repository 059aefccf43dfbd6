package exec

import (
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// keyFilter leaves out rows that come after a row by the first sort key alone, when
// that is just a path, and blocks that hold no others.
type keyFilter struct {
	name  string
	slot  int // -1: the key is something else
	desc  bool
	s     *scratch
	table []bool
	out   []uint32

	best *atomic.Pointer[plan.Value] // the key of a row that so many come before, of all workers; nil: none yet
}

func newKeyFilter(c *compiler, keys []plan.SortKey, s *scratch, best *atomic.Pointer[plan.Value]) keyFilter {
	k := keyFilter{slot: -1, s: s, best: best}
	if len(keys) == 0 {
		return k
	}
	if f, ok := keys[0].Expr.(plan.Field); ok {
		if ref := c.slot(f.Name); !ref.sys && ref.element == 0 {
			k.name, k.slot, k.desc = f.Name, ref.slot, keys[0].Desc
		}
	}
	return k
}

// publish tells the other workers the key of the last row that is kept.
func (k *keyFilter) publish(last *plan.Value) {
	for k.slot >= 0 {
		best := k.best.Load()
		if best != nil && (plan.Order(last, best) == 0 || !k.passes(last, best)) {
			return
		}
		own := last.Clone()
		if k.best.CompareAndSwap(best, &own) {
			return
		}
	}
}

// last returns the key that rows must not come after; nil: there is none yet. own is
// that of the last row kept here, or nil.
func (k *keyFilter) last(own *plan.Value) *plan.Value {
	if best := k.best.Load(); best != nil && (own == nil || k.passes(best, own)) {
		return best
	}
	return own
}

// passes reports whether a row with this value may come before the last one.
func (k *keyFilter) passes(v, last *plan.Value) bool {
	c := plan.Order(v, last)
	if k.desc {
		c = -c
	}
	return c <= 0
}

// skips reports whether all rows of a block come after those that are kept.
func (k *keyFilter) skips(f *blockFrame, b plan.Block, own *plan.Value) bool {
	if k.slot < 0 || !k.desc {
		return false
	}
	last := k.last(own)
	if last == nil || last.Kind == plan.Null { // else rows without a value come first
		return false
	}
	name, ok := plan.JSONName(k.name)
	if !ok {
		return false
	}
	c, known := b.NamedBounds(name)
	if !known {
		return false
	}
	num, isNum := last.Float()
	return (c.Rows == 0 || isNum && c.Numeric && plan.Decimal(c.Max, c.Scale) < num) && f.isWhole(b)
}

// narrow returns the rows that may come before the last of those that are kept,
// valid until the next call.
func (k *keyFilter) narrow(f *blockFrame, rows []uint32, own *plan.Value) ([]uint32, error) {
	if k.slot < 0 {
		return rows, nil
	}
	last := k.last(own)
	if last == nil {
		return rows, nil
	}
	c, err := f.column(k.slot)
	if err != nil {
		return nil, err
	}
	v := c.v
	null := k.passes(&plan.Value{}, last)
	k.out = room(k.out, len(rows))
	n := 0
	switch v.Kind {
	case column.Null:
		if !null {
			return nil, nil
		}
		return rows, nil
	case column.Dict:
		k.table = fit(k.table[:0], len(c.dict))
		for i := range c.dict {
			k.table[i] = k.passes(&c.dict[i], last)
		}
		d := uint32(v.Dict.Len())
		for _, r := range rows {
			code := uint32(v.IDs[r])
			if c.mixed && !v.Quoted.Has(int(r)) {
				code += d
			}
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				code = uint32(len(c.dict) - 1)
			}
			if k.out[n] = r; k.table[code] {
				n++
			}
		}
	case column.Text:
		for _, r := range rows {
			keep := null
			if v.Valid == nil || v.Valid.Has(int(r)) {
				mark := len(k.s.arena.Bytes)
				x := textValue(v.Texts.At(int(r)), c.quoted(r), v.Escaped, &k.s.arena)
				keep = k.passes(&x, last)
				k.s.arena.Bytes = k.s.arena.Bytes[:mark]
			}
			if k.out[n] = r; keep {
				n++
			}
		}
	default:
		from, span, none := k.ints(v, last)
		for _, r := range rows {
			keep := !none && uint64(v.Ints[r])-uint64(from) <= span
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				keep = null
			}
			if k.out[n] = r; keep {
				n++
			}
		}
	}
	return k.out[:n], k.s.pace.work(checkEvery)
}

// ints returns the integers of a column that pass: from, and span more.
func (k *keyFilter) ints(v *column.Vector, last *plan.Value) (from int64, span uint64, none bool) {
	const low = -1 << 63
	num, isNum := last.Float()
	if !isNum { // numbers come after everything else
		return low, 1<<64 - 1, !k.desc
	}
	scale := v.Scale
	if v.Kind == column.Int {
		scale = 0
	}
	limit, over := threshold(num, scale, !k.desc)
	switch {
	case k.desc:
		return limit, 1<<63 - 1 - uint64(limit), over
	case over:
		return low, 1<<64 - 1, false
	}
	return low, uint64(limit) - 1 - 1<<63, limit == low
}
