package skip_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

func encode(t testing.TB, b *skip.Builder, renumber []uint32) (tix, tri []byte) {
	t.Helper()
	tix, tri, err := b.Encode(renumber)
	if err != nil {
		t.Fatal(err)
	}
	return tix, tri
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, want the %d bytes that encoding the units anew gives", what, len(got), len(want))
	}
}

// An index of moved units is the one that the same messages would have given.
func TestMoved(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		alphabet := alphabets[int(seed)%len(alphabets)]
		var e skip.Evidence
		merged, direct := skip.NewBuilder(), skip.NewBuilder()
		next := 0
		for range 1 + r.IntN(4) {
			p := randomPart(r, alphabet)
			if r.IntN(3) == 0 { // units that are new
				for u := range p {
					p.evidence(t, u, &e)
					for _, b := range []*skip.Builder{merged, direct} {
						if err := b.AddUnit(next, &e); err != nil {
							t.Fatal(err)
						}
					}
					next++
				}
				continue
			}
			to := make([]int32, len(p))
			for _, u := range r.Perm(len(p)) {
				if to[u] = -1; r.IntN(4) == 0 {
					continue
				}
				to[u] = int32(next)
				p.evidence(t, u, &e)
				if err := direct.AddUnit(next, &e); err != nil {
					t.Fatal(err)
				}
				next++
			}
			if err := merged.AddMoved(p.index(t), to); err != nil {
				t.Fatal(err)
			}
		}
		renumber := make([]uint32, next)
		for i, n := range r.Perm(next) {
			renumber[i] = uint32(n)
		}
		gotTIX, gotTRI := encode(t, merged, renumber)
		wantTIX, wantTRI := encode(t, direct, renumber)
		same(t, "TIX", gotTIX, wantTIX)
		same(t, "TRI", gotTRI, wantTRI)
	}
}

func TestUnitsWithoutEvidence(t *testing.T) {
	b := skip.NewBuilder()
	var e skip.Evidence
	e.AddMessages([]byte("hello world"), []uint32{11})
	if err := b.AddUnit(1, &e); err != nil {
		t.Fatal(err)
	}
	if err := b.Skip(3); err != nil {
		t.Fatal(err)
	}
	x := open(t, b, nil, 4) // 0 and 2 were not given
	if d := cmp.Diff([]bool{true, false, true, true}, units(t, x, hint.Text("nowhere"), 4)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]bool{false, false, false, false}, units(t, x, hint.Or(), 4)); d != "" {
		t.Error(d)
	}
	if got := x.Size(); got.Units != 4 || got.Blind != 3 {
		t.Errorf("size %+v, want 4 units, 3 of them blind", got)
	}

	// The same after a move, and in another order.
	m := skip.NewBuilder()
	if err := m.AddMoved(x, []int32{0, 1, -1, 2}); err != nil {
		t.Fatal(err)
	}
	y := open(t, m, []uint32{2, 0, 1}, 3)
	if d := cmp.Diff([]bool{false, true, true}, units(t, y, hint.Text("nowhere"), 3)); d != "" {
		t.Error(d)
	}
}

