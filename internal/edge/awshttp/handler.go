package awshttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/logs"
)

// contentType is that of JSON answers, unless the service has another.
const contentType = "application/x-amz-json-1.1"

// unknownLimit bounds the bodies of requests for operations that nobody
// knows.
const unknownLimit = 2 << 20

// Observation describes a request that has been answered.
type Observation struct {
	Service       string        // signing name, or ""
	Operation     string        // as the model spells it, or "" when unknown
	Status        int           // 499 when the client went away while the operation ran
	Code          string        // error code, or ""
	Duration      time.Duration // of a stream: until it began
	RequestBytes  int           // as received
	ResponseBytes int
}

// Options configures a Handler or a QueryHandler.
type Options struct {
	Auth    Authenticator     // required
	Logger  *slog.Logger      // nil discards
	Observe func(Observation) // called once per request; may be nil
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

// Handler serves the services with targets: in JSON, and in RPC v2 CBOR those that
// speak it.
type Handler struct {
	options  Options
	log      *slog.Logger
	services map[string]Service
}

// NewHandler returns the handler of services.
func NewHandler(o Options, services ...Service) *Handler {
	h := &Handler{options: o, log: o.logger(), services: map[string]Service{}}
	for _, s := range services {
		h.services[s.TargetPrefix] = s
	}
	return h
}

// call is one request on its way.
type call struct {
	id        string
	start     time.Time
	service   Service
	info      awsproto.OperationInfo
	operation Operation
	identity  Identity
	cbor      bool // the protocol is RPC v2 CBOR
	in        int  // bytes received
	cause     error

	stream Stream        // the answer, when it is not nil
	eof    bool          // it has ended by itself
	took   time.Duration // until it began
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: uuid.NewString(), start: time.Now()}
	out := answers.get()
	defer answers.put(out)
	failure := h.serve(r, c, out)
	if failure == nil && c.stream != nil {
		h.stream(w, r, c, out)
		return
	}
	status, code := http.StatusOK, ""
	header := w.Header()
	if failure != nil {
		status, code = failure.HTTPStatus(), failure.Code
		out.b = c.appendError(out.b[:0], failure)
		if known := c.service.Errors; known != nil {
			status = known.Status(failure)
			query, fault := known.QueryCode(failure)
			header["x-amzn-query-error"] = []string{query + ";" + fault}
		}
	}
	switch {
	case c.cbor:
		header["smithy-protocol"] = []string{cborProtocol}
		header.Set("Content-Type", cborContentType)
	case c.service.ContentType != "":
		header.Set("Content-Type", c.service.ContentType)
	default:
		header.Set("Content-Type", contentType)
	}
	write(w, c.id, status, out.b, closes(c, failure))
	finish(h.options, h.log, r, c, status, code, len(out.b))
}

// closes tells whether the connection has to be closed behind the answer,
// because the body was not read to its end.
func closes(c *call, failure *awsproto.Error) bool {
	return failure != nil && (failure.Code == awsproto.CodeRequestEntityTooLarge || errors.Is(c.cause, errGone))
}

// appendError appends the body of an error.
func (c *call) appendError(dst []byte, e *awsproto.Error) []byte {
	switch {
	case c.cbor && c.service.Errors != nil:
		return awsproto.AppendCBORShape(dst, c.service.Errors.Shape(e))
	case c.cbor: // of a service that does not speak it
		return awsproto.AppendCBORShape(dst, noErrors.Shape(e))
	case c.service.Errors != nil:
		return awsproto.AppendJSONShape(dst, c.service.Errors.Shape(e))
	}
	out, err := e.AppendJSON(dst)
	if err == nil {
		return out
	}
	bare := awsproto.Error{Code: e.Code, Message: e.Message}
	out, _ = bare.AppendJSON(dst) // without members nothing can fail
	return out
}

// noErrors are the errors of no model.
var noErrors = awsproto.Errors{Known: func(string) (awsproto.ErrorInfo, bool) { return awsproto.ErrorInfo{}, false }}

