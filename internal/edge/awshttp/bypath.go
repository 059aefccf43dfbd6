package awshttp

import (
	"context"
	"net/http"
	"strings"
)

// targetKey is the key of the target that a path stands for.
type targetKey struct{}

// target returns the operation that a request names, "" when it names none.
func target(r *http.Request) string {
	if t, ok := r.Context().Value(targetKey{}).(string); ok {
		return t
	}
	return r.Header.Get("X-Amz-Target")
}

// ByPath returns the handler that gives a POST to prefix and the name of an
// operation that the service knows to calls, as if it had come with the target of
// the operation, and everything else to next. The path counts, whatever target the
// headers have: a signature covers the path.
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
		// Not as a header: a header that the client did not sign makes its signature invalid.
		calls.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, s.TargetPrefix+"."+name)))
	})
}
