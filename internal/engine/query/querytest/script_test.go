package querytest_test

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/querytest"
)

func TestParseScript(t *testing.T) {
	s, err := querytest.ParseScript("x.txt", strings.Join([]string{
		"# comment",
		"data",
		"load other s2",
		`+ 00:00:10 {"a": 1}  `,
		`+! 2025-10-04T01:02:03.5 "a\nb"`,
		"table users id,name",
		"= u1,Ann",
		"range 00:00 2025-10-05T01:00",
		"request 5",
		"groups other app",
		"query fields a",
		"      | sort b # c",
		"| a | b c | @ptr |",
		`| - | "-" | E1   |`,
		`| "x | \"y\"" | a b | E2 |`,
		"unordered",
		"",
		"query fields a, é",
		"      | limit x",
		"error          ^ a limit",
		"query! \"a\\tb\"",
		"error",
		"pending because",
		"query lookup x",
		"fails no table",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	day := querytest.Day.UnixMilli()
	base := querytest.QueryCase{Groups: []string{"other", "app"}, Start: day, End: day + 3600_000, Now: day + 3600_000, Limit: 5, Start0: -1}
	rows, refused, plain, fails := base, base, base, base
	rows.Where, rows.Query, rows.HasRows, rows.Unordered = "x.txt:11", "fields a\n| sort b # c", true, true
	rows.Columns = []string{"a", "b c", "@ptr"}
	rows.Rows = [][]querytest.Cell{
		{{Null: true}, {Text: "-"}, {Text: "E1"}},
		{{Text: `x | "y"`}, {Text: "a b"}, {Text: "E2"}},
	}
	refused.Where, refused.Query, refused.Refused = "x.txt:18", "fields a, é\n| limit x", true
	refused.Start0, refused.End0, refused.Message = 21, 22, "a limit"
	plain.Where, plain.Query, plain.Refused, plain.Pending, plain.HasPending = "x.txt:21", "a\tb", true, "because", true
	fails.Where, fails.Query, fails.Failed, fails.Message = "x.txt:24", "lookup x", true, "no table"
	want := &querytest.Script{Name: "x", Sets: []*querytest.DataSet{{
		Where: "x.txt:2",
		Events: []querytest.ScriptEvent{
			{Group: "other", Stream: "s2", Time: day + 10_000, Message: `{"a": 1}  `},
			{Group: "other", Stream: "s2", Time: day - 86_400_000 + 3_723_500, Message: "a\nb"},
		},
		Tables: []querytest.LookupTable{{Name: "users", Fields: []string{"id", "name"}, Rows: [][]string{{"u1", "Ann"}}}},
		Cases:  []*querytest.QueryCase{&rows, &refused, &plain, &fails},
	}}}
	if d := gocmp.Diff(want, s); d != "" {
		t.Errorf("script (-want +got)\n%s", d)
	}
	if d := rows.Difference(rows.Columns, [][]querytest.Cell{rows.Rows[1], rows.Rows[0]}); d != "" {
		t.Errorf("rows in another order differ: %s", d)
	}
	if rows.Difference(rows.Columns[:2], nil) == "" || rows.Difference(rows.Columns, rows.Rows[:1]) == "" {
		t.Error("other columns or rows do not differ")
	}
}

func TestParseScriptEval(t *testing.T) {
	s, err := querytest.ParseScript("x.txt", "data\n+ 00:00 x\neval a => b => -\neval f(  => error")
	if err != nil {
		t.Fatal(err)
	}
	value, refused := s.Sets[0].Cases[0], s.Sets[0].Cases[1]
	if value.Query != "display a => b as value" || !value.Rows[0][0].Null || value.Rows[0][1].Text != "E1" || !refused.Refused || refused.HasRows {
		t.Errorf("read %+v and %+v", value, refused)
	}
}

func TestParseScriptRefuses(t *testing.T) {
	check := func(want string, lines ...string) {
		t.Helper()
		_, err := querytest.ParseScript("x.txt", strings.Join(lines, "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", lines, err, want)
		}
	}
	check("x.txt:1: \"query\" comes after data", "query x")
	check("x.txt:2: \"+++\" comes after query", "data", "+++")
	check("x.txt:2: \"yesterday\" is no time", "data", "+ yesterday x")
	check("too late", "data", "+ 20:00 x")
	check("has no message", "data", "+ 19:59")
	check("needs one of", "data", "query x", "query y")
	check("needs one of", "data", "query x", "| a |", "error")
	check("needs a reason", "data", "query x", "error", "pending")
	check("a cell is empty", "data", "query x", "| a |  | b |")
	check("the last bar is missing", "data", "query x", "| a | b")
	check("a bar is missing", "data", "query x", `| "a" b |`)
	check("has 1 cells", "data", "query x", "| a | b |", "| a |")
	check("wants a Go string literal", "data", "query! x")
	check("2 values, the table 1", "data", "table t a", "= 1,2")
	check("comes after table", "data", "= 1")
	check("wrong number of words", "data", "range 1")
	check("wants a set of one event", "data", "eval 1 => 1")
	check("wants an expression", "data", "+ 00:00 x", "eval 1 = 1")
	if _, err := querytest.ReadScripts("testdata/none/*.txt"); err == nil {
		t.Error("no script is no error")
	}
}
