package awsproto

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Error codes that belong to the protocol and not to one service.
const (
	CodeSerialization         = "SerializationException"
	CodeUnknownOperation      = "UnknownOperationException"
	CodeRequestEntityTooLarge = "RequestEntityTooLargeException"
	CodeMalformedHTTPRequest  = "MalformedHttpRequestException"
	CodeInternalFailure       = "InternalFailure"
	CodeServiceUnavailable    = "ServiceUnavailableException"
	CodeInvalidParameter      = "InvalidParameterException"
	CodeValidation            = "ValidationException"
	CodeThrottling            = "ThrottlingException"
	CodeValidationError       = "ValidationError" // of services that speak Query too
)

// Error is an error as a client sees it. It is immutable once returned.
type Error struct {
	Code    string
	Message string
	// Status is the HTTP status; 0 means 400.
	Status int
	// Members holds further members of the error shape, such as resourceName
	// of TooManyTagsException. A value is a string, bool, integer, float64 or
	// an Appender.
	Members map[string]any
	// Detail is the whole error shape of a service that speaks several
	// protocols, when it has more than a message; nil otherwise.
	Detail Shape
}

// Errorf returns an error with HTTP status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus returns the status to answer with.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// AppendJSON appends the error as a JSON 1.1 error body.
func (e *Error) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"__type":`...)
	dst = AppendString(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, e.Message)
	names := make([]string, 0, len(e.Members))
	for name := range e.Members {
		if name != "message" && name != "__type" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		dst = append(dst, ',')
		dst = AppendString(dst, name)
		dst = append(dst, ':')
		var err error
		if dst, err = appendAny(dst, e.Members[name]); err != nil {
			return dst, fmt.Errorf("error member %s: %w", name, err)
		}
	}
	return append(dst, '}'), nil
}

func appendAny(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return AppendString(dst, v), nil
	case Appender:
		return v.AppendJSON(dst)
	}
	text, err := json.Marshal(v)
	return append(dst, text...), err
}

// Serialization returns the SerializationException for a body that cannot be
// decoded.
func Serialization(format string, args ...any) *Error {
	return Errorf(CodeSerialization, format, args...)
}

// UnknownOperation returns the error for a target that names no operation.
func UnknownOperation(message string) *Error {
	return &Error{Code: CodeUnknownOperation, Message: message, Status: http.StatusBadRequest}
}

// Unsupported returns the error for an operation of the service that this
// server does not offer.
func Unsupported(operation string) *Error {
	return UnknownOperation("Operation " + operation + " is not supported by this server.")
}

// TooLarge returns the error for a body over limit bytes.
func TooLarge(limit int64) *Error {
	return &Error{
		Code:    CodeRequestEntityTooLarge,
		Message: fmt.Sprintf("Request body exceeds the limit of %d bytes.", limit),
		Status:  http.StatusRequestEntityTooLarge,
	}
}

// Internal returns the error for a failure whose cause stays in the log.
func Internal(requestID string) *Error {
	return &Error{
		Code:    CodeInternalFailure,
		Message: "The request processing has failed because of an unknown error. Request id: " + requestID,
		Status:  http.StatusInternalServerError,
	}
}

// OperationInfo describes one operation of a service model, built or not.
type OperationInfo struct {
	Name string
	// Errors lists the modelled error codes, sorted.
	Errors []string
	// ConstraintCode is the code that constraint failures answer with.
	ConstraintCode string
	// Parameters tells that constraint failures are told as errors of
	// parameters instead; see Violations.Parameters.
	Parameters bool
	// BodyLimit bounds the request body in bytes, before and after
	// decompression.
	BodyLimit int64
	// EventStream tells whether the answer is an event stream.
	EventStream bool
	// HostPrefix is what SDKs put before the host, such as "stream-".
	HostPrefix string
	// NewInput returns a new, empty input shape.
	NewInput func() Input
	// NewOutput returns a new, empty output shape.
	NewOutput func() Output
	// NewRequest and NewAnswer return new, empty shapes of a service that
	// speaks several protocols, which has no NewInput and NewOutput. NewAnswer is
	// nil for an operation without an output shape.
	NewRequest func() Request
	NewAnswer  func() Shape
}

// Input is a generated request shape.
type Input interface {
	Appender
	DecodeJSON(*Decoder) error
	Validate(*Violations)
}

// Output is a generated answer shape.
type Output interface {
	Appender
	DecodeJSON(*Decoder) error
}

// Appender is a value that writes itself as JSON.
type Appender interface {
	// AppendJSON appends the value to dst and returns the extended slice.
	AppendJSON(dst []byte) ([]byte, error)
}
