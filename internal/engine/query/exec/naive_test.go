package exec_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/logs"
)

type row = querytest.Row

var (
	naive  = querytest.Naive
	show   = querytest.Show
	differ = querytest.Differ
)

func field(name string) plan.Expr { return plan.Field{Name: name} }

// TestAgreesWithNaiveEvaluation compares random plans over random events with
// an evaluation row by row, for several block sizes and numbers of workers.
func TestAgreesWithNaiveEvaluation(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for seed := range rounds {
		agrees(t, uint64(seed))
	}
}

// FuzzPlans runs the plans of more seeds.
func FuzzPlans(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(agrees)
}

func agrees(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	rows := querytest.Rows(rng, 30+rng.IntN(300), querytest.JSON)
	g := &querytest.Generator{Rand: rng}
	p := g.Plan()
	_, want := naive(p, rows)
	q, err := plan.Optimize(p)
	if err != nil {
		t.Fatalf("seed %d: %v\n%v", seed, err, p.Steps)
	}
	exact := ""
	for i, block := range []int{1, 7, 64, 1000} {
		src := &memory{rows: alignGroups(rows, block), block: block, seed: seed + uint64(i), all: rng.IntN(2) == 0}
		r, err := exec.Run(context.Background(), q, src, exec.Options{Workers: 1 + int((uint64(i)+seed)%4)})
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

// alignGroups orders rows so that blocks hold one group each.
func alignGroups(rows []row, block int) []row {
	var out []row
	for _, g := range []logs.GroupID{1, 2} {
		var of []row
		for _, r := range rows {
			if r.Group == g {
				of = append(of, r)
			}
		}
		if g == 1 && len(of)%block != 0 {
			of = of[:len(of):len(of)]
			// Pad with events that are outside every time range.
			for len(of)%block != 0 {
				of = append(of, row{Key: logs.Key{Timestamp: 1 << 41}, Group: 1, Stream: 99, Fields: map[string]string{}})
			}
		}
		out = append(out, of...)
	}
	return out
}
