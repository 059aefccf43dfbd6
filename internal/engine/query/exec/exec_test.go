package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

func optimize(t *testing.T, steps ...plan.Step) *plan.Query {
	t.Helper()
	q, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 1 << 40}, Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func plainRows(n int, fields func(i int) map[string]string) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{Key: logs.Key{Timestamp: int64(i) * 1000, Seq: logs.MakeSeq(1, i)}, Group: 1, Stream: 1, Fields: fields(i)}
	}
	return rows
}

var countRows = plan.Stats{Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}}

func numbered(i int) map[string]string {
	return map[string]string{"i": strconv.Itoa(i), "s": fmt.Sprintf("%q", "value "+strconv.Itoa(i))}
}

// TestStatsAreTrue compares the statistics of a run with counts made by hand.
func TestStatsAreTrue(t *testing.T) {
	rows := plainRows(1000, numbered)
	q := optimize(t, plan.Filter{Cond: plan.And{X: []plan.Expr{
		plan.Cmp{Op: plan.Lt, A: field("i"), B: plan.Num(150)},
		plan.Contains{X: field("s"), Sub: "7"},
	}}}, countRows)
	var want []exec.StepStats
	sevens := int64(0)
	for i := range 150 {
		if strings.Contains(strconv.Itoa(i), "7") {
			sevens++
		}
	}
	src := &memory{rows: rows, block: 100, seed: 1, all: true}
	r, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Stats
	// Blocks 2 to 9 are excluded by bounds where the source knows them.
	read := s.Blocks - s.BlocksSkippedBounds
	if s.Blocks != 10 || s.BlocksSkippedBounds == 0 || read < 2 || s.RowsScanned != 100*read || s.RowsSkipped != 1000-s.RowsScanned {
		t.Errorf("%+v", s)
	}
	bytes := int64(0)
	for i := range rows {
		bytes += int64(len(rows[i].Message()))
	}
	if s.BytesScanned+s.BytesSkipped != bytes {
		t.Errorf("%d bytes scanned and %d skipped of %d", s.BytesScanned, s.BytesSkipped, bytes)
	}
	if s.RowsMatched != sevens || s.BytesDecoded == 0 || s.MemoryPeak == 0 {
		t.Errorf("%+v, want %d matched", s, sevens)
	}
	want = []exec.StepStats{
		{Step: "where (i < 150)", RowsIn: s.RowsScanned, RowsOut: 150},
		{Step: `where (s contains "7")`, RowsIn: 150, RowsOut: sevens},
		{Step: "stats count(*) as n", RowsIn: sevens, RowsOut: 1},
	}
	if d := cmp.Diff(want, s.Steps); d != "" {
		t.Error(d)
	}
}

// TestBinsFromHeaders: a block within one bin is counted without decoding anything.
func TestBinsFromHeaders(t *testing.T) {
	rows := plainRows(600, numbered)
	q := optimize(t, plan.Stats{By: []plan.Named{{Expr: plan.Bin{X: field(plan.Timestamp), Every: 100_000}, As: "t"}}, Aggs: countRows.Aggs})
	r, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 50}, exec.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stats.BlocksCounted != 12 || r.Stats.BytesDecoded != 0 || len(r.Rows) != 6 || r.Rows[5][1].Num != 100 {
		t.Errorf("%+v\n%s", r.Stats, show(r.Rows))
	}
	if r, err = exec.Run(context.Background(), q, &memory{rows: rows, block: 300}, exec.Options{Workers: 2}); err != nil {
		t.Fatal(err)
	}
	if r.Stats.BlocksCounted != 0 || len(r.Rows) != 6 || r.Rows[5][1].Num != 100 {
		t.Errorf("%+v\n%s", r.Stats, show(r.Rows))
	}
}

// TestMessagesAreReadLate: only the messages of returned rows are decoded.
func TestMessagesAreReadLate(t *testing.T) {
	q := optimize(t, plan.Filter{Cond: plan.Cmp{Op: plan.Eq, A: field("i"), B: plan.Num(17)}})
	rows := plainRows(1000, numbered)
	src := &memory{rows: rows, block: 1000}
	r, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || string(r.Rows[0][1].Text) != rows[17].Message() || r.Events[0].Key != rows[17].Key {
		t.Fatal(show(r.Rows))
	}
	if most := int64(1000*8 + 16*1000 + 5000 + len(rows[17].Message())); r.Stats.BytesDecoded > most {
		t.Errorf("%d bytes decoded, want at most %d", r.Stats.BytesDecoded, most)
	}
}

