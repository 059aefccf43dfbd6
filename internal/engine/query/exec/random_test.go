package exec_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func field(name string) plan.Expr { return plan.Field{Name: name} }

// randomRows are events of two groups; those of one group lie together.
func randomRows(rng *rand.Rand, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		f := map[string]string{}
		set := func(path string, oneIn int, t string) {
			if oneIn == 0 || rng.IntN(oneIn) > 0 {
				f[path] = t
			}
		}
		set("level", 10, pick(rng, `"INFO"`, `"INFO"`, `"WARN"`, `"ERROR"`, `"\u0045RROR"`, `"a\/b"`, `null`))
		set("status", 20, pick(rng, "200", "200", "404", "500", "503"))
		if i%3 == 0 {
			set("status", 2, pick(rng, `"200"`, `"404"`, `"n/a"`, "404.0", "9007199254740993"))
		}
		set("ms", 8, strconv.Itoa(rng.IntN(1000))+"."+fmt.Sprintf("%02d", rng.IntN(100)))
		set("user", 0, fmt.Sprintf("%q", fmt.Sprintf("u%d", rng.IntN(n))))
		set("mix", 2, pick(rng, "true", "false", `"true"`, "null", `"null"`, "[1,2]", `"[1,2]"`, "-3", `"-3"`, "1e3",
			`"x\ny"`, `""`, `"é"`, `"\u00e9"`, "0.1", "1e999", "01"[1:], `"007"`, "12345678901234567890"))
		rows[i] = row{
			Key:       logs.Key{Timestamp: 1_000_000 + int64(i)*700 + int64(rng.IntN(3000)), Seq: logs.MakeSeq(uint64(i+1), 0)},
			group:     1,
			stream:    logs.StreamID(1 + rng.IntN(3)),
			ingestion: int64(rng.IntN(5)),
			fields:    f,
		}
		if i >= n*2/3 {
			rows[i].group = 2
		}
	}
	return rows
}

type generator struct {
	rng   *rand.Rand
	names []string
}

func (g *generator) field() plan.Expr { return field(pick(g.rng, g.names...)) }

func (g *generator) value() plan.Value {
	switch g.rng.IntN(4) {
	case 0:
		return plan.NumberValue(pick(g.rng, 200.0, 404, 500, 0, 1, -3, 0.1, 450.5, 9007199254740993))
	case 1:
		return plan.TextValue(pick(g.rng, "200", "404", "-3", "7", "007"))
	}
	return plan.TextValue(pick(g.rng, "ERROR", "INFO", "a/b", "true", "é", "u7", "x\ny", "", "n/a", "null", "[1,2]"))
}

func (g *generator) scalar(depth int) plan.Expr {
	switch k := g.rng.IntN(8); {
	case k < 4 || depth <= 0:
		return g.field()
	case k == 4:
		return plan.Const{V: g.value()}
	case k == 5:
		return plan.Arith{Op: pick[plan.ArithOp](g.rng, '+', '-', '*', '/', '%'), A: g.scalar(depth - 1), B: g.scalar(depth - 1)}
	case k == 6:
		return plan.Call{Func: "toupper", Args: []plan.Expr{g.scalar(depth - 1)}}
	}
	return plan.Call{Func: "coalesce", Args: []plan.Expr{g.scalar(depth - 1), g.scalar(depth - 1)}}
}

var patterns = []*regexp.Regexp{regexp.MustCompile("ERR|WARN"), regexp.MustCompile(`^\d0\d$`), regexp.MustCompile("(?i)error"),
	regexp.MustCompile(`u\d+7`), regexp.MustCompile(""), regexp.MustCompile(`"user":"u1`), regexp.MustCompile("é+")}

func (g *generator) cond(depth int) plan.Expr {
	switch k := g.rng.IntN(10); {
	case k < 4:
		op := plan.CmpOp(g.rng.IntN(6))
		if g.rng.IntN(5) == 0 {
			return plan.Cmp{Op: op, A: g.scalar(1), B: g.scalar(1)}
		}
		return plan.Cmp{Op: op, A: g.field(), B: plan.Const{V: g.value()}}
	case k == 4:
		return plan.Contains{X: g.scalar(1), Sub: pick(g.rng, "ERR", "R", "u1", "0", "é", "/", "", "x")}
	case k == 5:
		return plan.Match{X: g.scalar(1), Re: pick(g.rng, patterns...)}
	case k == 6:
		return plan.In{X: g.field(), List: []plan.Value{g.value(), g.value()}[g.rng.IntN(2):]}
	case k == 7:
		return plan.Present{X: g.scalar(1)}
	case depth <= 0:
		return plan.Cmp{Op: plan.Ge, A: field(plan.Timestamp), B: plan.Num(1_000_000 + float64(g.rng.IntN(200_000)))}
	case k == 8:
		return plan.Not{X: g.cond(depth - 1)}
	}
	x := []plan.Expr{g.cond(depth - 1), g.cond(depth - 1), g.cond(depth - 1)}[g.rng.IntN(2):]
	if g.rng.IntN(2) == 0 {
		return plan.And{X: x}
	}
	return plan.Or{X: x}
}

