package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestNamesAgreeWhereverRowsAre asks for fields by the names that users write, of
// events in memory, in small blocks and in columns.
func TestNamesAgreeWhereverRowsAre(t *testing.T) {
	names := []string{"a", "a.b", "a.b.c", "tags.0", "tags.1.k", "tags", "n.1", `q\.x`, "none.x", "level"}
	forms := map[string][]func(n int) string{
		"one path": {func(n int) string {
			return fmt.Sprintf(`{"level":"x%d","a":{"b":%d},"tags":["t%d",{"k":%d}]}`, n%3, n*n*1_000_003, n%7, n)
		}},
		"dotted keys":  {func(n int) string { return fmt.Sprintf(`{"a.b":%d,"q\\.x":"y"}`, n) }},
		"several":      {func(n int) string { return fmt.Sprintf(`{"a.b":{"c":%d},"a":{"b.c":"x%d"}}`, n, n) }, func(n int) string { return fmt.Sprintf(`{"a":{"b.c":"z%d"},"a.b":{"c":%d},"n":[]}`, n, n) }},
		"with text":    {func(n int) string { return fmt.Sprintf("INFO\t{\"a\":{\"b\":%d},\"n\":[0,null]}", n) }, func(n int) string { return "no JSON" }},
		"many kinds":   {func(n int) string { return fmt.Sprintf(`{"a":[%d],"tags":"none"}`, n) }, func(n int) string { return fmt.Sprintf(`{"a":{"b":[1,2]},"tags":[[%d]],"n":{"1":"\u00e9"}}`, n) }},
		"few arrays":   {func(n int) string { return fmt.Sprintf(`{"tags":["%c","b"],"pad":"%d"}`, 'a'+n%2, n) }},
		"no JSON here": {func(n int) string { return fmt.Sprintf("line %d of text", n) }},
	}
	exact := 0
	for form, makers := range forms {
		tune := manualTuning()
		tune.blockBytes, tune.memtableBytes = 256<<10, 8<<20
		c := &clock{ms: baseTime}
		s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, tune)
		var events []logs.Event
		for n := range 1500 {
			m := makers[n%len(makers)](n)
			if strings.HasPrefix(m, "{") {
				m = m[:len(m)-1] + `,"filler":"` + strings.Repeat("filler ", 9) + `"}`
			}
			events = append(events, event(baseTime+int64(n), m))
		}
		if _, err := s.Append(t.Context(), makeBatch(1, 1, c.ms, events...)); err != nil {
			t.Fatal(err)
		}
		for _, where := range []string{"memory", "columns"} {
			_, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, 1, func(_ int, b *BlockView) error {
				var vectors []*column.Vector
				bounded := make([]column.Bounds, len(names))
				knows := make([]bool, len(names))
				for i, name := range names { // before the messages are read
					bounded[i], knows[i] = b.NamedBounds(name)
					v, err := b.Named(name)
					if err != nil {
						return err
					}
					vectors = append(vectors, v)
				}
				messages, err := b.Messages()
				if err != nil {
					return err
				}
				for i, name := range names {
					v, bounds, known := vectors[i], bounded[i], knows[i]
					some := false
					least, greatest, values := int64(math.MaxInt64), int64(math.MinInt64), 0
					for row := range b.Len() {
						m := messages.At(row)
						at := strings.IndexByte(string(m), '{')
						want, ok := column.Find(m[max(at, 0):], name)
						got := textOf(v, row)
						if ok != v.Has(row) && string(want) != "null" || ok && strings.Trim(string(want), `"`) != got {
							t.Fatalf("%s in %s: %s of %s is %s, want %s", form, where, name, m, got, want)
						}
						some = some || ok
						if n, err := strconv.ParseInt(strings.Trim(string(want), `"`), 10, 64); err == nil {
							least, greatest = min(least, n), max(greatest, n)
							values++
						}
					}
					if some && known && bounds.Rows == 0 {
						t.Errorf("%s in %s: the bounds say that nothing has %s", form, where, name)
					}
					if bounds.Exact {
						exact++
						if bounds.Rows != values || bounds.Min != least || bounds.Max != greatest {
							t.Errorf("%s in %s: %s has %d values from %d to %d, not %+v", form, where, name, values, least, greatest, bounds)
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if exact == 0 {
		t.Error("no bounds were exact")
	}
}
