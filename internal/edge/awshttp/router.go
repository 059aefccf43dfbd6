package awshttp

import (
	"mime"
	"net/http"
	"strings"
)

// RouterOptions names the handlers of the one port, which are required.
type RouterOptions struct {
	JSON  http.Handler // X-Amz-Target, and the paths of RPC v2 CBOR
	Query http.Handler // Action=…
	Admin http.Handler // paths under /_/
	S3    http.Handler // everything else

	Open bool // signatures are not verified
}

// NewRouter returns the handler of the one port: the request decides which
// protocol it is. Any Host is accepted. Unsigned requests that a web page of another
// site may have sent are refused, but for those of Admin and S3.
func NewRouter(o RouterOptions) http.Handler {
	calls := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrong := o.foreign(r); wrong != "" {
			refuseJSON(w, r, wrong)
			return
		}
		o.JSON.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/_" || strings.HasPrefix(r.URL.Path, "/_/"):
			o.Admin.ServeHTTP(w, r)
		case isRPC(r) || r.Header.Get("X-Amz-Target") != "":
			calls.ServeHTTP(w, r)
		case isQuery(r):
			if wrong := o.foreignQuery(r); wrong != "" {
				refuseQuery(w, wrong)
				return
			}
			o.Query.ServeHTTP(w, r)
		case isJSON(r):
			calls.ServeHTTP(w, r) // answers that the target is missing
		case isBrowser(r):
			http.Redirect(w, r, "/_/", http.StatusFound)
		default:
			o.S3.ServeHTTP(w, r)
		}
	})
}

func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// isQuery tells a Query request: a form posted to the root, or an Action in
// the URL, as in presigned GetCallerIdentity. S3 posts no URL-encoded form to
// a root but DeleteObjects, whose URL says so.
func isQuery(r *http.Request) bool {
	if r.URL.Path != "/" {
		return false
	}
	switch r.Method {
	case http.MethodPost:
		return mediaType(r) == "application/x-www-form-urlencoded" && !r.URL.Query().Has("delete")
	case http.MethodGet:
		return strings.Contains(r.URL.RawQuery, "Action=") && r.URL.Query().Has("Action")
	}
	return false
}

// isJSON tells a JSON 1.0 or 1.1 request that has lost its target.
func isJSON(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" && strings.HasPrefix(mediaType(r), "application/x-amz-json-")
}

// isBrowser tells a person at the root, who wants the console.
func isBrowser(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.RawQuery == "" &&
		r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}