// TestNewestRowsSkipOlderBlocks has a source that does not look at Order and Skip.
func TestNewestRowsSkipOlderBlocks(t *testing.T) {
	rows := plainRows(5000, numbered)
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 { // the newest block first
		rows[i], rows[j] = rows[j], rows[i]
	}
	for _, desc := range []bool{true, false} {
		q := optimize(t, plan.Sort{Keys: []plan.SortKey{{Expr: field(plan.Timestamp), Desc: desc}}, Limit: 10})
		r, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 100, seed: 3}, exec.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := int64(4999)
		if !desc {
			want = 0
		} else if r.Stats.BlocksSkippedOrder != 49 {
			t.Errorf("%d blocks skipped, want 49", r.Stats.BlocksSkippedOrder)
		}
		if len(r.Rows) != 10 || r.Events[0].Timestamp != want*1000 {
			t.Errorf("desc %v: %d rows from %d", desc, len(r.Rows), r.Events[0].Timestamp)
		}
	}
}

// TestStepsOfElements counts rows before and after an Unnest and its conditions.
func TestStepsOfElements(t *testing.T) {
	rows := plainRows(100, func(i int) map[string]string {
		if i%2 == 0 {
			return map[string]string{"i": strconv.Itoa(i)}
		}
		return map[string]string{"i": strconv.Itoa(i), "list": `[1,"a",3]`}
	})
	q := optimize(t, plan.Unnest{X: field("list"), As: "x"}, plan.Filter{Cond: plan.Cmp{Op: plan.Gt, A: field("x"), B: plan.Num(1)}},
		plan.Filter{Cond: plan.Cmp{Op: plan.Lt, A: field("i"), B: plan.Num(50)}}, plan.Stats{Aggs: []plan.Agg{countRows.Aggs[0], {Func: plan.Max, Arg: field("x"), As: "m"}}})
	r, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 30}, exec.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	scanned := r.Stats.RowsScanned
	if show(r.Rows) != "\"25\"\t\"3\"\t\n" || r.Stats.RowsMatched != 25 {
		t.Errorf("%+v\n%s", r.Stats, show(r.Rows))
	}
	lists := int64(25)
	if r.Stats.Steps[0].Step == "where present(list)" {
		lists = r.Stats.Steps[0].RowsOut
	}
	want := []exec.StepStats{
		{Step: "where present(list)", RowsIn: scanned, RowsOut: lists},
		{Step: "where (i < 50)", RowsIn: lists, RowsOut: 25},
		{Step: "unnest list as x#1", RowsIn: 25, RowsOut: 75},
		{Step: "where (x#1 > 1)", RowsIn: 75, RowsOut: 25},
		{Step: "stats count(*) as n, max(x#1) as m", RowsIn: 25, RowsOut: 1},
	}
	if d := cmp.Diff(want, r.Stats.Steps); d != "" {
		t.Error(d)
	}
}

// TestSortsSkipBlocks: blocks whose numbers come after those that a sort keeps are
// not read.
func TestSortsSkipBlocks(t *testing.T) {
	rows := plainRows(5000, numbered)
	for name, steps := range map[string][]plan.Step{
		"sort":  {plan.Sort{Keys: []plan.SortKey{{Expr: field("i"), Desc: true}}, Limit: 10}},
		"dedup": {plan.Sort{Keys: []plan.SortKey{{Expr: field("i"), Desc: true}}}, plan.Dedup{Keys: []plan.Expr{field("s")}, N: 1}, plan.Limit{N: 10}},
	} {
		p := &plan.Plan{Scan: optimize(t).Request.Scan, Steps: steps}
		r, err := exec.Run(context.Background(), optimize(t, steps...), &memory{rows: rows, block: 100, seed: 1}, exec.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, want := naive(p, rows); differ(r.Rows, want) != "" {
			t.Errorf("%s: the answer is wrong", name)
		}
		if r.Stats.BlocksSkippedOrder < 20 {
			t.Errorf("%s: %d blocks of 50 are skipped", name, r.Stats.BlocksSkippedOrder)
		}
	}
}

// TestManyRowsByAge has blocks of more than one batch whose rows are not in order.
func TestManyRowsByAge(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	rows := plainRows(9000, numbered)
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for _, limit := range []int{1, 100, 5000, 0} {
		for _, desc := range []bool{true, false} {
			p := &plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 1 << 40}, Steps: []plan.Step{
				plan.Filter{Cond: plan.Contains{X: field("s"), Sub: "1"}},
				plan.Sort{Keys: []plan.SortKey{{Expr: field(plan.Timestamp), Desc: desc}}, Limit: limit},
				plan.Project{Cols: []plan.Named{{Expr: field("i"), As: "i"}}},
			}}
			q, err := plan.Optimize(p)
			if err != nil {
				t.Fatal(err)
			}
			r, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 4500}, exec.Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			if _, want := naive(p, rows); show(r.Rows) != show(want) {
				t.Errorf("limit %d desc %v differs", limit, desc)
			}
		}
	}
}

