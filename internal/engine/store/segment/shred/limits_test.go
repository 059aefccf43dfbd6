package shred_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// TestRandomKeys attacks the number of columns and templates with keys that
// are all different.
func TestRandomKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name string
		row  func() string
	}{
		{"one key", func() string { return fmt.Sprintf(`{"k%x":%d}`, rng.Uint64(), rng.IntN(9)) }},
		{"a known and a random key", func() string { return fmt.Sprintf(`{"level":"info","%x":"v"}`, rng.Uint64()) }},
		{"300 keys", func() string {
			var b strings.Builder
			for range 300 {
				fmt.Fprintf(&b, `,"%x":1`, rng.Uint64())
			}
			return "{" + b.String()[1:] + "}"
		}},
		{"long keys", func() string { return `{"` + strings.Repeat(fmt.Sprintf("%x", rng.Uint64()), 300) + `":1}` }},
		{"deep keys", func() string {
			return strings.Repeat(fmt.Sprintf(`{"%x":`, rng.Uint64()), 60) + "1" + strings.Repeat("}", 60)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rows []string
			size := 0
			for size < 600<<10 && len(rows) < 20_000 {
				// Half of the bytes are what can be taken apart.
				m := c.row()
				rows = append(rows, m)
				for size += len(m); len(m) > 0; {
					n := fmt.Sprintf(`{"msg":"request %d done","status":200,"pad":"%s"}`, rng.IntN(100), strings.Repeat("x", min(len(m), 1000)))
					rows = append(rows, n)
					size += len(n)
					m = m[min(len(n), len(m)):]
				}
			}
			arena, ends := block(rows...)
			var j shred.JSON
			var s shred.Shape
			if !j.Split(arena, ends, &s) {
				t.Fatal("not worth it")
			}
			checkRebuilt(t, &s, arena, ends)
			var e shred.Encoder
			b, head, body := encoded(t, &e, &s, len(ends), len(arena))
			checkBlock(t, b, arena, ends)
			if len(head) > shred.MaxHead {
				t.Errorf("a head of %d bytes", len(head))
			}
			if len(body) > len(arena)*6/10 {
				t.Errorf("a body of %d bytes for messages of %d", len(body), len(arena))
			}
			t.Logf("%d rows: %d templates, %d columns, %d bytes whole; head %d and body %d of %d", len(rows), len(s.Templates), len(s.Columns),
				s.WholeBytes(), len(head), len(body), len(arena))
			var v column.Vector
			for _, path := range []string{"msg", "level", "status"} {
				checkField(t, "encoded", b, arena, ends, path, &v)
			}
			checkFind(t, "encoded", b, arena, ends, []byte("request 77 "))
		})
	}
}

func TestLimitsOfBlocks(t *testing.T) {
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	row := `{"a":1}`
	for _, c := range []struct {
		rows int
		ok   bool
	}{{0, false}, {1, true}, {shred.MaxRows, true}, {shred.MaxRows + 1, false}} {
		arena, ends := []byte(strings.Repeat(row, c.rows)), make([]uint32, c.rows)
		for i := range ends {
			ends[i] = uint32((i + 1) * len(row))
		}
		if ok := j.Split(arena, ends, &s); ok != c.ok {
			t.Errorf("%d rows: %v", c.rows, ok)
		} else if ok {
			b, _, _ := encoded(t, &e, &s, c.rows, len(arena))
			checkBlock(t, b, arena, ends)
		}
		if err := new(shred.Block).FromMessages(arena, ends); (err == nil) != (c.rows <= shred.MaxRows) {
			t.Errorf("%d rows: %v", c.rows, err)
		}
	}
	big := []byte(`{"a":"` + strings.Repeat("x", shred.MaxRaw-8) + `"}`)
	if !j.Split(big, []uint32{shred.MaxRaw}, &s) {
		t.Errorf("a message of MaxRaw bytes was refused")
	}
	big = append(big, ' ')
	if j.Split(big, []uint32{shred.MaxRaw + 1}, &s) {
		t.Errorf("a message of more than MaxRaw bytes was taken")
	}
	if err := new(shred.Block).FromMessages(big, []uint32{shred.MaxRaw + 1}); !errors.Is(err, shred.ErrLimit) {
		t.Errorf("messages of more than MaxRaw bytes: %v", err)
	}
	for _, ends := range [][]uint32{{1}, {2, 1}, {3, 2}, nil} {
		if err := new(shred.Block).FromMessages([]byte("ab"), ends); !errors.Is(err, shred.ErrLimit) {
			t.Errorf("ends %d of 2 bytes: %v", ends, err)
		}
	}
	// An empty block of an empty shape.
	s.Reset(0)
	b, _, _ := encoded(t, &e, &s, 0, 0)
	checkBlock(t, b, nil, nil)
	var v column.Vector
	if err := b.Field("a", &v); err != nil || v.Kind != column.Null {
		t.Errorf("a field of an empty block: %v, kind %d", err, v.Kind)
	}
}

