package insights

import (
	"context"
	"maps"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/service/events"
)

// maxFound bounds the columns of fields that are found in the messages of rows.
const maxFound = 1000

// found returns the names of the fields in the messages of rows, sorted: columns
// that a query shows without naming them. Its error is that of ctx.
func found(ctx context.Context, r *exec.Result, c *insightsql.Compiled) ([]string, error) {
	at := slices.Index(c.Columns, plan.Message)
	if !c.Discover || at < 0 {
		return nil, nil
	}
	names := map[string]bool{}
	for _, row := range r.Rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for n := range events.Discover(row[at].Text) {
			names[n] = true
		}
	}
	for _, n := range c.Columns {
		delete(names, n)
	}
	for _, n := range c.Except {
		delete(names, n)
	}
	list := slices.Sorted(maps.Keys(names))
	return list[:min(len(list), maxFound)], nil
}
