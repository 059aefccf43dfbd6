package shred_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// textHoles returns the holes of the only message of s, with their literals:
// holes are marked by {}.
func textHoles(s *shred.Shape) string {
	t := &s.Templates[s.Of[0]]
	var b strings.Builder
	for i := range len(t.Columns) + 1 {
		b.Write(t.Piece(i))
		if i < len(t.Columns) {
			b.WriteString("{" + string(s.Columns[t.Columns[i]].Texts.At(0)) + "}")
		}
	}
	return b.String()
}

func TestTextHoles(t *testing.T) {
	for message, want := range map[string]string{
		"":                            "",
		"no digits at all":            "no digits at all",
		"took 17 ms":                  "took {17} ms",
		"order=40001175, total 3.50":  "order={40001175}, total {3.50}",
		"10.1.2.3:80 closed.":         "{10.1.2.3:80} closed.",
		"id 9d18271d-506e-88b7 ok":    "id {9d18271d-506e-88b7} ok",
		"sku SKU-100111S gone":        "sku SKU-{100111S} gone",
		"a1-b2: c3;":                  "{a1-b2}: {c3};",
		"über7 größe9é":               "{über7} {größe9é}",
		"2026-09-21T14:13:24.878Z x":  "{2026-09-21T14:13:24.878Z} x",
		"2026-09-21 14:13:24,905 x":   "{2026-09-21 14:13:24,905} x",
		"2026-09-21 14:13:24x":        "{2026-09-21} {14:13:24x}",
		"GET /a/b -> ok":              "GET {/a/b} -> ok",
		"[main] [] [a[b]c] open[":     "[{main}] [] [a[{b}]c] open[",
		`say "hello \"you\" there" x`: `say "{hello \"you\" there}" x`,
		`he can't, won't 'do it'`:     `he can't, won't '{do it}'`,
		`open " 5`:                    `open " {5}`,
		`"GET /x?y=1 HTTP/1.1" 200`:   `"{GET} {/x?y=1} HTTP/{1.1}" {200}`,
		`"-" "" x`:                    `"{-}" "{}" x`,
		`"GET  HTTP/1.1"`:             `"{GET} {} HTTP/{1.1}"`,
		"x\nError: y\n\tat z\n\tat w": "x\n{Error: y}\n{\tat z\n\tat w}",
		"x\r\ny 1\r\n":                "x\r\n{y 1\r}\n{}",
		"x\n":                         "x\n{}",
		"\n\n":                        "\n{}\n{}",
	} {
		var x shred.Text
		var s shred.Shape
		arena, ends := block(message)
		if !x.Split(arena, ends, &s) {
			t.Errorf("%q: not worth it", message)
			continue
		}
		checkRebuilt(t, &s, arena, ends)
		if d := cmp.Diff(want, textHoles(&s)); d != "" {
			t.Errorf("%q (-want +got):\n%s", message, d)
		}
	}
}

// TestTextTemplates counts templates: rows that differ in values only share one.
func TestTextTemplates(t *testing.T) {
	var messages []string
	for i := range 200 {
		messages = append(messages,
			fmt.Sprintf("order %d of user %d: [worker-%d] took %d.%02d s", i*7919, i, i%7, i, i%100),
			fmt.Sprintf("cart %d\nboom: %d\n\tat a.b(C.java:%d)", i, i, i%3),
			fmt.Sprintf(`10.0.0.%d - - [21/Sep/2026:14:13:%02d +0000] "GET /p/%d HTTP/2.0" 200 %d "-" "agent %d"`, i, i%60, i, i, i))
	}
	arena, ends := block(messages...)
	var x shred.Text
	var s shred.Shape
	for range 2 {
		if !x.Split(arena, ends, &s) {
			t.Fatal("not worth it")
		}
		checkRebuilt(t, &s, arena, ends)
		if len(s.Templates) != 3 {
			t.Errorf("%d templates, want 3", len(s.Templates))
		}
		for _, c := range s.Columns {
			if c.Kind != shred.Token {
				t.Errorf("column %s is a %s", c.Path, c.Kind)
			}
		}
	}
}

