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

// randomRows returns messages that are often alike: JSON of few keys and
// values, with white space, prefixes, repeated keys, damage.
func randomRows(rng *rand.Rand, n int) []string {
	var value func(depth int) string
	object := func(depth int) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range rng.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			if rng.IntN(20) == 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, `"%s":%s`, []string{"a", "b", "c", `\u0061`, "a.b", "", "\xff"}[min(rng.IntN(12), 6)], value(depth+1))
		}
		b.WriteByte('}')
		return b.String()
	}
	value = func(depth int) string {
		switch rng.IntN(10) {
		case 0, 1, 2:
			return fmt.Sprintf(`"%s"`, []string{"x", "xy", "error", "", `a\"b`, "12", "\xfe"}[rng.IntN(7)])
		case 3, 4:
			return fmt.Sprint(rng.IntN(30))
		case 5:
			return []string{"true", "null", "1.50", "-2.25", "1e9"}[rng.IntN(5)]
		case 6:
			return []string{"[]", `[1,"x"]`, `[{"a":1}]`}[rng.IntN(3)]
		}
		if depth > 3 {
			return "0"
		}
		return object(depth)
	}
	known := make([]string, 1+rng.IntN(8))
	for i := range known {
		known[i] = object(0)
	}
	rows := make([]string, n)
	for i := range rows {
		m := known[rng.IntN(len(known))]
		if rng.IntN(3) == 0 {
			m = strings.ReplaceAll(m, "x", string(rune('a'+rng.IntN(26))))
		}
		switch rng.IntN(40) {
		case 0:
			m = object(0)
		case 1:
			m = "INFO " + m
		case 2:
			m += "\n"
		case 3:
			m = m[:rng.IntN(len(m)+1)]
		case 4:
			m = ""
		case 5:
			m = "text x=1 error"
		}
		rows[i] = m
	}
	return rows
}

// views returns a block of the messages as it can be opened: encoded, in
// memory, and not taken apart.
func views(t testing.TB, s *shred.Shape, arena []byte, ends []uint32) map[string]*shred.Block {
	t.Helper()
	var e shred.Encoder
	all := make(map[string]*shred.Block)
	all["encoded"], _, _ = encoded(t, &e, s, len(ends), len(arena))
	all["in memory"], all["messages"] = new(shred.Block), new(shred.Block)
	if err := all["in memory"].FromShape(s); err != nil {
		t.Fatal(err)
	}
	if err := all["messages"].FromMessages(arena, ends); err != nil {
		t.Fatal(err)
	}
	return all
}

func checkFind(t testing.TB, view string, b *shred.Block, arena []byte, ends []uint32, needle []byte) {
	t.Helper()
	hits, want := column.NewBitmap(len(ends)), column.NewBitmap(len(ends))
	if err := b.Find(needle, hits); err != nil {
		t.Fatalf("%s: %q: %v", view, needle, err)
	}
	all := column.Texts{Data: arena, Ends: ends}
	for i := range ends {
		if bytes.Contains(all.At(i), needle) {
			want.Set(i)
		}
	}
	if d := cmp.Diff(want, hits); d != "" {
		for i := range ends {
			if want.Has(i) != hits.Has(i) {
				t.Fatalf("%s: %q in row %d %q: %v, want %v", view, needle, i, all.At(i), hits.Has(i), want.Has(i))
			}
		}
	}
	checkMatch(t, view, b, arena, ends, needle)
	if len(ends) > 0 {
		rng := rand.New(rand.NewPCG(uint64(len(needle)), uint64(len(arena))))
		checkCut(t, rng, view, b, &all, cutOf(rng, all.At(rng.IntN(len(ends)))))
	}
}

