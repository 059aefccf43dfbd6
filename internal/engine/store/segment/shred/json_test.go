package shred_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// block concatenates messages as splitters take them.
func block(messages ...string) (arena []byte, ends []uint32) {
	for _, m := range messages {
		arena = append(arena, m...)
		ends = append(ends, uint32(len(arena)))
	}
	return arena, ends
}

func checkRebuilt(t testing.TB, s *shred.Shape, arena []byte, ends []uint32) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	got, gotEnds := s.Messages(nil, nil)
	if !bytes.Equal(got, arena) || fmt.Sprint(gotEnds) != fmt.Sprint(ends) {
		t.Fatalf("rebuilt messages differ:\n got %q\nwant %q", clip(got), clip(arena))
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 2000)] }

// corpusBlock returns about n bytes of a corpus.
func corpusBlock(t testing.TB, kind corpus.Kind, n int) (arena []byte, ends []uint32) {
	t.Helper()
	g, err := corpus.New(kind, 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ms := int64(1_700_000_000_000)
	for len(arena) < n-4<<10 {
		ms += int64(rng.IntN(20))
		arena = g.Append(arena, ms)
		ends = append(ends, uint32(len(arena)))
	}
	return arena, ends
}

func TestJSONNamedCases(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	wide := func(seed int) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range 300 {
			fmt.Fprintf(&b, `%s"field%d":`, []string{"", ","}[min(i, 1)], i)
			if i%3 == 0 {
				fmt.Fprintf(&b, `"v%d"`, seed*i)
			} else {
				fmt.Fprintf(&b, `%d`, seed*i)
			}
		}
		b.WriteByte('}')
		return b.String()
	}
	for _, c := range []struct {
		name  string
		rows  []string
		whole int // rows that are not taken apart
	}{
		{"300 fields", []string{wide(1), wide(2), wide(77)}, 0},
		{"depth 64", []string{deep(64), deep(64)}, 0},
		{"depth 65", []string{deep(65), deep(1), deep(65)}, 2},
		{"depth in arrays", []string{`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}"}, 1},
		{"duplicate keys", []string{`{"a":1,"a":2}`, `{"a":3,"a":"x","a":4}`, `{"a":1,"a":2}`}, 0},
		{"huge numbers", []string{`{"a":123456789012345678901234567890}`, `{"a":-0.00000000000000000000001e-999}`, `{"a":1E+5}`}, 0},
		{"bad numbers", []string{`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":0}`}, 6},
		{"escapes", []string{`{"a":"\u00e9\"\\"}`, `{"a":"x\\"}`, `{"\u0061":"\\\""}`, `{"a":"\`}, 1},
		{"invalid UTF-8", []string{"{\"a\xff\":\"\xc3\x28\"}", "{\"a\xff\":\"\x00\xfe\"}"}, 0},
		{"arrays", []string{`{"a":[1,[2,{"b":[]}],{}, "]"] }`, `{"a":[{"x":1},{"y":"}"}]}`, `{"a":[]}`, `{"a":[1,]}`, `{"a":[1}`, `{"a":[{"b"}]}`}, 3},
		{"words", []string{`{"a":true,"b":false,"c":null}`, `{"a":tru,"b":1}`, `{"a":nullx}`}, 2},
		{"prefix", []string{`INFO {"a":1}`, `WARN	{"a":2}`, `2024 id {"a":3}`, ` {"a":4}`, strings.Repeat("x", 513) + `{"a":5}`, strings.Repeat("x", 512) + `{"a":5}`}, 1},
		{"trailing", []string{"{\"a\":1}\n", "{\"a\":1} \r\n\t", `{"a":1} x`, `{"a":1}{"a":1}`, `{"a":1}`}, 2},
		{"white space", []string{`{ "a" : 1 , "b" : { } }`, "{\n  \"a\": \"1\"\n}", `{"a":1,"b":{}}`}, 0},
		{"empty objects", []string{`{}`, `{"a":{}}`, `{ }`, `{"":""}`}, 0},
		{"no objects", []string{`[1,2]`, `"x"`, `1`, `true`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{"a":}`, `{a:1}`}, 13},
		{"empty messages", []string{``, ` `, `{"a":1}`, ``}, 3},
		{"1 MiB", []string{`{"a":"` + strings.Repeat("x", 1<<20) + `"}`, `{"a":1}`}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			arena, ends := block(c.rows...)
			var j shred.JSON
			var s shred.Shape
			for range 2 {
				ok := j.Split(arena, ends, &s)
				if c.whole == len(c.rows) {
					if ok {
						t.Error("worth it, although nothing was taken apart")
					}
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
			}
		})
	}
}

func TestJSONCorpus(t *testing.T) {
	arena, ends := corpusBlock(t, corpus.JSON, 256<<10)
	var j shred.JSON
	var s shred.Shape
	if !j.Split(arena, ends, &s) {
		t.Fatal("not worth it")
	}
	checkRebuilt(t, &s, arena, ends)
	if len(s.Templates) != 2 || s.WholeBytes() != 0 {
		t.Errorf("%d templates, %d bytes whole", len(s.Templates), s.WholeBytes())
	}
}
