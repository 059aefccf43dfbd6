package segment_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

func row(stream logs.StreamID, ts int64, seq logs.Seq, msg string) segment.Row {
	return segment.Row{Stream: stream, Key: logs.Key{Timestamp: ts, Seq: seq}, Ingestion: 5, Message: []byte(msg)}
}

func TestAddRefuses(t *testing.T) {
	f := &memFile{}
	w := segment.NewWriter(f, segment.WriterOptions{})
	refuse := func(name string, group logs.GroupID, rows []segment.Row, want error) {
		t.Helper()
		if err := w.Add(group, rows); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	if err := w.Add(5, []segment.Row{row(1, 1, 1, "a")}); err != nil {
		t.Fatal(err)
	}
	refuse("no rows", 5, nil, segment.ErrInvalid)
	refuse("group before", 4, []segment.Row{row(1, 1, 1, "")}, segment.ErrOrder)
	refuse("negative group", -1, []segment.Row{row(1, 1, 1, "")}, segment.ErrInvalid)
	refuse("negative stream", 5, []segment.Row{row(-1, 1, 1, "")}, segment.ErrInvalid)
	refuse("negative timestamp", 5, []segment.Row{row(1, -1, 1, "")}, segment.ErrInvalid)
	refuse("streams", 5, []segment.Row{row(2, 1, 1, ""), row(1, 1, 2, "")}, segment.ErrOrder)
	refuse("timestamps", 5, []segment.Row{row(2, 2, 1, ""), row(2, 1, 2, "")}, segment.ErrOrder)
	refuse("equal keys", 5, []segment.Row{row(2, 2, 1, ""), row(2, 2, 1, "")}, segment.ErrOrder)
	bad := []segment.Row{row(2, 2, 1, ""), row(2, 2, 2, "")}
	bad[1].Ingestion = 6
	refuse("two ingestion times", 5, bad, segment.ErrInvalid)

	rows := make([]segment.Row, segment.MaxBlockRows+1)
	for i := range rows {
		rows[i] = row(1, int64(i), logs.Seq(i), "")
	}
	refuse("rows", 5, rows, segment.ErrTooLarge)
	big := make([]byte, segment.MaxBlockBytes+1)
	refuse("bytes", 5, []segment.Row{{Message: big}}, segment.ErrTooLarge)

	// At the bound, and after every refusal the writer still works.
	if err := w.Add(5, rows[:segment.MaxBlockRows]); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(5, []segment.Row{{Message: big[1:]}}); err != nil {
		t.Fatal(err)
	}
	sum, err := w.Finish()
	if err != nil || sum.Rows != segment.MaxBlockRows+2 || sum.Blocks != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if rep, err := segment.Verify(context.Background(), f, "x"); err != nil || !rep.OK() || rep.Rows != sum.Rows {
		t.Errorf("verify: %+v, %v", rep, err)
	}
	compare(t, dump(t, f), want([]block{{5, []segment.Row{row(1, 1, 1, "a")}}, {5, rows[:segment.MaxBlockRows]}, {5, []segment.Row{{Message: big[1:]}}}}))
	refuse("after Finish", 6, rows[:1], segment.ErrFinished)

	w = segment.NewWriter(&memFile{}, segment.WriterOptions{Meta: make([]byte, 1<<20+1)})
	refuse("meta", 1, rows[:1], segment.ErrTooLarge)
}

func TestExtremeValues(t *testing.T) {
	blocks := []block{
		{0, []segment.Row{{Key: logs.MinKey, Ingestion: -1 << 63}}},
		{1, []segment.Row{{Stream: 1<<63 - 1, Key: logs.MaxKey, Ingestion: 1<<63 - 1}}},
		{1<<63 - 1, []segment.Row{
			{Stream: 0, Key: logs.Key{Timestamp: 1<<63 - 1, Seq: 0}, Ingestion: -1 << 63},
			{Stream: 1, Key: logs.Key{Timestamp: 0, Seq: 1<<64 - 1}, Ingestion: 1<<63 - 1},
			{Stream: 1<<63 - 1, Key: logs.Key{Timestamp: 0, Seq: 1 << 63}, Message: bytes.Repeat([]byte{0xff, 0}, 1<<19)},
		}},
	}
	f, sum := write(t, segment.WriterOptions{}, blocks)
	compare(t, dump(t, f), want(blocks))
	if sum.MinIngestion != -1<<63 || sum.MaxIngestion != 1<<63-1 || sum.MaxSeq != 1<<64-1 || sum.MaxTimestamp != 1<<63-1 {
		t.Errorf("summary %+v", sum)
	}
	if rep, err := segment.Verify(context.Background(), f, "x"); err != nil || !rep.OK() {
		t.Errorf("verify: %+v, %v", rep, err)
	}
}

func TestEmptyPart(t *testing.T) {
	f, sum := write(t, segment.WriterOptions{}, nil)
	if sum.Rows != 0 || len(dump(t, f)) != 0 {
		t.Fatalf("%+v", sum)
	}
	if rep, err := segment.Verify(context.Background(), f, "x"); err != nil || !rep.OK() {
		t.Errorf("verify: %+v, %v", rep, err)
	}
}

func TestReaderSummary(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	lsn := uint64(9)
	blocks := []block{randomBlock(rng, 2, 50, 3, 50, &lsn), randomBlock(rng, 2, 5000, 3, 500, &lsn), randomBlock(rng, 9, 50, 3, 50, &lsn)}
	f, sum := write(t, segment.WriterOptions{Meta: []byte("m"), Created: 77}, blocks)
	r, err := segment.Open(f, "p")
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Meta()) != "m" || r.Summary().Created != 77 || r.Name() != "p" {
		t.Errorf("meta %q, summary %+v", r.Meta(), r.Summary())
	}
	groups := sum.Groups
	if got := r.Groups(); !slices.Equal(got, groups) || len(got) != 2 || got[0].Blocks != 2 {
		t.Errorf("groups %+v, want %+v", got, groups)
	}
	sum.Groups = nil
	if got := r.Summary(); got.ID != sum.ID || got.Rows != sum.Rows || got.MinSeq != sum.MinSeq || got.FileBytes != sum.FileBytes {
		t.Errorf("got %+v, want %+v", got, sum)
	}
	if r.HasGroup(1) || !r.HasGroup(2) || r.HasGroup(3) || !r.HasGroup(9) || r.HasGroup(10) || len(r.Blocks(3, nil)) != 0 {
		t.Error("HasGroup")
	}
}

