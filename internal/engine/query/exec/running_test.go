package exec_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// gated is a source that waits before each block until it may go on.
type gated struct {
	memory
	in  chan struct{} // a block wants to be read
	out chan struct{} // it may
}

func (g *gated) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	return g.memory.ScanBlocks(ctx, r, workers, func(w int, b plan.Block) error {
		select {
		case g.in <- struct{}{}:
			<-g.out
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return fn(w, b)
	})
}

// TestSnapshots looks at queries before each of their blocks: the answer is that of
// the blocks before.
func TestSnapshots(t *testing.T) {
	rows := plainRows(1000, numbered)
	key := []plan.Named{{Expr: plan.Arith{Op: '%', A: field("i"), B: plan.Num(7)}, As: "k"}}
	for name, steps := range map[string][]plan.Step{
		"stats": {plan.Stats{By: key, Aggs: []plan.Agg{countRows.Aggs[0], {Func: plan.Sum, Arg: field("i"), As: "s"},
			{Func: plan.Pct, Arg: field("i"), P: 50, As: "p"}, {Func: plan.CountDistinct, Arg: field("s"), As: "d"},
			{Func: plan.Latest, Arg: field("s"), As: "l"}, {Func: plan.Max, Arg: field("s"), As: "m"}}}},
		"newest":       {plan.Filter{Cond: plan.Contains{X: field("s"), Sub: "7"}}, plan.Sort{Keys: []plan.SortKey{{Expr: field(plan.Timestamp)}}}},
		"top":          {plan.Sort{Keys: []plan.SortKey{{Expr: field("s")}}, Limit: 30}, plan.Extend{Cols: []plan.Named{{Expr: field("s"), As: "x"}}}},
		"dedup":        {plan.Dedup{Keys: []plan.Expr{key[0].Expr}, N: 2}},
		"sorted dedup": {plan.Sort{Keys: []plan.SortKey{{Expr: field("s"), Desc: true}}}, plan.Dedup{Keys: []plan.Expr{key[0].Expr}, N: 2}, plan.Limit{N: 3}},
		"patterns":     {plan.Cluster{X: field("s")}},
		"elements":     {plan.Unnest{X: plan.Const{V: plan.Value{Kind: plan.List, Text: []byte("[1,2]")}}, As: "u"}, plan.Stats{By: []plan.Named{{Expr: field("u"), As: "u"}}, Aggs: countRows.Aggs}},
	} {
		p := &plan.Plan{Scan: optimize(t).Request.Scan, Steps: steps}
		q := optimize(t, steps...)
		src := &gated{memory{rows: rows, block: 100, all: true}, make(chan struct{}), make(chan struct{})}
		r := exec.Start(context.Background(), q, src, exec.Options{Workers: 1})
		for n := 0; ; n += 100 {
			select {
			case <-src.in:
			case <-r.Done():
			}
			got, err := r.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			_, want := naive(p, rows[:min(n, len(rows))])
			if d := differ(got.Rows, want); d != "" {
				t.Fatalf("%s after %d rows: %s\ngot\n%s\nwant\n%s", name, n, d, show(got.Rows), show(want))
			}
			if s := r.Stats(); s.RowsScanned+s.RowsSkipped != int64(min(n, len(rows))) || s.RowsScanned != got.Stats.RowsScanned {
				t.Errorf("%s after %d rows: %+v", name, n, s)
			}
			if n == len(rows) {
				break
			}
			src.out <- struct{}{}
		}
		if _, err := r.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// TestSnapshotsOfManyWorkers looks at a query all the time; the end is what Run says.
func TestSnapshotsOfManyWorkers(t *testing.T) {
	rows := plainRows(4000, numbered)
	q := optimize(t, plan.Stats{By: []plan.Named{{Expr: field("s"), As: "s"}}, Aggs: countRows.Aggs},
		plan.Sort{Keys: []plan.SortKey{{Expr: field("s")}}, Limit: 100})
	want, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 10}, exec.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := exec.Start(context.Background(), q, &memory{rows: rows, block: 10}, exec.Options{Workers: 4})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for n := 0; ; {
				s, err := r.Snapshot()
				if err != nil || len(s.Rows) < n {
					t.Errorf("%d rows after %d: %v", len(s.Rows), n, err)
					return
				}
				if n = len(s.Rows); s.Stats.RowsScanned == 4000 {
					return
				}
			}
		})
	}
	got, err := r.Wait()
	wg.Wait()
	if err != nil || show(got.Rows) != show(want.Rows) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, show(got.Rows), show(want.Rows))
	}
}

func TestSnapshotOfAQueryThatFails(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	src := &gated{memory{rows: plainRows(100, numbered), block: 10}, make(chan struct{}), make(chan struct{})}
	r := exec.Start(ctx, optimize(t, countRows), src, exec.Options{Workers: 2})
	<-src.in
	cause := errors.New("stopped")
	cancel(cause)
	src.out <- struct{}{}
	if _, err := r.Wait(); !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
	if _, err := r.Snapshot(); !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
}
