package querytest

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

func field(name string) plan.Expr { return plan.Field{Name: name} }

// Generator makes random plans over the fields of Rows.
type Generator struct {
	Rand  *rand.Rand
	names []string // that exist at the step being made
}

func (g *Generator) field() plan.Expr { return field(pick(g.Rand, g.names...)) }

func (g *Generator) value() plan.Value {
	switch g.Rand.IntN(4) {
	case 0:
		return plan.NumberValue(pick(g.Rand, 200.0, 404, 500, 0, 1, -3, 0.1, 450.5, 9007199254740993))
	case 1:
		return plan.TextValue(pick(g.Rand, "200", "404", "-3", "7", "007"))
	}
	return plan.TextValue(pick(g.Rand, "ERROR", "INFO", "a/b", "true", "é", "u7", "x\ny", "", "n/a", "null", "[1,2]"))
}

func (g *Generator) scalar(depth int) plan.Expr {
	switch k := g.Rand.IntN(9); {
	case k < 4 || depth <= 0:
		return g.field()
	case k == 8:
		return plan.Extract{X: pick(g.Rand, field(plan.Message), g.field()), By: cutAt[g.Rand.IntN(len(cutAt))], Part: g.Rand.IntN(2)}
	case k == 4:
		return plan.Const{V: g.value()}
	case k == 5:
		return plan.Arith{Op: pick[plan.ArithOp](g.Rand, '+', '-', '*', '/', '%'), A: g.scalar(depth - 1), B: g.scalar(depth - 1)}
	case k == 6:
		return plan.Call{Func: function.Insights("toupper"), Args: []plan.Expr{g.scalar(depth - 1)}}
	}
	return plan.Call{Func: function.Insights("coalesce"), Args: []plan.Expr{g.scalar(depth - 1), g.scalar(depth - 1)}}
}

// cutAt cut texts in two.
var cutAt = []*plan.Extractor{cutter(`"user":"u`), cutter("0"), cutter(" ")}

func cutter(at string) *plan.Extractor {
	return &plan.Extractor{Name: "cut at " + strconv.Quote(at), Parts: 2, Literals: []string{at}, New: func() func([]byte, [][]byte) bool {
		return func(text []byte, out [][]byte) bool {
			before, after, ok := bytes.Cut(text, []byte(at))
			out[0], out[1] = before, after
			return ok
		}
	}}
}

var patterns = []*regexp.Regexp{regexp.MustCompile("ERR|WARN"), regexp.MustCompile(`^\d0\d$`), regexp.MustCompile("(?i)error"),
	regexp.MustCompile(`u\d+7`), regexp.MustCompile(""), regexp.MustCompile(`"user":"u1`), regexp.MustCompile("é+"),
	regexp.MustCompile(`took [0-9]{2,3} ms`), regexp.MustCompile(` 50[0-9] [0-9]+ `), regexp.MustCompile(`(?i)Worker-[1-3]: .* U\d`)}

func (g *Generator) cond(depth int) plan.Expr {
	switch k := g.Rand.IntN(10); {
	case k < 4:
		op := plan.CmpOp(g.Rand.IntN(6))
		if g.Rand.IntN(5) == 0 {
			return plan.Cmp{Op: op, A: g.scalar(1), B: g.scalar(1)}
		}
		return plan.Cmp{Op: op, A: g.field(), B: plan.Const{V: g.value()}}
	case k == 4:
		return plan.Contains{X: g.scalar(1), Sub: pick(g.Rand, "ERR", "R", "u1", "0", "é", "/", "", "x")}
	case k == 5:
		return plan.Match{X: g.scalar(1), Re: pick(g.Rand, patterns...)}
	case k == 6:
		return plan.In{X: g.field(), List: []plan.Value{g.value(), g.value()}[g.Rand.IntN(2):]}
	case k == 7:
		return plan.Present{X: g.scalar(1)}
	case depth <= 0:
		return plan.Cmp{Op: plan.Ge, A: field(plan.Timestamp), B: plan.Num(1_000_000 + float64(g.Rand.IntN(200_000)))}
	case k == 8:
		return plan.Not{X: g.cond(depth - 1)}
	}
	x := []plan.Expr{g.cond(depth - 1), g.cond(depth - 1), g.cond(depth - 1)}[g.Rand.IntN(2):]
	if g.Rand.IntN(2) == 0 {
		return plan.And{X: x}
	}
	return plan.Or{X: x}
}

