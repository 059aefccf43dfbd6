package awshttp

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/logs"
)

// Service is one service with targets: in JSON 1.1, or see ContentType and CBOR.
type Service struct {
	// TargetPrefix is what X-Amz-Target holds before the dot.
	TargetPrefix string
	// SigningName is the service of the credential scope.
	SigningName string
	// Operations holds the operations that are built, by name.
	Operations map[string]Operation
	// Known describes every operation of the service, built or not, such as
	// logswire.Lookup. Each built operation must be known.
	Known func(operation string) (awsproto.OperationInfo, bool)
	// MapError turns an error of a handler into its wire form, or returns nil
	// for an error that clients must not see.
	MapError func(error) *awsproto.Error
	// ContentType is that of JSON answers; "" means JSON 1.1.
	ContentType string
	// CBOR holds the same operations for RPC v2 CBOR; nil when the service does
	// not speak it.
	CBOR map[string]Operation
	// Errors renders the errors of a service that speaks several protocols; nil
	// for one that does not.
	Errors *awsproto.Errors
}

// Operation runs one operation on a request body.
type Operation struct {
	run func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (answer, error)

	// Of an operation that answers with a stream, instead of run.
	open    func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (Stream, error)
	framing framing
}

// answer appends the body of an answer; nil stands for {}.
type answer func(dst []byte) ([]byte, error)

// JSON returns the operation that decodes the body into an I, checks its
// constraints and calls fn. A nil output without an error is answered as {}. I
// and O are generated shapes; O may be any type whose pointer has AppendJSON.
func JSON[I, O any, PI interface {
	*I
	awsproto.Input
}, PO interface {
	*O
	awsproto.Appender
}](fn func(ctx context.Context, in PI) (PO, error)) Operation {
	return Operation{run: func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (answer, error) {
		in := PI(new(I))
		if err := awsproto.Read(body, in, info.ConstraintCode); err != nil {
			return nil, err
		}
		out, err := fn(ctx, in)
		if err != nil || out == nil {
			return nil, err
		}
		return out.AppendJSON, nil
	}}
}

// Raw returns the operation that hands the undecoded body to fn. The body is
// valid and unchanged until fn returns, and is reused after that. A nil output without
// an error is answered as {}.
func Raw(fn func(ctx context.Context, body []byte) (awsproto.Appender, error)) Operation {
	return Operation{run: func(ctx context.Context, _ *awsproto.OperationInfo, body []byte) (answer, error) {
		out, err := fn(ctx, body)
		if err != nil || out == nil {
			return nil, err
		}
		return out.AppendJSON, nil
	}}
}

// Caller says who sent a request.
type Caller struct {
	Scope     logs.Scope
	AccessKey string // "" when the request is not signed (open mode)
	RequestID string // a UUID
	Operation string
}

type callerKey struct{}

// CallerFrom returns the caller of the request that ctx belongs to; the zero
// Caller outside a request.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// WithCaller returns a context that carries c, for handlers outside this
// package and for tests.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}
