package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
)

func TestRowSearchAgreesWithEachRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func(n, letters int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefgh"[rng.IntN(letters)]
		}
		return string(b)
	}
	var need func(depth, letters int) hint.Need
	need = func(depth, letters int) hint.Need {
		kind := rng.IntN(4)
		if depth == 0 || kind < 2 {
			return hint.Text(text(1+rng.IntN(5), letters))
		}
		var kids []hint.Need
		for range 1 + rng.IntN(maxNeedTexts+3) {
			kids = append(kids, need(depth-1, letters))
		}
		if kind == 2 {
			return hint.And(kids...)
		}
		return hint.Or(kids...)
	}
	rounds := 400
	if testing.Short() { // it is all one goroutine
		rounds = 80
	}
	for i := range rounds {
		letters := 1 + rng.IntN(8)
		rows, size := rng.IntN(200), 1+rng.IntN(12)
		if i%40 == 0 {
			rows, size = 20, 2*searchStep
		}
		arena := []byte(text(rng.IntN(5), letters))
		start := uint32(len(arena))
		var ends []uint32
		var messages []string
		for range rows {
			m := text(rng.IntN(size), letters)
			messages = append(messages, m)
			arena = append(arena, m...)
			ends = append(ends, uint32(len(arena)))
		}
		f := rowSearch{ctx: t.Context()}
		needle := text(1+rng.IntN(4), letters)
		hits := column.NewBitmap(rows)
		if err := f.find([]byte(needle), arena, start, ends, hits); err != nil {
			t.Fatal(err)
		}
		for r, m := range messages {
			if hits.Has(r) != strings.Contains(m, needle) {
				t.Fatalf("row %d %.40q contains %q: %v", r, m, needle, hits.Has(r))
			}
		}
		n := need(2, letters)
		hits.Fill(rows)
		if err := f.rows(&n, arena, start, ends, hits); err != nil {
			t.Fatal(err)
		}
		for r, m := range messages {
			if !hits.Has(r) && n.Meets(m) {
				t.Fatalf("row %d %.40q meets %+v but was excluded", r, m, n)
			}
			if n.Op == hint.Contains && hits.Has(r) && !n.Meets(m) {
				t.Fatalf("row %d %.40q does not meet %+v but was kept", r, m, n)
			}
		}
	}
}

func TestRowSearchStopsWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := rowSearch{ctx: ctx}
	arena := bytes.Repeat([]byte("x"), 100)
	n := hint.Text("y")
	if err := f.rows(&n, arena, 0, []uint32{50, 100}, column.NewBitmap(2)); err == nil {
		t.Error("no error")
	}
}

func BenchmarkRowSearch(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	var arena []byte
	var ends []uint32
	for len(arena) < 2<<20 {
		arena = benchLine(arena, rng)
		ends = append(ends, uint32(len(arena)))
	}
	f := rowSearch{ctx: b.Context()}
	hits := column.NewBitmap(len(ends))
	for _, needle := range []string{"no such thing", "ERROR", "e", `"service":"check0ut"`, "0123456789abcdef"} {
		b.Run(fmt.Sprintf("%.12s", needle), func(b *testing.B) {
			b.SetBytes(int64(len(arena)))
			b.ReportAllocs()
			for b.Loop() {
				clear(hits)
				if err := f.find([]byte(needle), arena, 0, ends, hits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
