package shred_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// automaton finds one text: state 2+n means that the last n
// bytes are the longest ones that it begins with. It is unsure about zero bytes.
type automaton struct{ text []byte }

func (n *automaton) Start() column.State    { return 2 }
func (n *automaton) Ends(column.State) bool { return false }
func (n *automaton) Match(text []byte) bool { return bytes.Contains(text, n.text) }
func (n *automaton) after(have int, b byte) int {
	text := append(bytes.Clone(n.text[:have]), b)
	for k := min(len(text), len(n.text)); ; k-- {
		if bytes.HasSuffix(text, n.text[:k]) {
			return k
		}
	}
}

func (n *automaton) Run(s column.State, piece []byte) column.State {
	have := int(s) - 2
	for _, b := range piece {
		if b == 0 {
			return column.Unsure
		}
		if have = n.after(have, b); have == len(n.text) {
			return column.Matched
		}
	}
	return column.State(2 + have)
}

func (n *automaton) Reach(s column.State, set *[4]uint64, dst []column.State) ([]column.State, bool) {
	dst = append(dst, s)
	for i := 0; i < len(dst); i++ {
		for b := range 256 {
			if set[b>>6]&(1<<(b&63)) == 0 {
				continue
			}
			to := n.Run(dst[i], []byte{byte(b)})
			if to <= column.Matched {
				return dst, false
			}
			if !slices.Contains(dst, to) {
				dst = append(dst, to)
			}
		}
	}
	return dst, len(dst) <= column.MaxReach
}

// checkMatch lets an automaton find a text in every row, and in every third one.
func checkMatch(t testing.TB, name string, b *shred.Block, arena []byte, ends []uint32, text []byte) {
	t.Helper()
	if len(text) == 0 || len(text) > 100 {
		return
	}
	messages := column.Texts{Data: arena, Ends: ends}
	var all, some []uint32
	for i := range ends {
		all = append(all, uint32(i))
		if i%3 == 1 {
			some = append(some, uint32(i))
		}
	}
	for _, rows := range [][]uint32{all, some, nil} {
		hits := column.NewBitmap(len(ends))
		if err := b.Match(&automaton{text}, rows, hits); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range ends {
			_, asked := slices.BinarySearch(rows, uint32(i))
			want := asked && bytes.Contains(messages.At(i), text)
			if hits.Has(i) != want {
				t.Fatalf("%s: %q in row %d %q: %v, want %v", name, text, i, messages.At(i), hits.Has(i), want)
			}
		}
	}
}
