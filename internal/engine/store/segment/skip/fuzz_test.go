package skip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// sealed returns a copy of a payload whose checksums are right again, as far as
// the tables can be followed.
func sealed(b []byte, perUnit int) []byte {
	b = bytes.Clone(b)
	const trailer = 40
	if len(b) < trailer {
		return b
	}
	tr := b[len(b)-trailer:]
	table := 8 * int(binary.LittleEndian.Uint32(tr[12:]))
	tail := perUnit*int(binary.LittleEndian.Uint32(tr[8:])) + table + trailer
	if tail > len(b) || tail < trailer {
		return b
	}
	c := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(tr[36:], crc32.Checksum(b[len(b)-tail:len(b)-4], c))
	pages, at := b[len(b)-trailer-table:len(b)-trailer], 0
	for ; len(pages) >= 8; pages = pages[8:] {
		n := int(binary.LittleEndian.Uint32(pages[4:]))
		if n < 16 || n > len(b)-tail-at {
			break
		}
		binary.LittleEndian.PutUint32(b[at:], crc32.Checksum(b[at+4:at+n], c))
		at += n
	}
	return b
}

// use looks up and moves everything; it must end, with an answer or an error.
func use(t testing.TB, tix, tri []byte, n int, needles ...string) {
	t.Helper()
	x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), n)
	if err != nil {
		if !errors.Is(err, skip.ErrDamaged) {
			t.Fatalf("open: %v", err)
		}
		return
	}
	for _, needle := range needles {
		set := make([]uint64, (n+63)/64)
		for i := range set {
			set[i] = 0xaaaaaaaaaaaaaaaa
		}
		if _, err := x.Units(context.Background(), hint.Text(needle), set); err != nil {
			if !errors.Is(err, skip.ErrDamaged) {
				t.Fatalf("units: %v", err)
			}
			for _, w := range set {
				if w != 0xaaaaaaaaaaaaaaaa {
					t.Fatal("an error changed the set")
				}
			}
		}
	}
	if err := x.Verify(context.Background()); err != nil && !errors.Is(err, skip.ErrDamaged) {
		t.Fatalf("verify: %v", err)
	}
	b := skip.NewBuilder()
	to := make([]int32, n)
	for i := range to {
		to[i] = int32(i)
	}
	if err := b.AddMoved(x, to); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Encode(nil); err != nil && !errors.Is(err, skip.ErrDamaged) {
		t.Fatalf("move: %v", err)
	}
}

func samplePart(seed uint64) part {
	r := rand.New(rand.NewPCG(seed, 4))
	p := make(part, 3+r.IntN(70))
	for u := range p {
		for range 20 {
			p[u] = append(p[u], "GET /items/"+itoa(r.IntN(500))+" user="+randomText(r, "0123456789abcdef", 16)+" ok")
		}
	}
	return p
}

func samplePayloads(t testing.TB, seed uint64) (tix, tri []byte, n int) {
	p := samplePart(seed)
	b := skip.NewBuilder()
	var e skip.Evidence
	for u := range p {
		p.evidence(t, u, &e)
		if err := b.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	tix, tri = encode(t, b, nil)
	return tix, tri, len(p)
}

// Every flipped bit is noticed, or harmless behind a repaired checksum.
func TestDamage(t *testing.T) {
	tix, tri, n := samplePayloads(t, 1)
	r := rand.New(rand.NewPCG(5, 5))
	clean, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	if s := clean.Size(); s.Tokens.Bytes != int64(len(tix)) || s.Tri.Bytes != int64(len(tri)) {
		t.Errorf("sizes %+v of %d and %d bytes", s, len(tix), len(tri))
	}
	if err := clean.Verify(context.Background()); err != nil {
		t.Errorf("undamaged: %v", err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := clean.Verify(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("verify, canceled: %v", err)
	}
	set := []uint64{^uint64(0), ^uint64(0)}
	if _, err := clean.Units(gone, hint.Text(" absent "), set); !errors.Is(err, context.Canceled) || set[0] != ^uint64(0) {
		t.Errorf("units, canceled: %v, %#x", err, set)
	}
	if _, err := clean.Units(context.Background(), hint.Text(" absent "), nil); !errors.Is(err, skip.ErrMisuse) {
		t.Errorf("units without a set: %v", err)
	}
	rounds := 2000
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		a, b := bytes.Clone(tix), bytes.Clone(tri)
		which, perUnit := a, 10
		if r.IntN(2) == 0 {
			which, perUnit = b, 0
		}
		which[r.IntN(len(which))] ^= 1 << r.IntN(8)
		if x, err := skip.Open(bytes.NewReader(a), bytes.NewReader(b), n); err == nil {
			var damage *skip.DamageError
			if err := x.Verify(context.Background()); !errors.As(err, &damage) || damage.Page < 0 {
				t.Fatalf("a flipped bit was not noticed: %v", err)
			}
		} else if !errors.Is(err, skip.ErrDamaged) {
			t.Fatal(err)
		}
		copy(which, sealed(which, perUnit))
		use(t, a, b, n, "GET /items/77 user=", "0123456789abcdef", "user")
	}
	for cut := range len(tix) {
		if _, err := skip.Open(bytes.NewReader(tix[:cut]), nil, n); cut < len(tix) && !errors.Is(err, skip.ErrDamaged) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	if _, err := skip.Open(bytes.NewReader(tix), nil, n+1); !errors.Is(err, skip.ErrDamaged) {
		t.Errorf("another number of units: %v", err)
	}
	if _, err := skip.Open(bytes.NewReader(tri), nil, n); !errors.Is(err, skip.ErrDamaged) {
		t.Errorf("the other payload: %v", err)
	}
	if _, err := skip.Open(bytes.NewReader(tix), nil, skip.MaxUnits+1); !errors.Is(err, skip.ErrTooLarge) {
		t.Errorf("too many units: %v", err)
	}
}

func FuzzIndex(f *testing.F) {
	for seed := range uint64(3) {
		tix, tri, n := samplePayloads(f, seed)
		f.Add(tix, tri, uint16(n), "user=")
	}
	f.Add([]byte{}, []byte{}, uint16(0), "x")
	f.Fuzz(func(t *testing.T, tix, tri []byte, n uint16, needle string) {
		use(t, tix, tri, int(n), needle)
		use(t, sealed(tix, 10), sealed(tri, 0), int(n), needle)
	})
}

// FuzzNeed compares with brute force: messages are the lines of text, a unit is
// each paragraph.
func FuzzNeed(f *testing.F) {
	f.Add("a b\nc\n\nlong_token 0123456789abcdef\n\n\xff\xfe", "c", "0123456789abcde", uint8(0))
	f.Add("{\"a\":\"b\"}\n\nb", "\"b\"", "b", uint8(1))
	f.Add(strings.Repeat("x", 70)+"\n\n"+strings.Repeat("x", 64)+" y", " "+strings.Repeat("x", 64), "", uint8(2))
	f.Fuzz(func(t *testing.T, text, a, b string, op uint8) {
		if len(text) > 1<<16 {
			return
		}
		var p part
		for _, paragraph := range strings.Split(text, "\n\n") {
			p = append(p, strings.Split(paragraph, "\n"))
		}
		need := hint.And(hint.Text(a), hint.Text(b))
		if op&1 != 0 {
			need = hint.Or(hint.Text(a), hint.Text(b))
		}
		p.check(t, p.index(t), need)
	})
}
