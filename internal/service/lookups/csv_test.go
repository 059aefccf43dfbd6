package lookups

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	f := func(body string, want ...[]string) {
		t.Helper()
		fields, count, err := checkBody(body)
		if err != nil {
			t.Errorf("%q: %v", body, err)
			return
		}
		again, rows, err := parse(body, count)
		if err != nil {
			t.Errorf("%q: parse: %v", body, err)
			return
		}
		got := append([][]string{again}, rows...)
		if d := cmp.Diff(want, got); d != "" || int(count) != len(rows) || cmp.Diff(fields, again) != "" {
			t.Errorf("%q: %d records (-want +got):\n%s", body, count, d)
		}
	}
	r := func(s ...string) []string { return s }
	f("id", r("id"))
	f("id\n", r("id"))
	f("id,name\n1,a\n2,b\n", r("id", "name"), r("1", "a"), r("2", "b"))
	f("id,name\r\n1,a\r\n2,b", r("id", "name"), r("1", "a"), r("2", "b"))
	f("\ufeffid,name\n1,a", r("id", "name"), r("1", "a"))
	f("id,name\n,\n\n\r\n1,\n", r("id", "name"), r("", ""), r("1", ""))
	f("id\n\"\"\n", r("id"), r(""))
	f("id,name\n\"a,b\",\"c\nd\"\n", r("id", "name"), r("a,b", "c\nd"))
	f("id,name\n\"a\"\"b\",\"\"\"\"\n", r("id", "name"), r(`a"b`, `"`))
	f("\"id\",\"na,me\"\n1,2", r("id", "na,me"), r("1", "2"))
	f("id\na\rb\n", r("id"), r("a\rb"))
	f("id\n\"a\r\nb\"\r\n", r("id"), r("a\r\nb"))
	f("id, name\n 1 ,ü\n", r("id", " name"), r(" 1 ", "ü"))
	f("ID,id\n1,2", r("ID", "id"), r("1", "2"))
}

func TestBodyErrors(t *testing.T) {
	f := func(body string, line int, message string) {
		t.Helper()
		_, _, err := checkBody(body)
		var e *TableError
		if !errors.As(err, &e) || e.Line != line || e.Message != message {
			t.Errorf("%.40q: got %v, want line %d: %s", body, err, line, message)
		}
	}
	f("", 0, "It has no header.")
	f("\n\r\n", 0, "It has no header.")
	f("\ufeff", 0, "It has no header.")
	f("a,,b\n", 1, "Column 2 has no name.")
	f("a, \n", 1, "Column 2 has no name.")
	f("\"\"\n1\n", 1, "Column 1 has no name.")
	f("a,b,a\n", 1, "Two columns are named a.")
	f("a,b\n1,2\n\n3\n", 4, "It has 1 fields where the header has 2.")
	f("a,b\n1,2,3\n", 2, "It has 3 fields where the header has 2.")
	f("a,b\n\"1\n\n\",2\n3\n", 5, "It has 1 fields where the header has 2.")
	f("a\n\"1\n\n", 2, "A quoted field does not end.")
	f("a\n\"1\"x\n", 2, "A field goes on behind its closing quote.")
	f("a\nx\"1\"\n", 2, "A quote stands within a field that does not begin with one.")
	f("a\n\nb\xff\n", 3, "It is not UTF-8.")
	f("a\n"+strings.Repeat("x", MaxBody-1), 0, fmt.Sprintf("It has %d bytes, more than %d.", MaxBody+1, MaxBody))
	f(strings.Repeat("x", MaxFieldName+1), 1, "The name of column 1 has more than 255 characters.")
	var names []string
	for i := range MaxFields + 1 {
		names = append(names, fmt.Sprint("c", i))
	}
	f(strings.Join(names, ","), 1, "The header has 1001 columns, more than 1000.")
	for _, good := range []string{
		"a\n" + strings.Repeat("x", MaxBody-2), strings.Repeat("ü", MaxFieldName), strings.Join(names[:MaxFields], ","),
	} {
		if _, _, err := checkBody(good); err != nil {
			t.Errorf("%.20q at the limit: %v", good, err)
		}
	}
}

// quote writes a table as CSV.
func quote(rows [][]string) string {
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "a", "a,b\n1,2\n", "a\r\n\"x\"\"y\"\r\n", "\ufeffa\n\"1\n2\"", "a\n\"", "a,b\n1\n", "a\n\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fields, count, err := checkBody(body)
		if err != nil {
			return
		}
		names, rows, err := parse(body, count)
		if err != nil || int64(len(rows)) != count || cmp.Diff(fields, names) != "" {
			t.Fatalf("%q: checked as %q with %d records, parsed as %q with %d: %v", body, fields, count, names, len(rows), err)
		}
		again := quote(append([][]string{names}, rows...))
		names2, rows2, err := parse(again, count)
		if err != nil || cmp.Diff(names, names2) != "" || cmp.Diff(rows, rows2) != "" {
			t.Fatalf("%q: written as %q, read as %q %q: %v", body, again, names2, rows2, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	body := "ip,host,owner\n" + strings.Repeat("10.20.30.40,web-17.example.com,team \"\"x\n"[:27]+",t\n", 100_000)
	_, count, err := checkBody(body)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parse(body, count); err != nil {
			b.Fatal(err)
		}
	}
}
