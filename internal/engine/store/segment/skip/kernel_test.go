package skip

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestTokenMask(t *testing.T) {
	for c := range 256 {
		for _, other := range []byte{0, 'a', 0xff, '_', 0x7f} {
			for at := range 8 {
				var b [64]byte
				for i := range b {
					b[i] = other
				}
				b[8+at] = byte(c)
				want := uint64(0)
				for i, c := range b {
					if isToken[c] {
						want |= 1 << i
					}
				}
				if got := tokenMask(&b); got != want {
					t.Fatalf("byte %#x at %d among %#x: %#x, want %#x", c, at, other, got, want)
				}
			}
		}
	}
}

// hexRun is hiding.hexRun by its definition.
func hexRun(tokens []string) (longest int) {
	for _, t := range tokens {
		run := 0
		for i := range len(t) {
			if run++; !isHexByte[t[i]] {
				run = 0
			}
			longest = max(longest, min(run, len(t)-1))
		}
	}
	if longest < minHexRun {
		return 0
	}
	return min(longest, math.MaxUint16)
}

func TestHiding(t *testing.T) {
	check := func(tokens ...string) {
		t.Helper()
		var e Evidence
		e.Tokens([]byte(strings.Join(tokens, " ")))
		if got, want := int(e.hides.hexRun), hexRun(tokens); got != want {
			t.Fatalf("%q: %d, want %d", tokens, got, want)
		}
		lengths := uint64(0)
		for _, token := range tokens {
			lengths |= 1 << min(len(token), 63)
		}
		if lengths&^1 != e.hides.lengths {
			t.Fatalf("%q: lengths %#x, want %#x", tokens, e.hides.lengths, lengths)
		}
	}
	for n := range 70 {
		run := strings.Repeat("a", n)
		check(run)
		check(run + "z")
		check("z"+run, run)
	}
	for _, n := range []int{math.MaxUint16 - 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint16 + 2} {
		check(strings.Repeat("0", n))
		check("_" + strings.Repeat("0", n))
	}
	r := rand.New(rand.NewPCG(1, 3))
	for range 20_000 {
		tokens := make([]string, r.IntN(5))
		for i := range tokens {
			b := make([]byte, 1+r.IntN(1+r.IntN(100)))
			for k := range b {
				b[k] = "0123456789abcdefABCDEFabcdefgz"[r.IntN(30-3*r.IntN(2))]
			}
			tokens[i] = string(b)
		}
		check(tokens...)
	}
}
