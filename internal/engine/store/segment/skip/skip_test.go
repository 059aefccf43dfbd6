package skip_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// part is a part as the tests see it: units of messages.
type part [][]string

func (p part) evidence(t testing.TB, unit int, e *skip.Evidence) {
	t.Helper()
	e.Reset()
	var arena []byte
	var ends []uint32
	for _, m := range p[unit] {
		arena = append(arena, m...)
		ends = append(ends, uint32(len(arena)))
	}
	e.AddMessages(arena, ends)
}

func (p part) index(t testing.TB) *skip.Index {
	t.Helper()
	b := skip.NewBuilder()
	var e skip.Evidence
	for u := range p {
		p.evidence(t, u, &e)
		if err := b.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, b, nil, len(p))
}

func open(t testing.TB, b *skip.Builder, renumber []uint32, units int) *skip.Index {
	t.Helper()
	tix, tri, err := b.Encode(renumber)
	if err != nil {
		t.Fatal(err)
	}
	x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), units)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// units returns which of n units stay.
func units(t testing.TB, x *skip.Index, need hint.Need, n int) []bool {
	t.Helper()
	set := make([]uint64, (n+63)/64)
	for i := range n {
		set[i>>6] |= 1 << (i & 63)
	}
	if _, err := x.Units(context.Background(), need, set); err != nil {
		t.Fatalf("%+v: %v", need, err)
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = set[i>>6]>>(i&63)&1 != 0
	}
	return out
}

// check fails if a unit is excluded that has a message which meets the need, and
// returns how many were excluded.
func (p part) check(t testing.TB, x *skip.Index, need hint.Need) (excluded int) {
	t.Helper()
	for u, keep := range units(t, x, need, len(p)) {
		if keep {
			continue
		}
		excluded++
		for _, m := range p[u] {
			if need.Meets(m) {
				t.Fatalf("unit %d excluded for %+v: %q meets it", u, need, m)
			}
		}
	}
	return excluded
}

var alphabets = []string{"ab", "ab ", "aB_.", "0a-", "0aF", "0123456789abcdef0123456789abcdefz", "0123456789abcdefABCDEF0123456789abcdefABCDEF_ ", "x\x80\xff ", "abcdefghijklmnopqrstuvwxyzABC0123456789_ .,:\"{}\n\x00\xc3"}

func randomText(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func randomPart(r *rand.Rand, alphabet string) part {
	p := make(part, 1+r.IntN(70))
	for u := range p {
		for range r.IntN(6) {
			n := r.IntN(40)
			if r.IntN(10) == 0 {
				n = r.IntN(300)
			}
			p[u] = append(p[u], randomText(r, alphabet, n))
		}
	}
	return p
}

func (p part) needle(r *rand.Rand, alphabet string) string {
	u := p[r.IntN(len(p))]
	if len(u) == 0 || r.IntN(4) == 0 {
		return randomText(r, alphabet, r.IntN(90))
	}
	m := u[r.IntN(len(u))]
	i := r.IntN(len(m) + 1)
	return m[i : i+r.IntN(len(m)-i+1)]
}

func TestSound(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			alphabet := alphabets[int(seed)%len(alphabets)]
			p := randomPart(r, alphabet)
			x := p.index(t)
			for range 200 {
				a, b := hint.Text(p.needle(r, alphabet)), hint.Text(p.needle(r, alphabet))
				p.check(t, x, a)
				p.check(t, x, hint.And(a, b))
				p.check(t, x, hint.Or(a, b))
				p.check(t, x, hint.Or(hint.And(a, b), hint.Text(p.needle(r, alphabet))))
			}
		})
	}
}