// write is the one place where answers go out.
func write(w http.ResponseWriter, requestID string, status int, body []byte, closing bool) {
	header := w.Header()
	header["x-amzn-RequestId"] = []string{requestID} // spelled as AWS does
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if header.Get("Date") == "" {
		header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if closing {
		header.Set("Connection", "close")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is not our failure
}

// serve runs one request and appends its answer to out.
func (h *Handler) serve(r *http.Request, c *call, out *buffer) (failure *awsproto.Error) {
	defer recovered(h.log, c, &failure)
	unknown := h.find(r, c)
	limit := int64(unknownLimit)
	if unknown == nil {
		limit = c.info.BodyLimit
	}
	if r.Method != http.MethodPost {
		return awsproto.Errorf(awsproto.CodeMalformedHTTPRequest, "Method %s is not allowed, use POST.", clip(r.Method))
	}
	body := bodies.get()
	defer bodies.put(body)
	if err := readBody(r, body, limit); err != nil {
		return bodyError(c, err)
	}
	c.in = len(body.b)
	var err error
	if c.identity, err = h.options.Auth.Authenticate(r, body.b); err == nil {
		err = c.identity.checkService(c.service.SigningName)
	}
	if err != nil {
		if e := authError(err, (*sigv4.Error).JSON); e != nil {
			return e
		}
		return internal(c, fmt.Errorf("authenticate: %w", err))
	}
	if unknown != nil {
		return unknown
	}
	if err := decompress(r.Header.Get("Content-Encoding"), body, limit); err != nil {
		return bodyError(c, err)
	}
	ctx := WithCaller(r.Context(), c.caller(c.info.Name))
	if c.operation.open != nil {
		if c.stream, err = c.operation.open(ctx, &c.info, body.b); err != nil {
			return c.failure(ctx, err)
		}
		return nil
	}
	answer, err := c.operation.run(ctx, &c.info, body.b)
	if err != nil {
		return c.failure(ctx, err)
	}
	if answer == nil {
		out.b = append(out.b, '{', '}')
		return nil
	}
	if out.b, err = answer(out.b); err != nil {
		return internal(c, fmt.Errorf("encode answer: %w", err))
	}
	return nil
}

func (c *call) caller(operation string) Caller {
	return Caller{
		Scope:     logs.Scope{Account: c.identity.Account, Region: c.identity.Region},
		AccessKey: c.identity.AccessKey, RequestID: c.id, Operation: operation,
	}
}

// find reads the target. It returns the error to answer once the caller is
// authenticated.
func (h *Handler) find(r *http.Request, c *call) *awsproto.Error {
	prefix, name, ok := "", "", false
	if c.cbor = isRPC(r); c.cbor {
		if p := r.Header.Get("Smithy-Protocol"); p != cborProtocol {
			return awsproto.UnknownOperation(fmt.Sprintf("The protocol %q is not known to this server.", clip(p)))
		}
		prefix, name, ok = rpcTarget(r.URL.Path)
	} else {
		prefix, name, ok = strings.Cut(target(r), ".")
	}
	if !ok {
		return awsproto.UnknownOperation("The request names no operation: the header X-Amz-Target is missing or malformed.")
	}
	if c.service, ok = h.services[prefix]; !ok {
		return awsproto.UnknownOperation(fmt.Sprintf("Service %q is not known to this server.", clip(prefix)))
	}
	info, ok := c.service.Known(name)
	if !ok {
		return awsproto.UnknownOperation(fmt.Sprintf("Operation %q is not known to this service.", clip(name)))
	}
	c.info = info
	operations := c.service.Operations
	if c.cbor {
		if operations = c.service.CBOR; operations == nil {
			return awsproto.UnknownOperation(fmt.Sprintf("Service %q does not speak the protocol %s.", clip(prefix), cborProtocol))
		}
	}
	if c.operation, ok = operations[name]; !ok {
		return awsproto.Unsupported(name)
	}
	return nil
}

func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "…"
	}
	return s
}

func bodyError(c *call, err error) *awsproto.Error {
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return e
	}
	c.cause = err
	return awsproto.Errorf(awsproto.CodeMalformedHTTPRequest, "The request body ended early.")
}

// statusGone is what is logged for a client that went away; nobody reads it.
const statusGone = 499

// failure returns the wire form of a handler's error.
func (c *call) failure(ctx context.Context, err error) *awsproto.Error {
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return e
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		c.cause = err
		return &awsproto.Error{Code: "RequestAborted", Message: "The client went away.", Status: statusGone}
	}
	if c.service.MapError != nil {
		if e := c.service.MapError(err); e != nil {
			if e.HTTPStatus() >= http.StatusInternalServerError {
				c.cause = err
			}
			return e
		}
	}
	return internal(c, err)
}

func internal(c *call, cause error) *awsproto.Error {
	c.cause = cause
	return awsproto.Internal(c.id)
}

// recovered turns a panic into an internal failure.
func recovered(log *slog.Logger, c *call, failure **awsproto.Error) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // the value net/http defines
		panic(p)
	}
	log.Error("request panicked", "requestId", c.id, "operation", c.info.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	*failure = internal(c, nil)
}

// finish logs and reports a request that has been answered.
func finish(o Options, log *slog.Logger, r *http.Request, c *call, status int, code string, out int) {
	took := c.took
	if took == 0 {
		took = time.Since(c.start)
	}
	if o.Observe != nil {
		o.Observe(Observation{
			Service: c.service.SigningName, Operation: c.info.Name, Status: status, Code: code,
			Duration: took, RequestBytes: c.in, ResponseBytes: out,
		})
	}
	level := slog.LevelDebug
	if c.cause != nil && status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if ctx := context.WithoutCancel(r.Context()); log.Enabled(ctx, level) {
		attrs := []slog.Attr{
			slog.String("requestId", c.id), slog.String("operation", c.info.Name), slog.Int("status", status),
			slog.String("code", code), slog.Duration("took", took), slog.Int("in", c.in), slog.Int("out", out),
			slog.String("accessKey", c.identity.AccessKey), slog.String("remote", r.RemoteAddr),
		}
		if c.cause != nil {
			attrs = append(attrs, slog.Any("cause", c.cause))
		}
		log.LogAttrs(ctx, level, "request", attrs...)
	}
}
