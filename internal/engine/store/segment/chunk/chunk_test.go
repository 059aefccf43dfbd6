package chunk_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

func texts(s ...string) *column.Texts {
	t := new(column.Texts)
	for _, x := range s {
		t.Append([]byte(x))
	}
	return t
}

func each(n int, f func(i int) string) *column.Texts {
	t := new(column.Texts)
	for i := range n {
		t.Append([]byte(f(i)))
	}
	return t
}

// roundTrip encodes, decodes and compares; it returns the chunk.
func roundTrip(t testing.TB, e *chunk.Encoder, in *column.Texts) (*chunk.Chunk, chunk.Summary, []byte) {
	t.Helper()
	enc, s := e.Append(nil, in)
	c := new(chunk.Chunk)
	if err := chunk.NewDecoder().Parse(c, enc, in.Len(), len(in.Data)); err != nil {
		t.Fatalf("%v: %v", s.Encoding, err)
	}
	if c.Encoding() != s.Encoding || c.Rows() != in.Len() {
		t.Fatalf("%v of %d rows, want %v of %d", c.Encoding(), c.Rows(), s.Encoding, in.Len())
	}
	out := texts("first")
	if err := c.Texts(out); err != nil {
		t.Fatal(err)
	}
	if out.Len() != in.Len()+1 {
		t.Fatalf("%v: %d texts, want %d", s.Encoding, out.Len()-1, in.Len())
	}
	for i := range in.Len() {
		if !bytes.Equal(out.At(i+1), in.At(i)) {
			t.Fatalf("%v: text %d is %q, want %q", s.Encoding, i, out.At(i+1), in.At(i))
		}
	}
	return c, s, enc
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		name string
		in   *column.Texts
		want chunk.Encoding
	}{
		{"nothing", texts(), chunk.Const},
		{"one", texts("a"), chunk.Const},
		{"empty text", texts(""), chunk.Const},
		{"all the same", each(1000, func(int) string { return "same" }), chunk.Const},
		{"few", each(1000, func(i int) string { return fmt.Sprint("v", i%7) }), chunk.Dict},
		{"many", each(32768, func(i int) string { return fmt.Sprint("v", rng.Uint64()) }), chunk.Str},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, s, _ := roundTrip(t, chunk.NewEncoder(), tc.in); s.Encoding != tc.want {
				t.Errorf("%v, want %v", s.Encoding, tc.want)
			}
		})
	}
}
