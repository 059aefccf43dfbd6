package awshttp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

// ShapeService is a service that speaks three protocols: Query, JSON 1.0 and RPC v2
// CBOR. Its operations know nothing of them.
type ShapeService struct {
	TargetPrefix string // in X-Amz-Target, and the service in CBOR's path
	SigningName  string
	Version      string // of the API, the Version parameter of Query
	Namespace    string // of XML answers
	// Operations holds the operations that are built, by name.
	Operations map[string]ShapeOperation
	// Known describes every operation of the service, built or not.
	Known func(operation string) (awsproto.OperationInfo, bool)
	// MapError turns an error of a handler into its wire form, or returns nil
	// for an error that clients must not see.
	MapError func(error) *awsproto.Error
	Errors   *awsproto.Errors
}

// ShapeOperation is an operation of a ShapeService.
type ShapeOperation struct {
	run func(ctx context.Context, info *awsproto.OperationInfo, decode func(awsproto.Shape) error) (awsproto.Shape, error)
}

// Shaped returns the operation that decodes an I, checks its constraints and calls fn.
// A nil output without an error is answered as an empty one.
func Shaped[I, O any, PI interface {
	*I
	awsproto.Request
}, PO interface {
	*O
	awsproto.Shape
}](fn func(ctx context.Context, in PI) (PO, error)) ShapeOperation {
	return ShapeOperation{run: func(ctx context.Context, info *awsproto.OperationInfo, decode func(awsproto.Shape) error) (awsproto.Shape, error) {
		in := PI(new(I))
		if err := decode(in); err != nil {
			if e, ok := errors.AsType[*awsproto.DecodeError](err); ok {
				return nil, awsproto.Serialization("%s", e.Error())
			}
			return nil, err
		}
		if err := awsproto.Check(in, info); err != nil {
			return nil, err
		}
		out, err := fn(ctx, in)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = new(O)
		}
		return out, nil
	}}
}

// RPC returns the service in JSON and CBOR, for NewHandler.
func (s ShapeService) RPC() Service {
	in := func(decode func([]byte, awsproto.Shape) error, appendTo func([]byte, awsproto.Shape) []byte) map[string]Operation {
		operations := make(map[string]Operation, len(s.Operations))
		for name, o := range s.Operations {
			operations[name] = Operation{run: func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (answer, error) {
				out, err := o.run(ctx, info, func(in awsproto.Shape) error { return decode(body, in) })
				if err != nil {
					return nil, err
				}
				return func(dst []byte) ([]byte, error) { return appendTo(dst, out), nil }, nil
			}}
		}
		return operations
	}
	return Service{
		TargetPrefix: s.TargetPrefix, SigningName: s.SigningName, Known: s.Known, MapError: s.MapError,
		Operations:  in(awsproto.DecodeJSONShape, awsproto.AppendJSONShape),
		CBOR:        in(awsproto.DecodeCBORShape, awsproto.AppendCBORShape),
		ContentType: "application/x-amz-json-1.0",
		Errors:      s.Errors,
	}
}

// Query returns the service in the Query protocol, for NewQueryHandler.
func (s ShapeService) Query() QueryService {
	operations := make(map[string]QueryOperation, len(s.Operations))
	for name, o := range s.Operations {
		operations[name] = func(ctx context.Context, form *awsproto.Form, dst []byte) ([]byte, error) {
			info, _ := s.Known(name)
			out, err := o.run(ctx, &info, func(in awsproto.Shape) error { return in.Decode(form.Source()) })
			if err != nil {
				return nil, err
			}
			return awsproto.AppendXMLShape(dst, out), nil
		}
	}
	return QueryService{
		SigningName: s.SigningName, Version: s.Version, Namespace: s.Namespace,
		Operations: operations, Known: s.Known, MapError: s.MapError, Errors: s.Errors,
	}
}

const (
	cborProtocol    = "rpc-v2-cbor"
	cborContentType = "application/cbor"
)

// isRPC tells a request of the RPC v2 protocols, whose path names the operation. Without the
// header it is a path of S3.
func isRPC(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Smithy-Protocol") != "" && strings.HasPrefix(r.URL.Path, "/service/")
}

// rpcTarget returns the service and the operation that the path of an RPC v2 request names.
func rpcTarget(path string) (service, operation string, ok bool) {
	rest, _ := strings.CutPrefix(path, "/service/")
	service, operation, ok = strings.Cut(rest, "/operation/")
	return service, operation, ok && service != "" && operation != ""
}
