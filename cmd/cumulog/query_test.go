package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	gocmp "github.com/google/go-cmp/cmp"
)

// rowsOf makes rows of "field=value" pairs, separated by blanks.
func rowsOf(lines ...string) (rows [][]types.ResultField) {
	for _, line := range lines {
		var row []types.ResultField
		for _, pair := range strings.Fields(line) {
			name, value, _ := strings.Cut(pair, "=")
			row = append(row, types.ResultField{Field: aws.String(name), Value: aws.String(strings.ReplaceAll(value, "_", " "))})
		}
		rows = append(rows, row)
	}
	return rows
}

func TestColumnsOfRowsWithGaps(t *testing.T) {
	check := func(want string, lines ...string) {
		t.Helper()
		if got := strings.Join(columnsOf(rowsOf(lines...)), " "); got != want {
			t.Errorf("columns of %q are %q, want %q", lines, got, want)
		}
	}
	check("")
	check("", "")
	check("a b", "a=1 b=2")
	check("a b c", "a=1 c=2", "b=1 c=2", "a=1 b=2 c=3")
	check("level @ptr", "@ptr=x", "level=INFO @ptr=x")
	check("a b", "a=1", "a=1 b=2")
	check("a b", "a=1", "b=2")
	check("a b c @ptr", "c=1 @ptr=x", "a=1 @ptr=x", "b=2 c=3 @ptr=x", "a=1 b=2 c=3")
}

func TestQueryText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "q.txt")
	if err := os.WriteFile(file, []byte("stats count(*)\n| limit 1\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(arg, in, want string) {
		t.Helper()
		got, err := queryText(arg, strings.NewReader(in))
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want && !(strings.HasPrefix(want, "error") && strings.HasPrefix(got, want)) {
			t.Errorf("query %q is %q, want %q", arg, got, want)
		}
	}
	check("fields a", "", "fields a")
	check("-", "fields b\n", "fields b")
	check("@"+file, "", "stats count(*)\n| limit 1")
	check("@none", "", "error: reading the query: ")
	check("@message | limit 1", "", "@message | limit 1")
	check(" ", "", "error: the query is empty")
	check("-", "", "error: the query is empty")
	check(strings.Repeat("é", 10_000), "", strings.Repeat("é", 10_000))
	check(strings.Repeat("é", 10_001), "", "error: the query is longer than 10000")
	check("-", strings.Repeat("x", 100_000), "error: the query is longer than 10000")
}

func TestQueryUsage(t *testing.T) {
	isolate(t)
	check := func(want string, args ...string) {
		t.Helper()
		r := cumulog(t, "", append([]string{"query", "fields a", "-g", "g"}, args...)...)
		if r.code != 2 || !strings.Contains(r.err, want) || !strings.Contains(r.err, "hint: ") {
			t.Errorf("query %q: %+v, want %q", args, r, want)
		}
	}
	check("--since and --start mean the same", "--since", "1h", "--start", "2h")
	check("--since: ", "--since", "soon")
	check("--start: ", "--start", "0")
	check("--end: ", "--end", "never")
	check("ends before it begins", "--since", "1h", "--end", "2h")
	check("--limit 100001 is outside", "--limit", "100001")
	check("--limit -1 is outside", "--limit", "-1")
	check("--format is", "--format", "xml")
	check("--language is", "--language", "kql")
	check("--chart is", "--chart=maybe")
	check("--chart needs", "--chart", "--format", "csv")
	check("at most 50 groups", strings.Fields(strings.Repeat("-g x ", 50))...)
	check("takes no argument", "more")
	if r := cumulog(t, "", "query"); r.code != 2 || !strings.Contains(r.err, "needs a query") {
		t.Errorf("query without a text: %+v", r)
	}
}