func checkField(t testing.TB, view string, b *shred.Block, arena []byte, ends []uint32, path string, v *column.Vector) {
	t.Helper()
	if err := b.Field(path, v); err != nil {
		t.Fatalf("%s: %q: %v", view, path, err)
	}
	if v.Rows != len(ends) {
		t.Fatalf("%s: %q: %d rows", view, path, v.Rows)
	}
	var l shred.Lookup
	all := column.Texts{Data: arena, Ends: ends}
	some := false
	sum, known := b.Bounds(path)
	for i := range ends {
		want, kind, ok := l.Value(all.At(i), path)
		if v.Has(i) != ok {
			t.Fatalf("%s: %q in row %d %q: %v, want %v", view, path, i, all.At(i), v.Has(i), ok)
		}
		if !ok {
			continue
		}
		some = true
		if got := textOf(v, i); got != string(want) {
			t.Fatalf("%s: %q in row %d %q: %q, want %q", view, path, i, all.At(i), got, want)
		}
		quoted := v.AllQuoted
		if v.Quoted != nil {
			quoted = v.Quoted.Has(i)
		}
		if quoted != (kind == shred.String) || quoted && !v.Escaped && bytes.IndexByte(want, '\\') >= 0 {
			t.Fatalf("%s: %q in row %d %q: quoted %v, escaped %v", view, path, i, all.At(i), quoted, v.Escaped)
		}
		if known && (!sum.MayContain(want) || len(want) < sum.MinLen) {
			t.Fatalf("%s: %q in row %d %q is not in bounds %+v", view, path, i, all.At(i), sum)
		}
		if known && sum.Ints && v.Kind != column.Text && v.Kind != column.Dict && (v.Ints[i] < sum.MinInt || v.Ints[i] > sum.MaxInt) {
			t.Fatalf("%s: %q in row %d: %d is not in %d to %d", view, path, i, v.Ints[i], sum.MinInt, sum.MaxInt)
		}
	}
	if !some && v.Kind != column.Null {
		t.Fatalf("%s: %q: kind %d without a value", view, path, v.Kind)
	}
}

// textOf returns the value of a row as text.
func textOf(v *column.Vector, row int) string {
	switch v.Kind {
	case column.Int:
		return fmt.Sprint(v.Ints[row])
	case column.Fixed:
		n, neg := v.Ints[row], ""
		if n < 0 {
			n, neg = -n, "-"
		}
		s := fmt.Sprintf("%0*d", int(v.Scale)+1, n)
		s = neg + s[:len(s)-int(v.Scale)] + "." + s[len(s)-int(v.Scale):]
		switch v.Trim {
		case column.TrimAll:
			s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
		case column.TrimPoint:
			if s = strings.TrimRight(s, "0"); strings.HasSuffix(s, ".") {
				s += "0"
			}
		}
		return s
	case column.Dict:
		return string(v.Dict.At(int(v.IDs[row])))
	}
	return string(v.Texts.At(row))
}

var testPaths = []string{"a", "b", "a.a", "a.b", `a\.b`, "", "a.", "b.a.c", "\xff", "c", "none"}

func TestRandomBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var j shred.JSON
	var s shred.Shape
	var v column.Vector
	for round := range 400 {
		n := 1 + rng.IntN(30)
		if round%20 == 0 {
			n = 300
		}
		rows := randomRows(rng, n)
		arena, ends := block(rows...)
		if !j.Split(arena, ends, &s) {
			continue
		}
		checkRebuilt(t, &s, arena, ends)
		for name, b := range views(t, &s, arena, ends) {
			for range 30 {
				m := rows[rng.IntN(n)]
				from := rng.IntN(len(m) + 1)
				needle := []byte(m[from : from+rng.IntN(min(len(m)-from, 1+rng.IntN(20))+1)])
				if rng.IntN(4) == 0 && len(needle) > 0 {
					needle[rng.IntN(len(needle))] = `xae"1,:`[rng.IntN(7)]
				}
				checkFind(t, name, b, arena, ends, needle)
			}
			for _, path := range testPaths {
				checkField(t, name, b, arena, ends, path, &v)
			}
			checkBlock(t, b, arena, ends)
		}
	}
}

func TestCorpusQuestions(t *testing.T) {
	arena, ends := corpusBlock(t, corpus.JSON, 512<<10)
	var j shred.JSON
	var s shred.Shape
	var v column.Vector
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	for name, b := range views(t, &s, arena, ends) {
		for _, needle := range []string{"error", `"level":"error"`, "timeout", "abc", `"status":500`, `500,"bytes":1`, `":"`, `"},"`, "no such text",
			"checkout", `true,"attempt":1}`, `"}`, "}}", "trace_id", `","trace_id":"a`, `.5`, `0,"http":{"method":"GET","path":"/api`} {
			checkFind(t, name, b, arena, ends, []byte(needle))
		}
		for _, path := range []string{"level", "user_id", "http.status", "http.path", "latency_ms", "error.attempt", "error.retryable", "time", "http", "trace_id"} {
			checkField(t, name, b, arena, ends, path, &v)
		}
	}
}
