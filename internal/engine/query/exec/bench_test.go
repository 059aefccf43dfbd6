package exec_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// prepared is a Source of blocks that are decoded already: what remains is the
// work of the executor.
type prepared struct{ blocks []*preparedBlock }

func (p *prepared) ScanBlocks(_ context.Context, _ plan.Request, _ int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	for _, b := range p.blocks {
		if err := fn(0, b); err != nil {
			return plan.SourceStats{}, err
		}
	}
	return plan.SourceStats{}, nil
}

type preparedBlock struct {
	keys    []logs.Key
	streams []logs.StreamID
	fields  map[string]*column.Vector
	texts   column.Texts
}

func (b *preparedBlock) Group() logs.GroupID                 { return 1 }
func (b *preparedBlock) Len() int                            { return len(b.keys) }
func (b *preparedBlock) Sel() []uint32                       { return nil }
func (b *preparedBlock) Bytes() int64                        { return int64(len(b.texts.Data)) }
func (b *preparedBlock) Decoded() int64                      { return 0 }
func (b *preparedBlock) Keys() ([]logs.Key, error)           { return b.keys, nil }
func (b *preparedBlock) Streams() ([]logs.StreamID, error)   { return b.streams, nil }
func (b *preparedBlock) Ingestions() ([]int64, error)        { return nil, nil }
func (b *preparedBlock) Messages() (*column.Texts, error)    { return &b.texts, nil }
func (b *preparedBlock) Whole(rows column.Bitmap) error      { rows.Fill(len(b.keys)); return nil }
func (b *preparedBlock) Bounds(string) (column.Bounds, bool) { return column.Bounds{}, false }
func (b *preparedBlock) Span() (int64, int64) {
	return b.keys[0].Timestamp, b.keys[len(b.keys)-1].Timestamp
}

func (b *preparedBlock) Named(name string) (*column.Vector, error)     { return b.Field(name) }
func (b *preparedBlock) NamedBounds(name string) (column.Bounds, bool) { return b.Bounds(name) }

func (b *preparedBlock) Cut(_ *column.Glob, rows []uint32, _ *column.Cuts) ([]uint32, error) {
	return rows, nil
}

func (b *preparedBlock) Field(path string) (*column.Vector, error) {
	if v, ok := b.fields[path]; ok {
		return v, nil
	}
	return &column.Vector{Rows: len(b.keys)}, nil
}

func (b *preparedBlock) Rows(rows []uint32, dst *column.Texts) error {
	for _, r := range rows {
		dst.Append(b.texts.At(int(r)))
	}
	return nil
}

func (b *preparedBlock) Match(a column.Automaton, rows []uint32, hits column.Bitmap) error {
	for _, r := range rows {
		if a.Match(b.texts.At(int(r))) {
			hits.Set(int(r))
		}
	}
	return nil
}

func (b *preparedBlock) Find(needle []byte, hits column.Bitmap) error {
	row, at := 0, 0
	for {
		i := bytes.Index(b.texts.Data[at:], needle)
		if i < 0 {
			return nil
		}
		for at += i; int(b.texts.Ends[row]) <= at; row++ {
		}
		if at+len(needle) <= int(b.texts.Ends[row]) {
			hits.Set(row)
		}
		at++
	}
}

func dict(rng *rand.Rand, n, card int, format string) *column.Vector {
	v := &column.Vector{Kind: column.Dict, Rows: n, AllQuoted: true, IDs: make([]uint16, n)}
	for i := range card {
		v.Dict.Append(fmt.Appendf(nil, format, i))
	}
	for i := range v.IDs {
		v.IDs[i] = uint16(rng.IntN(card))
	}
	return v
}