func (g *generator) stats() plan.Stats {
	var s plan.Stats
	for i := range g.rng.IntN(3) {
		var e plan.Expr
		switch g.rng.IntN(4) {
		case 0:
			e = plan.Bin{X: field(plan.Timestamp), Every: pick[int64](g.rng, 1, 1000, 60_000, 3_600_000)}
		case 1:
			e = g.scalar(1)
		default:
			e = g.field()
		}
		s.By = append(s.By, plan.Named{Expr: e, As: "k" + strconv.Itoa(i)})
	}
	for i := range 1 + g.rng.IntN(3) {
		a := plan.Agg{Func: plan.AggFunc(g.rng.IntN(13)), Arg: g.scalar(1), P: pick(g.rng, 0.0, 50, 90, 99.9, 100), As: "a" + strconv.Itoa(i)}
		if a.Func == plan.Count && g.rng.IntN(2) == 0 {
			a.Arg = nil
		}
		s.Aggs = append(s.Aggs, a)
	}
	g.names = nil
	for _, b := range s.By {
		g.names = append(g.names, b.As)
	}
	for _, a := range s.Aggs {
		g.names = append(g.names, a.As)
	}
	return s
}

func (g *generator) sort() plan.Sort {
	s := plan.Sort{Limit: pick(g.rng, 0, 1, 7, 50)}
	for range g.rng.IntN(3) {
		s.Keys = append(s.Keys, plan.SortKey{Expr: g.scalar(1), Desc: g.rng.IntN(2) == 0})
	}
	if len(s.Keys) == 0 {
		s.Keys = []plan.SortKey{{Expr: g.field(), Desc: true}}
	}
	return s
}

func (g *generator) plan() *plan.Plan {
	p := &plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1, 2}, Start: 0, End: 1 << 40}}
	if g.rng.IntN(3) == 0 {
		p.Scan.Start, p.Scan.End = 1_030_000, 1_300_000
	}
	if g.rng.IntN(4) == 0 {
		p.Scan.Streams = []logs.StreamID{1, 3}
	}
	g.names = []string{"level", "status", "ms", "user", "mix", "absent", plan.Timestamp, plan.Message, plan.LogStream, plan.Ingestion}
	sorted := false
	for range 1 + g.rng.IntN(5) {
		switch k := g.rng.IntN(7); {
		case k < 3:
			p.Steps = append(p.Steps, plan.Filter{Cond: g.cond(2)})
		case k == 3:
			as := pick(g.rng, "x", "y", "level")
			p.Steps = append(p.Steps, plan.Extend{Cols: []plan.Named{{Expr: g.scalar(2), As: as}, {Expr: g.scalar(1), As: "z"}}})
			g.names = append(g.names, as, "z")
		case k == 4:
			p.Steps = append(p.Steps, g.stats())
			sorted = true
		case k == 5:
			p.Steps = append(p.Steps, g.sort())
			sorted = true
		case sorted:
			p.Steps = append(p.Steps, plan.Limit{N: g.rng.IntN(20)})
		default:
			cols := []plan.Named{{Expr: g.scalar(1), As: "p"}, {Expr: g.field(), As: "q"}}
			p.Steps = append(p.Steps, plan.Project{Cols: cols})
			g.names = []string{"p", "q"}
		}
	}
	return p
}

// TestAgreesWithNaiveEvaluation compares random plans over random events with
// an evaluation row by row, for several block sizes and numbers of workers.
func TestAgreesWithNaiveEvaluation(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		rows := randomRows(rng, 30+rng.IntN(300))
		g := &generator{rng: rng}
		p := g.plan()
		_, want := naive(p, rows)
		q, err := plan.Optimize(p)
		if err != nil {
			t.Fatalf("seed %d: %v\n%v", seed, err, p.Steps)
		}
		exact := ""
		for i, block := range []int{1, 7, 64, 1000} {
			src := &memory{rows: alignGroups(rows, block), block: block, seed: uint64(seed + i), all: rng.IntN(2) == 0}
			r, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 1 + (i+seed)%4})
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, q.Explain())
			}
			got := show(r.Rows)
			if exact == "" {
				exact = got
			}
			if got != exact {
				t.Fatalf("seed %d: block size %d changes the answer\nplan %v\n%s\ngot\n%s\nbefore\n%s", seed, block, p.Steps, q.Explain(), got, exact)
			}
			if d := differ(r.Rows, want); d != "" {
				t.Fatalf("seed %d block %d: %s\nplan %v\n%s\ngot\n%s\nwant\n%s", seed, block, d, p.Steps, q.Explain(), got, show(want))
			}
		}
	}
}

// alignGroups orders rows so that blocks hold one group each.
func alignGroups(rows []row, block int) []row {
	var out []row
	for _, g := range []logs.GroupID{1, 2} {
		var of []row
		for _, r := range rows {
			if r.group == g {
				of = append(of, r)
			}
		}
		if g == 1 && len(of)%block != 0 {
			of = of[:len(of):len(of)]
			// Pad with events that are outside every time range.
			for len(of)%block != 0 {
				of = append(of, row{Key: logs.Key{Timestamp: 1 << 41}, group: 1, stream: 99, fields: map[string]string{}})
			}
		}
		out = append(out, of...)
	}
	return out
}

func show(rows [][]plan.Value) string {
	var b []byte
	for _, r := range rows {
		for i := range r {
			if r[i].Kind == plan.Null {
				b = append(b, "-\t"...)
				continue
			}
			b = append(strconv.AppendQuote(b, string(r[i].AppendText(nil))), '\t')
		}
		b = append(b, '\n')
	}
	return string(b)
}

func differ(got, want [][]plan.Value) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if !slices.EqualFunc(got[i], want[i], func(a, b plan.Value) bool {
			if (a.Kind == plan.Null) != (b.Kind == plan.Null) {
				return false
			}
			if a.Kind == plan.Number && b.Kind == plan.Number {
				return math.Abs(a.Num-b.Num) <= 1e-12*math.Abs(b.Num)
			}
			return string(a.AppendText(nil)) == string(b.AppendText(nil))
		}) {
			return fmt.Sprintf("row %d differs", i)
		}
	}
	return ""
}
