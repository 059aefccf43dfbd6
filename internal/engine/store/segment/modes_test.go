package segment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// blockOf makes a block of messages in three streams.
func blockOf(group logs.GroupID, messages ...string) block {
	b := block{group: group}
	for i, m := range messages {
		b.rows = append(b.rows, segment.Row{Stream: logs.StreamID(1 + i%3), Ingestion: 1_700_000_000_000,
			Key: logs.Key{Timestamp: 1_700_000_000_000 + int64(i)*13, Seq: logs.MakeSeq(uint64(9+i/1000), i%1000)}, Message: []byte(m)})
	}
	sortRows(b.rows)
	return b
}

// corpusBlock makes a block of so many bytes of a corpus.
func corpusBlock(t testing.TB, group logs.GroupID, kind corpus.Kind, size int) block {
	t.Helper()
	g, err := corpus.New(kind, uint64(group))
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for n := 0; n < size; {
		messages = append(messages, string(g.Append(nil, 1_700_000_000_000+int64(len(messages)))))
		n += len(messages[len(messages)-1])
	}
	return blockOf(group, messages...)
}

func repeat(n int, f func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// oddBlocks are blocks at the bounds and of messages that are hard to take apart.
func oddBlocks() []block {
	rng := rand.New(rand.NewPCG(77, 1))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return string(b)
	}
	huge := `{"text":"` + strings.Repeat("a long text of 1 MiB ", 1<<20)[:1<<20-11] + `"}`
	return []block{
		blockOf(100, repeat(segment.MaxBlockRows, func(int) string { return "" })...),
		blockOf(101, repeat(segment.MaxBlockRows, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })...),
		blockOf(102, repeat(segment.MaxBlockRows, func(i int) string {
			return fmt.Sprintf("%064d", i) // exactly MaxBlockBytes
		})...),
		blockOf(103, huge, huge),
		blockOf(104, random(1<<20), random(1<<20)),
		blockOf(105, repeat(500, func(int) string { return random(rng.IntN(400)) })...),
		blockOf(106, repeat(800, func(i int) string { // random keys
			return fmt.Sprintf(`{"k%x":%d,"j%x":"v","common":{"x%d":null}}`, rng.Uint64(), i, rng.Uint64(), i)
		})...),
		blockOf(107, repeat(300, func(i int) string { // wide
			var s strings.Builder
			for f := range 300 {
				fmt.Fprintf(&s, `,"field_%03d":%d`, f, i*f%977)
			}
			return "{" + s.String()[1:] + "}"
		})...),
		blockOf(108, repeat(2000, func(i int) string {
			return []string{
				`{"a":1,"a":2,"a":"3"}`, ` { "sp" : [ 1 , {"x":[2]} ] , "e" : "\u00e9\"\\" } `, `{"huge":` + strings.Repeat("9", 200) + `,"f":1e999}`,
				strings.Repeat(`{"d":`, 70) + "1" + strings.Repeat("}", 70), `INFO 17 {"prefixed":true}`, `{"cut":"no end`, "\xff\xfe{\"bad\":\"utf8\xff\"}", `[1,2]`, `""`, "null",
			}[i%10]
		})...),
		blockOf(109, repeat(3000, func(i int) string {
			return fmt.Sprintf("%d ERROR [main-%d] \"GET /a/%d HTTP/1.1\" took %dms\n\tat a.b.C(D.java:%d)", i, i%4, i%50, i*7%1000, i%300)
		})...),
	}
}

var modeOptions = []struct {
	name string
	segment.WriterOptions
}{
	{"all", segment.WriterOptions{}},
	{"raw", segment.WriterOptions{Modes: segment.Modes(segment.ModeRaw)}},
	{"json", segment.WriterOptions{Modes: segment.Modes(segment.ModeJSON)}},
	{"template", segment.WriterOptions{Modes: segment.Modes(segment.ModeTemplate)}},
	{"json or shared, no index", segment.WriterOptions{Modes: segment.Modes(segment.ModeJSON, segment.ModeShared), NoIndex: true}},
	{"all, shared indexed", segment.WriterOptions{IndexShared: true}},
}

