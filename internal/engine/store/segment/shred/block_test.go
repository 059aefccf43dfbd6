package shred_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

var errOutside = errors.New("outside of the body")

// memory reads a body from memory.
func memory(body []byte) shred.BodyReader {
	return func(off, n int, _ []byte) ([]byte, error) {
		if off+n > len(body) {
			return nil, errOutside
		}
		return body[off : off+n], nil
	}
}

// encoded encodes s and opens it.
func encoded(t testing.TB, e *shred.Encoder, s *shred.Shape, rows, raw int) (b *shred.Block, head, body []byte) {
	t.Helper()
	head, body = e.Encode(s)
	b = new(shred.Block)
	if err := b.Open(head, rows, raw, memory(body)); err != nil {
		t.Fatal(err)
	}
	return b, head, body
}

func checkBlock(t testing.TB, b *shred.Block, arena []byte, ends []uint32) {
	t.Helper()
	got, gotEnds, err := b.Messages([]byte("xx"), []uint32{7})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[2:], arena) {
		t.Fatalf("rebuilt messages differ:\n got %q\nwant %q", clip(got[2:]), clip(arena))
	}
	for i, end := range ends {
		if gotEnds[i+1] != end+2 {
			t.Fatalf("row %d ends at %d, want %d", i, gotEnds[i+1], end+2)
		}
	}
	if err := b.Rows(nil, new(column.Texts)); err != nil {
		t.Error(err)
	}
	for _, rows := range [][]uint32{{uint32(len(ends))}, {0, 0}, {1, 0}} {
		if err := b.Rows(rows, new(column.Texts)); !errors.Is(err, shred.ErrLimit) {
			t.Errorf("rows %d of %d: %v", rows, len(ends), err)
		}
	}
	// Some of the rows.
	for step := 1; step < 20; step += 3 {
		var rows []uint32
		var want, some column.Texts
		all := column.Texts{Data: arena, Ends: ends}
		for i := step / 2; i < len(ends); i += step {
			rows = append(rows, uint32(i))
			want.Append(all.At(i))
		}
		if err := b.Rows(rows, &some); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want.Data, some.Data) || !slices.Equal(want.Ends, some.Ends) {
			t.Fatalf("rows %d differ", rows)
		}
	}
}

func TestEncodeCorpus(t *testing.T) {
	arena, ends := corpusBlock(t, corpus.JSON, 2<<20)
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	b, head, body := encoded(t, &e, &s, len(ends), len(arena))
	checkBlock(t, b, arena, ends)
	t.Logf("head %d, body %d: %.4f of raw", len(head), len(body), float64(len(head)+len(body))/float64(len(arena)))
	if err := b.FromShape(&s); err != nil {
		t.Fatal(err)
	}
	checkBlock(t, b, arena, ends)
	if err := b.FromMessages(arena, ends); err != nil {
		t.Fatal(err)
	}
	checkBlock(t, b, arena, ends)
}
