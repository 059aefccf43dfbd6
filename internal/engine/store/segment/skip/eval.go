package skip

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// Bounds of what one text of a need costs. What lies beyond them excludes nothing.
const (
	maxDepth    = 64
	maxTokens   = 16  // tokens looked up
	maxTrigrams = 128 // trigrams looked up
	patience    = 12  // lookups of trigrams in a row that excluded nothing
)

// Units clears the bits of dst, one for each unit (bits behind the last one may be
// cleared too), of the units in which no
// message can meet the need. certain reports whether the index had anything to
// say about the need; if not, dst is as it was. After an error dst is as it was,
// too: the caller reads all units. A *DamageError says that the index is damaged;
// other errors come from reading it or from ctx.
func (x *Index) Units(ctx context.Context, need hint.Need, dst []uint64) (certain bool, err error) {
	if len(dst) < len(x.blind) {
		return false, fmt.Errorf("find units: a set of %d words for %d units: %w", len(dst), x.units, ErrMisuse)
	}
	e := evaluation{x: x, ctx: ctx}
	set := slices.Clone(dst[:len(x.blind)])
	if tail := x.units & 63; tail != 0 {
		set[len(set)-1] &= 1<<tail - 1
	}
	if certain, err = e.narrow(need, set, 0); err != nil {
		return false, err
	}
	copy(dst, set)
	return certain, nil
}

// evaluation is the state of one call of Units.
type evaluation struct {
	x      *Index
	ctx    context.Context
	found  []uint64
	tokens []wantedToken
	tri    []uint32
	pages  [2]loadedPage
}

type wantedToken struct {
	print uint32
	bytes uint
	hides uint // at the edge of the needle: its length, it may hide in longer tokens; else 0
	hex   bool // of nothing but hexadecimal digits
}

type loadedPage struct {
	number int // plus one
	buf    []byte
	page   page

	i    int       // a key of the page
	key  uint64    // which it is
	keys bitReader // behind it

	passed int       // lists of several units before lists
	lists  bitReader // the next of them
}

// narrow clears what cannot meet the need from set.
func (e *evaluation) narrow(need hint.Need, set []uint64, depth int) (known bool, err error) {
	if depth > maxDepth {
		return false, nil
	}
	switch need.Op {
	case hint.Never:
		clear(set)
		return true, nil
	case hint.Contains:
		return e.contains(need.Text, set)
	case hint.All:
		for _, k := range need.Kids {
			if none(set) {
				return true, nil
			}
			ok, err := e.narrow(k, set, depth+1)
			if err != nil {
				return false, err
			}
			known = known || ok
		}
		return known, nil
	case hint.OneOf:
		either := make([]uint64, len(set))
		one := make([]uint64, len(set))
		for _, k := range need.Kids {
			copy(one, set)
			ok, err := e.narrow(k, one, depth+1)
			if err != nil || !ok {
				return false, err // nothing is known of one: nothing of all
			}
			for i, w := range one {
				either[i] |= w
			}
			if slices.Equal(either, set) {
				return true, nil
			}
		}
		copy(set, either)
		return true, nil
	}
	return false, nil
}

func none(set []uint64) bool {
	for _, w := range set {
		if w != 0 {
			return false
		}
	}
	return true
}

// contains clears the units in which no message contains text.
func (e *evaluation) contains(text string, set []uint64) (known bool, err error) {
	e.want([]byte(text))
	if len(e.tokens) == 0 && len(e.tri) == 0 {
		return false, nil
	}
	spared := make([]uint64, len(set))
	for i, w := range set {
		spared[i] = w & e.x.blind[i]
		set[i] &^= spared[i]
	}
	for _, t := range e.tokens {
		if none(set) {
			break
		}
		if err := e.keep(t, set); err != nil {
			return false, err
		}
	}
	for i, idle := 0, 0; i < len(e.tri) && idle < patience && !none(set); i++ {
		if err := e.lookup(&e.x.tri, 1, e.tri[i]); err != nil {
			return false, err
		}
		idle++
		for k, w := range e.found {
			if set[k]&^w != 0 {
				idle = 0
			}
			set[k] &= w
		}
	}
	for i, w := range spared {
		set[i] |= w
	}
	return true, nil
}

// want finds the tokens and trigrams of a needle.
func (e *evaluation) want(text []byte) {
	e.tokens, e.tri = e.tokens[:0], e.tri[:0]
	for i := 0; i < len(text); i++ {
		if !isToken[text[i]] {
			continue
		}
		from := i
		for i++; i < len(text) && isToken[text[i]]; i++ {
		}
		t := wantedToken{print: fingerprint(text, from, i), bytes: uint(i - from)}
		if from == 0 || i == len(text) && i-from < MaxTokenBytes {
			t.hides = uint(i - from)
			t.hex = isHex(text[from:i])
		}
		e.tokens = append(e.tokens, t)
	}
	// What cannot hide first, then what is longest.
	slices.SortFunc(e.tokens, func(a, b wantedToken) int {
		if (a.hides == 0) != (b.hides == 0) {
			return cmp.Compare(min(a.hides, 1), min(b.hides, 1))
		}
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.print, b.print))
	})
	e.tokens = slices.Compact(e.tokens)
	e.tokens = e.tokens[:min(len(e.tokens), maxTokens)]
	if !e.x.hasTri || len(text) < 3 {
		return
	}
	code := uint32(foldClass[text[0]])<<6 | uint32(foldClass[text[1]])
	for _, c := range text[2:] {
		code = (code<<6 | uint32(foldClass[c])) & trigramMask
		e.tri = append(e.tri, code)
		if len(e.tri) == 4*maxTrigrams {
			break
		}
	}
	slices.Sort(e.tri)
	e.tri = slices.Compact(e.tri)
	e.tri = e.tri[:min(len(e.tri), maxTrigrams)]
}

// keep clears the units in which a wanted token cannot be.
func (e *evaluation) keep(t wantedToken, set []uint64) error {
	all := true
	for i, w := range set {
		if w&^e.hidden(i, w, t) != 0 {
			all = false
			break
		}
	}
	if all {
		return nil // nothing a lookup could change
	}
	if err := e.lookup(&e.x.tix, 0, t.print); err != nil {
		return err
	}
	for i, w := range set {
		if miss := w &^ e.found[i]; miss != 0 {
			set[i] = w&e.found[i] | e.hidden(i, miss, t)
		}
	}
	return nil
}

// hidden returns the units among w, word i of a set, that have a longer token in
// which t can hide.
func (e *evaluation) hidden(i int, w uint64, t wantedToken) (has uint64) {
	if t.hides == 0 {
		return 0
	}
	for rest := w; rest != 0; rest &= rest - 1 {
		if e.x.hides[i<<6+bits.TrailingZeros64(rest)].can(t.hides, t.hex) {
			has |= rest & -rest
		}
	}
	return has
}