// benchBlocks are blocks of 32K rows of service logs.
func benchBlocks(blocks int) (*prepared, int) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = column.MaxRows
	p := &prepared{}
	for k := range blocks {
		b := &preparedBlock{keys: make([]logs.Key, n), streams: make([]logs.StreamID, n), fields: map[string]*column.Vector{}}
		ms := &column.Vector{Kind: column.Fixed, Scale: 2, Rows: n, Ints: make([]int64, n)}
		status := &column.Vector{Kind: column.Int, Rows: n, Ints: make([]int64, n)}
		id := &column.Vector{Kind: column.Text, Rows: n, AllQuoted: true}
		msg := &column.Vector{Kind: column.Text, Rows: n, AllQuoted: true}
		for i := range n {
			b.keys[i] = logs.Key{Timestamp: int64(k*n+i) * 10, Seq: logs.Seq(i)}
			b.streams[i] = 1
			ms.Ints[i] = int64(rng.ExpFloat64() * 5000)
			status.Ints[i] = []int64{200, 200, 200, 200, 200, 404, 500}[rng.IntN(7)]
			id.Texts.Append(fmt.Appendf(nil, "/api/items/%08x", rng.IntN(1<<22)))
			msg.Texts.Append(fmt.Appendf(nil, "request to backend %d took %d ms and ended with code %d", rng.IntN(50), rng.IntN(900), rng.IntN(5)))
			b.texts.Append(fmt.Appendf(nil, `{"service":"svc","msg":"request to backend %d took %d ms, pad %040d"}`, rng.IntN(50), rng.IntN(900), i))
		}
		b.fields["ms"], b.fields["status"], b.fields["id"], b.fields["msg"] = ms, status, id, msg
		b.fields["service"] = dict(rng, n, 20, "service-%d")
		b.fields["level"] = dict(rng, n, 4, "LEVEL%d")
		b.fields["path"] = dict(rng, n, 4000, "/api/v1/things/%d")
		p.blocks = append(p.blocks, b)
	}
	return p, blocks * n
}

func BenchmarkQueries(b *testing.B) {
	count := plan.Agg{Func: plan.Count, As: "n"}
	by := func(name string) []plan.Named { return []plan.Named{{Expr: field(name), As: name}} }
	top := []plan.Step{
		plan.Sort{Keys: []plan.SortKey{{Expr: field("n"), Desc: true}}, Limit: 10},
	}
	for _, q := range []struct {
		name  string
		steps []plan.Step
	}{
		{"count by bin", []plan.Step{plan.Stats{By: []plan.Named{{Expr: plan.Bin{X: field(plan.Timestamp), Every: 60_000}, As: "t"}}, Aggs: []plan.Agg{count}}}},
		{"two field filter", []plan.Step{
			plan.Filter{Cond: plan.And{X: []plan.Expr{plan.Cmp{Op: plan.Eq, A: field("level"), B: plan.Str("LEVEL2")}, plan.Cmp{Op: plan.Ge, A: field("status"), B: plan.Num(500)}}}},
			plan.Stats{Aggs: []plan.Agg{count}}}},
		{"count avg p99 by service", []plan.Step{plan.Stats{By: by("service"), Aggs: []plan.Agg{count, {Func: plan.Avg, Arg: field("ms"), As: "a"}, {Func: plan.Pct, P: 99, Arg: field("ms"), As: "p"}}}}},
		{"top 10 path", append([]plan.Step{plan.Stats{By: by("path"), Aggs: []plan.Agg{count}}}, top...)},
		{"top 10 of many", append([]plan.Step{plan.Stats{By: by("id"), Aggs: []plan.Agg{count}}}, top...)},
		{"distinct of many", []plan.Step{plan.Stats{Aggs: []plan.Agg{{Func: plan.CountDistinct, Arg: field("id"), As: "d"}}}}},
		{"regex of dictionary", []plan.Step{plan.Filter{Cond: plan.Match{X: field("path"), Re: regexp.MustCompile(`/\d*7$`)}}, plan.Stats{Aggs: []plan.Agg{count}}}},
		{"regex of text", []plan.Step{plan.Filter{Cond: plan.Match{X: field("msg"), Re: regexp.MustCompile(`took \d\d ms`)}}, plan.Stats{Aggs: []plan.Agg{count}}}},
		{"regex of message", []plan.Step{plan.Filter{Cond: plan.Match{X: field(plan.Message), Re: regexp.MustCompile(`took \d\d ms`)}}, plan.Stats{Aggs: []plan.Agg{count}}}},
		{"regex without literal", []plan.Step{plan.Filter{Cond: plan.Match{X: field("msg"), Re: regexp.MustCompile(`[0-9]{3} (?i)MS`)}}, plan.Stats{Aggs: []plan.Agg{count}}}},
		{"text contains", []plan.Step{plan.Filter{Cond: plan.Contains{X: field("msg"), Sub: "backend 17 "}}, plan.Stats{Aggs: []plan.Agg{count}}}},
		{"newest 100", []plan.Step{plan.Sort{Keys: []plan.SortKey{{Expr: field(plan.Timestamp), Desc: true}}, Limit: 100}}},
		{"slowest 100", []plan.Step{plan.Sort{Keys: []plan.SortKey{{Expr: field("ms"), Desc: true}}, Limit: 100}}},
	} {
		b.Run(q.name, func(b *testing.B) {
			src, rows := benchBlocks(8)
			query, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 1 << 40}, Steps: q.steps})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if _, err := exec.Run(context.Background(), query, src, exec.Options{Workers: 1, Memory: 1 << 30}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
