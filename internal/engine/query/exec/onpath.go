package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// onPath is a condition on one path. It looks at how the column is encoded.
type onPath struct {
	general
	ref  fieldRef
	null bool // it holds where the path is absent

	numeric bool // "path op number"
	compare plan.CmpOp
	num     float64
	limits  [256]limits // by scale

	isEqual bool // "path = text"
	equal   []byte

	isContains bool // "path contains text"
	sub        []byte

	table []uint8 // by entry: 1 where it holds
}

// limits are the integers from which on the number is reached and passed.
type limits struct {
	known           bool
	reach, pass     int64
	noReach, noPass bool
}

// entries is a frame of the entries of one dictionary.
type entries struct{ dict []plan.Value }

func (e entries) load(_ *fieldRef, rows []uint32, out []plan.Value, _ *arena) error {
	for i, r := range rows {
		out[i] = e.dict[r]
	}
	return nil
}

func (p *onPath) holdsForNull() bool {
	var out [1]plan.Value
	var a arena
	err := p.n.eval(entries{make([]plan.Value, 1)}, []uint32{0}, out[:], &a, &pace{left: 1 << 30})
	return err == nil && out[0].True()
}

func (p *onPath) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	c, err := f.column(p.ref.slot)
	if err != nil {
		return nil, err
	}
	if err := p.s.pace.work(checkEvery); err != nil {
		return nil, err
	}
	switch c.v.Kind {
	case column.Null:
		return constant{p.null}.keep(f, sel, out)
	case column.Dict:
		return p.keepEntries(f, c, sel, out)
	case column.Int, column.Fixed:
		if p.numeric {
			return p.keepInts(c.v, sel, out[:0]), nil
		}
	case column.Text:
		if p.isEqual && !c.v.Escaped && c.v.AllQuoted {
			return p.keepEqual(c.v, sel, out[:0]), nil
		}
		if p.isContains && !c.v.Escaped && c.v.AllQuoted && len(p.sub) > 0 && len(sel) > f.n/2 {
			return p.keepContaining(f, c.v, sel, out[:0])
		}
	}
	return p.general.keep(f, sel, out)
}

// keepEntries computes the condition once for each entry of the dictionary.
func (p *onPath) keepEntries(f *blockFrame, c *blockColumn, sel, out []uint32) ([]uint32, error) {
	d := len(c.dict)
	p.table = append(p.table[:0], make([]uint8, d)...)
	some, all := false, true
	for from := 0; from < d; from += batch {
		rows := p.s.numbers(from, min(from+batch, d))
		mark := len(p.s.arena.Bytes)
		if err := p.n.eval(entries{c.dict}, rows, p.s.vals, &p.s.arena, p.s.pace); err != nil {
			return nil, err
		}
		for i := range rows {
			holds := p.s.vals[i].True()
			some, all = some || holds, all && holds
			if holds {
				p.table[from+i] = 1
			}
		}
		p.s.arena.Bytes = p.s.arena.Bytes[:mark]
	}
	if !some || all {
		return constant{all}.keep(f, sel, out)
	}
	out = room(out, len(sel))
	table, k, v := p.table, 0, c.v
	if v.Valid == nil && !c.mixed {
		if len(sel) == f.n {
			for i, id := range v.IDs[:f.n] {
				out[k] = uint32(i)
				k += int(table[id])
			}
			return out[:k], nil
		}
		for _, r := range sel {
			out[k] = r
			k += int(table[v.IDs[r]])
		}
		return out[:k], nil
	}
	for _, r := range sel {
		code := int(v.IDs[r])
		if c.mixed && !v.Quoted.Has(int(r)) {
			code += v.Dict.Len()
		}
		if v.Valid != nil && !v.Valid.Has(int(r)) {
			code = d - 1
		}
		out[k] = r
		k += int(table[code])
	}
	return out[:k], nil
}

