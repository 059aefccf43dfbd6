package exec

import (
	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// input is the argument of aggregates for the selected rows of a block (or of
// rows in memory), in the forms that they want. Each form is made when it is
// asked for, once for all aggregates of the same argument. Arguments are open one
// after the other: their forms are in the same memory.
type input struct {
	n    *node // nil: the aggregate counts rows
	s    *scratch
	path int // slot, when the argument is just a path of a block; else -1

	block *blockFrame // nil: rows in memory
	frame frame
	rows  []uint32
	order func(i int) *place // of rows in memory

	state inputState
	*forms
	atAll bool
	prAll bool
	place place
}

type inputState struct{ vals, nums, pres bool }

// forms are the values of the argument that is open.
type forms struct {
	vals  []plan.Value
	nums  []float64
	at    []uint32
	pres  []uint32
	codes []uint32
	hash  []entryHash
	dictN []dictNumber
}

type entryHash struct {
	h       uint64
	present bool
}

type dictNumber struct {
	x  float64
	ok bool
}

func newInput(c *compiler, e plan.Expr, s *scratch, m *forms) *input {
	in := &input{s: s, path: -1, forms: m}
	if e == nil {
		return in
	}
	in.n = c.compile(e)
	if _, ok := e.(plan.Field); ok && !in.n.ref.sys {
		in.path = in.n.ref.slot
	}
	return in
}

// open starts a block. The argument that was open before is not any more.
func (in *input) open(f frame, b *blockFrame, rows []uint32) {
	in.frame, in.block, in.rows = f, b, rows
	in.state = inputState{}
}

// column returns the column of a block when the argument is just a path.
func (in *input) column() (*blockColumn, error) {
	if in.block == nil || in.path < 0 {
		return nil, nil
	}
	return in.block.column(in.path)
}

// numeric reports whether all values are numbers that are no times.
func (in *input) numeric() bool {
	c, err := in.column()
	return err == nil && c != nil && (c.v.Kind == column.Int || c.v.Kind == column.Fixed)
}

// values returns the value of each row. Texts are valid until the next block.
func (in *input) values() ([]plan.Value, error) {
	if in.state.vals {
		return in.vals, nil
	}
	in.vals = fit(in.vals[:0], len(in.rows))
	for from := 0; from < len(in.rows); from += batch {
		to := min(from+batch, len(in.rows))
		if err := in.n.eval(in.frame, in.rows[from:to], in.vals[from:to], &in.s.arena, in.s.pace); err != nil {
			return nil, err
		}
		if err := in.s.pace.work(16 * batch); err != nil {
			return nil, err
		}
	}
	in.state.vals = true
	return in.vals, nil
}

// numbers returns the values that are numbers; at has the positions of them in
// the rows, nil means all.
func (in *input) numbers() (nums []float64, at []uint32, err error) {
	if !in.state.nums {
		if err := in.makeNumbers(); err != nil {
			return nil, nil, err
		}
		in.state.nums = true
	}
	if in.atAll {
		return in.nums, nil, nil
	}
	return in.nums, in.at, nil
}

func (in *input) makeNumbers() error {
	in.nums, in.at, in.atAll = fit(in.nums[:0], len(in.rows)), fit(in.at[:0], len(in.rows)), false
	c, err := in.column()
	if err != nil {
		return err
	}
	k := 0
	switch {
	case c == nil, c.v.Kind == column.Text && c.v.Escaped:
		vals, err := in.values()
		if err != nil {
			return err
		}
		for i := range vals {
			if x, ok := vals[i].Float(); ok {
				in.nums[k], in.at[k] = x, uint32(i)
				k++
			}
		}
	case c.v.Kind == column.Null:
	case c.v.Kind == column.Dict:
		in.dictN = in.dictN[:0]
		for i := range c.dict {
			x, ok := c.dict[i].Float()
			in.dictN = append(in.dictN, dictNumber{x, ok})
		}
		in.codes = fit(in.codes[:0], len(in.rows))
		c.codes(in.rows, in.codes)
		for i, code := range in.codes {
			if d := in.dictN[code]; d.ok {
				in.nums[k], in.at[k] = d.x, uint32(i)
				k++
			}
		}
	case c.v.Kind == column.Text:
		for i, r := range in.rows {
			if c.v.Valid != nil && !c.v.Valid.Has(int(r)) {
				continue
			}
			if v := textValue(c.v.Texts.At(int(r)), c.quoted(r), false, nil); true {
				if x, ok := v.Float(); ok {
					in.nums[k], in.at[k] = x, uint32(i)
					k++
				}
			}
		}
	default:
		in.intNumbers(c.v)
		return in.s.pace.work(checkEvery)
	}
	in.nums, in.at = in.nums[:k], in.at[:k]
	return in.s.pace.work(checkEvery)
}

func (in *input) intNumbers(v *column.Vector) {
	scale := v.Scale
	if v.Kind == column.Int {
		scale = 0
	}
	if v.Valid != nil {
		k := 0
		for i, r := range in.rows {
			if v.Valid.Has(int(r)) {
				in.nums[k], in.at[k] = plan.Decimal(v.Ints[r], scale), uint32(i)
				k++
			}
		}
		in.nums, in.at = in.nums[:k], in.at[:k]
		return
	}
	in.atAll = true
	if scale == 0 {
		for i, r := range in.rows {
			in.nums[i] = float64(v.Ints[r])
		}
		return
	}
	if scale > 22 {
		for i, r := range in.rows {
			in.nums[i] = plan.Decimal(v.Ints[r], scale)
		}
		return
	}
	div := 1.0
	for range scale {
		div *= 10 // exact up to 10^22
	}
	for i, r := range in.rows {
		n := v.Ints[r]
		if n > 1<<53 || n < -1<<53 {
			in.nums[i] = plan.Decimal(n, scale)
			continue
		}
		in.nums[i] = float64(n) / div
	}
}

// present returns the positions of values that are not Null.
func (in *input) present() (at []uint32, all bool, err error) {
	if !in.state.pres {
		if err := in.makePresent(); err != nil {
			return nil, false, err
		}
		in.state.pres = true
	}
	return in.pres, in.prAll, nil
}

func (in *input) makePresent() error {
	in.pres, in.prAll = in.pres[:0], false
	c, err := in.column()
	if err != nil {
		return err
	}
	if c != nil {
		v := c.v
		switch {
		case v.Kind == column.Null:
			return nil
		case v.Kind == column.Int, v.Kind == column.Fixed, v.AllQuoted:
			if in.prAll = v.Valid == nil; in.prAll {
				return nil
			}
			for i, r := range in.rows {
				if v.Valid.Has(int(r)) {
					in.pres = append(in.pres, uint32(i))
				}
			}
			return nil
		case v.Kind == column.Dict:
			in.codes = fit(in.codes[:0], len(in.rows))
			c.codes(in.rows, in.codes)
			for i, code := range in.codes {
				if c.dict[code].Kind != plan.Null {
					in.pres = append(in.pres, uint32(i))
				}
			}
			return nil
		}
	}
	vals, err := in.values()
	if err != nil {
		return err
	}
	for i := range vals {
		if vals[i].Kind != plan.Null {
			in.pres = append(in.pres, uint32(i))
		}
	}
	return nil
}

// entryHashes returns, for a path with a dictionary, the entry of each row and
// the hash of the text of each entry.
func (in *input) entryHashes() (codes []uint32, hashes []entryHash, err error) {
	c, err := in.column()
	if err != nil || c == nil || c.v.Kind != column.Dict {
		return nil, nil, err
	}
	in.hash = in.hash[:0]
	for i := range c.dict {
		v := &c.dict[i]
		in.hash = append(in.hash, entryHash{xxhash.Sum64(v.Text), v.Kind != plan.Null})
	}
	in.codes = fit(in.codes[:0], len(in.rows))
	c.codes(in.rows, in.codes)
	return in.codes, in.hash, nil
}

// places returns the position in time of the row at a position of rows.
func (in *input) places() (func(i int) *place, error) {
	if in.block == nil {
		return in.order, nil
	}
	keys, err := in.block.rowKeys()
	if err != nil {
		return nil, err
	}
	in.place.group = in.block.Group()
	return func(i int) *place {
		in.place.Key = keys[in.rows[i]]
		return &in.place
	}, nil
}
