package transform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// ErrParameter is wrapped by the errors of constructors.
var ErrParameter = errors.New("wrong parameter")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrParameter, fmt.Sprintf(format, args...))
}

// Limits of parameters.
const (
	MaxFields = 1000 // columns that are named
	MaxName   = 1024 // bytes of a name
)

func checkNames(what string, names ...string) error {
	if len(names) > MaxFields {
		return wrong("%s names more than %d fields", what, MaxFields)
	}
	for i, n := range names {
		if n == "" || len(n) > MaxName {
			return wrong("%s has a name that is empty or longer than %d bytes", what, MaxName)
		}
		if slices.Contains(names[:i], n) {
			return wrong("%s names %s twice", what, n)
		}
	}
	return nil
}

const valueBytes = int(unsafe.Sizeof(plan.Value{}))

// work is the run of one transform.
type work struct {
	ctx  context.Context
	in   *plan.Rows
	done int
}

// every is the number of rows after which the context is looked at.
const every = 4096

// step counts one row of work.
func (w *work) step() error {
	if w.done++; w.done%every != 0 {
		return nil
	}
	return context.Cause(w.ctx)
}

// grow asks for memory.
func (w *work) grow(bytes int) error {
	if w.in.Grow == nil {
		return nil
	}
	return w.in.Grow(bytes)
}

// column makes a column of n Null values.
func (w *work) column(n int) ([]plan.Value, error) {
	if err := w.grow(n * valueBytes); err != nil {
		return nil, err
	}
	return make([]plan.Value, n), nil
}

// copied makes a copy of a column, of Nulls when there is none.
func (w *work) copied(col []plan.Value) ([]plan.Value, error) {
	c, err := w.column(w.in.Len)
	copy(c, col)
	return c, err
}

// same returns the rows of in with their own lists of columns.
func (w *work) same() *plan.Rows {
	return &plan.Rows{Names: slices.Clone(w.in.Names), Cols: slices.Clone(w.in.Cols), Len: w.in.Len, From: identity(w.in.Len)}
}

func identity(n int) []int {
	from := make([]int, n)
	for i := range from {
		from[i] = i
	}
	return from
}

// set replaces a column or appends it.
func set(r *plan.Rows, name string, col []plan.Value) {
	if i := slices.Index(r.Names, name); i >= 0 {
		r.Cols[i] = col
		return
	}
	r.Names = append(r.Names, name)
	r.Cols = append(r.Cols, col)
}

// take makes the rows of in that from lists, in this order.
func (w *work) take(from []int) (*plan.Rows, error) {
	r := &plan.Rows{Names: slices.Clone(w.in.Names), Cols: make([][]plan.Value, len(w.in.Cols)), Len: len(from), From: from}
	for i, c := range w.in.Cols {
		to, err := w.column(len(from))
		if err != nil {
			return nil, err
		}
		for k, f := range from {
			to[k] = c[f]
			if err := w.step(); err != nil {
				return nil, err
			}
		}
		r.Cols[i] = to
	}
	return r, nil
}

// keep is the Columns of a transform that adds columns.
func keep(added ...string) func([]string) []string {
	return func(in []string) []string {
		out := slices.Clone(in)
		for _, a := range added {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
		return out
	}
}

// step1 makes a transform out of a function over its work.
func made(t plan.Transform, apply func(w *work) (*plan.Rows, error)) plan.Transform {
	t.Apply = func(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return apply(&work{ctx: ctx, in: in})
	}
	return t
}
