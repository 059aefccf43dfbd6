package skip

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// Builder collects the evidence of the units of one part and writes its payloads.
// What it holds is about two bytes for each token and one for each trigram of
// each unit added; of another index it holds nothing but a reference. It is not
// safe for concurrent use.
type Builder struct {
	units  []builderUnit // by the number given
	moved  []movedIndex
	sorted []uint32
	temp   []uint32
}

type builderUnit struct {
	known  bool
	hides  hiding
	tokens []byte // ascending, as uvarint differences
	tri    []byte
	counts [2]uint32
}

type movedIndex struct {
	x     *Index
	units []int32
}

// NewBuilder returns a builder of an empty part.
func NewBuilder() *Builder { return &Builder{} }

// Reset forgets all units.
func (b *Builder) Reset() {
	clear(b.units)
	clear(b.moved)
	b.units, b.moved = b.units[:0], b.moved[:0]
}

func (b *Builder) unit(n int) (*builderUnit, error) {
	if n < 0 || n >= MaxUnits {
		return nil, fmt.Errorf("unit %d: %w", n, ErrTooLarge)
	}
	for len(b.units) <= n {
		b.units = append(b.units, builderUnit{})
	}
	u := &b.units[n]
	if u.known {
		return nil, fmt.Errorf("unit %d is given twice: %w", n, ErrMisuse)
	}
	u.known = true
	return u, nil
}

