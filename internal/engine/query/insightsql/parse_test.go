package insightsql_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
)

// script passes the queries of a file to answer, writes what it says behind
// them, and compares that with the file.
func script(t *testing.T, name string, answer func(text string, shown int) string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n := 0
	for line := range strings.Lines(string(want)) {
		line = strings.TrimSuffix(line, "\n")
		text, plain := strings.CutPrefix(line, ">")
		text = strings.TrimPrefix(text, " ")
		switch {
		case strings.HasPrefix(line, "#") || line == "":
			b.WriteString(line + "\n")
			continue
		case strings.HasPrefix(line, ">! "):
			if text, err = strconv.Unquote(line[3:]); err != nil {
				t.Fatalf("%s: %s: %v", name, line, err)
			}
			plain = false
		case !plain:
			continue
		}
		n++
		shown := -1
		if plain {
			shown = 2
		}
		b.WriteString(line + "\n" + answer(text, shown) + "\n")
	}
	if n == 0 {
		t.Fatalf("%s has no queries", name)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestAccepted parses queries, and prints them; what is printed is the same query.
func TestAccepted(t *testing.T) {
	script(t, "accepted.txt", func(text string, _ int) string {
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return "  " + err.Error()
		}
		sameAgain(t, q)
		return "  " + strings.ReplaceAll(q.String(), "\n", `\n`)
	})
}

// sameAgain fails unless a query is the same after it was printed and parsed.
func sameAgain(t *testing.T, q *insightsql.Query) {
	t.Helper()
	again, err := insightsql.Parse(q.String())
	if err != nil {
		t.Errorf("printed as %s: %v", q, err)
		return
	}
	if d := cmp.Diff(q, again, sameTree); d != "" {
		t.Errorf("printed as %s (-first +again):\n%s", q, d)
	}
	if q.String() != again.String() {
		t.Errorf("printed as %s and then as %s", q, again)
	}
}

var sameTree = cmp.Options{
	cmpopts.IgnoreTypes(insightsql.Span{}),
	cmpopts.IgnoreUnexported(insightsql.Query{}, insightsql.Item{}, insightsql.Fields{}),
	cmpopts.IgnoreFields(insightsql.Regex{}, "Re"),
	cmpopts.EquateEmpty(),
	cmp.Transformer("name", func(i insightsql.Item) struct {
		Expr        insightsql.Expr
		Alias, Name string
	} {
		return struct {
			Expr        insightsql.Expr
			Alias, Name string
		}{i.Expr, i.Alias, i.Name()}
	}),
}

// TestRefused parses queries that are wrong, and shows what is said and where.
func TestRefused(t *testing.T) {
	script(t, "refused.txt", func(text string, shown int) string {
		_, err := insightsql.Parse(text)
		e, ok := errors.AsType[*insightsql.Error](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
			return "  accepted"
		}
		before := string([]rune(text)[:e.Start])
		if line, at := 1+strings.Count(before, "\n"), utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]); e.Line != line || e.Position != at {
			t.Errorf("%s: line %d and position %d for character %d", text, e.Line, e.Position, e.Start)
		}
		if shown < 0 {
			return fmt.Sprintf("@ %d %d %s", e.Start, e.End, e.Message)
		}
		return strings.Repeat(" ", shown+e.Start) + strings.Repeat("^", max(1, e.End-e.Start)) + " " + e.Message
	})
}