// Units of an index that has no trigrams stay findable.
func TestMovedWithoutTrigrams(t *testing.T) {
	p := part{{"alpha beta"}, {"gamma delta"}}
	b := skip.NewBuilder()
	var e skip.Evidence
	for u := range p {
		p.evidence(t, u, &e)
		if err := b.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	tix, _ := encode(t, b, nil)
	x, err := skip.Open(bytes.NewReader(tix), nil, len(p))
	if err != nil {
		t.Fatal(err)
	}
	if p.check(t, x, hint.Text("alpha")) != 1 {
		t.Error("tokens alone excluded nothing")
	}
	m := skip.NewBuilder()
	if err := m.AddMoved(x, []int32{1, 0}); err != nil {
		t.Fatal(err)
	}
	y := open(t, m, nil, len(p))
	part{p[1], p[0]}.check(t, y, hint.Text("alpha beta"))
}

func TestMisuse(t *testing.T) {
	var e skip.Evidence
	b := skip.NewBuilder()
	if err := b.AddUnit(0, &e); err != nil {
		t.Fatal(err)
	}
	x := open(t, b, nil, 1)
	for what, err := range map[string]error{
		"twice":          b.AddUnit(0, &e),
		"skipped too":    b.Skip(0),
		"moved too":      b.AddMoved(x, []int32{0}),
		"moved, too few": b.AddMoved(x, nil),
	} {
		if !errors.Is(err, skip.ErrMisuse) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, unit := range map[string]int{"below": -1, "beyond": skip.MaxUnits} {
		if err := b.Skip(unit); !errors.Is(err, skip.ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, renumber := range map[string][]uint32{"too few": {}, "out of range": {1}, "twice": {0, 0}} {
		if _, _, err := b.Encode(renumber); !errors.Is(err, skip.ErrMisuse) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := skip.NewBuilder().Skip(skip.MaxUnits - 1); err != nil {
		t.Errorf("the last unit: %v", err)
	}
}

// An empty part has an index too.
func TestEmpty(t *testing.T) {
	x := open(t, skip.NewBuilder(), nil, 0)
	units(t, x, hint.Text("x"), 0)
	p := part{{}, {""}, {"a"}}
	y := p.index(t)
	if n := p.check(t, y, hint.Text("a")); n != 2 {
		t.Errorf("%d of the two units without a byte excluded", n)
	}
}

// Many units: every form of list.
func TestForms(t *testing.T) {
	p := make(part, 300)
	for u := range p {
		words := []string{"everywhere"}
		if u != 77 {
			words = append(words, "nearly")
		}
		if u%2 == 0 {
			words = append(words, "half")
		}
		if u%90 == 3 {
			words = append(words, "few")
		}
		if u == 200 {
			words = append(words, "once")
		}
		p[u] = words
	}
	x := p.index(t)
	for needle, want := range map[string]int{"everywhere": 0, "nearly": 1, "half": 150, "few": 296, "once": 299, "never": 300} {
		if got := p.check(t, x, hint.Text(needle)); got != want {
			t.Errorf("%q excluded %d units, want %d", needle, got, want)
		}
	}
}

// Tokens whose fingerprints lie close together cost neither time nor memory: they
// are sorted in pieces. Here all units have the same tokens, chosen to share their
// high bits.
func TestCrowdedFingerprints(t *testing.T) {
	if testing.Short() {
		t.Skip("makes two million pairs")
	}
	var text []byte
	const want = 3000
	for i, found := 0, 0; found < want; i++ {
		token := []byte("t" + strings.Repeat("x", i%3) + itoa(i))
		if skip.Fingerprint(token)>>16 == 5 {
			text = append(append(text, token...), ' ')
			found++
		}
	}
	const n = 700
	var e skip.Evidence
	e.Tokens(text)
	a, b := skip.NewBuilder(), skip.NewBuilder()
	for u := range n {
		if err := a.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	to := make([]int32, n)
	for u := range to {
		to[u] = int32(u)
	}
	x := open(t, a, nil, n)
	if err := b.AddMoved(x, to); err != nil {
		t.Fatal(err)
	}
	gotTIX, gotTRI := encode(t, b, nil)
	wantTIX, wantTRI := encode(t, a, nil)
	same(t, "TIX", gotTIX, wantTIX)
	same(t, "TRI", gotTRI, wantTRI)
	if got, _ := e.Counts(); x.Size().Tokens.Pairs != uint64(got)*n {
		t.Errorf("%d pairs, want %d", x.Size().Tokens.Pairs, got*n)
	}
}

func itoa(i int) string {
	var b []byte
	for ; i > 0 || len(b) == 0; i /= 10 {
		b = append(b, byte('0'+i%10))
	}
	slices.Reverse(b)
	return string(b)
}