func allBlocks(t testing.TB) []block {
	var blocks []block
	for i, kind := range corpus.Kinds() {
		blocks = append(blocks, corpusBlock(t, logs.GroupID(2*i), kind, 300<<10), corpusBlock(t, logs.GroupID(2*i+1), kind, 5<<10))
	}
	return append(blocks, oddBlocks()...)
}

// The same rows come back whatever the mode of their blocks, and nothing else
// differs either.
func TestModesAgree(t *testing.T) {
	blocks := allBlocks(t)
	whole := want(blocks)
	for i, o := range modeOptions {
		if testing.Short() && i > 0 {
			continue
		}
		f, sum := write(t, o.WriterOptions, blocks)
		compare(t, dump(t, f), whole)
		if sum.NotRebuilt != 0 {
			t.Errorf("%s: %d blocks could not be rebuilt", o.name, sum.NotRebuilt)
		}
		r, err := segment.Open(f, "p")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Sizes(); got != sum.Sizes || got.Total() != sum.FileBytes || got.Units != r.Units() {
			t.Errorf("%s: sizes %+v, want %+v, %d bytes", o.name, got, sum.Sizes, sum.FileBytes)
		}
		rep, err := segment.Verify(context.Background(), f, "p")
		if err != nil || !rep.OK() || rep.Blocks != len(blocks) || rep.Sizes != sum.Sizes {
			t.Errorf("%s: verify %+v, %v", o.name, rep, err)
		}
		checkIndex(t, r, blocks, o.NoIndex)
		checkShapes(t, r)

		// Moved verbatim, everything is the same again.
		moved := &memFile{}
		w := segment.NewWriter(moved, o.WriterOptions)
		for info := range r.All() {
			if err := w.AddRaw(context.Background(), r, info); err != nil {
				t.Fatalf("%s: %v", o.name, err)
			}
		}
		msum, err := w.Finish()
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		compare(t, dump(t, moved), whole)
		mr, err := segment.Open(moved, "moved")
		if err != nil {
			t.Fatal(err)
		}
		if msum.Sizes.Blocks != sum.Sizes.Blocks || msum.Unindexed != sum.Unindexed {
			t.Errorf("%s: moved %+v, want %+v", o.name, msum, sum)
		}
		checkIndex(t, mr, blocks, o.NoIndex)
	}
}

// checkIndex searches every block for texts that are in it and for some that are
// nowhere.
func checkIndex(t *testing.T, r *segment.Reader, blocks []block, none bool) {
	t.Helper()
	x, err := r.Index()
	if err != nil || (x == nil) != none {
		t.Fatalf("index %v, %v", x, err)
	}
	if none {
		return
	}
	rng := rand.New(rand.NewPCG(3, 4))
	unitOf := map[logs.GroupID]int{}
	for info := range r.All() {
		unitOf[info.Group] = info.Unit()
	}
	for _, b := range blocks {
		for range 20 {
			m := b.rows[rng.IntN(len(b.rows))].Message
			from := rng.IntN(len(m) + 1)
			text := m[from:min(len(m), from+rng.IntN(60))]
			if !kept(t, x, r.Units(), hint.Text(string(text)))[unitOf[b.group]] {
				t.Fatalf("group %d: the unit with %q is excluded", b.group, text)
			}
		}
	}
	n := 0
	for _, keep := range kept(t, x, r.Units(), hint.Text(" Zq7xNowhereAtAll9 ")) {
		if keep {
			n++
		}
	}
	if free := r.Units() - x.Size().Blind; n > r.Units()-free+2 {
		t.Errorf("%d of %d units may hold a text that is nowhere; %d have no evidence", n, r.Units(), x.Size().Blind)
	}
}

// kept says of each unit whether the index keeps it.
func kept(t *testing.T, x *skip.Index, units int, need hint.Need) []bool {
	t.Helper()
	set := make([]uint64, (units+63)/64)
	for i := range units {
		set[i/64] |= 1 << (i % 64)
	}
	if _, err := x.Units(context.Background(), need, set); err != nil {
		t.Fatal(err)
	}
	out := make([]bool, units)
	for i := range out {
		out[i] = set[i/64]>>(i%64)&1 != 0
	}
	return out
}

