package querytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// Language tests the language of a parser. What a query prints is read back as the same.
type Language[Q interface {
	insightsql.Language
	fmt.Stringer
}] struct {
	Parse func(text string) (Q, error)
}

// Queries returns the queries of scripts, refused ones too; there have to be some.
func (l Language[Q]) Queries(t testing.TB, scripts string, least int) []string {
	t.Helper()
	files, err := filepath.Glob(scripts)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			if q, ok := strings.CutPrefix(line, "query "); ok {
				all = append(all, q)
			}
		}
	}
	if len(all) < least {
		t.Fatalf("%d queries in %d scripts", len(all), len(files))
	}
	return all
}

// Prints checks what a query prints.
func (l Language[Q]) Prints(t *testing.T, text, want string) {
	t.Helper()
	q, err := l.Parse(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	got := q.String()
	if got != want {
		t.Errorf("%s\nprints %s\nwant   %s", text, got, want)
	}
	again, err := l.Parse(got)
	if err != nil || again.String() != got {
		t.Errorf("%s is read as %v, %v", got, again, err)
	}
}

// Fits checks that a query is not refused.
func (l Language[Q]) Fits(t *testing.T, what, text string) {
	t.Helper()
	if _, err := l.Parse(text); err != nil {
		t.Errorf("%s is refused: %v", what, err)
	}
}

// Refuses checks that the error of a query has some words.
func (l Language[Q]) Refuses(t *testing.T, what, text, want string) {
	t.Helper()
	if _, err := l.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one with %q", what, err, want)
	}
}

// Numbered returns n numbers with a text before each.
func Numbered(before string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d", before, i+1)
	}
	return b.String()
}

// Plans compares the plans of the queries of a file, which begin with "> ", so that a
// lost pushdown fails; update writes them anew.
func (l Language[Q]) Plans(t *testing.T, path string, update bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	queries := 0
	for _, line := range strings.Split(string(data), "\n") {
		if text, ok := strings.CutPrefix(line, "> "); ok {
			queries++
			fmt.Fprintf(&b, "> %s\n%s\n", text, l.explained(t, text))
		}
	}
	if queries == 0 {
		t.Fatal("no queries")
	}
	if update {
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
func (l Language[Q]) explained(t *testing.T, text string) string {
	t.Helper()
	q, err := l.Parse(text)
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
			return sample(inner.Columns, plan.TextValue("x")), nil
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

// sample are rows with the same values in every column.
func sample(columns []string, values ...plan.Value) *plan.Rows {
	rows := &plan.Rows{Names: columns, Len: len(values)}
	for range columns {
		rows.Cols = append(rows.Cols, values)
	}
	return rows
}

// Fuzz reads texts: what is accepted prints as it is read back, and compiles or is
// refused with its place.
func (l Language[Q]) Fuzz(f *testing.F, seeds []string) {
	for _, q := range seeds {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := l.Parse(text)
		if err != nil {
			bad, ok := errors.AsType[*insightsql.Error](err)
			if !ok {
				t.Fatalf("%q: error %T: %v", text, err, err)
			}
			if n := len([]rune(text)); bad.Start < 0 || bad.End < bad.Start || bad.End > n || bad.Line < 1 {
				t.Fatalf("%q: error at [%d,%d) of %d", text, bad.Start, bad.End, n)
			}
			return
		}
		printed := q.String()
		if len([]rune(printed)) <= 9_000 {
			again, err := l.Parse(printed)
			if err != nil {
				t.Fatalf("%q prints %q, which is refused: %v", text, printed, err)
			}
			if again.String() != printed {
				t.Fatalf("%q prints %q, and that %q", text, printed, again.String())
			}
		}
		if err := compiles(q); err != nil {
			if _, ok := errors.AsType[*insightsql.Error](err); !ok {
				t.Fatalf("%q compiles to %v", text, err)
			}
		}
	})
}

// errNested is what a query meets that would run one within one that it runs.
var errNested = &insightsql.Error{Message: "nested"}

// compiles runs a query through Compile and Optimize with an environment that
// answers anything.
func compiles(q insightsql.Language) error {
	c, err := q.Compile(context.Background(), insightsql.Env{
		Now: 1_700_000_000_000, End: 1_700_000_000_000,
		Run: func(ctx context.Context, sub insightsql.Sub) (*plan.Rows, error) {
			c, err := sub.Other.Compile(ctx, insightsql.Env{End: 1, Run: func(context.Context, insightsql.Sub) (*plan.Rows, error) { return nil, errNested }})
			if err != nil {
				return nil, err
			}
			return sample(c.Columns, plan.NumberValue(2), plan.TextValue("x"), plan.Value{}), nil
		},
	})
	if err != nil {
		return err
	}
	_, err = plan.Optimize(&plan.Plan{Steps: c.Steps})
	return err
}
