package querytest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/logs"
)

// scriptAccount is the account of all groups of scripts.
const scriptAccount = "123456789012"

// TestInsightsScripts runs testdata/insights/*.txt; README.md has their language.
func TestInsightsScripts(t *testing.T) {
	scripts, err := querytest.ReadScripts("testdata/insights/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, scripts, func(text string) (scriptQuery, error) { return insightsql.Parse(text) })
}

// scriptQuery is a parsed query of some language.
type scriptQuery interface {
	fmt.Stringer
	insightsql.Language
}

// parser parses the queries of a language.
type parser func(text string) (scriptQuery, error)

func runScripts(t *testing.T, scripts []*querytest.Script, parse parser) {
	for _, s := range scripts {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, set := range s.Sets {
				runSet(t, set, parse)
			}
		})
	}
}

// runSet asks every query of a set in every storage with one and with four workers.
func runSet(t *testing.T, set *querytest.DataSet, parse parser) {
	wrong := map[*querytest.QueryCase][]string{}
	for _, c := range set.Cases {
		if d := checkText(c, parse); d != "" {
			wrong[c] = append(wrong[c], d)
		}
	}
	for _, storage := range storages {
		if len(set.Events) == 0 || testing.Short() && storage.name != "compacted" {
			continue
		}
		l := loadSet(t, set, storage.name)
		for _, c := range set.Cases {
			if c.Refused {
				continue
			}
			for _, workers := range []int{1, 4} {
				if d := runCase(t, l, set, c, workers, parse); d != "" {
					wrong[c] = append(wrong[c], fmt.Sprintf("%s, %d workers: %s", storage.name, workers, d))
				}
			}
		}
	}
	for _, c := range set.Cases {
		found := wrong[c]
		switch {
		case len(found) == 0 && c.HasPending:
			t.Errorf("%s: the case holds, it is pending no longer\n%s", c.Where, c.Query)
		case len(found) > 0 && !c.HasPending:
			t.Errorf("%s: %d answers are wrong\n%s\n%s", c.Where, len(found), c.Query, found[0])
		}
	}
}

// checkText parses a query, compares its refusal, and prints and parses it again.
func checkText(c *querytest.QueryCase, parse parser) string {
	q, err := parse(c.Query)
	if c.Refused {
		return refusalDiffers(c, err)
	}
	if err != nil {
		return fmt.Sprintf("refused: %v", err)
	}
	text := q.String()
	again, err := parse(text)
	if err != nil {
		return fmt.Sprintf("the printed query is refused: %v\n%s", err, text)
	}
	if again.String() != text {
		return fmt.Sprintf("printed twice, the query is another one\n%s\n%s", text, again)
	}
	return ""
}

func refusalDiffers(c *querytest.QueryCase, err error) string {
	if err == nil {
		return "the query is not refused"
	}
	bad, ok := errors.AsType[*insightsql.Error](err)
	if !ok {
		return fmt.Sprintf("refused by %T: %v", err, err)
	}
	n := utf8.RuneCountInString(c.Query)
	switch {
	case bad.Start < 0 || bad.End < bad.Start || bad.End > n:
		return fmt.Sprintf("the error is at characters %d to %d of %d", bad.Start, bad.End, n)
	case c.Start0 >= 0 && (bad.Start != c.Start0 || max(bad.End, bad.Start+1) != c.End0):
		return fmt.Sprintf("the error is at characters %d to %d, want %d to %d: %v", bad.Start, bad.End, c.Start0, c.End0, err)
	case !strings.Contains(err.Error(), c.Message):
		return fmt.Sprintf("the error is %q, want %q in it", err, c.Message)
	}
	before := string([]rune(c.Query)[:bad.Start])
	line, position := 1+strings.Count(before, "\n"), utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if bad.Line != line || bad.Position != position {
		return fmt.Sprintf("the error is at line %d and position %d, its characters are at %d and %d", bad.Line, bad.Position, line, position)
	}
	return ""
}

