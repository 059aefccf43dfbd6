package chunk_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// roundTrip encodes, decodes, compares, and checks the summary; it returns the chunk.
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
	checkAccess(t, e, c, s, in)
	return c, s, enc
}

// trimmed takes zeros off the end of a number with decimal places.
func trimmed(b []byte, trim column.Trim) []byte {
	if trim == column.TrimNone || !bytes.Contains(b, []byte(".")) {
		return b
	}
	b = bytes.TrimRight(b, "0")
	if trim == column.TrimPoint && bytes.HasSuffix(b, []byte(".")) {
		return append(b, '0')
	}
	return bytes.TrimSuffix(b, []byte("."))
}

// checkAccess compares the summary, dictionary and numbers with the texts.
func checkAccess(t testing.TB, e *chunk.Encoder, c *chunk.Chunk, s chunk.Summary, in *column.Texts) {
	t.Helper()
	distinct := map[string]bool{}
	for i := range in.Len() {
		text := in.At(i)
		distinct[string(text)] = true
		if len(text) < s.MinLen || len(text) > s.MaxLen {
			t.Fatalf("%v: %q has not %d to %d bytes", s.Encoding, text, s.MinLen, s.MaxLen)
		}
		if !s.MayContain(text) {
			t.Fatalf("%v: the classes exclude %q", s.Encoding, text)
		}
	}
	if s.Distinct <= chunk.MaxDistinct {
		if s.Distinct != len(distinct) || e.Distinct().Len() != s.Distinct {
			t.Fatalf("%v: %d distinct texts (%d listed), want %d", s.Encoding, s.Distinct, e.Distinct().Len(), len(distinct))
		}
		for i := range s.Distinct {
			if !distinct[string(e.Distinct().At(i))] {
				t.Fatalf("%v: %q is listed as distinct", s.Encoding, e.Distinct().At(i))
			}
		}
	}
	rows := make([]uint32, in.Len())
	for i := range rows {
		rows[i] = uint32(i)
	}
	c.Prefetch(rows) // of every encoding, also when all texts are exceptions
	if values, ids, ok := c.Dict(); ok {
		for i, id := range ids {
			if !bytes.Equal(values.At(int(id)), in.At(i)) {
				t.Fatalf("%v: id of row %d is that of %q, want %q", s.Encoding, i, values.At(int(id)), in.At(i))
			}
		}
	}
	numbers, scale, ok := c.Ints()
	if ok != s.Ints || ok && scale != s.Scale {
		t.Fatalf("%v: numbers %v of scale %d, the summary says %v, %d", s.Encoding, ok, scale, s.Ints, s.Scale)
	}
	trim, canonical := c.Canonical()
	if canonical && !ok {
		t.Fatalf("%v: canonical, but not numbers", s.Encoding)
	}
	for i, v := range numbers {
		if canonical && !bytes.Equal(trimmed(plain(v, int(scale)), trim), in.At(i)) {
			t.Fatalf("%v: %q is not canonical", s.Encoding, in.At(i))
		}
		if v < s.MinInt || v > s.MaxInt {
			t.Fatalf("%v: %d is not within %d to %d", s.Encoding, v, s.MinInt, s.MaxInt)
		}
		want, err := strconv.ParseFloat(string(in.At(i)), 64)
		if got := float64(v) / math.Pow10(int(scale)); err != nil || math.Abs(got-want) > math.Abs(want)*1e-14 {
			t.Fatalf("%v: %q is given as %v", s.Encoding, in.At(i), got)
		}
	}
}

// plain writes v·10^-scale with all its decimal places.
func plain(v int64, scale int) []byte {
	b := fmt.Appendf(nil, "%0*d", scale+1, v)
	if v < 0 {
		b = fmt.Appendf(nil, "%0*d", scale+2, v)
	}
	if scale > 0 {
		b = slices.Insert(b, len(b)-scale, '.')
	}
	return b
}

func hexOf(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	return string(b)
}

