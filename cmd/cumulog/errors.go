package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failure is an error that knows what the user can do about it.
type failure struct {
	err  error
	hint string
	code int
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usageError is a mistake in the command line: exit code 2 and a pointer to the help.
func usageError(format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), hint: "run it with --help to see how it is used", code: 2}
}

// hinted adds what the user can do to err.
func hinted(err error, format string, args ...any) error {
	return &failure{err: err, hint: fmt.Sprintf(format, args...), code: 1}
}

// report prints err as one sentence and, on a second line, what to do about it. It returns the exit code.
func report(w io.Writer, err error) int {
	code, hint := 1, ""
	var f *failure
	switch {
	case errors.As(err, &f):
		code, hint = f.code, f.hint
	case errors.Is(err, context.Canceled):
		return 130
	case errors.Is(err, errNoMatch):
		return 1
	}
	fmt.Fprintf(w, "cumulog: %s\n", describe(err))
	if hint == "" {
		hint = hintFor(err)
	}
	if hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
	return code
}

// describe shortens what an AWS client wraps around an answer: the code and the sentence are what counts.
func describe(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		if op.Addr == nil { // the name was not found; the inner error says which
			return fmt.Sprintf("no server answers: %v", op.Err)
		}
		return fmt.Sprintf("no server answers at %s: %v", op.Addr, op.Err)
	}
	return strings.ReplaceAll(err.Error(), "\n", "\n  ")
}

// isAway tells a server that does not answer, or not now, from one that refuses, and from failures on this side.
func isAway(err error) bool {
	var call *smithy.OperationError
	if !errors.As(err, &call) {
		return false
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		status := answer.HTTPStatusCode()
		return status < 400 || status >= 500 // an answer that breaks off, or an apology
	}
	return true
}

func hintFor(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ResourceNotFoundException":
			return "check the names; `cumulog put --create` makes a group and a stream that are missing"
		case "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException":
			return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key of `cumulog keys create`"
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return "start it with `cumulog serve`, or name it with --endpoint"
	}
	return ""
}
