package exec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// TestAPanicEndsTheQueryOnly: beside the blocks, over rows in memory, and in a snapshot.
func TestAPanicEndsTheQueryOnly(t *testing.T) {
	broken := &plan.Function{Name: "broken", Min: 1, Max: 1, Eval: func([]plan.Value, *plan.Arena) plan.Value { panic("a defect") }}
	call := plan.Call{Func: broken, Args: []plan.Expr{field(plan.Timestamp)}}
	src := &memory{rows: plainRows(200, numbered), block: 10}
	for name, steps := range map[string][]plan.Step{
		"blocks":    {plan.Filter{Cond: call}, countRows},
		"memory":    {countRows, plan.Extend{Cols: []plan.Named{{Expr: call, As: "x"}}}},
		"transform": {plan.Transform{Name: "broken", All: true, Columns: func(in []string) []string { return in }, Apply: func(context.Context, *plan.Rows) (*plan.Rows, error) { panic("a defect") }}},
	} {
		q := optimize(t, steps...)
		r := exec.Start(context.Background(), q, src, exec.Options{Workers: 3})
		_, _ = r.Snapshot()
		_, err := r.Wait()
		if p, ok := errors.AsType[*exec.PanicError](err); !ok || p.Value != "a defect" || len(p.Stack) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if _, err = exec.Run(context.Background(), q, src, exec.Options{Workers: 2}); err == nil {
			t.Errorf("%s: no error", name)
		}
		_ = r.Stats()
	}
}
