package shred_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// TestFewRows: some rows of many, whose texts are made one by one, are what all rows together are.
func TestFewRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 8))
	for _, kind := range corpus.Kinds() {
		g, err := corpus.New(kind, 3)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for i := range int64(2000) {
			m := string(g.Append(nil, 1_790_000_000_000+i))
			switch rng.IntN(50) {
			case 0: // what does not fit its column
				m = strings.Replace(m, "0", "x", 3)
			case 1:
				m = "neither"
			case 2:
				m = ""
			}
			rows = append(rows, m)
		}
		arena, ends := block(rows...)
		var s shred.Shape
		split := new(shred.JSON).Split
		if kind != corpus.JSON {
			split = new(shred.Text).Split
		}
		if !split(arena, ends, &s) {
			t.Fatalf("%s was not taken apart", kind)
		}
		head, body := new(shred.Encoder).Encode(&s)
		for range 40 {
			var b shred.Block
			if err := b.Open(head, len(ends), len(arena), memory(body)); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(3) == 0 { // some columns are decoded already
				if err := b.Find([]byte("GET"), column.NewBitmap(len(rows))); err != nil {
					t.Fatal(err)
				}
			}
			var want []uint32
			for range 1 + rng.IntN(60) {
				want = append(want, uint32(rng.IntN(len(rows))))
			}
			slices.Sort(want)
			want = slices.Compact(want)
			var got column.Texts
			got.Append([]byte("before"))
			if err := b.Rows(want, &got); err != nil {
				t.Fatal(err)
			}
			for i, row := range want {
				if string(got.At(i+1)) != rows[row] {
					t.Fatalf("%s: row %d is %q, want %q", kind, row, got.At(i+1), rows[row])
				}
			}
		}
	}
}
