package awshttp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

// signed tells whether a request has a signature. One in the URL can be made up by
// any web page, so that it counts only where it is verified; the header cannot be
// sent by a page of another site unless the server allows it, which this one does not.
func (o *RouterOptions) signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || !o.Open && sigv4.Present(r)
}

// foreign returns what is wrong with an unsigned request that a web page of another
// site may have sent with a person's browser, "" when nothing is.
func (o *RouterOptions) foreign(r *http.Request) string {
	if o.signed(r) {
		return ""
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return "A request from another site must be signed."
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return "A request from another origin must be signed."
		}
	}
	return ""
}

// foreignQuery is foreign for a Query request. An image on a page is a GET that says
// nothing about the page, so that a GET only reads.
func (o *RouterOptions) foreignQuery(r *http.Request) string {
	if r.Method == http.MethodGet && !o.signed(r) {
		action := r.URL.Query().Get("Action")
		if !strings.HasPrefix(action, "Get") && !strings.HasPrefix(action, "List") && !strings.HasPrefix(action, "Describe") {
			return "A GET request of an action that does not only read must be signed; use POST."
		}
	}
	return o.foreign(r)
}

// refuseJSON answers that a request is forbidden, in JSON or CBOR.
func refuseJSON(w http.ResponseWriter, r *http.Request, message string) {
	c := &call{id: uuid.NewString(), cbor: isRPC(r)}
	w.Header().Set("Content-Type", contentType)
	if c.cbor {
		w.Header().Set("Content-Type", cborContentType)
		w.Header()["smithy-protocol"] = []string{cborProtocol}
	}
	e := &awsproto.Error{Code: "AccessDeniedException", Message: message, Status: http.StatusForbidden}
	write(w, c.id, e.Status, c.appendError(nil, e), true)
}

// refuseQuery answers that a request is forbidden, in XML.
func refuseQuery(w http.ResponseWriter, message string) {
	id := uuid.NewString()
	w.Header().Set("Content-Type", "text/xml")
	e := &awsproto.Error{Code: "AccessDenied", Message: message, Status: http.StatusForbidden}
	write(w, id, e.Status, awsproto.AppendQueryError(nil, faultNamespace, e, id), true)
}
