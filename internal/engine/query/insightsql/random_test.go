package insightsql_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
)

// writer writes random queries. Most of their names are known, so that many of
// them are accepted.
type writer struct {
	*rand.Rand
	sub int // queries around this one
	n   int // aliases so far
}

func (w *writer) one(s ...string) string { return s[w.IntN(len(s))] }

func (w *writer) alias() string {
	w.n++
	return w.one("", "", "@") + "x" + strconv.Itoa(w.n)
}

func (w *writer) list(most int, item func() string) string {
	var s []string
	for range 1 + w.IntN(most) {
		s = append(s, item())
	}
	return strings.Join(s, ", ")
}

func (w *writer) field() string {
	if w.n > 0 && w.IntN(3) == 0 {
		return "x" + strconv.Itoa(1+w.IntN(w.n)) + w.one("", "", ".k", "[0]")
	}
	return w.one("a", "b", "`c d`", "e.f", "tags.0", "tags[1].z", "@message", "@timestamp", "@logStream", "@log", "`by`", "@@own", "A.a", "B.b")
}

func (w *writer) period() string {
	return w.one("1m", "5m", "300s", "1h", "1d", "2w", "1mo", "1q", "1y", "90m")
}

func (w *writer) constant() string {
	return w.one(`"t"`, `'it\'s'`, `"5"`, "0", "1.5", "-2", "1e3", "true", "false", `""`)
}

func (w *writer) expr(depth int) string {
	if depth == 0 {
		return w.one(w.field(), w.field(), w.constant())
	}
	x := func() string { return w.expr(depth - 1) }
	switch w.IntN(16) {
	case 0, 1:
		return x() + w.one(" + ", "-", "*", " / ", " % ", "^") + x()
	case 2, 3:
		return x() + w.one("=", " != ", "<", " >= ") + x()
	case 4:
		return x() + w.one(" and ", " or ") + x()
	case 5:
		return "not " + x()
	case 6:
		return "(" + x() + ")"
	case 7:
		return w.field() + w.one(" like ", " not like ") + w.one(`"s"`, `/r\/(?i)x/`)
	case 8:
		return w.field() + w.one(" in ", " not in ") + "[" + w.list(3, w.constant) + "]"
	case 9:
		if w.sub == 0 {
			w.sub++
			q := w.query(2)
			w.sub--
			return w.field() + " in (" + q + " | display " + w.field() + ")"
		}
		return "-" + x()
	case 10:
		return w.one("strlen", "ABS", "isEmpty", "ispresent", "jsonParse", "toupper", "unmask") + "(" + x() + ")"
	case 11:
		return w.one("concat", "coalesce", "greatest") + "(" + w.list(3, x) + ")"
	case 12:
		return "if(" + x() + ", " + x() + "," + x() + ")"
	case 13:
		return w.one("bin("+w.period()+")", "datefloor("+w.field()+","+w.period()+")", "now()", "messageSize()")
	case 14:
		return "jsonParse(" + w.field() + ")" + w.one(".k", "[2]", ".`q r`[0].s")
	}
	return w.field()
}

func (w *writer) item() string {
	s := w.expr(w.IntN(3))
	if w.IntN(2) == 0 {
		s += " as " + w.alias()
	}
	return s
}

func (w *writer) aggregate() string {
	agg := func() string {
		return w.one("count(*)", "count()", "sum("+w.expr(1)+")", "avg("+w.field()+")", "max("+w.field()+")", "pct("+w.field()+", 99.9)",
			"count_distinct("+w.field()+")", "values("+w.field()+")", "latest("+w.field()+")", "rate("+w.field()+", 1s)", "countOverTime(5m)")
	}
	return w.one(agg(), agg(), agg()+" / "+agg(), agg()+" * 2", "sum(a = 1)") + w.one("", " as "+w.alias())
}