// checkShapes compares what Shape gives with the messages.
func checkShapes(t *testing.T, r *segment.Reader) {
	t.Helper()
	ctx := context.Background()
	var one, two segment.Buffer
	for info := range r.All() {
		b, err := r.Read(ctx, info, &one)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Shape(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if (s != nil) != (info.Mode == segment.ModeJSON || info.Mode == segment.ModeTemplate) {
			t.Fatalf("shape %v of a block with mode %s", s, info.Mode)
		}
		if s == nil {
			continue
		}
		whole, err := r.Read(ctx, info, &two)
		if err == nil {
			err = whole.Load(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		var got column.Texts
		rows := []uint32{0, uint32(b.Len() / 2), uint32(b.Len() - 1)}
		if b.Len() < 3 {
			rows = []uint32{0}
		}
		if err := s.Rows(rows, &got); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if !bytes.Equal(got.At(i), whole.Message(int(row))) {
				t.Fatalf("row %d is %q, want %q", row, got.At(i), whole.Message(int(row)))
			}
		}
		// Load after Shape gives the same messages.
		if err := b.Load(ctx); err != nil {
			t.Fatal(err)
		}
		arena, ends := b.Messages()
		wantArena, wantEnds := whole.Messages()
		if !bytes.Equal(arena, wantArena) || fmt.Sprint(ends) != fmt.Sprint(wantEnds) {
			t.Fatal("messages differ after Shape")
		}
	}
}

func TestBlocksOfTheCorporaGetTheirMode(t *testing.T) {
	for kind, mode := range map[corpus.Kind]segment.Mode{corpus.JSON: segment.ModeJSON, corpus.Text: segment.ModeTemplate, corpus.Access: segment.ModeTemplate} {
		b := corpusBlock(t, 1, kind, 400<<10)
		_, sum := write(t, segment.WriterOptions{}, []block{b})
		_, raw := write(t, segment.WriterOptions{Modes: segment.Modes(segment.ModeRaw)}, []block{b})
		if sum.Sizes.Blocks[mode] != 1 || sum.FileBytes >= raw.FileBytes {
			t.Errorf("%s: %+v; raw %d bytes", kind, sum.Sizes, raw.FileBytes)
		}
	}
	// Random bytes are not worth taking apart.
	_, sum := write(t, segment.WriterOptions{}, []block{oddBlocks()[5]})
	if sum.Sizes.Blocks[segment.ModeRaw] != 1 {
		t.Errorf("random bytes: %+v", sum.Sizes)
	}
}

// countingFile counts what is read.
type countingFile struct {
	*memFile
	read int64
}

func (f *countingFile) ReadAt(p []byte, off int64) (int, error) {
	f.read += int64(len(p))
	return f.memFile.ReadAt(p, off)
}

func TestShapeReadsOnlyWhatIsAsked(t *testing.T) {
	ctx := context.Background()
	b := corpusBlock(t, 1, corpus.JSON, segment.MaxBlockBytes-4096)
	mem, _ := write(t, segment.WriterOptions{}, []block{b})
	f := &countingFile{memFile: mem}
	r, err := segment.Open(f, "p")
	if err != nil {
		t.Fatal(err)
	}
	info := r.Blocks(1, nil)[0]
	var buf segment.Buffer
	blk, err := r.Read(ctx, info, &buf)
	if err != nil {
		t.Fatal(err)
	}
	f.read = 0
	s, err := blk.Shape(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var v column.Vector
	if err := s.Field("http.status", &v); err != nil {
		t.Fatal(err)
	}
	if v.Kind != column.Int && v.Kind != column.Dict {
		t.Errorf("status is of kind %d", v.Kind)
	}
	if f.read > info.StoredBytes/5 {
		t.Errorf("%d of %d bytes read for one field", f.read, info.StoredBytes)
	}
}

// Blocks of a part without an index, or with a damaged one, are indexed when they move.
func TestMovedBlocksAreIndexed(t *testing.T) {
	ctx := context.Background()
	blocks := []block{corpusBlock(t, 1, corpus.JSON, 100<<10), corpusBlock(t, 2, corpus.Text, 100<<10)}
	indexed, sum := write(t, segment.WriterOptions{}, blocks)
	bare, _ := write(t, segment.WriterOptions{NoIndex: true}, blocks)
	damaged := &memFile{b: bytes.Clone(indexed.b)}
	at := int64(len(damaged.b)) - sum.Sizes.Other - sum.Sizes.Index - sum.Sizes.Trigrams - sum.Sizes.Tokens/2
	damaged.b[at] ^= 4
	for name, src := range map[string]*memFile{"bare": bare, "damaged": damaged} {
		r, err := segment.Open(src, "src")
		if err != nil {
			t.Fatal(err)
		}
		f := &memFile{}
		w := segment.NewWriter(f, segment.WriterOptions{})
		for info := range r.All() {
			if err := w.AddRaw(ctx, r, info); err != nil {
				t.Fatal(err)
			}
		}
		if sum, err := w.Finish(); err != nil || sum.Unindexed != 0 {
			t.Fatalf("%s: %+v, %v", name, sum, err)
		}
		if r, err = segment.Open(f, "f"); err != nil {
			t.Fatal(err)
		}
		checkIndex(t, r, blocks, false)
	}
}

func TestDamagedIndexCostsSpeedOnly(t *testing.T) {
	blocks := []block{corpusBlock(t, 1, corpus.JSON, 100<<10), corpusBlock(t, 2, corpus.Text, 100<<10), corpusBlock(t, 3, corpus.Text, 1000)}
	f, sum := write(t, segment.WriterOptions{}, blocks)
	whole := want(blocks)
	end := int64(len(f.b)) - sum.Sizes.Other - sum.Sizes.Index + 40 // the header is first
	start := end - sum.Sizes.Tokens - sum.Sizes.Trigrams
	rng := rand.New(rand.NewPCG(1, 1))
	tries := 300
	if testing.Short() {
		tries = 30
	}
	for range tries {
		df := &memFile{b: bytes.Clone(f.b)}
		df.b[start+rng.Int64N(end-start)] ^= 1 << rng.IntN(8)
		compare(t, dump(t, df), whole)
		rep, err := segment.Verify(context.Background(), df, "f")
		if err != nil || rep.OK() || rep.Lost != 0 || rep.Blocks != len(blocks) {
			t.Fatalf("verify: %+v, %v", rep, err)
		}
		if s := rep.Problems[0].Section; s != "tokens" && s != "trigrams" {
			t.Fatalf("problem in section %s", s)
		}
		r, err := segment.Open(df, "f")
		if err != nil {
			t.Fatal(err)
		}
		x, err := r.Index()
		var ce *segment.CorruptionError
		if err != nil {
			if !errors.As(err, &ce) || x != nil {
				t.Fatalf("index: %v", err)
			}
			continue
		}
		for _, b := range blocks {
			m := b.rows[rng.IntN(len(b.rows))].Message
			set := []uint64{1<<r.Units() - 1}
			unit := r.Blocks(b.group, nil)[0].Unit()
			if _, err := x.Units(context.Background(), hint.Text(string(m[:min(len(m), 50)])), set); err != nil {
				if err = r.IndexError(err); !errors.As(err, &ce) {
					t.Fatalf("lookup: %v", err)
				}
			}
			if set[0]>>unit&1 == 0 {
				t.Fatal("a unit was excluded by a damaged index")
			}
		}
	}
}

func TestVersionOneMoves(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1.part"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := segment.Open(&memFile{b: b}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if x, err := r.Index(); x != nil || err != nil {
		t.Fatalf("index %v, %v", x, err)
	}
	f := &memFile{}
	w := segment.NewWriter(f, segment.WriterOptions{IndexShared: true})
	for info := range r.All() {
		if err := w.AddRaw(context.Background(), r, info); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err := w.Finish(); err != nil || sum.Unindexed != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	compare(t, dump(t, f), want(sample()))
	if r, err = segment.Open(f, "f"); err != nil {
		t.Fatal(err)
	}
	x, err := r.Index()
	if err != nil || x == nil || x.Size().Blind != 0 {
		t.Fatalf("index %v, %v", x, err)
	}
}