// runCase returns in what the answer differs from the one wanted.
func runCase(t *testing.T, l *loaded, set *querytest.DataSet, c *querytest.QueryCase, workers int, parse parser) string {
	t.Helper()
	q, err := parse(c.Query)
	if err != nil {
		return err.Error()
	}
	r := &scriptRun{loaded: l, set: set, c: c, workers: workers}
	compiled, result, err := r.run(t.Context(), q, c.Groups, c.Start, c.End, c.Limit)
	if c.Failed {
		if err == nil || !strings.Contains(err.Error(), c.Message) {
			return fmt.Sprintf("error %v, want one with %q", err, c.Message)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	columns, rows := r.show(compiled, result)
	return c.Difference(columns, rows)
}

// scriptRun is a query of a script under way: it plays the service.
type scriptRun struct {
	*loaded
	set     *querytest.DataSet
	c       *querytest.QueryCase
	workers int
}

func (r *scriptRun) run(ctx context.Context, q insightsql.Language, groups []string, start, end int64, limit int) (*insightsql.Compiled, *exec.Result, error) {
	names, err := r.select_(q, groups)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := q.Compile(ctx, r.env(names, start, end, limit))
	if err != nil {
		return nil, nil, err
	}
	scan := plan.Scan{Start: start, End: end}
	for _, n := range names {
		if g := r.group(n); g > 0 {
			scan.Groups = append(scan.Groups, g)
		}
	}
	query, err := plan.Optimize(&plan.Plan{Scan: scan, Steps: compiled.Steps})
	if err != nil {
		return nil, nil, err
	}
	result, err := exec.Run(ctx, query, source{r.store}, exec.Options{Workers: r.workers})
	if err != nil {
		return nil, nil, err
	}
	if n := result.Stats.Source.BlocksDamaged; n > 0 {
		return nil, nil, fmt.Errorf("%d blocks are damaged", n)
	}
	return compiled, result, nil
}

// select_ resolves the groups of a query.
func (r *scriptRun) select_(q insightsql.Language, groups []string) ([]string, error) {
	if len(q.Selectors()) == 0 {
		if len(groups) == 0 {
			return r.groups[:1], nil
		}
		return groups, nil
	}
	names := slices.Clone(r.groups)
	for _, s := range q.Selectors() {
		switch s.Kind {
		case insightsql.SourceNames:
			for _, n := range s.Names {
				if !slices.Contains(r.groups, n) {
					return nil, fmt.Errorf("there is no group %s", n)
				}
			}
			names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(s.Names, n) })
		case insightsql.SourceLogGroups:
			names = slices.DeleteFunc(names, func(n string) bool {
				return len(s.Names) > 0 && !slices.ContainsFunc(s.Names, func(p string) bool { return strings.HasPrefix(n, p) })
			})
		default:
			return nil, fmt.Errorf("scripts have no data sources and no tags")
		}
	}
	return names, nil
}

func (r *scriptRun) env(groups []string, start, end int64, limit int) insightsql.Env {
	return insightsql.Env{
		Now: r.c.Now, Start: start, End: end, Limit: limit,
		StreamName: func(id logs.StreamID) string { return r.streams[id-1].stream },
		GroupName:  func(id logs.GroupID) string { return scriptAccount + ":" + r.groups[id-1] },
		StreamIDs: func(name string) (ids []logs.StreamID) {
			for i, s := range r.streams {
				if s.stream == name && slices.Contains(groups, s.group) {
					ids = append(ids, logs.StreamID(i+1))
				}
			}
			return ids
		},
		GroupIDs: func(name string) (ids []logs.GroupID) {
			for i, g := range r.groups {
				if scriptAccount+":"+g == name && slices.Contains(groups, g) {
					ids = append(ids, logs.GroupID(i+1))
				}
			}
			return ids
		},
		Lookup: func(_ context.Context, name string) (*insightsql.Table, error) {
			for _, table := range r.set.Tables {
				if table.Name == name {
					return &insightsql.Table{Fields: table.Fields, Rows: table.Rows, Key: name}, nil
				}
			}
			return nil, insightsql.ErrNoTable
		},
		Run: func(ctx context.Context, sub insightsql.Sub) (*plan.Rows, error) {
			q := sub.Other
			if q == nil {
				q = sub.Query
			}
			compiled, result, err := r.run(ctx, q, groups, sub.Start, sub.End, sub.MaxRows)
			if err != nil {
				return nil, err
			}
			return rowsOf(compiled, result), nil
		},
	}
}

// rowsOf turns a result into rows in memory.
func rowsOf(compiled *insightsql.Compiled, result *exec.Result) *plan.Rows {
	rows := &plan.Rows{Names: result.Columns, Len: len(result.Rows), Cols: make([][]plan.Value, len(result.Columns))}
	for c := range rows.Cols {
		for _, row := range result.Rows {
			rows.Cols[c] = append(rows.Cols[c], row[c].Clone())
		}
	}
	return rows
}

// show returns an answer as tables of scripts have it.
func (r *scriptRun) show(compiled *insightsql.Compiled, result *exec.Result) (columns []string, rows [][]querytest.Cell) {
	columns = slices.Clone(compiled.Columns)
	if compiled.Events {
		columns = append(columns, "@ptr")
	}
	for i, values := range result.Rows {
		row := make([]querytest.Cell, 0, len(columns))
		for c := range compiled.Columns {
			if values[c].Kind == plan.Null {
				row = append(row, querytest.Cell{Null: true})
				continue
			}
			row = append(row, querytest.Cell{Text: string(insightsql.AppendText(nil, &values[c]))})
		}
		if compiled.Events {
			name := "?"
			if i < len(result.Events) {
				if n := r.labels[result.Events[i]]; n > 0 {
					name = "E" + strconv.Itoa(n)
				}
			}
			row = append(row, querytest.Cell{Text: name})
		}
		rows = append(rows, row)
	}
	return columns, rows
}