// AddUnit adds a unit with its evidence, of which nothing is kept. Units come in
// any order, each once.
func (b *Builder) AddUnit(unit int, e *Evidence) error {
	u, err := b.unit(unit)
	if err != nil {
		return err
	}
	u.hides = e.hides
	b.sorted, b.temp = e.tokens.sorted(b.sorted, b.temp)
	u.tokens, u.counts[0] = encodeAscending(b.sorted), uint32(len(b.sorted))
	b.sorted = b.sorted[:0]
	for i, w := range e.trigrams {
		for ; w != 0; w &= w - 1 {
			b.sorted = append(b.sorted, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
	u.tri, u.counts[1] = encodeAscending(b.sorted), uint32(len(b.sorted))
	return nil
}

// Skip adds a unit without evidence: it is never excluded. So is a unit that is
// not given at all.
func (b *Builder) Skip(unit int) error {
	u, err := b.unit(unit)
	if err != nil {
		return err
	}
	u.hides = withoutEvidence
	return nil
}

// AddMoved adds units of another part with what its index says of them:
// units[old] is the number of the unit here, or -1 when it does not come along.
// x is read page by page while the payloads are encoded, and must stay open until
// then.
func (b *Builder) AddMoved(x *Index, units []int32) error {
	if len(units) != x.units {
		return fmt.Errorf("move units: %d numbers for %d units: %w", len(units), x.units, ErrMisuse)
	}
	for old, n := range units {
		if n < 0 {
			continue
		}
		u, err := b.unit(int(n))
		if err != nil {
			return err
		}
		u.hides = x.hides[old]
		if !x.hasTri {
			u.hides = withoutEvidence // without trigrams it would be excluded by every one
		}
	}
	b.moved = append(b.moved, movedIndex{x, append([]int32(nil), units...)})
	return nil
}

// encodeAscending returns the differences of ascending numbers as uvarints.
func encodeAscending(list []uint32) []byte {
	n, last := 0, uint32(0)
	for _, v := range list {
		n += (bits.Len32((v-last)|1) + 6) / 7
		last = v
	}
	out := make([]byte, 0, n)
	last = 0
	for _, v := range list {
		out = binary.AppendUvarint(out, uint64(v-last))
		last = v
	}
	return out
}

// Sizes says what was written.
type Sizes struct {
	Units    int
	TIX, TRI ListSize
}

// Encode returns the two payloads. renumber[given] is the final number of a unit,
// a permutation of 0 to len-1; nil leaves the numbers as they were given, for as
// many units as were. Errors come from reading moved indexes (a *DamageError, or
// what reading returned), or wrap ErrMisuse or ErrTooLarge.
func (b *Builder) Encode(renumber []uint32) (tix, tri []byte, err error) {
	var t, r bytes.Buffer
	if _, err := b.EncodeTo(renumber, &t, &r); err != nil {
		return nil, nil, err
	}
	return t.Bytes(), r.Bytes(), nil
}

// EncodeTo is Encode into two writers, first all of tix, then all of tri; so both
// may end up in one file. Beside what the builder holds, it needs a few MiB.
func (b *Builder) EncodeTo(renumber []uint32, tix, tri io.Writer) (Sizes, error) {
	units, err := b.order(renumber)
	if err != nil {
		return Sizes{}, err
	}
	s := Sizes{Units: len(units)}
	table := make([]byte, 0, hidingSize*len(units))
	for _, u := range units {
		h := withoutEvidence
		if u >= 0 && u < len(b.units) && b.units[u].known {
			h = b.units[u].hides
		}
		table = h.append(table)
	}
	m := merger{units: len(units)}
	if err := b.inputs(&m, units, 0); err != nil {
		return Sizes{}, err
	}
	if s.TIX, err = m.run(tix, "TIX", FingerprintBits, table); err != nil {
		return Sizes{}, fmt.Errorf("encode TIX: %w", err)
	}
	if err := b.inputs(&m, units, 1); err != nil {
		return Sizes{}, err
	}
	if s.TRI, err = m.run(tri, "TRI", trigramBits, nil); err != nil {
		return Sizes{}, fmt.Errorf("encode TRI: %w", err)
	}
	return s, nil
}

// order returns the given number of each final unit.
func (b *Builder) order(renumber []uint32) ([]int, error) {
	if renumber == nil {
		units := make([]int, len(b.units))
		for i := range units {
			units[i] = i
		}
		return units, nil
	}
	if len(renumber) < len(b.units) {
		return nil, fmt.Errorf("%d final numbers for %d units: %w", len(renumber), len(b.units), ErrMisuse)
	}
	if len(renumber) > MaxUnits {
		return nil, fmt.Errorf("%d units: %w", len(renumber), ErrTooLarge)
	}
	units := make([]int, len(renumber))
	for i := range units {
		units[i] = -1
	}
	for given, final := range renumber {
		if int64(final) >= int64(len(units)) || units[final] >= 0 {
			return nil, fmt.Errorf("final number %d of unit %d: %w", final, given, ErrMisuse)
		}
		units[final] = given
	}
	return units, nil
}

// inputs gives the merger all lists of one kind, 0 tokens or 1 trigrams, those of
// single units in the order of their final numbers.
func (b *Builder) inputs(m *merger, units []int, kind int) error {
	m.lists, m.moved, m.pairs = m.lists[:0], m.moved[:0], 0
	final := make([]int32, len(b.units))
	for n, u := range units {
		if u < 0 || u >= len(b.units) {
			continue
		}
		final[u] = int32(n)
		g := &b.units[u]
		src := g.tokens
		if kind == 1 {
			src = g.tri
		}
		if g.counts[kind] > 0 {
			m.lists = append(m.lists, unitCursor{src: src, left: g.counts[kind], unit: uint32(n)})
			m.pairs += uint64(g.counts[kind])
		}
	}
	for _, mv := range b.moved {
		l := &mv.x.tix
		if kind == 1 {
			l = &mv.x.tri
		}
		if l.src == nil || len(l.first) == 0 {
			continue
		}
		to := make([]int32, len(mv.units))
		for old, n := range mv.units {
			to[old] = -1
			if n >= 0 {
				to[old] = final[n]
			}
		}
		m.moved = append(m.moved, movedCursor{cursor: l.cursor(), to: to, memory: &pageMemory{}})
		m.pairs += l.pairs
	}
	return nil
}
