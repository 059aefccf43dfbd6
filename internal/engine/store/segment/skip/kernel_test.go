package skip

import "testing"

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
