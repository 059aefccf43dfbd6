package segment_test

import (
	"bytes"

	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// memFile is a file in memory.
type memFile struct {
	b     []byte
	syncs int
}

func (f *memFile) Write(p []byte) (int, error) { f.b = append(f.b, p...); return len(p), nil }
func (f *memFile) Sync() error                 { f.syncs++; return nil }
func (f *memFile) Size() (int64, error)        { return int64(len(f.b)), nil }
func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.b).ReadAt(p, off)
}

var _ io.ReaderAt = (*memFile)(nil)

// block is one Add.
type block struct {
	group logs.GroupID
	rows  []segment.Row
}

func sortRows(rows []segment.Row) {
	slices.SortFunc(rows, func(a, b segment.Row) int {
		return cmpOr(cmp64(int64(a.Stream), int64(b.Stream)), a.Key.Compare(b.Key))
	})
}

// randomBlock returns up to n rows of up to streams streams.
func randomBlock(rng *rand.Rand, group logs.GroupID, n, streams, size int, lsn *uint64) block {
	b := block{group: group}
	base := int64(1_700_000_000_000) + rng.Int64N(1e9)
	for len(b.rows) < n {
		*lsn += 1 + rng.Uint64N(3)
		stream := logs.StreamID(1 + rng.IntN(streams))
		ts := base + rng.Int64N(100_000)
		ingestion := base + rng.Int64N(200_000)
		for i := range min(1+rng.IntN(20), n-len(b.rows)) {
			m := make([]byte, rng.IntN(size+1))
			if rng.IntN(3) > 0 {
				copy(m, strings.Repeat(fmt.Sprintf(`{"level":"info","n":%d}`, rng.IntN(1000)), len(m)/10+1))
			} else {
				for j := range m {
					m[j] = byte(rng.Uint32())
				}
			}
			b.rows = append(b.rows, segment.Row{Stream: stream, Key: logs.Key{Timestamp: ts, Seq: logs.MakeSeq(*lsn, i*(1+rng.IntN(2)*5))}, Ingestion: ingestion, Message: m})
			ts += rng.Int64N(50)
		}
	}
	sortRows(b.rows)
	// i*6 may meet i of another step: keep the first of equal keys.
	b.rows = slices.CompactFunc(b.rows, func(a, c segment.Row) bool { return a.Stream == c.Stream && a.Key == c.Key })
	return b
}

func write(t testing.TB, o segment.WriterOptions, blocks []block) (*memFile, segment.Summary) {
	t.Helper()
	f := &memFile{}
	w := segment.NewWriter(f, o)
	for i, b := range blocks {
		if err := w.Add(b.group, b.rows); err != nil {
			t.Fatalf("add block %d: %v", i, err)
		}
	}
	sum, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if f.syncs != 1 || sum.FileBytes != int64(len(f.b)) {
		t.Fatalf("%d syncs, %d bytes in summary, %d written", f.syncs, sum.FileBytes, len(f.b))
	}
	return f, sum
}

// dump reads everything back.
func dump(t testing.TB, f segment.Source) map[logs.GroupID][]block {
	t.Helper()
	r, err := segment.Open(f, "test.part")
	if err != nil {
		t.Fatal(err)
	}
	return dumpReader(t, r)
}

func dumpReader(t testing.TB, r *segment.Reader) map[logs.GroupID][]block {
	t.Helper()
	out := map[logs.GroupID][]block{}
	var buf segment.Buffer
	for _, g := range r.Groups() {
		infos := r.Blocks(g.Group, nil)
		if len(infos) != g.Blocks {
			t.Fatalf("group %d: %d blocks, want %d", g.Group, len(infos), g.Blocks)
		}
		for _, info := range infos {
			b, err := r.Read(context.Background(), info, &buf)
			if err != nil {
				t.Fatal(err)
			}
			if b.Message(0) != nil {
				t.Fatal("a message before Load")
			}
			if err := b.Load(context.Background()); err != nil {
				t.Fatal(err)
			}
			got := block{group: info.Group}
			for i := range b.Len() {
				row := b.Row(i)
				if b.MessageLen(i) != len(row.Message) {
					t.Fatalf("row %d: length %d, message of %d", i, b.MessageLen(i), len(row.Message))
				}
				row.Message = bytes.Clone(row.Message)
				got.rows = append(got.rows, row)
			}
			out[g.Group] = append(out[g.Group], got)
		}
	}
	return out
}

// want groups the blocks as a reader hands them out.
func want(blocks []block) map[logs.GroupID][]block {
	out := map[logs.GroupID][]block{}
	for _, b := range blocks {
		out[b.group] = append(out[b.group], b)
	}
	for _, bs := range out {
		slices.SortStableFunc(bs, func(a, b block) int { return minKey(a).Compare(minKey(b)) })
	}
	return out
}

func minKey(b block) logs.Key {
	k := b.rows[0].Key
	for _, r := range b.rows {
		if r.Key.Less(k) {
			k = r.Key
		}
	}
	return k
}

func compare(t testing.TB, got, want map[logs.GroupID][]block) {
	t.Helper()
	if equal(got, want) {
		return
	}
	eq := cmp.Options{cmp.AllowUnexported(block{}), cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })}
	if d := cmp.Diff(want, got, eq); d != "" {
		if len(d) > 3000 {
			d = d[:3000]
		}
		t.Fatalf("rows differ (-want +got):\n%s", d)
	}
}

func equal(a, b map[logs.GroupID][]block) bool {
	return maps.EqualFunc(a, b, func(x, y []block) bool {
		return slices.EqualFunc(x, y, func(x, y block) bool {
			return x.group == y.group && slices.EqualFunc(x.rows, y.rows, func(x, y segment.Row) bool {
				return x.Stream == y.Stream && x.Key == y.Key && x.Ingestion == y.Ingestion && bytes.Equal(x.Message, y.Message)
			})
		})
	})
}

func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var blocks []block
		lsn := uint64(1)
		group := logs.GroupID(0)
		for range 1 + rng.IntN(40) {
			if rng.IntN(3) > 0 {
				group += logs.GroupID(1 + rng.IntN(3))
			}
			n, size := 1+rng.IntN(30), 100
			switch rng.IntN(8) {
			case 0:
				n, size = 3000, 200
			case 1:
				n, size = 500, 0
			}
			blocks = append(blocks, randomBlock(rng, max(group, 1), n, 1+rng.IntN(n), size, &lsn))
		}
		f, sum := write(t, segment.WriterOptions{Meta: []byte("meta")}, blocks)
		var rows, raw int64
		for _, b := range blocks {
			rows += int64(len(b.rows))
			for _, r := range b.rows {
				raw += int64(len(r.Message))
			}
		}
		if sum.Rows != rows || sum.RawBytes != raw || sum.Blocks != len(blocks) {
			t.Fatalf("seed %d: summary %+v, want %d rows, %d bytes", seed, sum, rows, raw)
		}
		compare(t, dump(t, f), want(blocks))
	}
}
