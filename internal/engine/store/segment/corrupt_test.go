package segment_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/test/bench/corpus"
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

// sampleShaped is some of sample, and blocks that are taken apart.
func sampleShaped(t testing.TB) []block {
	blocks := sample()[:4]
	blocks = append(blocks, corpusBlock(t, 20, corpus.JSON, 80<<10), corpusBlock(t, 21, corpus.Text, 90<<10), corpusBlock(t, 22, corpus.JSON, 3000))
	return append(blocks, blockOf(23, repeat(900, func(i int) string {
		return fmt.Sprintf(`{"level":"info","level":"twice","n":%d,"list":[%d,%d],"text":"gr\u00fc\u00dfe %d"}%s`, i, i, i*i, i%50, strings.Repeat(" ", i%3))
	})...))
}

// Files of every version must open for ever. Those of the current version are
// written by -update.
func TestGolden(t *testing.T) {
	golden := map[string][]block{"v1.part": sample(), "v2.part": sampleShaped(t)}
	files, err := filepath.Glob(filepath.Join("testdata", "v*.part"))
	if err != nil || len(files) != len(golden) && !*update {
		t.Fatalf("%d files, want %d: %v", len(files), len(golden), err)
	}
	for name, blocks := range golden {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			if *update && name == "v2.part" {
				o := segment.WriterOptions{ID: goldenID, Created: 1_700_000_000_000, Meta: []byte("golden"), IndexShared: true}
				f, _ := write(t, o, blocks)
				if err := os.WriteFile(path, f.b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(path)
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
			checkIndex(t, r, blocks, name == "v1.part")
			checkShapes(t, r)
		})
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
	blocks := sampleShaped(t)
	f, sum := write(t, segment.WriterOptions{Meta: []byte("meta")}, blocks)
	if sum.Sizes.Blocks[segment.ModeJSON] == 0 || sum.Sizes.Tokens == 0 {
		t.Fatalf("%+v", sum.Sizes)
	}
	whole := want(blocks)
	rng := rand.New(rand.NewPCG(5, 5))
	tries := 250
	if testing.Short() {
		tries = 50
	}
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
		if (off > 100 && off < n-800 || testing.Short()) && rng.IntN(n/tries) != 0 {
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
	blocks := sampleShaped(t)
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
		osum, err := segment.Open(out, "out")
		if err != nil {
			t.Fatal(err)
		}
		if got := osum.Sizes().Blocks; got != sum.Sizes.Blocks {
			t.Fatalf("blocks by mode %v, want %v", got, sum.Sizes.Blocks)
		}
		checkIndex(t, osum, blocks, false)
	}
}

// Every frame of a block that is taken apart: damage to it costs this block only,
// and is named.
func TestDamagedColumnsLeaveOthers(t *testing.T) {
	blocks := sampleShaped(t)
	f, _ := write(t, segment.WriterOptions{}, blocks)
	r, err := segment.Open(f, "f")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	info := r.Blocks(20, nil)[0]
	if info.Mode != segment.ModeJSON {
		t.Fatalf("mode %s", info.Mode)
	}
	b := bytes.Clone(f.b)
	sections := map[string]int{}
	at := bytes.Index(f.b, []byte("CWF1"))
	for at >= 0 { // the frames of the block
		next := bytes.Index(f.b[at+4:], []byte("CWF1"))
		if next < 0 {
			break
		}
		next += at + 4
		for _, off := range []int{at, at + 5, at + 17, at + 21, at + 24, (at + next) / 2, next - 1} {
			df := &memFile{b: bytes.Clone(b)}
			df.b[off] ^= 0x40
			dr, err := segment.Open(df, "f")
			if err != nil {
				continue
			}
			var buf segment.Buffer
			blk, err := dr.Read(ctx, info, &buf)
			if err == nil {
				err = blk.Load(ctx)
			}
			shapeErr := error(nil)
			if blk, rerr := dr.Read(ctx, info, &buf); rerr == nil {
				s, serr := blk.Shape(ctx)
				if serr == nil {
					var all column.Texts
					serr = blk.ShapeError(s.Rows([]uint32{1}, &all))
				}
				shapeErr = serr
			}
			var ce *segment.CorruptionError
			if err == nil {
				if shapeErr != nil {
					t.Fatalf("offset %d: Load succeeds, Shape gives %v", off, shapeErr)
				}
				continue
			}
			if !errors.As(err, &ce) || shapeErr != nil && !errors.As(shapeErr, &ce) {
				t.Fatalf("offset %d: %v, %v", off, err, shapeErr)
			}
			sections[ce.Section]++
			if good, bad := readable(t, dr, want(blocks)); bad != 1 || good != len(blocks)-1 {
				t.Fatalf("offset %d: %d good, %d bad", off, good, bad)
			}
		}
		at = next
	}
	for _, s := range []string{"keys", "head", "columns"} {
		if sections[s] == 0 {
			t.Errorf("no damage in section %s: %v", s, sections)
		}
	}
}

func FuzzOpenRead(f *testing.F) {
	raw, _ := write(f, segment.WriterOptions{Modes: segment.Modes(segment.ModeRaw)}, []block{blockOf(1, "a", "b"), blockOf(2, "c")})
	f.Add(raw.b)
	shaped, _ := write(f, segment.WriterOptions{Modes: segment.Modes(segment.ModeJSON)}, []block{blockOf(1, `{"a":1,"b":"x"}`, `{"a":2,"b":"y"}`, "text")})
	f.Add(shaped.b)
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
				if s, err := blk.Shape(ctx); err == nil && s != nil {
					var texts column.Texts
					_ = s.Rows([]uint32{0}, &texts)
				}
			}
		}
		file := &memFile{b: b}
		if r, err := segment.Open(file, "fuzz"); err == nil {
			read(r)
			r.Groups()
			if x, err := r.Index(); err == nil && x != nil {
				units := make([]uint64, (r.Units()+63)/64)
				_, _ = x.Units(ctx, hint.Text("some text"), units)
			}
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
