package chunk_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// checkFind compares Find with what bytes.Contains says.
func checkFind(t testing.TB, c *chunk.Chunk, in *column.Texts, needle []byte) {
	t.Helper()
	hits := column.NewBitmap(in.Len())
	if err := c.Find(needle, hits); err != nil {
		t.Fatal(err)
	}
	for i := range in.Len() {
		if want := bytes.Contains(in.At(i), needle); hits.Has(i) != want {
			t.Fatalf("%v: row %d (%q) contains %q: %v, want %v", c.Encoding(), i, in.At(i), needle, hits.Has(i), want)
		}
	}
}

func TestFind(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	e := chunk.NewEncoder()
	for _, tc := range columns(rng) {
		t.Run(tc.name, func(t *testing.T) {
			c, _, _ := roundTrip(t, e, tc.in)
			checkFind(t, c, tc.in, nil)
			for _, needle := range []string{"z", "a", "0", "-", "00", "Ab", "0123456789abcdef0123456789abcdef0"} {
				checkFind(t, c, tc.in, []byte(needle))
			}
			for range min(60, 4*tc.in.Len()) {
				text := tc.in.At(rng.IntN(tc.in.Len()))
				from := rng.IntN(len(text) + 1)
				needle := bytes.Clone(text[from : from+rng.IntN(len(text)-from+1)])
				checkFind(t, c, tc.in, needle)
				if len(needle) > 0 {
					needle[rng.IntN(len(needle))] ^= 1
					checkFind(t, c, tc.in, needle)
				}
				other := tc.in.At(rng.IntN(tc.in.Len()))
				checkFind(t, c, tc.in, append(needle, other[:min(2, len(other))]...))
			}
		})
	}
}