func (w *writer) command() string {
	switch w.IntN(26) {
	case 0, 1, 2:
		return "fields " + w.list(3, w.item)
	case 3:
		return "display " + w.list(3, w.item)
	case 4, 5, 6:
		return "filter " + w.expr(3)
	case 7:
		return "parse " + w.one("", "a ") + w.one(`"x=* y=*" as `+w.alias()+", "+w.alias(), `/k=(?<r`+strconv.Itoa(w.IntN(9))+`>\d+)/`, `/(\w+)/ as `+w.alias(), `/(?<m1>\w)/ multi`)
	case 8:
		return "parse a " + w.one("logfmt", "xml") + " as " + w.alias()
	case 9, 10, 11:
		s := "stats " + w.list(3, w.aggregate)
		if w.IntN(2) == 0 {
			s += " by " + w.list(2, func() string { return w.one("bin("+w.period()+")", w.item(), w.field()) })
		}
		return s
	case 12:
		return "sort " + w.list(2, func() string { return w.expr(1) + w.one("", " asc", " desc") })
	case 13:
		return w.one("limit 5", "limit any 7", "limit 100000")
	case 14:
		return "dedup " + w.field()
	case 15:
		return "pattern " + w.field() + w.one("", " | diff", " | diff previousWeek", " | anomaly", " | logcompare timeshift 1d")
	case 16:
		return w.one("unnest "+w.field()+" into "+w.alias(), "expand "+w.field())
	case 17:
		return w.one("lookup users id as "+w.field()+" OUTPUT name as "+w.alias(), "cidrlookup users "+w.field()+" as net OUTPUTNEW name")
	case 18:
		return w.one("addtotals", "addtotals col=true row=false "+w.field(), "addtotals fieldname="+w.alias())
	case 19:
		return w.one("accum "+w.field()+" as "+w.alias(), "accum "+w.field(), "autoregress "+w.field()+" p=1-3")
	case 20:
		return w.one("filldown", "filldown a, *b*", "outlier action=remove "+w.field(), "sessionize "+w.field()+" maxspan 5m")
	case 21:
		return w.one("fillmissing", "fillmissing with 0 for a", "countFrequent "+w.field(), "json field="+w.field()+` "a.b[0]" as `+w.alias())
	case 22:
		return "relevantfields " + w.field() + " where " + w.expr(1)
	case 23:
		if w.sub == 0 {
			w.sub++
			defer func() { w.sub-- }()
			return w.one("join left=A right=B where A.a = B.b (SOURCE 'g' | "+w.query(2)+")", "appendcols override=true ("+w.query(2)+")")
		}
	case 24:
		return w.one("filterIndex a = 1", "filterIndex e.f in ['x', 2]", "unmask a", "estimate")
	}
	return "fields " + w.field()
}

func (w *writer) query(most int) string {
	var s []string
	for range 1 + w.IntN(most) {
		s = append(s, w.command())
	}
	return strings.Join(s, " | ")
}

// TestRandomQueries parses random queries, prints them, and makes them ready to run.
func TestRandomQueries(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 1000
	}
	accepted := 0
	for seed := range n {
		w := &writer{Rand: rand.New(rand.NewPCG(uint64(seed), 5))}
		text := w.query(5)
		q, err := insightsql.Parse(text)
		if err != nil {
			e, ok := errors.AsType[*insightsql.Error](err)
			if !ok || e.Start < 0 || e.End < e.Start || e.End > len([]rune(text)) {
				t.Fatalf("%s: %v (%+v)", text, err, e)
			}
			if strings.Contains(e.Message, "too complex") && !strings.Contains(e.Message, "more than") {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		accepted++
		sameAgain(t, q)
		out, err := q.Compile(t.Context(), testEnv(func(insightsql.Sub) {}))
		if err != nil {
			t.Fatalf("%s: it was accepted, but %v", text, err)
		}
		if err := checkSteps(out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if accepted < n/10 {
		t.Errorf("only %d of %d queries are accepted", accepted, n)
	}
}