func TestBlockAccess(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 3))
	for _, streams := range []int{1, 2, 3, 17, 700} {
		lsn := uint64(9)
		blk := randomBlock(rng, 2, 3000, streams, 40, &lsn)
		f, _ := write(t, segment.WriterOptions{}, []block{blk})
		r, err := segment.Open(f, "p")
		if err != nil {
			t.Fatal(err)
		}
		var buf segment.Buffer
		b, err := r.Read(context.Background(), r.Blocks(2, nil)[0], &buf)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, run := range b.Streams() {
			if run.From != at || run.To <= run.From {
				t.Fatalf("run %+v at %d", run, at)
			}
			at = run.To
			got, ok := b.Run(run.Stream)
			if !ok || got != run {
				t.Fatalf("Run(%d) = %+v, %v", run.Stream, got, ok)
			}
			for i := run.From; i < run.To; i++ {
				if b.Stream(i) != run.Stream || blk.rows[i].Stream != run.Stream {
					t.Fatalf("stream of row %d", i)
				}
				if got := b.Search(run, b.Key(i)); got != i {
					t.Fatalf("Search(key of %d) = %d", i, got)
				}
			}
			if b.Search(run, logs.MaxKey) != run.To {
				t.Fatal("Search past the end")
			}
		}
		if _, ok := b.Run(logs.StreamID(streams + 1)); ok || at != b.Len() {
			t.Fatal("runs")
		}
		check := func(order []uint32, n int) {
			t.Helper()
			if len(order) != n {
				t.Fatalf("%d rows in order, want %d", len(order), n)
			}
			for i := 1; i < len(order); i++ {
				if b.Key(int(order[i])).Less(b.Key(int(order[i-1]))) {
					t.Fatalf("order at %d", i)
				}
			}
			s := slices.Clone(order)
			slices.Sort(s)
			if len(slices.Compact(s)) != n {
				t.Fatal("a row twice")
			}
		}
		check(b.Order(nil), b.Len())
		some := b.Streams()[:(len(b.Streams())+1)/2]
		check(b.Order(some), some[len(some)-1].To)
	}
}