func TestPointAt(t *testing.T) {
	check := func(text string, start, end int, want string) {
		t.Helper()
		if got := pointAt(text, start, end); got != want {
			t.Errorf("%q, %d to %d:\n%s\nwant\n%s", text, start, end, got, want)
		}
	}
	check("fields a, é | x", 14, 15, "fields a, é | x\n              ^")
	check("a\nbcd\ne", 3, 5, "bcd\n ^^")
	check("a\nbcd\ne", 3, 7, "bcd\n ^^")
	check("ab", 2, 2, "ab\n  ^")
	check("ab", 7, -1, "ab\n  ^")
	check("漢字 x", 3, 4, "漢字 x\n     ^")
	check("a\tb\x1b", 2, 3, "a b \n  ^")
	check(strings.Repeat("a", 400), 200, 201, "…"+strings.Repeat("a", 201)+"…\n"+strings.Repeat(" ", 101)+"^")
}

// table returns what printTable writes.
func table(a *queryAnswer, width int) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	columns, cells := a.cells(false)
	printTable(w, columns, cells, width)
	_ = w.Flush()
	return b.String()
}

func answer(lines ...string) *queryAnswer {
	a := &queryAnswer{rows: rowsOf(lines...)}
	a.columns = columnsOf(a.rows)
	return a
}

func TestTable(t *testing.T) {
	check := func(a *queryAnswer, width int, want ...string) {
		t.Helper()
		if d := gocmp.Diff(strings.Join(want, "\n")+"\n", table(a, width)); d != "" {
			t.Errorf("table (-want +got)\n%s", d)
		}
	}
	check(answer("level=INFO n=5 @ptr=x", "level=ERROR n=12", "n=1"), 0,
		"level   n",
		"─────  ──",
		"INFO    5",
		"ERROR  12",
		"        1")
	check(answer("a=1 b="+strings.Repeat("x", 40)), 20,
		"a  b",
		"─  ─────────────────",
		"1  xxxxxxxxxxxxxxxx…")
	check(answer("aaaaaaaaaaaa=1 b="+strings.Repeat("漢", 20)), 22,
		"aaaaaaaaaaaa  b",
		"────────────  ────────",
		"           1  漢漢漢…")
	check(answer("aaaaaaaaaaaa=1 b="+strings.Repeat("漢", 20)), 18,
		"aaaaaaa…  b",
		"────────  ────────",
		"       1  漢漢漢…")
	check(&queryAnswer{columns: []string{"m"}, rows: [][]types.ResultField{{{Field: aws.String("m"), Value: aws.String("a\nb\x1b[2J\t\u202e")}}}}, 0,
		"m",
		"─────────────────────",
		`a↵b^[[2J \xe2\x80\xae`)
	if got := table(&queryAnswer{}, 80); got != "" {
		t.Errorf("a table of nothing is %q", got)
	}
}

func TestShrink(t *testing.T) {
	check := func(total int, widths, want []int) {
		t.Helper()
		shrink(widths, total)
		if d := gocmp.Diff(want, widths); d != "" {
			t.Errorf("to %d (-want +got)\n%s", total, d)
		}
	}
	check(100, []int{10, 90}, []int{10, 90})
	check(50, []int{10, 90}, []int{10, 40})
	check(60, []int{50, 90, 4}, []int{28, 28, 4})
	check(10, []int{50, 90, 4}, []int{8, 8, 4})
	check(40, []int{23, 90}, []int{23, 17})
	check(30, []int{23, 90}, []int{15, 15})
	check(50, []int{23, 90, 30}, []int{23, 13, 13})
	check(10, nil, nil)
}

