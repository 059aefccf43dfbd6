package shred_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// cutOf returns a glob of literals that stand in m in this order.
func cutOf(rng *rand.Rand, m []byte) *column.Glob {
	g, at := &column.Glob{}, 0
	for range 2 + rng.IntN(5) {
		from := at + rng.IntN(min(len(m)-at, 20)+1)
		to := from + rng.IntN(min(len(m)-from, 4)+1)
		g.Literals = append(g.Literals, m[from:to:to])
		at = to
	}
	if rng.IntN(3) == 0 {
		g.Literals[0] = nil
	}
	if rng.IntN(3) == 0 {
		g.Literals[len(g.Literals)-1] = nil
	}
	return g
}

// checkCut cuts rows of a block at the literals of g, a part of them at a time, and
// returns how many rows were left to their messages.
func checkCut(t testing.TB, rng *rand.Rand, name string, b *shred.Block, messages *column.Texts, g *column.Glob) (left int) {
	t.Helper()
	var rows []uint32
	for i := range messages.Len() {
		if rng.IntN(4) > 0 {
			rows = append(rows, uint32(i))
		}
	}
	parts := make([][]byte, len(g.Literals)-1)
	cuts := column.Cuts{}
	for part := range parts {
		if part == 0 || rng.IntN(2) == 0 {
			cuts.Parts = append(cuts.Parts, part)
			cuts.Found = append(cuts.Found, make([]column.Piece, messages.Len()))
		}
	}
	for len(rows) > 0 {
		n := 1 + rng.IntN(len(rows))
		rest, err := b.Cut(g, rows[:n], &cuts)
		if err != nil {
			t.Fatalf("%s: cut: %v", name, err)
		}
		left += len(rest)
		for _, row := range rows[:n] {
			if len(rest) > 0 && rest[0] == row {
				rest = rest[1:]
				continue
			}
			ok := g.Cut(messages.At(int(row)), parts)
			for i, part := range cuts.Parts {
				p := cuts.Found[i][row]
				if (p.From != column.Absent) != ok {
					t.Fatalf("%s: row %d %q at %q: found %v, want %v", name, row, messages.At(int(row)), g.Literals, !ok, ok)
				}
				if ok && string(cuts.Texts[p.From:p.To]) != string(parts[part]) {
					t.Fatalf("%s: row %d %q at %q: part %d is %q, want %q", name, row, messages.At(int(row)), g.Literals, part, cuts.Texts[p.From:p.To], parts[part])
				}
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%s: rows %v were not asked for", name, rest)
		}
		rows = rows[n:]
	}
	return left
}

// TestCutReadsNoMessages cuts lines at what surely lies between their fields.
func TestCutReadsNoMessages(t *testing.T) {
	arena, ends := corpusBlock(t, corpus.Access, 256<<10)
	var text shred.Text
	var s shred.Shape
	if !text.Split(arena, ends, &s) {
		t.Fatal("access logs are not taken apart")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	messages := column.Texts{Data: arena, Ends: ends}
	line := column.Glob{Literals: [][]byte{nil, []byte(" - "), []byte(" ["), []byte(`] "`), []byte(" "), []byte(" "), []byte(`" `), []byte(" "), []byte(" ")}}
	none := column.Glob{Literals: [][]byte{[]byte("] ["), nil}}
	for name, b := range views(t, &s, arena, ends) {
		left := checkCut(t, rng, name, b, &messages, &line) + checkCut(t, rng, name, b, &messages, &none)
		if name == "encoded" && left > 0 {
			t.Errorf("%d rows were left to their messages", left)
		}
	}
}

// TestCutRefuses rows that are not there or not in order.
func TestCutRefuses(t *testing.T) {
	var b shred.Block
	if err := b.FromMessages([]byte("abc"), []uint32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	g := &column.Glob{Literals: [][]byte{[]byte("x"), nil}}
	for _, rows := range [][]uint32{{3}, {1, 0}, {1, 1}} {
		out := column.Cuts{Parts: []int{0}, Found: [][]column.Piece{make([]column.Piece, 3)}}
		if _, err := b.Cut(g, rows, &out); !errors.Is(err, shred.ErrLimit) {
			t.Errorf("rows %v: %v", rows, err)
		}
	}
}

// TestGlobCut cuts by hand.
func TestGlobCut(t *testing.T) {
	for _, c := range []struct {
		text     string
		literals []string
		want     []string // nil: not found
	}{
		{"a=1 b=2", []string{"a=", " b=", ""}, []string{"1", "2"}},
		{"x a=1 b=2 c", []string{"a=", " b=", " "}, []string{"1", "2"}},
		{"", []string{"", ""}, []string{""}},
		{"abc", []string{"", "", ""}, []string{"", "abc"}},
		{"a-b-c", []string{"", "-", ""}, []string{"a", "b-c"}},
		{"a-b", []string{"", "-", "-"}, nil},
		{"a-b", []string{"c", ""}, nil},
	} {
		g := column.Glob{}
		for _, l := range c.literals {
			g.Literals = append(g.Literals, []byte(l))
		}
		parts := make([][]byte, len(c.literals)-1)
		var got []string
		if g.Cut([]byte(c.text), parts) {
			for _, p := range parts {
				got = append(got, string(p))
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q at %q: %s", c.text, c.literals, diff)
		}
	}
}
