package awshttp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

// queryLimit bounds the form body of a Query request, unless the service says otherwise.
const queryLimit = 1 << 20

// faultNamespace is that of errors that belong to no service.
const faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"

// QueryService is one service of the Query protocol.
type QueryService struct {
	SigningName string
	Version     string // API version, the request's Version parameter
	Namespace   string // of the XML answers
	Operations  map[string]QueryOperation
	MapError    func(error) *awsproto.Error
	// Known describes every operation of the service, built or not; nil when
	// nothing is known of them: then every one has a result, and the limit of the
	// body is 1 MiB.
	Known func(operation string) (awsproto.OperationInfo, bool)
	// Errors renders the errors of a service that speaks several protocols; nil
	// for one that does not.
	Errors *awsproto.Errors
}

// limit returns the bound of a body for an operation.
func (s *QueryService) limit(operation string) int64 {
	if s.Known != nil {
		if info, ok := s.Known(operation); ok {
			return info.BodyLimit
		}
	}
	return queryLimit
}

// hasResult tells whether the answer of an operation has an element for its result.
func (s *QueryService) hasResult(operation string) bool {
	if s.Known == nil {
		return true
	}
	info, ok := s.Known(operation)
	return !ok || info.NewAnswer != nil
}

// QueryOperation appends the content of <Operation>Result in XML to dst.
type QueryOperation func(ctx context.Context, form *awsproto.Form, dst []byte) ([]byte, error)

// QueryHandler serves the Query services: form body or URL, XML answers.
type QueryHandler struct {
	options  Options
	log      *slog.Logger
	services []QueryService
	limit    int64 // of a body whose operation is not known yet
}

// NewQueryHandler returns the handler of services. A request is told apart by
// its Version, else by the service of its credential scope.
func NewQueryHandler(o Options, services ...QueryService) *QueryHandler {
	h := &QueryHandler{options: o, log: o.logger(), services: services, limit: queryLimit}
	for _, s := range services {
		for name := range s.Operations {
			h.limit = max(h.limit, s.limit(name))
		}
	}
	return h
}

// ServeHTTP answers one request.
func (h *QueryHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: uuid.NewString(), start: time.Now()}
	out := answers.get()
	defer answers.put(out)
	namespace, failure := h.serve(r, c, out)
	status, code := http.StatusOK, ""
	switch {
	case failure == nil:
	case c.service.Errors != nil:
		status, code = c.service.Errors.Status(failure), failure.Code
		out.b = c.service.Errors.AppendQuery(out.b[:0], namespace, failure, c.id)
	default:
		status, code = failure.HTTPStatus(), failure.Code
		out.b = awsproto.AppendQueryError(out.b[:0], namespace, failure, c.id)
	}
	w.Header().Set("Content-Type", "text/xml")
	write(w, c.id, status, out.b, closes(c, failure))
	finish(h.options, h.log, r, c, status, code, len(out.b))
}

func (h *QueryHandler) serve(r *http.Request, c *call, out *buffer) (namespace string, failure *awsproto.Error) {
	defer recovered(h.log, c, &failure)
	namespace = faultNamespace
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return namespace, &awsproto.Error{Code: "MalformedInput", Message: "Method " + clip(r.Method) + " is not allowed."}
	}
	body := bodies.get()
	defer bodies.put(body)
	if err := readBody(r, body, h.limit); err != nil {
		return namespace, bodyError(c, err)
	}
	c.in = len(body.b)
	var err error
	if c.identity, err = h.options.Auth.Authenticate(r, body.b); err != nil {
		if e := authError(err, (*sigv4.Error).Query); e != nil {
			return namespace, e
		}
		return namespace, internal(c, fmt.Errorf("authenticate: %w", err))
	}
	if err := decompress(r.Header.Get("Content-Encoding"), body, h.limit); err != nil {
		return namespace, bodyError(c, err)
	}
	source := string(body.b)
	if r.Method == http.MethodGet {
		source = r.URL.RawQuery
	}
	form, err := awsproto.ParseForm(source)
	if err != nil {
		return namespace, awsproto.Errorf("MalformedQueryString", "The query string is malformed: %s.", err)
	}
	action, version := form.Get("Action"), form.Get("Version")
	if action == "" {
		return namespace, awsproto.Errorf("MissingAction", "The request must contain the parameter Action.")
	}
	service, ok := h.find(version, c.identity.Service)
	if !ok {
		return namespace, awsproto.Errorf("InvalidAction", "Could not find operation %s for version %s.", clip(action), clip(version))
	}
	namespace = service.Namespace
	c.service = Service{SigningName: service.SigningName, MapError: service.MapError, Errors: service.Errors}
	if err := c.identity.checkService(service.SigningName); err != nil {
		return namespace, authError(err, (*sigv4.Error).Query)
	}
	run, ok := service.Operations[action]
	if !ok {
		return namespace, awsproto.Errorf("InvalidAction", "Operation %s is not supported by this server.", clip(action))
	}
	c.info.Name = action
	if limit := service.limit(action); int64(len(body.b)) > limit {
		return namespace, awsproto.TooLarge(limit)
	}
	result := service.hasResult(action)
	b := append(out.b, '<')
	b = append(append(b, action...), `Response xmlns="`...)
	b = append(awsproto.AppendXMLText(b, namespace), `">`...)
	if result {
		b = append(append(append(b, '<'), action...), "Result>"...)
	}
	ctx := WithCaller(r.Context(), c.caller(action))
	if b, err = run(ctx, form, b); err != nil {
		return namespace, c.failure(ctx, err)
	}
	if result {
		b = append(append(append(b, "</"...), action...), "Result>"...)
	}
	b = append(b, "<ResponseMetadata>"...)
	b = awsproto.AppendXMLElement(b, "RequestId", c.id)
	b = append(append(append(b, "</ResponseMetadata></"...), action...), "Response>\n"...)
	out.b = b
	return namespace, nil
}

func (h *QueryHandler) find(version, signingName string) (QueryService, bool) {
	for _, s := range h.services {
		if s.Version == version || version == "" && s.SigningName == signingName {
			return s, true
		}
	}
	return QueryService{}, false
}
