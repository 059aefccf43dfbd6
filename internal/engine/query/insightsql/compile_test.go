package insightsql_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/logs"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testEnv() insightsql.Env {
	return insightsql.Env{
		Now: 1_759_622_400_500, Start: 1_759_622_400_000, End: 1_759_626_000_000,
		StreamName: func(id logs.StreamID) string { return fmt.Sprintf("s%d", id) },
		GroupName:  func(id logs.GroupID) string { return fmt.Sprintf("123456789012:g%d", id) },
		StreamIDs: func(name string) []logs.StreamID {
			if name == "s1" {
				return []logs.StreamID{1, 11}
			}
			return nil
		},
		GroupIDs: func(name string) []logs.GroupID {
			if name == "123456789012:g7" {
				return []logs.GroupID{7}
			}
			return nil
		},
	}
}

// TestSteps compares the steps of the queries in testdata/steps.txt. A line that
// begins with "> " is a query; those that follow are its steps and columns.
func TestSteps(t *testing.T) {
	golden := filepath.Join("testdata", "steps.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n := 0
	for line := range strings.Lines(string(want)) {
		if strings.HasPrefix(line, "#") {
			b.WriteString("\n" + line)
		}
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !ok {
			continue
		}
		n++
		fmt.Fprintf(&b, "\n> %s\n", text)
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		out, err := q.Compile(context.Background(), testEnv())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, s := range out.Steps {
			fmt.Fprintf(&b, "%s\n", s)
		}
		fmt.Fprintf(&b, "= %s", strings.Join(out.Columns, ", "))
		if out.Events {
			b.WriteString(" @ptr")
		}
		for _, i := range out.Index {
			fmt.Fprintf(&b, "; index %s %q", i.Field, i.Values)
		}
		b.WriteString("\n")
	}
	if n == 0 {
		t.Fatal("there are no queries")
	}
	if got := strings.TrimPrefix(b.String(), "\n"); *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