func TestTextBounds(t *testing.T) {
	repeated := func(n int, row func(i int) string) (rows []string) {
		for i := range n {
			rows = append(rows, row(i))
		}
		return rows
	}
	letters := func(i int) string {
		return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprint(i))
	}
	for name, c := range map[string]struct {
		rows  []string
		ok    bool
		whole int // rows
	}{
		"1 MiB of letters":             {[]string{strings.Repeat("x", 1<<20)}, false, 1},
		"1 MiB of digits":              {[]string{strings.Repeat("7", 1<<20)}, true, 0},
		"1 MiB of quotes":              {[]string{strings.Repeat(`"`, 1<<20)}, false, 1},
		"1 MiB of escaped quotes":      {[]string{strings.Repeat(`\"`, 1<<19)}, false, 1},
		"1 MiB of brackets":            {[]string{strings.Repeat(`[`, 1<<20)}, false, 1},
		"1 MiB of slashes":             {[]string{strings.Repeat(` /`, 1<<19)}, false, 1},
		"1 MiB of lines":               {[]string{strings.Repeat("\n", 1<<20)}, true, 0},
		"1 MiB stack traces":           {[]string{"x\n" + strings.Repeat("\tat y 1\n", 1<<17)}, true, 0},
		"200 holes":                    {[]string{strings.Repeat("1 ", 200)}, true, 0},
		"201 holes":                    {[]string{strings.Repeat("1 ", 201)}, false, 1},
		"empty":                        {make([]string, 1000), true, 0},
		"rows that have no word twice": {repeated(4000, func(i int) string { return letters(i) + letters(i*7) }), false, -1},
		"more templates than allowed": {repeated(3600, func(i int) string {
			if i%3 > 0 {
				return fmt.Sprint("n ", i)
			}
			return fmt.Sprint("w ", letters(i/3%1100), " ", i)
		}), true, 1200 - 1022 - 100},
		"as many rows as allowed": {repeated(column.MaxRows, func(i int) string { return fmt.Sprint(i, i, " ", i, " ", i) }), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			arena, ends := block(c.rows...)
			var x shred.Text
			var s shred.Shape
			if ok := x.Split(arena, ends, &s); ok != c.ok {
				t.Fatalf("worth it: %v, want %v", ok, c.ok)
			}
			if c.whole < 0 {
				return
			}
			checkRebuilt(t, &s, arena, ends)
			whole := 0
			for _, col := range s.Columns {
				if col.Kind == shred.Whole {
					whole += col.Texts.Len()
				}
			}
			if whole != c.whole {
				t.Errorf("%d rows are not taken apart, want %d", whole, c.whole)
			}
		})
	}
	var x shred.Text
	var s shred.Shape
	if x.Split(nil, nil, &s) || x.Split(nil, make([]uint32, shred.MaxRows+1), &s) || x.Split(make([]byte, shred.MaxRaw+1), []uint32{shred.MaxRaw + 1}, &s) {
		t.Error("took a block apart that is empty or too large")
	}
}

func TestTextCorpora(t *testing.T) {
	for kind, most := range map[corpus.Kind]int{corpus.Text: 150, corpus.Access: 1} {
		arena, ends := corpusBlock(t, kind, 512<<10)
		var x shred.Text
		var s shred.Shape
		if !x.Split(arena, ends, &s) {
			t.Fatalf("%s: not worth it", kind)
		}
		checkRebuilt(t, &s, arena, ends)
		if len(s.Templates) > most || s.WholeBytes() != 0 {
			t.Errorf("%s: %d templates, at most %d are expected; %d bytes whole", kind, len(s.Templates), most, s.WholeBytes())
		}
		var e shred.Encoder
		b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
		checkBlock(t, b, arena, ends)
	}
}

