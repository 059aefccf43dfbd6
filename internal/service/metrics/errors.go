package metrics

import (
	"errors"
	"fmt"
)

// Errors of the package. All but ErrDashboardNotFound come as an *Error, whose message is for
// the client.
var (
	// ErrInvalidValue: a parameter has a value it must not have.
	ErrInvalidValue = errors.New("invalid parameter value")
	// ErrInvalidCombination: parameters do not go together.
	ErrInvalidCombination = errors.New("invalid combination of parameters")
	// ErrMissing: a parameter is missing.
	ErrMissing = errors.New("missing parameter")
	// ErrValidation: a query for data is not well formed.
	ErrValidation = errors.New("invalid query")
	// ErrInvalidToken: a token of a page was not given out for this request.
	ErrInvalidToken = errors.New("invalid token")
	// ErrTooManyMetrics: publishing would make more metrics than the server keeps. Nothing
	// was published.
	ErrTooManyMetrics = errors.New("too many metrics")
	// ErrUnavailable: the disk is full. Nothing was published; later attempts may
	// succeed.
	ErrUnavailable = errors.New("no room for metrics")
	// ErrDashboardNotFound: there is no dashboard of this name.
	ErrDashboardNotFound = errors.New("dashboard not found")
)

// Error is an error of a request.
type Error struct {
	Kind    error // one of the Err variables
	Message string
	Cause   error // for the log; may be nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns kind and cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

func invalid(format string, args ...any) error {
	return &Error{Kind: ErrInvalidValue, Message: fmt.Sprintf(format, args...)}
}

func combination(format string, args ...any) error {
	return &Error{Kind: ErrInvalidCombination, Message: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &Error{Kind: ErrMissing, Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) error {
	return &Error{Kind: ErrValidation, Message: fmt.Sprintf(format, args...)}
}
