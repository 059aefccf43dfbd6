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

// ErrRows is wrapped by the error of a transform that would make more than
// MaxMade rows.
var ErrRows = errors.New("too many rows")

// Limits.
const (
	MaxFields = 1000      // columns that are named
	MaxName   = 1024      // bytes of a name
	MaxMade   = 1_000_000 // rows that a transform makes
)

// checkNames reports names that are missing, too long, too many or there twice.
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

const (
	valueBytes = int(unsafe.Sizeof(plan.Value{}))
	indexBytes = 8
	keyBytes   = 64 // of an entry of a map, without its text
)

// work is one run of a transform.
type work struct {
	ctx  context.Context
	in   *plan.Rows
	done int
}

// every is the number of steps after which the context is looked at.
const every = 4096

// step counts a step: what is done for one value or row.
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

// column makes a column of n Nulls.
func (w *work) column(n int) ([]plan.Value, error) {
	if err := w.grow(n * valueBytes); err != nil {
		return nil, err
	}
	return make([]plan.Value, n), nil
}

// source returns the column of that name, of Nulls when there is none.
func (w *work) source(name string) ([]plan.Value, error) {
	if c := w.in.Column(name); c != nil {
		return c, nil
	}
	return w.column(w.in.Len)
}

// indexes makes the list of the first n indexes.
func (w *work) indexes(n int) ([]int, error) {
	if err := w.grow(n * indexBytes); err != nil {
		return nil, err
	}
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x, nil
}

// same returns the rows of in with lists of columns of their own.
func (w *work) same() (*plan.Rows, error) {
	from, err := w.indexes(w.in.Len)
	return &plan.Rows{Names: slices.Clone(w.in.Names), Cols: slices.Clone(w.in.Cols), Len: w.in.Len, From: from}, err
}

// take makes the rows of in that from lists, in its order.
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

// with returns the rows of in with more columns, or others of the same name.
func (w *work) with(names []string, cols ...[]plan.Value) (*plan.Rows, error) {
	r, err := w.same()
	if err != nil {
		return nil, err
	}
	for i, n := range names {
		if at := slices.Index(r.Names, n); at >= 0 {
			r.Cols[at] = cols[i]
			continue
		}
		r.Names = append(r.Names, n)
		r.Cols = append(r.Cols, cols[i])
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

// columns is the Columns of a transform that always makes the same.
func columns(names ...string) func([]string) []string {
	return func([]string) []string { return slices.Clone(names) }
}

// made returns t with a function over its work as Apply.
func made(t plan.Transform, apply func(w *work) (*plan.Rows, error)) plan.Transform {
	t.Apply = func(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return apply(&work{ctx: ctx, in: in})
	}
	return t
}

// distinctNames returns names without repetitions.
func distinctNames(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		for _, n := range l {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}
