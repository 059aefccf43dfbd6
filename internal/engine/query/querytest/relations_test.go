package querytest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// queryMaker makes random parts of Logs Insights queries about the fields of rows.
type queryMaker struct{ *rand.Rand }

func (g queryMaker) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g queryMaker) field() string {
	return g.pick("level", "status", "ms", "http.ms", "http.code", "user", "mix", "mix.0", "tags.0", "absent", "level", "status", "@message", "@logStream")
}

func (g queryMaker) literal() string {
	return g.pick("200", "404", "-3", "0", "500.5", "1e3", `"200"`, `"ERROR"`, `"INFO"`, `"u1"`, `""`, `"true"`, "true", "false", `"é"`, `"n/a"`, `"007"`, `"x\ny"`)
}

// value makes an expression.
func (g queryMaker) value(depth int) string {
	if depth <= 0 || g.IntN(3) == 0 {
		if g.IntN(4) == 0 {
			return g.literal()
		}
		return g.field()
	}
	x := g.value(depth - 1)
	switch g.IntN(14) {
	case 0:
		return "strlen(" + x + ")"
	case 1:
		return "toupper(" + x + ")"
	case 2:
		return "coalesce(" + x + ", " + g.value(depth-1) + ")"
	case 3:
		return "substr(" + x + ", " + g.pick("0", "1", "3") + ")"
	case 4:
		return "concat(" + x + ", " + g.value(depth-1) + ")"
	case 5:
		return "abs(" + x + ")"
	case 6:
		return "replace(" + x + `, "R", "")`
	case 7:
		return "floor(" + g.field() + g.pick(" / ", " * ", " + ", " - ", " % ") + g.pick("7", "100", "0.5", g.field()) + ")"
	case 8:
		return "if(" + g.cond(0) + ", " + x + ", " + g.value(0) + ")"
	case 9:
		return "trim(" + x + ")"
	case 10:
		return "toMillis(@timestamp) % " + g.pick("2", "7", "1000")
	case 11:
		return "greatest(" + x + ", " + g.value(0) + ")"
	case 12:
		return "jsonParse(@message).level"
	}
	return "regexReplace(" + x + `, /[0-9]+/, "#")`
}

// cond makes a condition.
func (g queryMaker) cond(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		switch g.IntN(5) {
		case 0:
			return "not (" + g.cond(depth-1) + ")"
		case 1, 2:
			return "(" + g.cond(depth-1) + " and " + g.cond(depth-1) + ")"
		}
		return "(" + g.cond(depth-1) + " or " + g.cond(depth-1) + ")"
	}
	x := g.field()
	if g.IntN(3) == 0 {
		x = g.value(2)
	}
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		y := g.literal()
		if g.IntN(5) == 0 {
			y = g.value(1)
		}
		return x + g.pick(" = ", " != ", " < ", " <= ", " > ", " >= ") + y
	case 4:
		return x + g.pick(" like ", " not like ") + g.pick(`"ERR"`, `"R"`, `"u1"`, `""`, `"0"`, `"é"`, `"took"`)
	case 5:
		return x + g.pick(" like ", " not like ", " =~ ") + g.pick("/ERR|WARN/", "/^[0-9]+$/", "/(?i)error/", "/u[0-9]+7/", "/worker-[1-3]/")
	case 6:
		return x + g.pick(" in ", " not in ") + "[" + g.literal() + ", " + g.literal() + "]"
	case 7:
		return "ispresent(" + x + ")"
	case 8:
		return g.pick("isempty(", "isblank(") + x + ")"
	}
	return g.pick("strcontains(", "startsWith(", "endsWith(") + x + ", " + g.pick(`"E"`, `"u"`, `"0"`) + ")"
}

// asker asks queries of all of a store.
type asker struct {
	store   *store.Store
	workers int
}

// refused tells a query that the checker refuses, which random ones may be.
type refused struct{ error }

func (a *asker) ask(t *testing.T, text string) (*exec.Result, error) {
	t.Helper()
	q, err := insightsql.Parse(text)
	if err != nil {
		return nil, refused{err}
	}
	compiled, err := q.Compile(t.Context(), insightsql.Env{
		End: 1 << 50, Limit: 100_000,
		StreamName: func(id logs.StreamID) string { return fmt.Sprint("s", id) },
		GroupName:  func(id logs.GroupID) string { return fmt.Sprint("g", id) },
		StreamIDs: func(name string) []logs.StreamID {
			var id logs.StreamID
			if _, err := fmt.Sscanf(name, "s%d", &id); err != nil || fmt.Sprint("s", id) != name {
				return nil
			}
			return []logs.StreamID{id}
		},
		GroupIDs: func(string) []logs.GroupID { return nil },
	})
	if err != nil {
		return nil, err
	}
	query, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1, 2}, End: 1 << 50}, Steps: compiled.Steps})
	if err != nil {
		return nil, err
	}
	return exec.Run(t.Context(), query, source{a.store}, exec.Options{Workers: a.workers})
}

