package querytest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var blockOrders = map[plan.TimeOrder]store.BlockOrder{
	plan.AnyOrder: store.AnyOrder, plan.NewestFirst: store.NewestFirst, plan.OldestFirst: store.OldestFirst,
}

// source hands the blocks of a store to the executor.
type source struct{ *store.Store }

func (s source) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	q := store.BlockQuery{Groups: r.Groups, Streams: r.Streams, Start: r.Start, End: r.End, Need: r.Need, Paths: r.Paths,
		Order: blockOrders[r.Order], Skip: r.Skip}
	st, err := s.Store.ScanBlocks(ctx, q, workers, func(w int, b *store.BlockView) error { return fn(w, b) })
	return plan.SourceStats{BlocksDamaged: st.DamagedBlocks, BlocksSkippedOrder: st.StopSkipped.Blocks}, err
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	db, err := catalog.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{FS: fs, Dir: "data", Manifest: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// put appends rows in batches of one stream and gives them their keys.
func put(t *testing.T, s *store.Store, rows []querytest.Row) {
	t.Helper()
	var of map[logs.StreamID][]*querytest.Row
	flush := func() {
		streams := []logs.StreamID{}
		for id := range of {
			streams = append(streams, id)
		}
		slices.Sort(streams)
		for _, id := range streams {
			list := of[id]
			slices.SortStableFunc(list, func(a, b *querytest.Row) int { return int(a.Timestamp - b.Timestamp) })
			b := store.Batch{Group: list[0].Group, Stream: id, Ingestion: list[0].Ingestion}
			for _, r := range list {
				b.Timestamps = append(b.Timestamps, r.Timestamp)
				b.Arena = append(b.Arena, r.Message()...)
				b.Ends = append(b.Ends, uint32(len(b.Arena)))
			}
			seq, err := s.Append(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range list {
				r.Seq, r.Ingestion = logs.MakeSeq(seq.Batch(), i), b.Ingestion
			}
		}
		of = map[logs.StreamID][]*querytest.Row{}
	}
	flush()
	for i := range rows {
		r := &rows[i]
		of[r.Stream] = append(of[r.Stream], r)
		if i%700 == 699 {
			flush()
		}
	}
	flush()
}

// TestStoreAgreesWithNaiveEvaluation runs random plans over a real store, whose
// events are in memory, in small blocks and in large ones, and compares the
// answers with an evaluation row by row.
func TestStoreAgreesWithNaiveEvaluation(t *testing.T) {
	plans := 40
	if testing.Short() {
		plans = 10
	}
	for name, form := range map[string]querytest.Form{"json": querytest.JSON, "text": querytest.Text, "mixed": querytest.Mixed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			rows := querytest.Rows(rand.New(rand.NewPCG(1, 9)), 4200, form)
			stages := []struct {
				name   string
				rows   int
				settle func(context.Context) error
			}{
				{"in memory", 300, nil},
				{"small blocks", 700, s.Flush},
				{"large blocks", 3000, s.Flush},
				{"merged", 3000, s.Merge},
				{"everywhere", len(rows), nil},
			}
			have, seed := 0, uint64(form)*1000
			for _, stage := range stages {
				put(t, s, rows[have:stage.rows])
				have = stage.rows
				if stage.settle != nil {
					if err := stage.settle(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				for range plans {
					seed++
					if err := compare(t.Context(), s, rows[:have], seed); err != nil {
						t.Errorf("%s, seed %d: %v", stage.name, seed, err)
					}
				}
			}
		})
	}
}

// compare runs one random plan.
func compare(ctx context.Context, s *store.Store, rows []querytest.Row, seed uint64) error {
	g := querytest.Generator{Rand: rand.New(rand.NewPCG(seed, 5))}
	p := g.Plan()
	q, err := plan.Optimize(p)
	if err != nil {
		return fmt.Errorf("%w\n%v", err, p.Steps)
	}
	workers := int(1 + seed%4)
	r, err := exec.Run(ctx, q, source{s}, exec.Options{Workers: workers})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, q.Explain())
	}
	if r.Stats.Source.BlocksDamaged > 0 {
		return fmt.Errorf("%d blocks are damaged", r.Stats.Source.BlocksDamaged)
	}
	_, want := querytest.Naive(p, rows)
	if d := querytest.Differ(r.Rows, want); d != "" {
		return fmt.Errorf("%s (%d workers)\nplan %v\n%s\ngot\n%.900s\nwant\n%.900s", d, workers, p.Steps, q.Explain(),
			querytest.Show(r.Rows), querytest.Show(want))
	}
	return nil
}

// TestNewestAndOldestOpenFewBlocks: a store with many blocks opens few of them
// for the first rows by time, whether they are in parts or in memory.
func TestNewestAndOldestOpenFewBlocks(t *testing.T) {
	s := openStore(t)
	rng := rand.New(rand.NewPCG(3, 4))
	rows := querytest.Rows(rng, 12_000, querytest.Text)
	for from := 0; from < len(rows); from += 800 { // a part with a block each
		put(t, s, rows[from:from+800])
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, desc := range []bool{true, false} {
		for _, workers := range []int{1, 2, 4} {
			p := &plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1, 2}, End: 1 << 40}, Steps: []plan.Step{
				plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: plan.Timestamp}, Desc: desc}}, Limit: 100},
			}}
			q, err := plan.Optimize(p)
			if err != nil {
				t.Fatal(err)
			}
			r, err := exec.Run(t.Context(), q, source{s}, exec.Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if _, want := querytest.Naive(p, rows); querytest.Differ(r.Rows, want) != "" {
				t.Errorf("newest %v, %d workers: the answer is wrong", desc, workers)
			}
			if most := int64(workers + 2); r.Stats.Blocks > most {
				t.Errorf("newest %v, %d workers: opened %d blocks, at most %d are needed", desc, workers, r.Stats.Blocks, most)
			}
		}
	}
}
