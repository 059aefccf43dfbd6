package sql_test

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
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sql"
	"github.com/cumulog/cumulog/internal/logs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestPlans compares the plans of the queries of testdata/plans.txt, which begin
// with "> ", so that a lost pushdown fails.
func TestPlans(t *testing.T) {
	path := filepath.Join("testdata", "plans.txt")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	queries := 0
	for _, line := range strings.Split(string(data), "\n") {
		if text, ok := strings.CutPrefix(line, "> "); ok {
			queries++
			fmt.Fprintf(&b, "> %s\n%s\n", text, explained(t, text))
		}
	}
	if queries == 0 {
		t.Fatal("no queries")
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(data), b.String()); d != "" {
		t.Errorf("plans differ (-want +got):\n%s", d)
	}
}

// explained returns the plan of a query, after the subqueries that it runs.
func explained(t *testing.T, text string) string {
	t.Helper()
	q, err := sql.Parse(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return ""
	}
	var b strings.Builder
	c, err := q.Compile(context.Background(), insightsql.Env{
		Now: 1_759_664_400_000, End: 1_759_664_400_000,
		StreamIDs: func(string) []logs.StreamID { return []logs.StreamID{7} },
		GroupIDs:  func(string) []logs.GroupID { return []logs.GroupID{1} },
		Run: func(ctx context.Context, sub insightsql.Sub) (*plan.Rows, error) {
			inner, err := sub.Other.Compile(ctx, insightsql.Env{End: 1})
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "run %d rows: %s\n", sub.MaxRows, sub.Other)
			rows := &plan.Rows{Names: inner.Columns, Len: 1}
			for range inner.Columns {
				rows.Cols = append(rows.Cols, []plan.Value{plan.TextValue("x")})
			}
			return rows, nil
		},
	})
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return ""
	}
	p, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{1}, End: 1 << 42}, Steps: c.Steps})
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return ""
	}
	b.WriteString(p.Explain())
	return b.String()
}