// number asks for one number; nothing counts as 0.
func (a *asker) number(t *testing.T, text string) (int, error) {
	t.Helper()
	r, err := a.ask(t, text)
	if err != nil {
		return 0, err
	}
	if len(r.Rows) == 0 {
		return 0, nil
	}
	f, _ := r.Rows[0][len(r.Rows[0])-1].Float()
	return int(f), nil
}

// TestConditionsAgree: how many events a condition holds for does not depend on the way it is asked. Ways that go through the indexes and
// columns of the store, and ways that compute it of each row, give the same.
func TestConditionsAgree(t *testing.T) {
	conditions := 120
	if testing.Short() {
		conditions = 20
	}
	for name, form := range map[string]querytest.Form{"json": querytest.JSON, "text": querytest.Text, "mixed": querytest.Mixed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, total := scattered(t, form)
			g := queryMaker{rand.New(rand.NewPCG(31, uint64(form)))}
			asked, held := 0, 0
			for range conditions {
				p := g.cond(3)
				a.workers = 1 + g.IntN(4)
				want, err := a.number(t, "filter "+p+" | stats count(*) as n")
				if _, no := err.(refused); no {
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", p, err)
				}
				asked++
				held += want
				check := func(text string, expected int) {
					t.Helper()
					if got, err := a.number(t, text); err != nil || got != expected {
						t.Errorf("%s\n%d %v, want %d of the condition\n%s", text, got, err, expected, p)
					}
				}
				check("filter not ("+p+") | stats count(*) as n", total-want)
				check("fields if("+p+", 1, 0) as x | stats sum(x) as n", want)
				check("stats sum(if("+p+", 1, 0)) as n", want)
				check("stats count(*) as n by if("+p+", 1, 0) as k | filter k = 1", want)
				check("filter ("+p+") and toMillis(@timestamp) % 2 = 0 | stats count(*) as n | filter n >= 0", countHalf(t, a, p))
				check("filter ("+p+") or (not ("+p+")) | stats count(*) as n", total)
				r, err := a.ask(t, "filter "+p+" | display strlen(@message) as n")
				if err != nil || len(r.Rows) != want {
					t.Errorf("filter %s: %d events, want %d: %v", p, len(r.Rows), want, err)
				}
			}
			if asked < conditions/2 || held == 0 {
				t.Errorf("%d conditions were asked and held for %d events: the test shows little", asked, held)
			}
		})
	}
}

func countHalf(t *testing.T, a *asker, p string) int {
	t.Helper()
	n, err := a.number(t, "fields if("+p+", 1 - toMillis(@timestamp) % 2, 0) as x | stats sum(x) as n")
	if err != nil {
		t.Error(err)
	}
	return n
}

// scattered returns a store with rows in merged parts, in small parts and in memory, and how many they are.
func scattered(t *testing.T, form querytest.Form) (*asker, int) {
	t.Helper()
	s := openStore(t)
	rows := querytest.Rows(rand.New(rand.NewPCG(5, uint64(form))), 3000, form)
	put(t, s, rows[:1200])
	settle(t, s.Flush)
	put(t, s, rows[1200:2000])
	settle(t, s.Flush)
	settle(t, s.Merge)
	put(t, s, rows[2000:2600])
	settle(t, s.Flush)
	put(t, s, rows[2600:])
	return &asker{store: s, workers: 2}, len(rows)
}

// TestSortsAgree: the first rows of a sort are those that sorting everything begins with, and grouping loses no event.
func TestSortsAgree(t *testing.T) {
	sorts := 50
	if testing.Short() {
		sorts = 10
	}
	for name, form := range map[string]querytest.Form{"json": querytest.JSON, "text": querytest.Text, "mixed": querytest.Mixed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, total := scattered(t, form)
			g := queryMaker{rand.New(rand.NewPCG(32, uint64(form)))}
			asked := 0
			for range sorts {
				filter := ""
				if g.IntN(2) == 0 {
					filter = "filter " + g.cond(1) + " | "
				}
				keys := []string{g.value(1) + g.pick("", " desc")}
				if g.IntN(3) == 0 {
					keys = append(keys, g.value(1)+g.pick(" asc", " desc"))
				}
				a.workers = 1 + g.IntN(4)
				text := filter + "sort " + strings.Join(keys, ", ") + " | display @timestamp, @message, @logStream"
				all, err := a.ask(t, text)
				if _, no := err.(refused); no {
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				asked++
				for _, n := range []int{1, 10, 100} {
					first, err := a.ask(t, fmt.Sprintf("%s | limit %d", text, n))
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					if d := querytest.Differ(first.Rows, all.Rows[:min(n, len(all.Rows))]); d != "" {
						t.Errorf("%s | limit %d: %s", text, n, d)
					}
				}
				group := fmt.Sprintf("%sstats count(*) as n by %s as k | stats sum(n) as s", filter, g.value(2))
				grouped, err := a.number(t, group)
				if _, no := err.(refused); no {
					continue
				}
				want := total
				if filter != "" {
					want = len(all.Rows)
				}
				if err != nil || grouped != want {
					t.Errorf("%s: %d %v, want %d", group, grouped, err, want)
				}
			}
			if asked < sorts/2 {
				t.Errorf("%d sorts were asked: the test shows little", asked)
			}
		})
	}
}