func TestAddRaw(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var blocks []block
		lsn := uint64(1)
		for g := range logs.GroupID(30) {
			n := 1 + rng.IntN(20)
			if g%7 == 0 {
				n = 4000
			}
			blocks = append(blocks, randomBlock(rng, g, n, 5, 100, &lsn))
		}
		a, _ := write(t, segment.WriterOptions{}, blocks[:10])
		b, _ := write(t, segment.WriterOptions{}, blocks[10:])
		f := &memFile{}
		w := segment.NewWriter(f, segment.WriterOptions{})
		for _, src := range []*memFile{a, b} {
			r, err := segment.Open(src, "src")
			if err != nil {
				t.Fatal(err)
			}
			for info := range r.All() {
				if err := w.AddRaw(context.Background(), r, info); err != nil {
					t.Fatal(err)
				}
			}
		}
		sum, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		compare(t, dump(t, f), want(blocks))
		_, direct := write(t, segment.WriterOptions{ID: uuid.UUID{1}}, blocks)
		if sum.MinIngestion != direct.MinIngestion || sum.MaxIngestion != direct.MaxIngestion || sum.Rows != direct.Rows {
			t.Errorf("moved %+v, written %+v", sum, direct)
		}
		if rep, err := segment.Verify(context.Background(), f, "x"); err != nil || !rep.OK() || rep.Blocks != len(blocks) {
			t.Fatalf("verify: %+v, %v", rep, err)
		}
	}
}

func TestManyStreamsInABlockAreCompact(t *testing.T) {
	rows := make([]segment.Row, segment.MaxBlockRows)
	for i := range rows {
		rows[i] = row(logs.StreamID(1+i*3), 1_700_000_000_000+int64(i*7919%60_000), logs.MakeSeq(uint64(1000+i), 0), "")
	}
	f, _ := write(t, segment.WriterOptions{}, []block{{1, rows}})
	if per := float64(len(f.b)) / float64(len(rows)); per > 6 {
		t.Errorf("%.1f bytes per stream with one event", per)
	}
}

func TestTinyGroupsAreCompact(t *testing.T) {
	var blocks []block
	lsn := uint64(1000)
	rng := rand.New(rand.NewPCG(1, 9))
	raw := 0
	for g := range logs.GroupID(10_000) {
		b := block{group: g + 1}
		lsn++
		for i := range 5 {
			m := []byte(`{"level":"info","msg":"request finished","status":200,"ms":` + string('0'+byte(rng.IntN(10))) + `}`)
			raw += len(m)
			b.rows = append(b.rows, segment.Row{Stream: logs.StreamID(g + 1), Ingestion: 1_700_000_000_000,
				Key: logs.Key{Timestamp: 1_700_000_000_000 + int64(lsn+uint64(i)), Seq: logs.MakeSeq(lsn, i)}, Message: m})
		}
		blocks = append(blocks, b)
	}
	f, sum := write(t, segment.WriterOptions{}, blocks)
	r, err := segment.Open(f, "x")
	if err != nil {
		t.Fatal(err)
	}
	index := float64(r.MemoryBytes()) / 10_000
	t.Logf("10,000 groups of 5 events: %.1f bytes in the file, %.1f bytes of index, %.1f bytes of messages per group", float64(sum.FileBytes)/10_000, index, float64(raw)/10_000)
	if index > 30 {
		t.Errorf("%.1f bytes of index per group", index)
	}
}

type failSink struct{ left int }

var errSink = errors.New("sink is broken")

func (f *failSink) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errSink
	}
	return len(p), nil
}
func (f *failSink) Sync() error { return errSink }

func TestWriterKeepsItsError(t *testing.T) {
	for _, room := range []int{0, 300 << 10, 1 << 30} {
		w := segment.NewWriter(&failSink{room}, segment.WriterOptions{})
		msg := make([]byte, 1<<20)
		for i := range msg {
			msg[i] = byte(rand.Uint32())
		}
		var err error
		for i := range 3 {
			err = w.Add(1, []segment.Row{{Key: logs.Key{Timestamp: int64(i)}, Message: msg}})
		}
		if _, ferr := w.Finish(); !errors.Is(ferr, errSink) || err != nil && !errors.Is(err, errSink) {
			t.Errorf("room %d: add %v, finish %v", room, err, ferr)
		}
	}
}

func TestContextEndsRead(t *testing.T) {
	f, _ := write(t, segment.WriterOptions{}, []block{{1, []segment.Row{row(1, 1, 1, "a")}}})
	r, err := segment.Open(f, "x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var buf segment.Buffer
	b, err := r.Read(ctx, r.Blocks(1, nil)[0], &buf)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := b.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	if _, err := r.Read(ctx, r.Blocks(1, nil)[0], &buf); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
}
