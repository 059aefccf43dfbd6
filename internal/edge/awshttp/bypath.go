package awshttp

import (
	"net/http"
	"strings"
)

// ByPath returns the handler that gives a POST to prefix and the name of an
// operation that the service knows to calls, as if it had come with the target of
// the operation, and everything else to next.
func ByPath(prefix string, s Service, calls, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, prefix)
		if !ok || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		if _, known := s.Known(name); !known {
			next.ServeHTTP(w, r)
			return
		}
		// A signature covers the headers that the client names, so another one does no harm.
		r.Header.Set("X-Amz-Target", s.TargetPrefix+"."+name)
		calls.ServeHTTP(w, r)
	})
}