func TestLimitStopsEarly(t *testing.T) {
	rows := plainRows(5000, numbered)
	for _, n := range []int{0, 1, 250, 6000} {
		q := optimize(t, plan.Limit{N: n})
		r, err := exec.Run(context.Background(), q, &memory{rows: rows, block: 100}, exec.Options{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Rows) != min(n, 5000) || r.Stats.Blocks > int64(n/100+4) {
			t.Errorf("limit %d: %d rows of %d blocks", n, len(r.Rows), r.Stats.Blocks)
		}
	}
}

// TestMemoryIsBounded: whatever holds memory fails with ErrMemory when it passes
// the quota, and works with more.
func TestMemoryIsBounded(t *testing.T) {
	rows := plainRows(20_000, numbered)
	s := field("s")
	agg := func(f plan.AggFunc, by ...plan.Named) plan.Step {
		return plan.Stats{By: by, Aggs: []plan.Agg{{Func: f, Arg: s, P: 50, As: "a"}}}
	}
	long := plan.Call{Func: function.Insights("concat"), Args: []plan.Expr{field(plan.Message), field(plan.Message), field(plan.Message), field(plan.Message)}}
	for name, steps := range map[string][]plan.Step{
		"groups":   {agg(plan.Count, plan.Named{Expr: s, As: "s"})},
		"distinct": {agg(plan.CountDistinct, plan.Named{Expr: plan.Arith{Op: '%', A: field("i"), B: plan.Num(50)}, As: "k"})},
		"numbers":  {plan.Stats{Aggs: []plan.Agg{{Func: plan.Pct, Arg: field("i"), P: 50, As: "a"}}}},
		"sort":     {plan.Sort{Keys: []plan.SortKey{{Expr: s}}}},
		"top":      {plan.Sort{Keys: []plan.SortKey{{Expr: s}}, Limit: 10_000}},
		"limit":    {plan.Limit{N: 10_000}},
		"values":   {plan.Stats{Aggs: []plan.Agg{{Func: plan.Values, Arg: s, As: "a"}}}},
		"most":     {plan.Stats{Aggs: []plan.Agg{{Func: plan.TopK, P: 3, Arg: s, As: "a"}}}},
		"dedup":    {plan.Dedup{Keys: []plan.Expr{s}, N: 1}},
		"unnest":   {plan.Unnest{X: s, As: "u"}, plan.Dedup{Keys: []plan.Expr{field("u")}, N: 1}},
		"list":     {plan.Unnest{X: plan.Const{V: plan.Value{Kind: plan.List, Text: []byte("[" + strings.Repeat("1,", 3000) + "1]")}}, As: "u"}, plan.Limit{N: 1}, countRows},
		"all":      {plan.Transform{Name: "all", All: true, Columns: func(in []string) []string { return in }, Apply: func(_ context.Context, in *plan.Rows) (*plan.Rows, error) { return in, nil }}},
		"grows": {countRows, plan.Transform{Name: "grows", All: true, Columns: func(in []string) []string { return in },
			Apply: func(_ context.Context, in *plan.Rows) (*plan.Rows, error) { return in, in.Grow(1 << 20) }}},
		"patterns": {plan.Cluster{X: plan.Arith{Op: '+', A: field("i"), B: plan.Num(1)}}},
		"texts":    {plan.Stats{Aggs: []plan.Agg{{Func: plan.Latest, Arg: long, As: "a"}}}},
	} {
		q := optimize(t, steps...)
		src := &memory{rows: rows, block: 5000}
		_, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 2, Memory: 30 << 10})
		if !errors.Is(err, exec.ErrMemory) || !strings.Contains(err.Error(), "its share is") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 2, Memory: 256 << 20}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancel(t *testing.T) {
	rows := plainRows(2000, numbered)
	cause := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	q := optimize(t, countRows)
	if _, err := exec.Run(ctx, q, &memory{rows: rows, block: 100}, exec.Options{}); !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Nanosecond)
	defer stop()
	<-ctx.Done()
	if _, err := exec.Run(ctx, q, &memory{rows: rows, block: 100}, exec.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
}

// failing is a source whose blocks cannot be read.
type failing struct{ memory }

type failingBlock struct{ plan.Block }

var errDisk = errors.New("the disk is gone")

func (failingBlock) Keys() ([]logs.Key, error) { return nil, errDisk }