// checkTokenEdges fails when a token lies across the edge of a hole.
func checkTokenEdges(t testing.TB, s *shred.Shape) {
	t.Helper()
	token := func(c byte) bool {
		return c == '_' || c >= 0x80 || c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z'
	}
	next := make([]int, len(s.Columns))
	var last byte // what comes before the next piece
	piece := func(b []byte) {
		if len(b) == 0 {
			return
		}
		if token(last) && token(b[0]) {
			t.Fatalf("a token goes on from %q to %q", last, clip(b))
		}
		last = b[len(b)-1]
	}
	for _, of := range s.Of {
		last = 0
		tpl := &s.Templates[of]
		for i, c := range tpl.Columns {
			piece(tpl.Piece(i))
			piece(s.Columns[c].Texts.At(next[c]))
			next[c]++
		}
		piece(tpl.Piece(len(tpl.Columns)))
	}
}

// textSoup makes messages of everything that the splitter looks at.
func textSoup(rng *rand.Rand, n int) (arena []byte, ends []uint32) {
	parts := []string{
		"a", "ERROR", "7", "x9", " ", " ", "[", "]", `"`, "'", "/", "-", ".", ":", ",", "=", "\n", "\r\n", "\t", "é", "_", "\\", "\x00", "\xff",
		"GET /a HTTP/1.1", "2026-09-21 14:13:24,905", "2026-09-21T14:13:24Z", "(", ")", "10.1.2.3", "\tat x(Y.java:3)",
	}
	for range n {
		for range rng.IntN(14) {
			arena = append(arena, parts[rng.IntN(len(parts))]...)
		}
		ends = append(ends, uint32(len(arena)))
	}
	return arena, ends
}

func TestTextTokensDoNotCrossHoles(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	var x shred.Text
	var s shred.Shape
	var e shred.Encoder
	for range 300 {
		arena, ends := textSoup(rng, 1+rng.IntN(200))
		x.Split(arena, ends, &s)
		checkRebuilt(t, &s, arena, ends)
		checkTokenEdges(t, &s)
		b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
		got, _, err := b.Messages(nil, nil)
		if err != nil || !bytes.Equal(got, arena) {
			t.Fatalf("%v: rebuilt messages differ", err)
		}
	}
}

func FuzzTextRoundTrip(f *testing.F) {
	f.Add([]byte("took 17 ms\x01took 18 ms\x01"), byte(1))
	f.Add([]byte(`1.2.3.4 - - [x] "GET / HTTP/1.1" 200 "-"`), byte(' '))
	f.Add([]byte("2026-09-21 14:13:24,905 [main] x\r\nE: 'y\n\tat z 1\n\n"), byte('\n'))
	arena, _ := textSoup(rand.New(rand.NewPCG(1, 1)), 60)
	f.Add(arena, byte('_'))
	var x shred.Text
	var s shred.Shape
	var e shred.Encoder
	f.Fuzz(func(t *testing.T, arena []byte, end byte) {
		var ends []uint32
		for i, c := range arena {
			if c == end && len(ends) < shred.MaxRows-1 {
				ends = append(ends, uint32(i+1))
			}
		}
		ends = append(ends, uint32(len(arena)))
		if len(arena) > 1<<20 {
			return
		}
		if !x.Split(arena, ends, &s) {
			return
		}
		checkRebuilt(t, &s, arena, ends)
		checkTokenEdges(t, &s)
		b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
		got, _, err := b.Messages(nil, nil)
		if err != nil || !bytes.Equal(got, arena) {
			t.Fatalf("%v: rebuilt messages differ", err)
		}
	})
}

func BenchmarkTextSplit(b *testing.B) {
	for _, kind := range []corpus.Kind{corpus.Text, corpus.Access} {
		b.Run(string(kind), func(b *testing.B) {
			arena, ends := corpusBlock(b, kind, 2<<20)
			var x shred.Text
			var s shred.Shape
			b.SetBytes(int64(len(arena)))
			b.ReportAllocs()
			for b.Loop() {
				if !x.Split(arena, ends, &s) {
					b.Fatal("not worth it")
				}
			}
		})
	}
}
