package chunk_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// split makes texts of data: they end at each newline, and are repeated in
// another order so that every encoding has something to do.
func split(data []byte, rows uint16) *column.Texts {
	lines := bytes.Split(data, []byte("\n"))
	t := new(column.Texts)
	for i := range int(rows) % 3000 {
		line := lines[(i*i+i/7)%len(lines)]
		if len(t.Data)+len(line) > 1<<20 {
			break
		}
		t.Append(line)
	}
	return t
}

func FuzzRoundTrip(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tc := range columns(rng) {
		var lines []byte
		for i := range min(40, tc.in.Len()) {
			lines = append(append(lines, tc.in.At(i)...), '\n')
		}
		f.Add(lines, uint16(100))
		f.Add(bytes.TrimSuffix(lines, []byte("\n")), uint16(40))
	}
	e := chunk.NewEncoder()
	f.Fuzz(func(t *testing.T, data []byte, rows uint16) {
		in := split(data, rows)
		c, _, _ := roundTrip(t, e, in)
		for _, n := range []int{1, 2, 3, 5, 8} {
			if len(data) >= 2*n {
				checkFind(t, c, in, data[len(data)/2-n/2:][:n])
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tc := range columns(rng) {
		n := min(200, tc.in.Len())
		short := &column.Texts{Data: tc.in.Data, Ends: tc.in.Ends[:n]}
		enc, _ := chunk.NewEncoder().Append(nil, short)
		f.Add(enc, uint16(n))
	}
	const most = 1 << 20
	d := chunk.NewDecoder()
	var c chunk.Chunk
	f.Fuzz(func(t *testing.T, data []byte, rows uint16) {
		if err := d.Parse(&c, data, int(rows), most); err != nil {
			if !errors.Is(err, chunk.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		var out column.Texts
		if err := c.Texts(&out); err != nil {
			if !errors.Is(err, chunk.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if out.Len() != int(rows) || len(out.Data) > most {
			t.Fatalf("%d texts of %d bytes, want %d of at most %d", out.Len(), len(out.Data), rows, most)
		}
		if v, _, ok := c.Ints(); ok && len(v) != out.Len() {
			t.Fatalf("%d numbers of %d rows", len(v), out.Len())
		}
		if _, ids, ok := c.Dict(); ok && len(ids) != out.Len() {
			t.Fatalf("%d ids of %d rows", len(ids), out.Len())
		}
		for _, needle := range []string{"1", "ab", "0123456789abcdef", "-", ""} {
			checkFind(t, &c, &out, []byte(needle))
		}
	})
}
