package store

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var _ plan.Block = (*BlockView)(nil)

// textOf returns the value of a row of a vector as text.
func textOf(v *column.Vector, row int) string {
	if !v.Has(row) {
		return "absent"
	}
	switch v.Kind {
	case column.Int:
		return fmt.Sprint(v.Ints[row])
	case column.Fixed:
		return fmt.Sprint(float64(v.Ints[row]) / math.Pow10(int(v.Scale)))
	case column.Dict:
		return string(v.Dict.At(int(v.IDs[row])))
	}
	return string(v.Texts.At(row))
}

// TestFieldsAgreeWhereverRowsAre asks for fields of events in memory, in small
// blocks that share a frame, in columns, and of text.
func TestFieldsAgreeWhereverRowsAre(t *testing.T) {
	for _, blockBytes := range []int{8 << 10, 256 << 10} {
		tune := manualTuning()
		tune.blockBytes, tune.memtableBytes = blockBytes, 8<<20
		c := &clock{ms: baseTime}
		s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, tune)
		want := map[string]map[string]string{} // message, path
		paths := []string{"level", "number", "deep.value", `dot\.ted`, "none"}
		for i := range 60 {
			var events []logs.Event
			for j := range 20 {
				n := i*20 + j
				m := fmt.Sprintf(`{"level":"%s","number":%d,"deep":{"value":%d.5},"dot.ted":"%x","text":"%s"}`,
					[]string{"info", "warn"}[n%2], n, n%7, n*n, strings.Repeat("filler ", 20))
				want[m] = map[string]string{
					"level": []string{"info", "warn"}[n%2], "number": fmt.Sprint(n), "deep.value": fmt.Sprintf("%d.5", n%7),
					`dot\.ted`: fmt.Sprintf("%x", n*n), "none": "absent",
				}
				if n%50 == 0 {
					m = fmt.Sprintf("no JSON %d", n)
					want[m] = map[string]string{}
				}
				events = append(events, event(baseTime+int64(n), m))
			}
			if _, err := s.Append(t.Context(), makeBatch(1, logs.StreamID(1+i%4), c.ms, events...)); err != nil {
				t.Fatal(err)
			}
		}
		check := func(where string, ask []string) {
			t.Helper()
			rows := 0
			_, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64}, 1, func(_ int, b *BlockView) error {
				if b.info != nil && (b.info.Mode == segment.ModeJSON) != (blockBytes > 64<<10) {
					t.Errorf("%s: a block of mode %v", where, b.info.Mode)
				}
				bounds, known := b.Bounds("number")
				for _, path := range ask {
					v, err := b.Field(path)
					if err != nil {
						return err
					}
					again, err := b.Field(path)
					if err != nil || again != v {
						t.Errorf("a second call gave another vector: %v", err)
					}
				}
				hits := column.NewBitmap(b.Len())
				if err := b.Find([]byte(`"warn"`), hits); err != nil {
					return err
				}
				var some column.Texts
				if err := b.Rows([]uint32{1, 5}, &some); err != nil {
					return err
				}
				for _, path := range ask {
					v, err := b.Field(path)
					if err != nil {
						return err
					}
					texts, err := b.Messages()
					if err != nil {
						return err
					}
					for i := range b.Len() {
						m := string(texts.At(i))
						w, ok := want[m][path]
						if !ok {
							w = "absent"
						}
						if got := textOf(v, i); got != w {
							t.Fatalf("%s: %s of %.60q is %q, want %q", where, path, m, got, w)
						}
						if hits.Has(i) != strings.Contains(m, `"warn"`) {
							t.Fatalf("%s: %.60q found: %v", where, m, hits.Has(i))
						}
						if known && path == "number" && w != "absent" {
							n := int64(0)
							fmt.Sscan(w, &n)
							if bounds.Rows == 0 || bounds.Numeric && (n < bounds.Min || n > bounds.Max || bounds.Scale != 0) {
								t.Fatalf("%s: %d is outside of %+v", where, n, bounds)
							}
						}
					}
					if string(some.At(0)) != string(texts.At(1)) || string(some.At(1)) != string(texts.At(5)) {
						t.Errorf("%s: rows alone are %.40q and %.40q", where, some.At(0), some.At(1))
					}
				}
				rows += b.Len()
				return nil
			})
			if err != nil || rows != 1200 {
				t.Fatalf("%s: %d rows, %v", where, rows, err)
			}
		}
		both := func(where string) {
			check(where, paths)
			for _, p := range paths {
				check(where, []string{p})
			}
		}
		both("memory")
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		both(fmt.Sprintf("parts of %d", blockBytes))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if shred.MaxRows < maxBlockRows {
		t.Error("a block has more rows than a shape may")
	}
}