func (f *failing) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	return f.memory.ScanBlocks(ctx, r, workers, func(w int, b plan.Block) error { return fn(w, failingBlock{b}) })
}

func TestErrorsOfBlocksEndTheQuery(t *testing.T) {
	src := &failing{memory{rows: plainRows(100, numbered), block: 10}}
	q := optimize(t, plan.Stats{By: []plan.Named{{Expr: field(plan.Timestamp), As: "t"}}, Aggs: countRows.Aggs})
	if _, err := exec.Run(context.Background(), q, src, exec.Options{}); !errors.Is(err, errDisk) {
		t.Errorf("%v", err)
	}
}

// damaged is a source of which some blocks fail at the last moment; it leaves them out.
type damaged struct{ memory }

type damagedBlock struct{ plan.Block }

func (d damagedBlock) Rows([]uint32, *column.Texts) error { return errDisk }
func (d damagedBlock) Messages() (*column.Texts, error)   { return nil, errDisk }
func (d damagedBlock) Field(path string) (*column.Vector, error) {
	if path == "s" {
		return nil, errDisk
	}
	return d.Block.Field(path)
}
func (d damagedBlock) Named(name string) (*column.Vector, error) { return d.Field(name) }

func (d *damaged) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	return d.memory.ScanBlocks(ctx, r, workers, func(w int, b plan.Block) error {
		if first, _ := b.Span(); first/100_000%2 == 0 {
			return fn(w, b)
		}
		if err := fn(w, damagedBlock{b}); !errors.Is(err, errDisk) {
			return err
		}
		return nil
	})
}

// TestDamagedBlocksLeaveNoTrace compares with the answer from the whole blocks alone.
func TestDamagedBlocksLeaveNoTrace(t *testing.T) {
	rows := plainRows(1000, numbered)
	var whole []row
	for _, r := range rows {
		if r.Timestamp/100_000%2 == 0 {
			whole = append(whole, r)
		}
	}
	by := []plan.Named{{Expr: field("i"), As: "i"}}
	sort := func(name string, desc bool, limit int) plan.Step {
		return plan.Sort{Keys: []plan.SortKey{{Expr: field(name), Desc: desc}}, Limit: limit}
	}
	for name, step := range map[string]plan.Step{
		"stats":    plan.Stats{By: by, Aggs: []plan.Agg{countRows.Aggs[0], {Func: plan.Latest, Arg: field("s"), As: "l"}}},
		"messages": plan.Stats{By: by, Aggs: []plan.Agg{countRows.Aggs[0], {Func: plan.Max, Arg: field(plan.Message), As: "l"}}},
		"newest":   sort(plan.Timestamp, true, 130),
		"smallest": sort("i", false, 130),
		"all":      sort("i", true, 0),
		"any":      plan.Limit{N: 2000},
		"dedup":    plan.Dedup{Keys: []plan.Expr{plan.Arith{Op: '%', A: field("i"), B: plan.Num(7)}}, N: 20},
		"patterns": plan.Cluster{X: field("s")},
	} {
		q := optimize(t, step)
		want, err := exec.Run(context.Background(), q, &memory{rows: whole, block: 100}, exec.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Run(context.Background(), q, &damaged{memory{rows: rows, block: 100}}, exec.Options{Workers: 2})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if show(got.Rows) != show(want.Rows) {
			t.Errorf("%s: got %d rows\n%.300s\nwant %d\n%.300s", name, len(got.Rows), show(got.Rows), len(want.Rows), show(want.Rows))
		}
		if name == "newest" || name == "smallest" || name == "dedup" {
			continue // whether a damaged block is noticed depends on which rows came before
		}
		if got.Stats.RowsScanned != want.Stats.RowsScanned || got.Stats.RowsMatched != want.Stats.RowsMatched {
			t.Errorf("%s: %d rows scanned and %d matched, want %d and %d", name, got.Stats.RowsScanned, got.Stats.RowsMatched, want.Stats.RowsScanned, want.Stats.RowsMatched)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	for name, p := range map[string]*plan.Plan{
		"no groups":  {Scan: plan.Scan{End: 10}},
		"no time":    {Scan: plan.Scan{Groups: []logs.GroupID{1}}},
		"no streams": {Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 10, Streams: []logs.StreamID{}}},
		"never":      {Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 10}, Steps: []plan.Step{plan.Filter{Cond: plan.Num(0)}}},
	} {
		p.Steps = append(p.Steps, countRows)
		q, err := plan.Optimize(p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := exec.Run(context.Background(), q, nil, exec.Options{})
		if err != nil || len(r.Rows) != 1 || r.Rows[0][0].Num != 0 {
			t.Errorf("%s: %v %v", name, r, err)
		}
	}
}