func TestManyHoles(t *testing.T) {
	object := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":1`, i%1500)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, c := range []struct{ holes, whole int }{{1500, 0}, {shred.MaxColumns, 1}, {shred.MaxHoles, 1}, {shred.MaxHoles + 1, 1}} {
		// Half of the bytes at least are another row, so that it is worth it.
		rows := []string{object(c.holes), `{"a":"` + strings.Repeat("x", 60_000) + `"}`}
		arena, ends := block(rows...)
		var j shred.JSON
		var s shred.Shape
		if !j.Split(arena, ends, &s) {
			t.Fatalf("%d holes: not worth it", c.holes)
		}
		checkRebuilt(t, &s, arena, ends)
		if got := min(s.WholeBytes(), 1); got != c.whole {
			t.Errorf("%d holes: %d whole, want %d", c.holes, got, c.whole)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, change := range map[string]func(s *shred.Shape){
		"a template that is not there": func(s *shred.Shape) { s.Of[0] = 9 },
		"a column that is not there":   func(s *shred.Shape) { s.Templates[0].Columns[0] = 9 },
		"a text too many":              func(s *shred.Shape) { s.Columns[0].Texts.Append(nil) },
		"a kind that is not there":     func(s *shred.Shape) { s.Columns[0].Kind = 9 },
		"texts in disorder":            func(s *shred.Shape) { s.Columns[0].Texts.Ends[0] = 3 },
		"bytes of no text":             func(s *shred.Shape) { s.Columns[0].Texts.Data = append(s.Columns[0].Texts.Data, 'x') },
		"ends in disorder":             func(s *shred.Shape) { s.Templates[0].Ends[0] = 1000 },
		"a column twice":               func(s *shred.Shape) { s.Templates[0].Columns[1] = s.Templates[0].Columns[0] },
		"a long path":                  func(s *shred.Shape) { s.Columns[0].Path = strings.Repeat("x", shred.MaxPath+1) },
		"long literals":                func(s *shred.Shape) { s.Templates[0].Lit(make([]byte, 300<<10)) },
		"too many rows":                func(s *shred.Shape) { s.Of = make([]uint16, shred.MaxRows+1) },
	} {
		arena, ends := block(`{"a":1,"b":2}`, `{"a":3,"b":4}`)
		var j shred.JSON
		var s shred.Shape
		if !j.Split(arena, ends, &s) || s.Check() != nil {
			t.Fatal("not worth it")
		}
		change(&s)
		if err := s.Check(); !errors.Is(err, shred.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if err := new(shred.Block).FromShape(&s); !errors.Is(err, shred.ErrLimit) {
			t.Errorf("%s: opened: %v", name, err)
		}
	}
}

func TestPathsAndBounds(t *testing.T) {
	rows := make([]string, 0, 200)
	for i := range 100 {
		rows = append(rows, fmt.Sprintf(`{"n":%d,"s":"x%d","l":[1]}`, i+10, i%3), fmt.Sprintf(`{"n":"%d","n":%d,"d":%d.25}`, i, i, i))
	}
	arena, ends := block(rows...)
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
	got := make(map[string]int)
	b.Paths(func(path string, kind shred.PathKind, rows int) { got[path+" "+kind.String()] = rows })
	want := map[string]int{"n number": 200, "s string": 100, "l array": 100, "n string": 100, "d number": 100}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("paths (-want +got):\n%s", d)
	}
	if sum, ok := b.Bounds("d"); !ok || !sum.Ints || sum.Scale != 2 || sum.MinInt != 25 || sum.MaxInt != 9925 {
		t.Errorf("bounds of d: %+v, %v", sum, ok)
	}
	if sum, ok := b.Bounds("s"); !ok || sum.Distinct != 3 || sum.MinLen != 2 || sum.MaxLen != 2 {
		t.Errorf("bounds of s: %+v, %v", sum, ok)
	}
	if sum, ok := b.Bounds("none"); !ok || sum != (chunk.Summary{}) {
		t.Errorf("bounds of a field that is not there: %+v, %v", sum, ok)
	}
	if err := b.FromMessages(arena, ends); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Bounds("n"); ok {
		t.Error("bounds of messages are known")
	}
}

func TestPieces(t *testing.T) {
	arena, ends := block(`{"level":"error","n":1}`, `{"level":"info","n":2}`, `{"level":"error","n":3}`, `{"level":"info","x":[7]}`)
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	e.Encode(&s)
	for name, pieces := range map[string]func(func([]byte)){"shape": s.Pieces, "encoder": e.Pieces} {
		tokens := make(map[string]bool)
		pieces(func(piece []byte) {
			for _, f := range strings.FieldsFunc(string(piece), func(r rune) bool { return strings.ContainsRune(`{}[]":,`, r) }) {
				tokens[f] = true
			}
		})
		want := map[string]bool{"level": true, "error": true, "info": true, "n": true, "x": true, "1": true, "2": true, "3": true, "7": true}
		if d := cmp.Diff(want, tokens); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestPathsOfKeys(t *testing.T) {
	for _, c := range []struct {
		keys []string
		path string
	}{{[]string{"a"}, "a"}, {[]string{"a", "b"}, "a.b"}, {[]string{"a.b", `c\`}, `a\.b.c\\`}, {[]string{"", ""}, "."}} {
		if got := shred.JoinPath(c.keys...); got != c.path {
			t.Errorf("%q: %q, want %q", c.keys, got, c.path)
		}
	}
	var l shred.Lookup
	for _, c := range []struct{ message, path, want string }{
		{`{"a.b":{"c\\":1}}`, `a\.b.c\\`, "1"},
		{`{"\u00e9\n":2}`, "é\n", "2"},
		{`{"\ud83d\ude00":3}`, "😀", "3"},
		{`{"\ud83dx":4}`, "\uFFFDx", "4"},
		{`{"\q":5}`, `\\q`, "5"},
		{`{"\u12":6}`, `\\u12`, "6"},
		{`{"a":1,"a":{"b":2},"a":3}`, "a", "3"},
		{`x {"a":{"b":"\""}}`, "a.b", `\"`},
	} {
		got, _, ok := l.Value([]byte(c.message), c.path)
		if !ok || string(got) != c.want {
			t.Errorf("%q in %q: %q, %v, want %q", c.path, c.message, got, ok, c.want)
		}
	}
}
