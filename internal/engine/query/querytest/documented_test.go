package querytest_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
)

const insightsManual = "../../../../docs/insights.md"

// TestDocumentedQueries: every query of the manual is one.
func TestDocumentedQueries(t *testing.T) {
	text, err := os.ReadFile(insightsManual)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```insights\n(.*?)```").FindAllSubmatch(text, -1)
	if len(found) < 40 {
		t.Fatalf("%d queries are documented", len(found))
	}
	for _, m := range found {
		if _, err := insightsql.Parse(string(m[1])); err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
	}
}

// TestDocumentedValues: the expressions of the manual have the values that stand beside them.
func TestDocumentedValues(t *testing.T) {
	text, err := os.ReadFile(insightsManual)
	if err != nil {
		t.Fatal(err)
	}
	event := regexp.MustCompile("(?s)```json\n(.*?)\n```").FindSubmatch(text)
	if event == nil {
		t.Fatal("the manual has no event")
	}
	var script strings.Builder
	fmt.Fprintf(&script, "data\n+ 13:45:07.123 %s\nrange 13:00 14:00\n", event[1])
	tables := regexp.MustCompile(`(?m)^\| expression \| value \|\n\|.*\n((?:\|.*\n)+)`).FindAllSubmatch(text, -1)
	for _, table := range tables {
		for _, row := range regexp.MustCompile("(?m)^\\| `(.*)` \\| (.*) \\|$").FindAllSubmatch(table[1], -1) {
			fmt.Fprintf(&script, "eval %s => %s\n", row[1], row[2])
		}
	}
	s, err := querytest.ParseScript("docs/insights.md", script.String())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Sets[0].Cases); n < 60 {
		t.Fatalf("%d values are documented", n)
	}
	runScripts(t, []*querytest.Script{s}, func(text string) (scriptQuery, error) { return insightsql.Parse(text) })
}

// TestManualOfScripts: the example of the manual of scripts holds.
func TestManualOfScripts(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(text), "## An example\n")
	example, _, more := strings.Cut(example, "The line of a case decides")
	if !ok || !more {
		t.Fatal("the manual has no example")
	}
	s, err := querytest.ParseScript("README.md", strings.ReplaceAll(example, "\n    ", "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Sets) != 1 || len(s.Sets[0].Cases) != 3 {
		t.Fatalf("the example is %+v", s)
	}
	runScripts(t, []*querytest.Script{s}, func(text string) (scriptQuery, error) { return insightsql.Parse(text) })
}
