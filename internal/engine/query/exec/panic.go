package exec

import (
	"fmt"
	"runtime/debug"
)

// PanicError is the error of a query whose code panicked: a defect of this
// program, which must not end the process and with it the queries of others.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("query: internal failure: %v", e.Value) }

// guarded returns the error of f, a *PanicError when it panics.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{p, debug.Stack()}
		}
	}()
	return f()
}
