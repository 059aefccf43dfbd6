package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"runtime/debug"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/explore"
)

// engine asks questions of a data directory in this process: no query language reaches the executor over the wire yet.
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

func number(name string) plan.Expr { return plan.Field{Name: name} }

func text(name, value string) plan.Expr {
	return plan.Cmp{Op: plan.Eq, A: plan.Field{Name: name}, B: plan.Str(value)}
}

// count is the number of all rows.
func count() plan.Agg { return plan.Agg{Func: plan.Count, As: "n"} }

func countMatches(field, re string) []plan.Step {
	return []plan.Step{
		plan.Filter{Cond: plan.Match{X: plan.Field{Name: field}, Re: regexp.MustCompile(re)}},
		plan.Stats{Aggs: []plan.Agg{count()}},
	}
}

// countPattern counts what a filter pattern matches.
func countPattern(text string) []plan.Step {
	p, err := pattern.Parse(text)
	if err != nil {
		panic(err)
	}
	m := p.Compile()
	return []plan.Step{
		plan.Filter{Cond: plan.Test{Name: p.String(), Match: m.Match, Need: p.Need(), Columns: m.Columns()}},
		plan.Stats{Aggs: []plan.Agg{count()}},
	}
}

func by(names ...string) (keys []plan.Named) {
	for _, n := range names {
		keys = append(keys, plan.Named{Expr: plan.Field{Name: n}, As: n})
	}
	return keys
}

// plans are the questions that need the executor.
func plans(name string) []plan.Step {
	switch name {
	case "regex json":
		return countMatches("http.path", `orders/[0-9]{3,5}$`)
	case "regex text":
		return countMatches(plan.Message, `took [0-9]{2,3} ms`)
	case "regex access":
		return countMatches(plan.Message, ` 50[0-9] [0-9]+ `)
	case "fields":
		return []plan.Step{
			plan.Filter{Cond: plan.And{X: []plan.Expr{
				text("level", "error"), plan.Cmp{Op: plan.Eq, A: number("http.status"), B: plan.Num(503)},
			}}},
			plan.Stats{Aggs: []plan.Agg{count()}},
		}
	case "pattern":
		return countPattern(`{ $.level = "error" && $.http.status = 503 }`)
	case "bins":
		return []plan.Step{plan.Stats{
			By:   []plan.Named{{Expr: plan.Bin{X: plan.Field{Name: plan.Timestamp}, Every: 60_000}, As: "minute"}},
			Aggs: []plan.Agg{count()},
		}}
	case "service":
		latency := number("latency_ms")
		return []plan.Step{plan.Stats{By: by("service"), Aggs: []plan.Agg{
			count(), {Func: plan.Avg, Arg: latency, As: "a"}, {Func: plan.Pct, Arg: latency, P: 99, As: "p"},
		}}}
	case "top":
		return []plan.Step{
			plan.Stats{By: by("http.path"), Aggs: []plan.Agg{count()}},
			plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: "n"}, Desc: true}}, Limit: 10},
		}
	case "newest":
		return []plan.Step{
			plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: plan.Timestamp}, Desc: true}}, Limit: 100},
			plan.Project{Cols: by(plan.Timestamp, plan.Message)},
		}
	}
	return nil
}

// ask runs a plan and returns the sum of its counts, or the number of events.
func (e *engine) ask(ctx context.Context, name string) (int64, error) {
	steps := plans(name)
	if steps == nil {
		return 0, fmt.Errorf("there is no plan %q", name)
	}
	query, err := plan.Optimize(&plan.Plan{Scan: plan.Scan{Groups: []logs.GroupID{e.group}, End: math.MaxInt64}, Steps: steps})
	if err != nil {
		return 0, err
	}
	result, err := exec.Run(ctx, query, explore.Source{Store: e.store}, exec.Options{})
	if err != nil {
		return 0, err
	}
	if result.Events != nil {
		return int64(len(result.Rows)), nil
	}
	total := int64(0)
	for _, row := range result.Rows {
		for i, column := range result.Columns {
			if column == "n" {
				n, ok := row[i].Float()
				if !ok {
					return 0, fmt.Errorf("%s: the count is %v", name, row[i])
				}
				total += int64(n)
			}
		}
	}
	return total, nil
}