// room returns out with length n+1, so that writing before counting is in range.
func room(out []uint32, n int) []uint32 {
	if cap(out) < n+1 {
		return make([]uint32, n+1, column.MaxRows+1)
	}
	return out[:n+1]
}

func (p *onPath) keepInts(v *column.Vector, sel, out []uint32) []uint32 {
	scale := v.Scale
	if v.Kind == column.Int {
		scale = 0
	}
	l := &p.limits[scale]
	if !l.known {
		l.known = true
		l.reach, l.noReach = threshold(p.num, scale, false)
		l.pass, l.noPass = threshold(p.num, scale, true)
	}
	// The condition is: from <= n <= to, or with outside set the opposite.
	const low, high = -1 << 63, 1<<63 - 1
	from, to, none, outside := int64(low), int64(high), false, false
	below := func(limit int64, no bool) { // n < limit
		if !no {
			to, none = limit-1, limit == low
		}
	}
	above := func(limit int64, no bool) { // n >= limit
		from, none = limit, none || no
	}
	switch p.compare {
	case plan.Lt:
		below(l.reach, l.noReach)
	case plan.Le:
		below(l.pass, l.noPass)
	case plan.Gt:
		above(l.pass, l.noPass)
	case plan.Ge:
		above(l.reach, l.noReach)
	default:
		outside = p.compare == plan.Ne
		below(l.pass, l.noPass)
		above(l.reach, l.noReach)
		none = none || from > to
	}
	if none {
		if outside {
			return append(out, sel...)
		}
		return out
	}
	out = room(out, len(sel))
	k, span, flip := 0, uint64(to)-uint64(from), uint8(0)
	if outside {
		flip = 1
	}
	nullHolds := uint8(0)
	if p.null {
		nullHolds = 1
	}
	if v.Valid == nil && len(sel) == len(v.Ints) {
		for i, n := range v.Ints {
			out[k] = uint32(i)
			k += int(within(uint64(n)-uint64(from), span) ^ flip)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		hit := within(uint64(v.Ints[r])-uint64(from), span) ^ flip
		if v.Valid != nil && !v.Valid.Has(int(r)) {
			hit = nullHolds
		}
		k += int(hit)
	}
	return out[:k]
}

func within(n, span uint64) uint8 {
	if n <= span {
		return 1
	}
	return 0
}

func (p *onPath) keepEqual(v *column.Vector, sel, out []uint32) []uint32 {
	for _, r := range sel {
		if (v.Valid == nil || v.Valid.Has(int(r))) && bytes.Equal(v.Texts.At(int(r)), p.equal) {
			out = append(out, r)
		}
	}
	return out
}

// keepContaining searches all texts as one and maps the hits to rows.
func (p *onPath) keepContaining(f *blockFrame, v *column.Vector, sel, out []uint32) ([]uint32, error) {
	p.s.bits = p.s.bits.Fit(f.n)
	data, ends := v.Texts.Data, v.Texts.Ends
	row, at := 0, 0
	for at < len(data) {
		// A window ends where a text ends, so that the context is looked at in time.
		last := row
		for last < len(ends)-1 && int(ends[last])-at < checkEvery {
			last++
		}
		stop := int(ends[last])
		for at < stop {
			i := bytes.Index(data[at:stop], p.sub)
			if i < 0 {
				break
			}
			at += i
			for int(ends[row]) <= at {
				row++
			}
			if at+len(p.sub) <= int(ends[row]) {
				p.s.bits.Set(row)
				at = int(ends[row])
			} else {
				at++
			}
		}
		row, at = last+1, stop
		if row >= len(ends) {
			break
		}
		if err := p.s.pace.work(checkEvery); err != nil {
			return nil, err
		}
	}
	for _, r := range sel {
		if p.s.bits.Has(int(r)) && (v.Valid == nil || v.Valid.Has(int(r))) {
			out = append(out, r)
		}
	}
	return out, nil
}
