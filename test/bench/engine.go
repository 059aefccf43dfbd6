package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/explore"
)

// engine asks questions of a data directory in this process.
type engine struct {
	catalog *catalog.DB
	store   *store.Store
	group   logs.GroupID
}

// engineMemory is what the server gives the store by default.
func engineMemory() int64 { return int64(config.Default().Memory) / 2 }

// openEngine opens a data directory and asks about its last group, whose name must be group unless that is empty.
func openEngine(ctx context.Context, dir, group string) (*engine, error) {
	debug.SetGCPercent(40) // as the server does
	db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{FS: vfs.OS(), Dir: dir, Manifest: db, Memory: engineMemory()})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e := &engine{catalog: db, store: s}
	segments, err := db.Segments(ctx)
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	for _, g := range segments {
		e.group = max(e.group, g.GroupHigh)
	}
	g, err := db.GroupByID(ctx, e.group)
	if err == nil && group != "" && g.Name != group {
		err = fmt.Errorf("the last group of %s is %q, not %q", dir, g.Name, group)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *engine) close() error { return errors.Join(e.store.Close(), e.catalog.Close()) }

// countPattern counts what a filter pattern matches.
func countPattern(text string) []plan.Step {
	p, err := pattern.Parse(text)
	if err != nil {
		panic(err)
	}
	m := p.Compile()
	return []plan.Step{
		plan.Filter{Cond: plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}},
		plan.Stats{Aggs: []plan.Agg{{Func: plan.Count, As: "n"}}},
	}
}

// plans are the questions that no query language can ask.
func plans(name string) []plan.Step {
	if name == "pattern" {
		return countPattern(`{ $.level = "error" && $.http.status = 503 }`)
	}
	return nil
}

// ask runs the plan or the query of a question.
func (e *engine) ask(ctx context.Context, q *question) (int64, error) {
	steps := plans(q.engine)
	if q.insights != "" {
		parsed, err := insightsql.Parse(q.insights)
		if err != nil {
			return 0, err
		}
		compiled, err := parsed.Compile(ctx, insightsql.Env{
			Now: time.Now().UnixMilli(), End: math.MaxInt64,
			StreamName: func(id logs.StreamID) string { return strconv.FormatInt(int64(id), 10) },
			GroupName:  func(id logs.GroupID) string { return strconv.FormatInt(int64(id), 10) },
		})
		if err != nil {
			return 0, err
		}
		steps = compiled.Steps
	}
	if steps == nil {
		return 0, fmt.Errorf("%s: there is no plan", q.name)
	}
	query, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{e.group}, End: math.MaxInt64}, Steps: steps})
	if err != nil {
		return 0, err
	}
	result, err := exec.Run(ctx, query, explore.Source{Store: e.store}, exec.Options{})
	if err != nil {
		return 0, err
	}
	rows := make([]map[string]string, len(result.Rows))
	for i, values := range result.Rows {
		rows[i] = make(map[string]string, len(values))
		for c := range values {
			rows[i][result.Columns[c]] = string(insightsql.AppendText(nil, &values[c]))
		}
	}
	return q.sum(rows)
}