func (g *Generator) stats() plan.Stats {
	var s plan.Stats
	for i := range g.Rand.IntN(3) {
		var e plan.Expr
		switch g.Rand.IntN(4) {
		case 0:
			e = plan.Bin{X: field(plan.Timestamp), Every: pick[int64](g.Rand, 1, 1000, 60_000, 3_600_000)}
		case 1:
			e = g.scalar(1)
		default:
			e = g.field()
		}
		s.By = append(s.By, plan.Named{Expr: e, As: "k" + strconv.Itoa(i)})
	}
	for i := range 1 + g.Rand.IntN(3) {
		a := plan.Agg{Func: plan.AggFunc(g.Rand.IntN(17)), Arg: g.scalar(1), P: pick(g.Rand, 0.0, 50, 90, 99.9, 100), As: "a" + strconv.Itoa(i)}
		if a.Func == plan.Count && g.Rand.IntN(2) == 0 {
			a.Arg = nil
		}
		if a.Func == plan.TopK {
			a.P = pick(g.Rand, 1.0, 3, 10_000)
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

func (g *Generator) sort() plan.Sort {
	s := plan.Sort{Limit: pick(g.Rand, 0, 1, 7, 50)}
	for range g.Rand.IntN(3) {
		s.Keys = append(s.Keys, plan.SortKey{Expr: g.scalar(1), Desc: g.Rand.IntN(2) == 0})
	}
	if len(s.Keys) == 0 {
		s.Keys = []plan.SortKey{{Expr: g.field(), Desc: true}}
	}
	return s
}

// Plan returns the next plan. Those with a Limit on events sort them first.
func (g *Generator) Plan() *plan.Plan {
	p := &plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1, 2}, Start: 0, End: 1 << 40}}
	if g.Rand.IntN(3) == 0 {
		p.Scan.Start, p.Scan.End = 1_030_000, 1_300_000
	}
	if g.Rand.IntN(4) == 0 {
		p.Scan.Streams = []logs.StreamID{1, 3, 12}
	}
	g.names = []string{"level", "status", "ms", "user", "mix", "http.ms", "http.code", "absent", "tags", "tags.0", "tags.1.k", "x.y", "@@x", "@x", "1.status", "bytes", "srcAddr", "@requestId", "@duration", "@memorySize", "@type", plan.Timestamp, plan.Message, plan.LogStream, plan.Ingestion}
	sorted := false
	for range 1 + g.Rand.IntN(5) {
		switch k := g.Rand.IntN(11); {
		case k == 10 && g.Rand.IntN(3) == 0:
			step := plan.Cluster{X: g.scalar(1), Values: g.Rand.IntN(2) == 0}
			p.Steps = append(p.Steps, step)
			g.names = step.Columns()
			sorted = true
		case k == 7:
			p.Steps = append(p.Steps, plan.Unnest{X: g.list(), As: "u"})
			g.names = append(g.names, "u")
		case k == 8:
			if g.Rand.IntN(3) == 0 {
				p.Steps = append(p.Steps, plan.Sort{Keys: g.sort().Keys})
			}
			if p.Steps = append(p.Steps, g.dedup()); g.Rand.IntN(2) == 0 {
				p.Steps = append(p.Steps, plan.Limit{N: 1 + g.Rand.IntN(30)})
			}
			sorted = true
		case k == 9:
			s := g.transform()
			p.Steps = append(p.Steps, s)
			if g.names = append(g.names, "r"); !s.Events {
				g.names = []string{"r", s.Reads[0]}
			}
			sorted = true
		case k < 3:
			p.Steps = append(p.Steps, plan.Filter{Cond: g.cond(2)})
		case k == 3:
			as := pick(g.Rand, "x", "y", "level")
			p.Steps = append(p.Steps, plan.Extend{Cols: []plan.Named{{Expr: g.scalar(2), As: as}, {Expr: g.scalar(1), As: "z"}}})
			g.names = append(g.names, as, "z")
		case k == 4:
			p.Steps = append(p.Steps, g.stats())
			sorted = true
		case k == 5:
			p.Steps = append(p.Steps, g.sort())
			sorted = true
		case sorted:
			p.Steps = append(p.Steps, plan.Limit{N: g.Rand.IntN(20)})
		default:
			cols := []plan.Named{{Expr: g.scalar(1), As: "p"}, {Expr: g.field(), As: "q"}}
			p.Steps = append(p.Steps, plan.Project{Cols: cols})
			g.names = []string{"p", "q"}
		}
	}
	return p
}
