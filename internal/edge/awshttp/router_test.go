package awshttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
)

func TestRouter(t *testing.T) {
	name := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) })
	}
	h := awshttp.NewRouter(awshttp.RouterOptions{JSON: name("json"), Query: name("query"), Admin: name("admin"), S3: name("s3")})
	check := func(method, url, want string, headers ...string) {
		t.Helper()
		r := httptest.NewRequest(method, url, strings.NewReader(""))
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Body.String()
		if w.Code == http.StatusFound {
			got = "redirect to " + w.Header().Get("Location")
		}
		if got != want {
			t.Errorf("%s %s %q: got %q, want %q", method, url, headers, got, want)
		}
	}
	const form, target = "application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Target"
	check("POST", "/", "json", target, "Logs_20140328.PutLogEvents")
	check("POST", "http://stream-logs.eu-west-1.amazonaws.com/", "json", target, "Logs_20140328.StartLiveTail")
	check("GET", "/", "json", target, "Logs_20140328.PutLogEvents")
	check("POST", "/", "json", "Content-Type", "application/x-amz-json-1.1")
	check("POST", "/", "query", "Content-Type", form)
	check("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "query")
	check("POST", "/?delete", "s3", "Content-Type", form)
	check("POST", "/bucket?delete", "s3", "Content-Type", form)
	check("POST", "/bucket/key?uploads", "s3", "Content-Type", form)
	check("GET", "/_/", "admin")
	check("GET", "/_", "admin")
	check("GET", "/_/health", "admin", "Accept", "text/html")
	check("GET", "/_bucket/key", "s3")
	check("GET", "/", "s3")
	check("GET", "/", "s3", "Accept", "text/html", "Authorization", "AWS4-HMAC-SHA256 x")
	check("GET", "/", "redirect to /_/", "Accept", "text/html,*/*")
	check("GET", "/?prefix=a", "s3", "Accept", "text/html")
	check("PUT", "/bucket", "s3")
	check("GET", "/bucket/Action=x", "s3")
	check("HEAD", "http://bucket.s3.localhost/key", "s3")
	check("OPTIONS", "/", "s3")
}
