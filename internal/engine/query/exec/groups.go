package exec

import (
	"bytes"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// keyTable numbers encoded group keys in the order they come: open addressing
// over their hashes.
type keyTable struct {
	slots  []uint64 // high half of the hash, and 1 + group; 0 is free
	hashes []uint64
	ends   []int
	data   []byte
}

func (t *keyTable) len() int { return len(t.ends) }

func (t *keyTable) key(group int) []byte {
	from := 0
	if group > 0 {
		from = t.ends[group-1]
	}
	return t.data[from:t.ends[group]]
}

// find returns the group of a key.
func (t *keyTable) find(key []byte) uint32 {
	if 2*(len(t.ends)+1) > len(t.slots) {
		t.resize()
	}
	h := xxhash.Sum64(key)
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		s := t.slots[i]
		if s>>32 == h>>32 {
			if g := uint32(s) - 1; bytes.Equal(t.key(int(g)), key) {
				return g
			}
		}
	}
	g := uint32(len(t.ends))
	t.slots[i] = h>>32<<32 | uint64(g+1)
	t.hashes = append(t.hashes, h)
	t.data = append(t.data, key...)
	t.ends = append(t.ends, len(t.data))
	return g
}

func (t *keyTable) resize() {
	t.slots = make([]uint64, max(64, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for g, h := range t.hashes {
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = h>>32<<32 | uint64(g+1)
	}
}

// bytes returns the memory of the table.
func (t *keyTable) bytes() int {
	return 8*cap(t.slots) + 8*cap(t.hashes) + 8*cap(t.ends) + cap(t.data)
}

// groupKey computes one expression of a group key for the rows of a block.
type groupKey struct {
	n    *node
	path int   // slot, when the expression reads just one path; else -1
	bare bool  // it is that path
	bin  int64 // period, when the expression is bin(@timestamp, period)

	// When coded, codes has a number below card for each row; vals or the number
	// itself says what it means.
	coded bool
	codes []uint32
	card  int
	vals  []plan.Value
	base  int64 // of integers and times: the value of code 0
	step  int64
	times bool
	scale uint8
	trim  column.Trim // of Fixed

	row []plan.Value // of a batch, when not coded
}

func newGroupKey(c *compiler, e plan.Expr) *groupKey {
	k := &groupKey{n: c.compile(e), path: -1}
	if path, ok := onlyPath(e); ok {
		k.path = c.slot(path).slot
		_, k.bare = e.(plan.Field)
	}
	if b, ok := e.(plan.Bin); ok && b.X == (plan.Field{Name: plan.Timestamp}) {
		k.bin = b.Every
	}
	return k
}

// maxCodes bounds the combinations of codes that are numbered by an array.
const maxCodes = 1 << 16

// prepare codes the key for the rows of a block, if that is possible.
func (k *groupKey) prepare(f *blockFrame, rows []uint32, s *scratch) error {
	k.coded = false
	if k.bin > 0 {
		return k.prepareBins(f, rows)
	}
	if k.path < 0 {
		return nil
	}
	c, err := f.column(k.path)
	if err != nil {
		return err
	}
	switch c.v.Kind {
	case column.Dict:
		if k.vals = c.dict; !k.bare {
			if err := k.entries(c, s); err != nil {
				return err
			}
		}
		k.codes = fit(k.codes[:0], len(rows))
		c.codes(rows, k.codes)
		k.coded, k.card, k.step = true, len(c.dict), 0
	case column.Int, column.Fixed:
		if k.bare {
			k.prepareInts(c.v, rows)
		}
	}
	return nil
}

// entries computes the key for the entries of a dictionary.
func (k *groupKey) entries(c *blockColumn, s *scratch) error {
	vals := make([]plan.Value, len(c.dict))
	for from := 0; from < len(vals); from += batch {
		to := min(from+batch, len(vals))
		if err := k.n.eval(entries{c.dict}, s.numbers(from, to), vals[from:to], &s.arena, s.pace); err != nil {
			return err
		}
	}
	k.vals = vals
	return nil
}

func (k *groupKey) prepareBins(f *blockFrame, rows []uint32) error {
	keys, err := f.rowKeys()
	if err != nil {
		return err
	}
	first, last := f.Span()
	base := plan.BinOf(first, k.bin)
	if n := (last - base) / k.bin; n < 0 || n >= maxCodes {
		return nil
	}
	k.codes = fit(k.codes[:0], len(rows))
	codes := k.codes
	// Rows come in the order of time, mostly: the bin is looked for only when it changes.
	code, from, to := uint32(0), base, base+k.bin
	dense := len(rows) == len(keys)
	for i := range codes {
		at := i
		if !dense {
			at = int(rows[i])
		}
		t := keys[at].Timestamp
		if t < from || t >= to {
			if t < first || t > last {
				return fmt.Errorf("query: a block spans [%d, %d] but has a row at %d", first, last, t)
			}
			code = uint32((t - base) / k.bin)
			from = base + int64(code)*k.bin
			to = from + k.bin
		}
		codes[i] = code
	}
	k.coded, k.card, k.base, k.step, k.times, k.vals = true, int((last-base)/k.bin)+1, base, k.bin, true, nil
	return nil
}

func (k *groupKey) prepareInts(v *column.Vector, rows []uint32) {
	low, high, some := int64(math.MaxInt64), int64(math.MinInt64), false
	for _, r := range rows {
		if v.Valid == nil || v.Valid.Has(int(r)) {
			low, high, some = min(low, v.Ints[r]), max(high, v.Ints[r]), true
		}
	}
	if some && uint64(high)-uint64(low) >= maxCodes/16 {
		return
	}
	if !some {
		low, high = 0, 0
	}
	k.card = int(high-low) + 2
	null := uint32(k.card - 1)
	k.codes = fit(k.codes[:0], len(rows))
	for i, r := range rows {
		k.codes[i] = null
		if v.Valid == nil || v.Valid.Has(int(r)) {
			k.codes[i] = uint32(v.Ints[r] - low)
		}
	}
	k.coded, k.base, k.step, k.times, k.vals, k.scale, k.trim = true, low, 1, false, nil, 0, column.TrimNone
	if v.Kind == column.Fixed {
		k.scale, k.trim = v.Scale, v.Trim
	}
}

// appendCode appends the key of a code.
func (k *groupKey) appendCode(dst []byte, code int) []byte {
	if k.step == 0 {
		return plan.AppendKey(dst, &k.vals[code])
	}
	if k.times {
		return plan.AppendKey(dst, &plan.Value{Kind: plan.Time, Num: float64(k.base + int64(code)*k.step)})
	}
	if code == k.card-1 {
		return plan.AppendKey(dst, &plan.Value{})
	}
	var buf [64]byte
	t := appendFixed(buf[:0], k.base+int64(code), k.scale, k.trim)
	return plan.AppendKey(dst, &plan.Value{Kind: plan.Text, Text: t})
}

// grouper gives every row its group.
type grouper struct {
	by     []*groupKey
	table  keyTable
	slots  []uint32 // by combination of codes: 1 + group, 0 unknown
	groups []uint32
	key    []byte
	before []byte // the key before it

	tallies []uint32
}

// code codes the keys of rows, if it can: every row then has a number below combos.
func (g *grouper) code(block *blockFrame, rows []uint32, s *scratch) (combos int, coded bool, err error) {
	combos, coded = 1, block != nil
	for _, k := range g.by {
		k.coded = false
		if block != nil {
			if err := k.prepare(block, rows, s); err != nil {
				return 0, false, err
			}
		}
		if coded = coded && k.coded && combos*k.card <= maxCodes; coded {
			combos *= k.card
		}
	}
	return combos, coded, nil
}

// assign returns the group of each of rows. block is nil for rows in memory.
func (g *grouper) assign(f frame, block *blockFrame, rows []uint32, s *scratch) ([]uint32, error) {
	g.groups = fit(g.groups[:0], len(rows))
	if len(g.by) == 0 {
		g.table.find(nil)
		clear(g.groups)
		return g.groups, nil
	}
	combos, coded, err := g.code(block, rows, s)
	if err != nil {
		return nil, err
	}
	if coded {
		g.byCodes(combos, len(rows))
		return g.groups, nil
	}
	return g.groups, g.byKeys(f, rows, s)
}

// tally counts rows by group without giving each of them one. It needs exactly
// one key; ok is false when that cannot be coded.
func (g *grouper) tally(block *blockFrame, rows []uint32, s *scratch, add func(group uint32, n int64)) (ok bool, err error) {
	if g.by[0].bin > 0 {
		return true, g.tallyBins(block, rows, add)
	}
	combos, coded, err := g.code(block, rows, s)
	if !coded || err != nil {
		return false, err
	}
	// Two tables, so that equal neighbours do not wait for one another.
	g.tallies = fit(g.tallies[:0], 2*combos)
	clear(g.tallies)
	a, b := g.tallies[:combos], g.tallies[combos:]
	codes := g.by[0].codes[:len(rows)]
	for len(codes) >= 2 {
		a[codes[0]]++
		b[codes[1]]++
		codes = codes[2:]
	}
	for _, c := range codes {
		a[c]++
	}
	for c, n := range a {
		if n += b[c]; n == 0 {
			continue
		}
		g.key = g.by[0].appendCode(g.key[:0], c)
		add(g.table.find(g.key), int64(n))
	}
	return true, nil
}

// tallyBins counts runs of rows in one bin: rows come in the order of time, mostly.
func (g *grouper) tallyBins(block *blockFrame, rows []uint32, add func(group uint32, n int64)) error {
	keys, err := block.rowKeys()
	if err != nil {
		return err
	}
	every := g.by[0].bin
	dense := len(rows) == len(keys)
	for i := 0; i < len(rows); {
		from := plan.BinOf(keys[rows[i]].Timestamp, every)
		start := i
		if dense {
			for i < len(keys) && uint64(keys[i].Timestamp-from) < uint64(every) {
				i++
			}
		} else {
			for i < len(rows) && uint64(keys[rows[i]].Timestamp-from) < uint64(every) {
				i++
			}
		}
		g.key = plan.AppendKey(g.key[:0], &plan.Value{Kind: plan.Time, Num: float64(from)})
		add(g.table.find(g.key), int64(i-start))
	}
	return nil
}

func (g *grouper) byCodes(combos, n int) {
	g.slots = fit(g.slots[:0], combos)
	clear(g.slots)
	first := g.by[0].codes[:n]
	switch len(g.by) {
	case 1:
		for i, c := range first {
			group := g.slots[c]
			if group == 0 {
				group = g.resolve(int(c))
			}
			g.groups[i] = group - 1
		}
	default:
		copy(g.groups, first)
		for _, k := range g.by[1:] {
			card := uint32(k.card)
			for i, c := range k.codes[:n] {
				g.groups[i] = g.groups[i]*card + c
			}
		}
		for i, c := range g.groups {
			group := g.slots[c]
			if group == 0 {
				group = g.resolve(int(c))
			}
			g.groups[i] = group - 1
		}
	}
}

// resolve finds the group of a combination of codes and returns 1 + it.
func (g *grouper) resolve(combo int) uint32 {
	var codes [16]int
	c := codes[:0]
	rest := combo
	for i := len(g.by) - 1; i >= 0; i-- {
		c = append(c, rest%g.by[i].card)
		rest /= g.by[i].card
	}
	g.key = g.key[:0]
	for i, k := range g.by {
		g.key = k.appendCode(g.key, c[len(c)-1-i])
	}
	group := g.table.find(g.key)
	g.slots[combo] = group + 1
	return group + 1
}

// byKeys encodes the key of every row.
func (g *grouper) byKeys(f frame, rows []uint32, s *scratch) error {
	group, known := uint32(0), false
	for from := 0; from < len(rows); from += batch {
		part := rows[from:min(from+batch, len(rows))]
		mark := len(s.arena.Bytes)
		for _, k := range g.by {
			if !k.coded {
				k.row = fit(k.row[:0], batch)
				if err := k.n.eval(f, part, k.row, &s.arena, s.pace); err != nil {
					return err
				}
			}
		}
		for i := range part {
			g.key = g.key[:0]
			for _, k := range g.by {
				if k.coded {
					g.key = k.appendCode(g.key, int(k.codes[from+i]))
				} else {
					g.key = plan.AppendKey(g.key, &k.row[i])
				}
			}
			if !known || !bytes.Equal(g.key, g.before) { // neighbours are often alike
				group, known = g.table.find(g.key), true
				g.key, g.before = g.before, g.key
			}
			g.groups[from+i] = group
		}
		s.arena.Bytes = s.arena.Bytes[:mark]
		if err := s.pace.work(16 * batch); err != nil {
			return err
		}
	}
	return nil
}