func TestBounds(t *testing.T) {
	check := func(name string, ok bool, text string) {
		t.Helper()
		_, err := insightsql.Parse(text)
		if e, isError := errors.AsType[*insightsql.Error](err); (err == nil) != ok || err != nil && !isError {
			t.Errorf("%s: error %v", name, err)
		} else if !ok && (e.Start < 0 || e.End < e.Start || e.End > utf8.RuneCountInString(text)) {
			t.Errorf("%s: at %d to %d", name, e.Start, e.End)
		}
	}
	repeat := func(n int, s, sep string) string { return strings.TrimSuffix(strings.Repeat(s+sep, n), sep) }
	check("10,000 characters", true, "fields é"+strings.Repeat(" ", insightsql.MaxLength-8))
	check("10,001 characters", false, "fields é"+strings.Repeat(" ", insightsql.MaxLength-7))
	for _, c := range []struct {
		name        string
		open, close string
	}{{"parentheses", "(", ")"}, {"functions", "abs(", ")"}, {"not", "not ", ""}, {"minus", "-", ""}} {
		check(c.name, true, "filter "+strings.Repeat(c.open, 90)+"a"+strings.Repeat(c.close, 90))
		if c.name != "parentheses" {
			check("deep "+c.name, false, "filter "+strings.Repeat(c.open, 100)+"a"+strings.Repeat(c.close, 100))
		}
		check("very deep "+c.name, false, "filter "+strings.Repeat(c.open, 1000)+"a"+strings.Repeat(c.close, 1000))
	}
	check("100 summands", true, "filter "+repeat(100, "a", "+"))
	check("101 summands", false, "filter "+repeat(101, "a", "+"))
	check("100 powers", true, "filter "+repeat(100, "a", "^"))
	check("101 powers", false, "filter "+repeat(101, "a", "^"))
	check("500 conditions", true, "filter "+repeat(500, "a=1", " or "))
	check("500 items", true, "fields "+repeat(500, "a", ","))
	check("501 items", false, "fields "+repeat(501, "a", ","))
	check("60 commands", true, repeat(60, "fields a", "|"))
	check("61 commands", false, repeat(61, "fields a", "|"))
	check("50 names", true, "fields "+repeat(50, "a", "."))
	check("51 names", false, "fields "+repeat(51, "a", "."))
	check("51 names by index", false, "fields a"+strings.Repeat("[1]", 50))
	check("64 arguments", true, "fields concat("+repeat(64, "a", ",")+")")
	check("65 arguments", false, "fields concat("+repeat(65, "a", ",")+")")
	check("10 stats", true, repeat(10, "stats count(*)", "|"))
	check("11 stats", false, repeat(11, "stats count(*)", "|"))
	check("a regular expression of 10,000", true, "filter a like /"+strings.Repeat("a{999}", 9)+"/")
	check("a regular expression of 11,000", false, "filter a like /"+strings.Repeat("a{1000}", 11)+"/")
	doubled := "fields a + a as b0"
	for i := range 11 {
		doubled += fmt.Sprintf(", b%d + b%d as b%d", i, i, i+1)
	}
	check("columns of columns", true, strings.TrimSuffix(doubled, ", b10 + b10 as b11"))
	check("columns of columns of columns", false, doubled)
	check("10 subqueries", true, "filter "+repeat(10, "a in (fields b)", " or "))
	check("11 subqueries", false, "filter "+repeat(11, "a in (fields b)", " or "))
	check("4000 in a list", true, "filter a in ["+repeat(4000, "1", ",")+"]")
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"accepted.txt", "refused.txt", "steps.txt"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if q, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> "); ok {
				f.Add(q)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := insightsql.Parse(text)
		if err != nil {
			e, ok := errors.AsType[*insightsql.Error](err)
			if n := utf8.RuneCountInString(text); !ok || e.Start < 0 || e.End < e.Start || e.End > n || e.Line < 1 || e.Position < 0 {
				t.Fatalf("%q: %v (%+v) of %d", text, err, e, n)
			}
			return
		}
		if utf8.RuneCountInString(q.String()) <= insightsql.MaxLength && utf8.ValidString(text) {
			sameAgain(t, q)
		}
		out, err := q.Compile(t.Context(), testEnv(func(insightsql.Sub) {}))
		if err != nil {
			if _, ok := errors.AsType[*insightsql.Error](err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if err := checkSteps(out); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