func uuidOf(rng *rand.Rand) string {
	h := hexOf(rng, 32)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// columns are named columns and the encodings that they should get.
func columns(rng *rand.Rand) []struct {
	name string
	in   *column.Texts
	want chunk.Encoding
} {
	type cases = []struct {
		name string
		in   *column.Texts
		want chunk.Encoding
	}
	start := time.Date(2026, 2, 27, 23, 59, 0, 0, time.UTC)
	layoutOf := func(format string, step time.Duration) *column.Texts {
		return each(3000, func(i int) string { return start.Add(time.Duration(i) * step).Format(format) })
	}
	return cases{
		{"nothing", texts(), chunk.Const},
		{"one", texts("a"), chunk.Const},
		{"empty text", texts(""), chunk.Const},
		{"two", texts("a", "b"), chunk.Str},
		{"all the same", each(1000, func(int) string { return "same" }), chunk.Const},
		{"the same int", each(1000, func(int) string { return "-200" }), chunk.Const},
		{"the same dec", each(1000, func(int) string { return "0.50" }), chunk.Const},
		{"few", each(1000, func(i int) string { return fmt.Sprint("v", i%7) }), chunk.Dict},
		{"few, in runs", each(32768, func(i int) string { return fmt.Sprint("v", i/3000) }), chunk.Dict},
		{"skewed", each(3000, func(i int) string { return fmt.Sprint("v", int(rng.ExpFloat64())) }), chunk.Dict},
		{"one of two, rarely", each(3000, func(i int) string { return fmt.Sprint(rng.IntN(50) == 0) }), chunk.Dict},
		{"many of 4096", each(32768, func(i int) string { return fmt.Sprint("v", rng.IntN(4096)) }), chunk.Affix},
		{"many of 4097", each(32768, func(i int) string { return fmt.Sprint("v", i%4097) }), chunk.Affix},
		{"words", each(9000, func(i int) string { return strings.Repeat(string(rune('a'+rng.IntN(20))), 1+rng.IntN(200)) }), chunk.Dict},
		{"sentences", each(9000, func(i int) string { return fmt.Sprint("took ", rng.IntN(9999), " of ", rng.IntN(9999), " steps") }), chunk.Str},
		{"many", each(32768, func(i int) string { return fmt.Sprint("v", rng.Uint64()) }), chunk.Str},
		{"any bytes", each(5000, func(i int) string {
			b := make([]byte, rng.IntN(9))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return string(b)
		}), chunk.Str},
		{"int", each(3000, func(i int) string { return fmt.Sprint(rng.IntN(1_000_000) - 1000) }), chunk.Int},
		{"int, lognormal", each(3000, func(i int) string { return fmt.Sprint(int(5000 * math.Exp(rng.NormFloat64()))) }), chunk.Int},
		{"int, any", each(3000, func(i int) string { return fmt.Sprint(int64(rng.Uint64())) }), chunk.Int},
		{"int, bounds", each(3000, func(i int) string {
			switch i % 3 {
			case 0:
				return "-9223372036854775808"
			case 1:
				return "9223372036854775807"
			}
			return fmt.Sprint(i)
		}), chunk.Dict},
		{"int, counter", each(3000, func(i int) string { return fmt.Sprint(123456 + i*3) }), chunk.Int},
		{"int, padded", each(3000, func(i int) string { return fmt.Sprintf("%06d", rng.IntN(100_000)) }), chunk.Int},
		{"int, few", each(3000, func(i int) string { return fmt.Sprint(200 + rng.IntN(5)) }), chunk.Dict},
		{"int, 1000", each(30000, func(i int) string { return fmt.Sprint(int(rng.ExpFloat64()*150) * 7919) }), chunk.Dict},
		{"int with exceptions", each(3000, func(i int) string {
			if i%60 == 7 {
				return []string{"-", "", "007", "-0", "+1", "9223372036854775808", "1.5"}[rng.IntN(7)]
			}
			return fmt.Sprint(rng.IntN(1_000_000))
		}), chunk.Patch},
		{"int or -", each(3000, func(i int) string {
			if rng.IntN(14) == 0 {
				return "-"
			}
			return fmt.Sprint(rng.IntN(1_000_000))
		}), chunk.Patch},
		{"dec", each(3000, func(i int) string { return strconv.FormatFloat(rng.ExpFloat64()*50-5, 'f', 3, 64) }), chunk.Dec},
		{"dec, shortest", each(3000, func(i int) string { return strconv.FormatFloat(float64(rng.IntN(100_000))/100, 'f', -1, 64) }), chunk.Dec},
		{"dec, python", each(3000, func(i int) string {
			s := strconv.FormatFloat(float64(rng.IntN(100_000)-50_000)/100, 'f', -1, 64)
			if !strings.Contains(s, ".") {
				s += ".0"
			}
			return s
		}), chunk.Dec},
		{"float64", each(3000, func(i int) string { return strconv.FormatFloat(rng.Float64(), 'f', -1, 64) }), chunk.Patch},
		{"time, ms", layoutOf("2006-01-02T15:04:05.000Z", 7*time.Millisecond), chunk.TS},
		{"time, µs", layoutOf("2006-01-02T15:04:05.000000+00:00", 7*time.Microsecond), chunk.TS},
		{"time, ns", layoutOf("2006-01-02 15:04:05.000000000", time.Hour), chunk.TS},
		{"time, comma", layoutOf("2006-01-02 15:04:05,000", 12*time.Hour), chunk.TS},
		{"time, slash", layoutOf("2006/01/02 15:04:05", 7*time.Second), chunk.TS},
		{"time, CLF", layoutOf("02/Jan/2006:15:04:05 -0700", 13*time.Second), chunk.TS},
		{"time, of day", layoutOf("15:04:05.000", 7*time.Millisecond), chunk.TS},
		{"hex 32", each(3000, func(i int) string { return hexOf(rng, 32) }), chunk.Hex},
		{"hex 17", each(3000, func(i int) string { return hexOf(rng, 17) }), chunk.Hex},
		{"hex upper", each(3000, func(i int) string { return strings.ToUpper(hexOf(rng, 16)) }), chunk.Hex},
		{"hex with exceptions", each(3000, func(i int) string {
			if i%100 == 99 {
				return ""
			}
			return hexOf(rng, 16)
		}), chunk.Patch},
		{"hex, small", each(3000, func(i int) string { return fmt.Sprintf("%032x", rng.Uint32()) }), chunk.Hex},
		{"uuid", each(3000, func(i int) string { return uuidOf(rng) }), chunk.UUID},
		{"affix hex", each(3000, func(i int) string { return "req-" + hexOf(rng, 16) }), chunk.Affix},
		{"affix int", each(3000, func(i int) string { return fmt.Sprintf("load%dms", 7000000+rng.IntN(1_000_000)) }), chunk.Affix},
		{"affix dec, few", each(9000, func(i int) string { return fmt.Sprintf("%.2f s", float64(int(rng.ExpFloat64()*90))/100) }), chunk.Dict},
		{"affix time", each(3000, func(i int) string {
			return start.Add(time.Duration(i) * time.Second).Format("[02/Jan/2006:15:04:05 -0700]")
		}), chunk.Affix},
		{"affix with exceptions", each(3000, func(i int) string {
			if i%100 == 57 {
				return "user-!"
			}
			return fmt.Sprintf("user-%d!", rng.IntN(1_000_000))
		}), chunk.Patch},
		{"uuid upper", each(3000, func(i int) string { return strings.ToUpper(uuidOf(rng)) }), chunk.UUID},
		{"ipv4", each(3000, func(i int) string {
			return fmt.Sprintf("%d.%d.%d.%d", rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256))
		}), chunk.IPv4},
		{"ipv4, few", each(9000, func(i int) string { return fmt.Sprintf("10.0.%d.%d", rng.IntN(3), rng.IntN(100)) }), chunk.Dict},
	}
}

func TestRoundTrip(t *testing.T) {
	e := chunk.NewEncoder()
	for _, tc := range columns(rand.New(rand.NewPCG(1, 2))) {
		t.Run(tc.name, func(t *testing.T) {
			_, s, enc := roundTrip(t, e, tc.in)
			if s.Encoding != tc.want {
				t.Errorf("%v, want %v", s.Encoding, tc.want)
			}
			t.Logf("%v: %d of %d bytes, %.2f bits a row", s.Encoding, len(enc), len(tc.in.Data), float64(len(enc)*8)/float64(max(1, tc.in.Len())))
		})
	}
}
