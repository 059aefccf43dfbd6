package querytest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// patternMaker makes JSON patterns about the fields and values of rows.
type patternMaker struct {
	*rand.Rand
	paths  []string
	values []string // as they are written in JSON
}

func (g *patternMaker) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *patternMaker) selector() string {
	s := "$." + g.pick(g.paths...)
	switch g.IntN(10) {
	case 0:
		s += "[0]"
	case 1:
		s += "[*]"
	case 2:
		s = "$." + g.pick("http", "nothing", "http.*")
	}
	return s
}

func (g *patternMaker) operand() string {
	v := g.values[g.IntN(len(g.values))]
	text, err := strconv.Unquote(v)
	if err != nil {
		text = v
	}
	n := len(text) / 2
	switch g.IntN(6) {
	case 0:
		return g.pick("1", "200", "404", "-3", "500.5", "1e3", "0.1")
	case 1:
		return g.pick("4*", "*0", "true", "*", "u1*")
	case 2:
		return g.pick(`%^[0-9]+$%`, "%R%", "%^u1%")
	case 3:
		return strconv.Quote(text[:n] + "*")
	case 4:
		return strconv.Quote("*" + text[n:])
	}
	return strconv.Quote(text)
}

func (g *patternMaker) cond(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		return "(" + g.cond(depth-1) + g.pick(" && ", " || ") + g.cond(depth-1) + ")"
	}
	s := g.selector()
	switch g.IntN(8) {
	case 0:
		return s + " NOT EXISTS"
	case 1:
		return s + " IS " + g.pick("NULL", "TRUE", "FALSE")
	case 2, 3:
		return s + g.pick(" < ", " <= ", " > ", " >= ") + g.pick("1", "200", "404", "-3", "500.5", "1e3", "0.1")
	}
	return s + g.pick(" = ", " != ") + g.operand()
}

// TestColumnsAgreeWithMessages: JSON patterns are answered from columns as the messages say, by scans and by the executor.
func TestColumnsAgreeWithMessages(t *testing.T) {
	patterns := 250
	if testing.Short() {
		patterns = 60
	}
	for name, form := range map[string]querytest.Form{"json": querytest.JSON, "mixed": querytest.Mixed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			rng := rand.New(rand.NewPCG(21, uint64(form)))
			rows := querytest.Rows(rng, 6000, form)
			put(t, s, rows[:5000])
			settle(t, s.Flush)
			put(t, s, rows[5000:])
			g := patternMaker{Rand: rng}
			for i := range rows {
				for p, v := range rows[i].Fields {
					if !slices.Contains(g.paths, p) {
						g.paths = append(g.paths, p)
					}
					if len(g.values) < 500 {
						g.values = append(g.values, v)
					}
				}
			}
			slices.Sort(g.paths)
			slices.Sort(g.values)
			skipped, hits := int64(0), 0
			for range patterns {
				text := "{ " + g.cond(2) + " }"
				p, err := pattern.Parse(text)
				if err != nil {
					continue
				}
				m := p.Compile()
				var want []string
				for i := range rows {
					if rows[i].Group == 1 && m.Match([]byte(rows[i].Message())) {
						want = append(want, rows[i].Message())
					}
				}
				slices.Sort(want)
				hits += len(want)
				for _, need := range []bool{false, true} {
					q := store.Query{Group: 1, End: 1 << 50, Columns: m.Columns(), Match: m.Match}
					if need {
						q.Need = p.Need()
					}
					var got []string
					st, err := s.Scan(t.Context(), q, func(e logs.Event) bool { got = append(got, string(e.Message)); return true })
					if err != nil {
						t.Fatal(err)
					}
					skipped += st.Bytes - st.DecodedBytes
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Fatalf("%s: %d events, want %d; only in one of them: %s", text, len(got), len(want), firstDifference(got, want))
					}
				}
				for _, workers := range []int{1, 4} {
					if got := countMatches(t, s, p, m, workers); got != len(want) {
						t.Fatalf("%s: the executor counts %d, want %d", text, got, len(want))
					}
				}
			}
			if hits == 0 || skipped <= 0 {
				t.Errorf("%d events matched, %d bytes were not read: the test shows little", hits, skipped)
			}
		})
	}
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%q and %q", a[i], b[i])
		}
	}
	return strings.Join(append(a, b...)[min(len(a), len(b)):][:1], "")
}

// countMatches counts the events of group 1 that match, by the executor.
func countMatches(t *testing.T, s *store.Store, p *pattern.Pattern, m *pattern.Matcher, workers int) int {
	t.Helper()
	q, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 1 << 50}, Steps: []plan.Step{
		plan.Filter{Cond: plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}},
		plan.Stats{Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(q.Explain(), "matches ") {
		t.Fatalf("the plan does not tell of the pattern:\n%s", q.Explain())
	}
	r, err := exec.Run(t.Context(), q, source{s}, exec.Options{Workers: workers})
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	n, _ := r.Rows[0][0].Float()
	return int(n)
}
