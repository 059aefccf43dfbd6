package sqlexpr

import (
	"regexp"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// BenchmarkFunctions computes functions for one row; none may allocate.
func BenchmarkFunctions(b *testing.B) {
	n, s, at := plan.NumberValue(12), plan.TextValue("worker-12 took 30 ms"), plan.TextValue("2025-10-05 13:45:07.123")
	set := NewSet([]plan.Value{plan.TextValue("a"), plan.TextValue("b"), n})
	for name, c := range map[string]struct {
		f    *plan.Function
		args []plan.Value
	}{
		"cmp":       {cmp3("<"), []plan.Value{n, s}},
		"and":       {logic3("and"), []plan.Value{Truth(true), Truth(true), {}}},
		"in":        {in3(set), []plan.Value{s}},
		"case":      {caseWhen(), []plan.Value{Truth(false), n, Truth(true), s, {}}},
		"like":      {match3(regexp.MustCompile(`(?s)\Aworker.*ms\z`)), []plan.Value{s}},
		"likeby":    {dynamicLike(&Like{Op: "like"}), []plan.Value{s, plan.TextValue("worker%")}},
		"order":     {orderKey(), []plan.Value{s}},
		"timestamp": {asTimestamp(), []plan.Value{at}},
		"shift":     {addInterval("month", 1), []plan.Value{at, n}},
		"span":      {spanOf(5, "minute", "x"), []plan.Value{at}},
		"string":    {castTo("string"), []plan.Value{n}},
		"shown":     {shown(), []plan.Value{Truth(true)}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			consts := make([]*plan.Value, len(c.args))
			eval := c.f.Eval
			if c.f.Bind != nil {
				var err error
				if eval, err = c.f.Bind(consts); err != nil {
					b.Fatal(err)
				}
			}
			a := &plan.Arena{}
			for b.Loop() {
				eval(c.args, a)
				a.Bytes = a.Bytes[:0]
			}
		})
	}
}
