package chunk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

func parse(src []byte, rows, maxText int) (*column.Texts, error) {
	var c chunk.Chunk
	if err := chunk.NewDecoder().Parse(&c, src, rows, maxText); err != nil {
		return nil, err
	}
	var out column.Texts
	return &out, c.Texts(&out)
}

// TestTextIsBounded: every encoding accepts exactly its bytes as the bound and refuses one less.
func TestTextIsBounded(t *testing.T) {
	e := chunk.NewEncoder()
	for _, tc := range columns(rand.New(rand.NewPCG(1, 2))) {
		enc, s := e.Append(nil, tc.in)
		n := len(tc.in.Data)
		if _, err := parse(enc, tc.in.Len(), n); err != nil {
			t.Errorf("%s, %v: %v", tc.name, s.Encoding, err)
		}
		if n == 0 {
			continue
		}
		for _, most := range []int{n - 1, 0, -1} {
			if out, err := parse(enc, tc.in.Len(), most); !errors.Is(err, chunk.ErrMalformed) {
				t.Errorf("%s, %v: %d bytes of text of at most %d: %v", tc.name, s.Encoding, len(out.Data), most, err)
			}
		}
	}
}

// TestRowsMustAgree: chunks of numbers, digits and texts are malformed for another number of rows.
func TestRowsMustAgree(t *testing.T) {
	e := chunk.NewEncoder()
	for _, tc := range columns(rand.New(rand.NewPCG(1, 2))) {
		enc, s := e.Append(nil, tc.in)
		if s.Encoding == chunk.Const || tc.in.Len() < 1000 {
			continue
		}
		for _, rows := range []int{tc.in.Len() - 200, tc.in.Len() + 200} {
			out, err := parse(enc, rows, 1<<20)
			if err == nil && out.Len() != rows {
				t.Errorf("%s, %v of %d rows opens as %d texts", tc.name, s.Encoding, tc.in.Len(), out.Len())
			}
			if err != nil && !errors.Is(err, chunk.ErrMalformed) {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	}
}

func TestDamageIsAnError(t *testing.T) {
	e, d := chunk.NewEncoder(), chunk.NewDecoder()
	rng := rand.New(rand.NewPCG(1, 2))
	var c chunk.Chunk
	for _, tc := range columns(rng) {
		enc, s := e.Append(nil, tc.in)
		rows, most := tc.in.Len(), len(tc.in.Data)
		for range 20 {
			n := rng.IntN(len(enc))
			if err := d.Parse(&c, enc[:n], rows, most); !errors.Is(err, chunk.ErrMalformed) {
				t.Fatalf("%s, %v: the first %d bytes of %d: %v", tc.name, s.Encoding, n, len(enc), err)
			}
		}
		if err := d.Parse(&c, append(enc, 0), rows, most); !errors.Is(err, chunk.ErrMalformed) {
			t.Fatalf("%s, %v: a byte more: %v", tc.name, s.Encoding, err)
		}
		if c.Rows() != 0 {
			t.Fatalf("%s: %d rows after an error", tc.name, c.Rows())
		}
	}
}

func TestRowsAreBounded(t *testing.T) {
	full := each(chunk.MaxRows, func(i int) string { return strconv.Itoa(i % 300) })
	_, s, enc := roundTrip(t, chunk.NewEncoder(), full)
	if s.Encoding != chunk.Dict {
		t.Errorf("%v", s.Encoding)
	}
	for _, rows := range []int{-1, chunk.MaxRows + 1, 1 << 40} {
		if _, err := parse(enc, rows, 1<<20); !errors.Is(err, chunk.ErrMalformed) {
			t.Errorf("%d rows: %v", rows, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("more rows than allowed are encoded")
		}
	}()
	full.Append(nil)
	chunk.NewEncoder().Append(nil, full)
}

func TestDistinctIsBounded(t *testing.T) {
	for _, tc := range []struct {
		rows, distinct int
		want           chunk.Encoding
		counted        int
	}{
		{2 * chunk.MaxDistinct, chunk.MaxDistinct, chunk.Dict, chunk.MaxDistinct},
		{4 * chunk.MaxDistinct, chunk.MaxDistinct + 1, chunk.Str, chunk.MaxDistinct + 1},
		{1000, 500, chunk.Dict, 500},
		{1000, 501, chunk.Str, chunk.MaxDistinct + 1},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		in := each(tc.rows, func(i int) string {
			if i >= tc.distinct {
				i = rng.IntN(tc.distinct)
			}
			return fmt.Sprint(i*7919%5003, "x", i%7, "y")
		})
		e := chunk.NewEncoder()
		_, s, _ := roundTrip(t, e, in)
		if s.Encoding != tc.want || s.Distinct != tc.counted {
			t.Errorf("%d distinct of %d: %v, %d counted, want %v, %d", tc.distinct, tc.rows, s.Encoding, s.Distinct, tc.want, tc.counted)
		}
		if (e.Distinct() != nil) != (tc.counted <= chunk.MaxDistinct) {
			t.Errorf("%d distinct of %d: listed %v", tc.distinct, tc.rows, e.Distinct() != nil)
		}
	}
}

// TestBombs are small chunks that claim to be large.
func TestBombs(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	huge := z.EncodeAll(make([]byte, 64<<20), nil)
	uv := binary.AppendUvarint
	frame := func(claim uint64) []byte {
		b := uv(uv([]byte{1}, claim), uint64(len(huge)))
		return append(b, huge...)
	}
	same := func(n uint64) []byte { return uv([]byte{3}, n<<1) }
	cat := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	for name, src := range map[string][]byte{
		"zstd larger than said":   cat([]byte{9, 0}, same(10), frame(100)),
		"lengths beyond the text": cat([]byte{9, 0}, same(1<<40), frame(10<<40)),
		"lengths that wrap":       cat([]byte{9, 0}, same(1<<62), frame(1<<63)),
		"negative lengths":        cat([]byte{9, 0}, []byte{3, 1}, frame(0)),
		"CONST":                   cat([]byte{0}, uv(nil, 1<<50)),
		"DICT of many":            cat([]byte{1}, uv(nil, 1<<50)),
		"DICT of 4097":            cat([]byte{1}, uv(nil, 4097), []byte{2, 0}, same(1), same(0)),
		"DICT of none":            {1, 0, 9, 0, 0, 0},
		"DICT of DICT":            cat([]byte{1, 1, 1, 1, 9, 0}, same(0), []byte{0, 0}, same(0), same(0)),
		"PATCH of PATCH":          cat([]byte{10, 0, 0, 0, 0, 10, 0, 0, 0, 0, 2, 0}, same(1)),
		"PATCH of STR":            cat([]byte{10, 0, 0, 0, 0, 9, 0}, same(0), []byte{0, 0}),
		"HEX too wide":            cat([]byte{6}, uv(nil, 513), []byte{0}, frame(2570)),
		"HEX of nothing":          {6, 0, 0, 0, 0},
		"INT too wide":            cat([]byte{2, 19}, same(1)),
		"INT does not fit":        cat([]byte{2, 2}, same(100)),
		"INT below 0":             cat([]byte{2, 2}, []byte{3, 1}),
		"DEC of scale 0":          cat([]byte{3, 0, 0}, same(1)),
		"DEC of scale 19":         cat([]byte{3, 19, 0}, same(1)),
		"TS beyond 2200":          cat([]byte{5, 0, 'T', 0, 0, 0}, same(7289654400)),
		"TS of a day of 24 h":     cat([]byte{5, 3, 0, 0, 0, 0}, same(86400)),
		"IPV4 of 33 bits":         cat([]byte{8}, same(1<<32)),
		"4":                       cat([]byte{4, 0}, same(1)),
		"12":                      cat([]byte{12, 0}, same(1)),
		"AFFIX of nothing":        cat([]byte{11, 0, 0, 2, 0}, same(1)),
		"AFFIX of AFFIX":          cat([]byte{11, 1, 'a', 0, 11, 1, 'a', 0, 2, 0}, same(1)),
		"AFFIX of PATCH":          cat([]byte{11, 1, 'a', 0, 10, 0, 0, 0, 0, 2, 0}, same(1)),
		"runs of runs":            {2, 0, 2, 1, 2, 1, 3, 0, 3, 0, 3, 8},
		"nothing":                 {},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if out, err := parse(src, 10, 1000); !errors.Is(err, chunk.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%s: %d bytes of memory for 1000 bytes of text", name, n)
		}
	}
}

// TestMemoryIsUsedAgain: an encoder and a decoder that are warm use their memory again.
func TestMemoryIsUsedAgain(t *testing.T) {
	e, d := chunk.NewEncoder(), chunk.NewDecoder()
	for _, tc := range columns(rand.New(rand.NewPCG(1, 2))) {
		var c chunk.Chunk
		var out column.Texts
		var enc []byte
		round := func() {
			enc, _ = e.Append(enc[:0], tc.in)
			out.Reset()
			if err := d.Parse(&c, enc, tc.in.Len(), len(tc.in.Data)); err != nil {
				t.Fatal(err)
			}
			if err := c.Texts(&out); err != nil {
				t.Fatal(err)
			}
		}
		round()
		if n := testing.AllocsPerRun(5, round); n > 8 {
			t.Errorf("%s: %.0f allocations", tc.name, n)
		}
	}
}

func TestEncodingNames(t *testing.T) {
	var names []string
	for e := range chunk.Encoding(13) {
		names = append(names, e.String())
	}
	want := "CONST DICT INT DEC encoding(4) TS HEX UUID IPV4 STR PATCH AFFIX encoding(12)"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
