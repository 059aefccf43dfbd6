package segment_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

var update = flag.Bool("update", false, "write the golden files of the current version")

// sample is a part with own and shared frames and some group twice.
func sample() []block {
	rng := rand.New(rand.NewPCG(42, 42))
	lsn := uint64(100)
	var blocks []block
	for g := range logs.GroupID(12) {
		n, size := 3+rng.IntN(10), 60
		if g%5 == 2 {
			n, size = 1200, 140
		}
		blocks = append(blocks, randomBlock(rng, g+1, n, 4, size, &lsn))
	}
	blocks = append(blocks, randomBlock(rng, 12, 5, 4, 60, &lsn))
	return blocks
}

var goldenID = uuid.MustParse("6f1d1b1e-0000-4000-8000-00000000c1c1")

func TestGolden(t *testing.T) {
	name := filepath.Join("testdata", "v1.part")
	blocks := sample()
	if *update {
		f, _ := write(t, segment.WriterOptions{ID: goldenID, Created: 1_700_000_000_000, Meta: []byte("golden")}, blocks)
		if err := os.WriteFile(name, f.b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := &memFile{b: b}
	compare(t, dump(t, f), want(blocks))
	r, err := segment.Open(f, "golden")
	if err != nil || string(r.Meta()) != "golden" || r.Summary().ID != goldenID {
		t.Fatalf("%v, %+v", err, r.Summary())
	}
	if rep, err := segment.Verify(context.Background(), f, "golden"); err != nil || !rep.OK() {
		t.Fatalf("verify: %+v, %v", rep, err)
	}
}

// readable reads every block of r that it can and checks it against want.
func readable(t *testing.T, r *segment.Reader, want map[logs.GroupID][]block) (good, bad int) {
	t.Helper()
	var buf segment.Buffer
	for info := range r.All() {
		b, err := r.Read(context.Background(), info, &buf)
		if err == nil {
			err = b.Load(context.Background())
		}
		if err != nil {
			var ce *segment.CorruptionError
			if !errors.As(err, &ce) || ce.File != "f" || ce.Detail == "" || ce.Section == "" {
				t.Fatalf("%v is no corruption error", err)
			}
			bad++
			continue
		}
		found := false
		for _, w := range want[info.Group] {
			if len(w.rows) != b.Len() {
				continue
			}
			same := true
			for i := range w.rows {
				got := b.Row(i)
				if got.Stream != w.rows[i].Stream || got.Key != w.rows[i].Key || got.Ingestion != w.rows[i].Ingestion || !bytes.Equal(got.Message, w.rows[i].Message) {
					same = false
					break
				}
			}
			found = found || same
		}
		if !found {
			t.Fatalf("block of group %d reads well but holds other rows", info.Group)
		}
		good++
	}
	return good, bad
}

func TestDamageIsFoundEverywhere(t *testing.T) {
	blocks := sample()
	f, _ := write(t, segment.WriterOptions{Meta: []byte("meta")}, blocks)
	whole := want(blocks)
	rng := rand.New(rand.NewPCG(5, 5))
	try := func(what string, b []byte) {
		t.Helper()
		df := &memFile{b: b}
		rep, err := segment.Verify(context.Background(), df, "f")
		if err != nil && !errors.Is(err, segment.ErrVersion) {
			t.Fatalf("%s: verify: %v", what, err)
		}
		if err == nil && rep.OK() {
			t.Fatalf("%s: not found", what)
		}
		r, err := segment.Open(df, "f")
		if err != nil {
			var ce *segment.CorruptionError
			if !errors.As(err, &ce) {
				t.Fatalf("%s: open: %v", what, err)
			}
		} else {
			good, bad := readable(t, r, whole)
			if good+bad != len(blocks) || good == 0 {
				t.Fatalf("%s: %d blocks good, %d bad, want %d in all", what, good, bad, len(blocks))
			}
		}
		sr, _, err := segment.Salvage(context.Background(), df, "f")
		if err != nil {
			t.Fatalf("%s: salvage: %v", what, err)
		}
		if _, bad := readable(t, sr, whole); bad != 0 {
			t.Fatalf("%s: salvage gives %d blocks that cannot be read", what, bad)
		}
	}
	clone := func() []byte { return bytes.Clone(f.b) }
	// Every byte of the areas with structure, random bytes elsewhere.
	n := len(f.b)
	for off := range n {
		if off > 100 && off < n-800 && rng.IntN(n/150) != 0 {
			continue
		}
		b := clone()
		b[off] ^= 1 << rng.IntN(8)
		try("flip", b)
	}
	for range 30 {
		b := clone()
		off := rng.IntN(n - 64)
		changed := false
		for i := range 64 {
			changed = changed || b[off+i] != 0
			b[off+i] = 0
		}
		if changed {
			try("zero", b)
		}
		try("cut", clone()[:rng.IntN(n)])
	}
}

func TestDamagedBlockLeavesOthers(t *testing.T) {
	blocks := sample()
	f, _ := write(t, segment.WriterOptions{}, blocks)
	r, err := segment.Open(f, "f")
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(f.b, []byte("CWF1"))
	f.b[i+100] ^= 1 // the first frame: keys of the first large group
	good, bad := readable(t, r, want(blocks))
	if bad != 1 || good != len(blocks)-1 {
		t.Errorf("%d good, %d bad", good, bad)
	}
	rep, err := segment.Verify(context.Background(), f, "f")
	if err != nil || rep.Lost != 1 || len(rep.Problems) != 1 || rep.Blocks != good {
		t.Errorf("report %+v, %v", rep, err)
	}
}

func TestSalvageWithoutFooter(t *testing.T) {
	blocks := sample()
	f, sum := write(t, segment.WriterOptions{}, blocks)
	for cut := 1; cut < 3000; cut += 97 {
		df := &memFile{b: f.b[:len(f.b)-cut]}
		if _, err := segment.Open(df, "f"); err == nil {
			t.Fatal("opened without trailer")
		}
		if cut > 600 {
			break
		}
		r, rep, err := segment.Salvage(context.Background(), df, "f")
		if err != nil || rep.Rows != sum.Rows || rep.Blocks != sum.Blocks || rep.Lost != 0 {
			t.Fatalf("cut %d: %+v, %v", cut, rep, err)
		}
		s := r.Summary()
		if s.ID != sum.ID || s.MinSeq != sum.MinSeq || s.MaxSeq != sum.MaxSeq || s.MaxTimestamp != sum.MaxTimestamp || s.MinIngestion != sum.MinIngestion {
			t.Fatalf("summary %+v, want %+v", s, sum)
		}
		out := &memFile{}
		w := segment.NewWriter(out, segment.WriterOptions{})
		for info := range r.All() {
			if err := w.AddRaw(context.Background(), r, info); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		compare(t, dump(t, out), want(blocks))
	}
}

func FuzzOpenRead(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1.part"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	small, _ := write(f, segment.WriterOptions{}, []block{{1, []segment.Row{row(1, 1, 1, "a"), row(2, 1, 2, "b")}}})
	f.Add(small.b)
	f.Add([]byte("CWP1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx := context.Background()
		var buf segment.Buffer
		read := func(r *segment.Reader) {
			for info := range r.All() {
				blk, err := r.Read(ctx, info, &buf)
				if err != nil || blk.Load(ctx) != nil {
					continue
				}
				for i := range blk.Len() {
					_ = blk.Row(i)
				}
				blk.Order(nil)
			}
		}
		file := &memFile{b: b}
		if r, err := segment.Open(file, "fuzz"); err == nil {
			read(r)
			r.Groups()
		}
		if _, err := segment.Verify(ctx, file, "fuzz"); err != nil && !errors.Is(err, segment.ErrVersion) {
			t.Fatal(err)
		}
		r, _, err := segment.Salvage(ctx, file, "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		read(r)
	})
}
