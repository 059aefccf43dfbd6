package awshttp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

// queryLimit bounds the form body of a Query request.
const queryLimit = 1 << 20

// QueryService is one service of the Query protocol.
type QueryService struct {
	SigningName string
	Version     string // API version, the request's Version parameter
	Namespace   string // of the XML answers
	Operations  map[string]QueryOperation
	MapError    func(error) *awsproto.Error
}

// QueryOperation appends the content of <Operation>Result in XML to dst.
type QueryOperation func(ctx context.Context, form url.Values, dst []byte) ([]byte, error)

// QueryHandler serves the Query services: form body or URL, XML answers.
type QueryHandler struct {
	options  Options
	log      *slog.Logger
	services []QueryService
}

// NewQueryHandler returns the handler of services. A request is told apart by
// its Version, else by the service of its credential scope.
func NewQueryHandler(o Options, services ...QueryService) *QueryHandler {
	return &QueryHandler{options: o, log: o.logger(), services: services}
}

// ServeHTTP answers one request.
func (h *QueryHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: uuid.NewString(), start: time.Now()}
	out := answers.get()
	defer answers.put(out)
	namespace, failure := h.serve(r, c, out)
	status, code := http.StatusOK, ""
	if failure != nil {
		status, code = failure.HTTPStatus(), failure.Code
		out.b = awsproto.AppendQueryError(out.b[:0], namespace, failure, c.id)
	}
	w.Header().Set("Content-Type", "text/xml")
	write(w, c.id, status, out.b, closes(c, failure))
	finish(h.options, h.log, r, c, status, code, len(out.b))
}

func (h *QueryHandler) serve(r *http.Request, c *call, out *buffer) (namespace string, failure *awsproto.Error) {
	defer recovered(h.log, c, &failure)
	namespace = "http://webservices.amazon.com/AWSFault/2005-15-09" // of errors that belong to no service
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return namespace, &awsproto.Error{Code: "MalformedInput", Message: "Method " + clip(r.Method) + " is not allowed."}
	}
	body := bodies.get()
	defer bodies.put(body)
	if err := readBody(r, body, queryLimit); err != nil {
		return namespace, bodyError(c, err)
	}
	c.in = len(body.b)
	source := string(body.b)
	if r.Method == http.MethodGet {
		source = r.URL.RawQuery
	}
	form, err := url.ParseQuery(source)
	if err != nil {
		return namespace, awsproto.Errorf("MalformedQueryString", "The query string is malformed: %s.", err)
	}
	if c.identity, err = h.options.Auth.Authenticate(r, body.b); err != nil {
		if e := authError(err, (*sigv4.Error).Query); e != nil {
			return namespace, e
		}
		return namespace, internal(c, fmt.Errorf("authenticate: %w", err))
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
	c.service = Service{SigningName: service.SigningName, MapError: service.MapError}
	if err := c.identity.checkService(service.SigningName); err != nil {
		return namespace, authError(err, (*sigv4.Error).Query)
	}
	run, ok := service.Operations[action]
	if !ok {
		return namespace, awsproto.Errorf("InvalidAction", "Operation %s is not supported by this server.", clip(action))
	}
	c.info.Name = action
	b := append(out.b, '<')
	b = append(append(b, action...), `Response xmlns="`...)
	b = append(awsproto.AppendXMLText(b, namespace), `"><`...)
	b = append(append(b, action...), "Result>"...)
	ctx := WithCaller(r.Context(), c.caller(action))
	if b, err = run(ctx, form, b); err != nil {
		return namespace, c.failure(ctx, err)
	}
	b = append(append(append(b, "</"...), action...), "Result><ResponseMetadata>"...)
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