func TestFormats(t *testing.T) {
	a := answer("level=INFO n=5 @ptr=x", "n=1 @ptr=y")
	a.rows[0][0].Value = aws.String("a\"<b,\n")
	check := func(want string, q queryFlags) {
		t.Helper()
		var b bytes.Buffer
		if err := q.print(a, &b); err != nil {
			t.Error(err)
		}
		if d := gocmp.Diff(want, b.String()); d != "" {
			t.Errorf("%s (-want +got)\n%s", q.format, d)
		}
	}
	check("level,n\n\"a\"\"<b,\n\",5\n,1\n", queryFlags{format: "csv"})
	check("level,n,@ptr\n\"a\"\"<b,\n\",5,x\n,1,y\n", queryFlags{format: "csv", ptr: true})
	check("[\n  {\"level\":\"a\\\"<b,\\n\",\"n\":\"5\"},\n  {\"n\":\"1\"}\n]\n", queryFlags{format: "json"})
	check("{\"level\":\"a\\\"<b,\\n\",\"n\":\"5\"}\n{\"n\":\"1\"}\n", queryFlags{format: "ndjson"})
	a = &queryAnswer{}
	check("[]\n", queryFlags{format: "json"})
	check("", queryFlags{format: "csv"})
	check("", queryFlags{format: "table", chart: "auto"})
}

// chart returns what printChart writes.
func chart(t *testing.T, a *queryAnswer, width int) string {
	t.Helper()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	columns, cells := a.cells(false)
	if err := printChart(w, columns, cells, width, true); err != nil {
		return err.Error()
	}
	_ = w.Flush()
	return b.String()
}

func at(minute int) string {
	return "t=" + time.Date(2025, 10, 5, 0, minute, 0, 0, time.UTC).Format("2006-01-02_15:04:05.000")
}

func TestBars(t *testing.T) {
	got := chart(t, answer(at(10)+" n=1", at(0)+" n=40", at(5)+" n=10"), 60)
	want := "\nn\n00:00  40  ████████████████████████████████████████\n00:05  10  ██████████\n00:10   1  █\n"
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("bars (-want +got)\n%s", d)
	}
	got = chart(t, answer(at(0)+" n=-1", at(1)+" n=0.5", at(2)+" m=1"), 60)
	if !strings.Contains(got, "m\n1 │") {
		t.Errorf("two series are drawn as\n%s", got)
	}
}

func TestCurves(t *testing.T) {
	got := chart(t, answer(at(0)+" a=0 b=6", at(1)+" a=3 b=6", at(2)+" a=6", at(4)+" a=12 b=3"), 60)
	want := strings.Join([]string{"",
		"a",
		"12 │    █",
		"   │    █",
		"   │    █",
		"   │  █ █",
		"   │ ▄█ █",
		" 0 │_██ █",
		"   00:00 00:04",
		"b",
		"6 │██",
		"  │██",
		"  │██",
		"  │██  █",
		"  │██  █",
		"0 │██  █",
		"  00:00 00:04", ""}, "\n")
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("curves (-want +got)\n%s", d)
	}
	var lines []string
	for i := range 600 {
		lines = append(lines, at(i)+" n=1")
	}
	if got := chart(t, answer(lines...), 40); !strings.Contains(got, "(each place: the greatest of 17)") {
		t.Errorf("many times are drawn as\n%s", got)
	}
	got = chart(t, answer(at(0)+" l=x n=1", at(0)+" l=y n=2", at(1)+" n=3"), 60)
	if !strings.Contains(got, "x n\n") || !strings.Contains(got, "y n\n") || !strings.Contains(got, "- n\n") {
		t.Errorf("series by a label are drawn as\n%s", got)
	}
}

func TestNoChart(t *testing.T) {
	for _, a := range []*queryAnswer{answer(), answer("a=1 b=2"), answer(at(0)), answer(at(0) + " x=a"), answer(at(0)+" n=1", "n=2"),
		answer(at(0)+" n=1", at(0)+" n=2")} {
		if got := chart(t, a, 60); got != errNoChart.Error() {
			t.Errorf("%v is drawn as\n%s", a.rows, got)
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check(bigNumber(0), "0")
	check(bigNumber(1000), "1,000")
	check(bigNumber(1234567), "1,234,567")
	check(byteSize(0), "0 B")
	check(byteSize(999), "999 B")
	check(byteSize(1234567), "1.23 MB")
	check(byteSize(3.5e12), "3.5 TB")
	check(shortNumber(12), "12")
	check(shortNumber(0.123456789), "0.12346")
	check(shortNumber(2500000), "2.5M")
}
