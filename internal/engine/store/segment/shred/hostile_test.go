package shred_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// quick logs how long f takes, and fails when that is many times what it should be: the work has blown up then, whatever the machine
// does beside it.
func quick(t *testing.T, what string, most time.Duration, f func()) {
	t.Helper()
	d := time.Duration(1 << 62)
	for range 3 {
		start := time.Now()
		f()
		d = min(d, time.Since(start))
	}
	t.Logf("%s: %v", what, d)
	if d > 50*most {
		t.Errorf("%s took %v, not about %v", what, d, most)
	}
}

// TestLongPathsAreForgotten: what a splitter remembers of keys is bounded in bytes, too.
func TestLongPathsAreForgotten(t *testing.T) {
	before := heap()
	var j shred.JSON
	for round := range 4 {
		var rows []string
		for i := range 8 {
			var m strings.Builder
			fmt.Fprintf(&m, `{"%s%d_%d":{"a":1`, strings.Repeat("k", 4000), round, i)
			for k := range 240 {
				fmt.Fprintf(&m, `,"%d":1`, k)
			}
			m.WriteString("}}")
			rows = append(rows, m.String())
			// The same as escapes: keys of 20,000 bytes.
			rows = append(rows, fmt.Sprintf(`{"%s%d_%d":1}`, strings.Repeat(`\u0041`, 3500), round, i))
		}
		arena, ends := block(rows...)
		var s shred.Shape
		if j.Split(arena, ends, &s) {
			checkRebuilt(t, &s, arena, ends)
		}
	}
	kept := heap() - before
	t.Logf("%d bytes kept", kept)
	if kept > 3<<20 {
		t.Errorf("%d bytes are kept of the keys of blocks of 70 KB", kept)
	}
	runtime.KeepAlive(&j)
}

// TestShapesForget: the memory of columns that were large in other blocks is not kept for ever.
func TestShapesForget(t *testing.T) {
	const columns = 100
	before := heap()
	var j shred.JSON
	var s shred.Shape
	var e shred.Encoder
	var b shred.Block
	big := strings.Repeat("x", 1<<20)
	for c := range columns {
		var m strings.Builder
		m.WriteByte('{')
		for k := range columns {
			fmt.Fprintf(&m, `"k%d":"%s",`, k, [2]string{"short", big}[btoi(k == c)])
		}
		arena, ends := block(m.String()+`"end":1}`, m.String()+`"end":2}`)
		if !j.Split(arena, ends, &s) {
			t.Fatal("not taken apart")
		}
		head, body := e.Encode(&s)
		if err := b.Open(head, len(ends), len(arena), memory(body)); err != nil {
			t.Fatal(err)
		}
		checkBlock(t, &b, arena, ends)
	}
	kept := heap() - before
	t.Logf("%d bytes kept", kept)
	if kept > 60<<20 {
		t.Errorf("%d bytes are kept after blocks of 2 MiB", kept)
	}
	runtime.KeepAlive(&j)
	runtime.KeepAlive(&s)
	runtime.KeepAlive(&b)
	runtime.KeepAlive(&e)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestEscapedKeys: a key is what its escapes mean, in columns and in messages alike.
func TestEscapedKeys(t *testing.T) {
	rows := []string{`{"\u0041":1}`, `{"\\u0041":2}`, `{"A":3}`, `{"a\n":4}`, `{"a\\n":5}`, `{"a.b":6}`, `{"a":{"b":7}}`, `{"":8}`, `{"":{"":9}}`, `{"a\\.b":10}`}
	arena, ends := block(rows...)
	var v column.Vector
	var j shred.JSON
	var s shred.Shape
	if !j.Split(arena, ends, &s) {
		t.Fatal("not taken apart")
	}
	for name, b := range views(t, &s, arena, ends) {
		for path, want := range map[string]string{
			"A": "13", `\u0041`: "", `\\u0041`: "2", "a\n": "4", `a\n`: "", `a\\n`: "5", "a.b": "7", `a\.b`: "6", `a\\\.b`: "10", "": "8", ".": "9", `\.`: "", `a\`: "", `\A`: "", `a\\`: "",
		} {
			if err := b.Field(path, &v); err != nil {
				t.Fatal(err)
			}
			got := ""
			for row := range rows {
				if v.Has(row) {
					got += textOf(&v, row)
				}
			}
			if got != want {
				t.Errorf("%s: values of %q are %q, want %q", name, path, got, want)
			}
		}
	}
}

// TestLookupOfLongKeys looks for fields below keys that are long and have escapes.
func TestLookupOfLongKeys(t *testing.T) {
	var m strings.Builder
	fmt.Fprintf(&m, `{"\n%s":{"a":1`, strings.Repeat("k", 200<<10))
	for range 4000 {
		m.WriteString(`,"b":1`)
	}
	m.WriteString("}}")
	var l shred.Lookup
	quick(t, "a lookup", 100*time.Millisecond, func() {
		if _, _, ok := l.Value([]byte(m.String()), "x.b"); ok {
			t.Error("found")
		}
	})
}

// TestTemplatesThatCollide has literals made so that all templates have one hash, if that is known.
func TestTemplatesThatCollide(t *testing.T) {
	rows := collidingRows(1000)
	if len(rows) < 900 {
		t.Fatalf("only %d rows", len(rows))
	}
	var all []string
	for i := range 30_000 {
		all = append(all, rows[len(rows)-1-(i/3)%len(rows)])
	}
	arena, ends := block(all...)
	var x shred.Text
	var s shred.Shape
	quick(t, "splitting", 100*time.Millisecond, func() { x.Split(arena, ends, &s) })
}

// TestHolesOfOneContext: many holes after the same word.
func TestHolesOfOneContext(t *testing.T) {
	var all []string
	for i := range 340 {
		row := fmt.Sprintf("%s y%c%c", strings.Repeat(" xx=1", 198), 'a'+i/26%26, 'a'+i%26)
		all = append(all, row, row, row)
	}
	all = append(all, strings.Repeat("z", 5<<20))
	arena, ends := block(all...)
	var x shred.Text
	var s shred.Shape
	quick(t, "splitting", 250*time.Millisecond, func() { x.Split(arena, ends, &s) })
	t.Log(len(s.Templates), "templates")
	checkRebuilt(t, &s, arena, ends)
}

// TestRowsOfManyHoles rebuilds single rows of events with thousands of fields.
func TestRowsOfManyHoles(t *testing.T) {
	var rows []string
	var pick []uint32
	for i := range 150 {
		var m strings.Builder
		m.WriteString(`{"k":1`)
		for k := range 1900 {
			fmt.Fprintf(&m, `,"%d":%d`, k, i*k)
		}
		rows = append(rows, m.String()+"}")
		pick = append(pick, uint32(i))
	}
	arena, ends := block(rows...)
	var j shred.JSON
	var s shred.Shape
	if !j.Split(arena, ends, &s) {
		t.Fatal("not taken apart")
	}
	var e shred.Encoder
	b, _, _ := encoded(t, &e, &s, len(ends), len(arena))
	var out column.Texts
	if err := b.Rows(pick[:1], &out); err != nil {
		t.Fatal(err)
	}
	quick(t, "all rows", 250*time.Millisecond, func() {
		out.Reset()
		if err := b.Rows(pick, &out); err != nil {
			t.Fatal(err)
		}
	})
	if !bytes.Equal(out.Data, arena) {
		t.Error("other messages")
	}
}
