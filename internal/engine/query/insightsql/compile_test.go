package insightsql_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testEnv is an Env whose subqueries have one row; ran is told about them.
func testEnv(ran func(insightsql.Sub)) insightsql.Env {
	env := insightsql.Env{
		Lookup: func(_ context.Context, name string) (*insightsql.Table, error) {
			if name != "users" {
				return nil, insightsql.ErrNoTable
			}
			return &insightsql.Table{Key: "v1", Fields: []string{"id", "name", "net"}, Rows: [][]string{{"u1", "Ann", "10.0.0.0/8"}}}, nil
		},
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
	env.Run = func(ctx context.Context, sub insightsql.Sub) (*plan.Rows, error) {
		ran(sub)
		inner := env
		inner.Limit = sub.MaxRows
		out, err := sub.Query.Compile(ctx, inner)
		if err != nil {
			return nil, err
		}
		rows := &plan.Rows{Names: out.Columns, Len: 1}
		for i := range rows.Names {
			rows.Cols = append(rows.Cols, []plan.Value{plan.NumberValue(float64(i))})
		}
		return rows, nil
	}
	return env
}

// TestSteps shows the steps of queries, and the columns of their results.
func TestSteps(t *testing.T) {
	script(t, "steps.txt", func(text string, _ int) string {
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return "  " + err.Error()
		}
		var b strings.Builder
		out, err := q.Compile(t.Context(), testEnv(func(sub insightsql.Sub) {
			fmt.Fprintf(&b, "  run [%s, %s) max %d: %s\n", clock(sub.Start), clock(sub.End), sub.MaxRows, sub.Query)
		}))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return "  " + err.Error()
		}
		if err := checkSteps(out); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, s := range out.Steps {
			fmt.Fprintf(&b, "  %s\n", s)
		}
		fmt.Fprintf(&b, "= %s", strings.Join(out.Columns, ", "))
		if out.Events {
			b.WriteString(" @ptr")
		}
		for _, i := range out.Index {
			fmt.Fprintf(&b, "; index %s %q", i.Field, i.Values)
		}
		if out.Estimate {
			b.WriteString("; estimate")
		}
		if out.Unmask {
			b.WriteString("; unmask")
		}
		return b.String()
	})
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("01-02T15:04:05") }

// checkSteps makes a plan of the steps ready to run, and compares what it says
// about the result.
func checkSteps(out *insightsql.Compiled) error {
	q, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{7}, End: 1 << 40}, Steps: out.Steps})
	if err != nil {
		return err
	}
	if q.Events != out.Events || len(out.Columns) > 0 && !slices.Equal(q.Columns, out.Columns) {
		return fmt.Errorf("columns %q, events %v, but the plan has %q, %v", out.Columns, out.Events, q.Columns, q.Events)
	}
	return nil
}

func TestStandardOnly(t *testing.T) {
	for text, want := range map[string]string{
		"fields a": "", "filter a = 1 | pattern a": "pattern", "pattern a | diff": "pattern", "filterIndex a = 1": "filterIndex",
		"fields concat(unmask(@message), a)": "unmask", "unmask": "unmask", "logcompare timeshift 1d": "logcompare",
		"stats count(*) as a | stats sum(a) as b": "", "stats count(*) as a | stats sum(a) as b | stats sum(b)": "third stats",
	} {
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.StandardOnly(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestPushdown shows what storage can skip by before queries run, and the
// conditions that are left.
func TestPushdown(t *testing.T) {
	order := regexp.MustCompile(` (newest|oldest) first| paths .*`)
	script(t, "pushdown.txt", func(text string, _ int) string {
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		env := testEnv(func(insightsql.Sub) {})
		out, err := q.Compile(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{7}, Start: env.Start, End: env.End}, Steps: out.Steps})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(p.Explain()) {
			switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "scan":
				line = order.ReplaceAllString(line, "")
				fallthrough
			case "need", "bound", "where":
				lines = append(lines, "  "+strings.TrimSuffix(line, "\n"))
			}
		}
		return strings.Join(lines, "\n")
	})
}
