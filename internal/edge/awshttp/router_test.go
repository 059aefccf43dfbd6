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
	options := awshttp.RouterOptions{JSON: name("json"), Query: name("query"), Admin: name("admin"), S3: name("s3")}
	h := awshttp.NewRouter(options)
	check := func(method, url, want string, headers ...string) {
		t.Helper()
		r := httptest.NewRequest(method, url, strings.NewReader(""))
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Body.String()
		if w.Code == http.StatusForbidden {
			got = "forbidden " + w.Header().Get("Content-Type")
			if !strings.Contains(w.Body.String(), "AccessDenied") || w.Header().Get("Connection") != "close" {
				t.Errorf("%s %s %q: got %s, %v", method, url, headers, w.Body, w.Header())
			}
		}
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

	// Requests that web pages make.
	const xml, json, cbor, sig = "forbidden text/xml", "forbidden application/x-amz-json-1.1", "forbidden application/cbor", "AWS4-HMAC-SHA256 x"
	const remove, presigned = "/?Action=DeleteAlarms&Version=2010-08-01", "/?Action=DeleteAlarms&Version=2010-08-01&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x"
	for _, open := range []bool{false, true} {
		options.Open = open
		h = awshttp.NewRouter(options)
		check("GET", remove, xml)
		check("GET", "/?Version=2011-06-15&Action=AssumeRole", xml)
		check("GET", "/?Action=", xml)
		check("GET", remove, "query", "Authorization", sig)
		check("GET", "/?Action=DescribeAlarms&Version=2010-08-01", "query")
		check("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", xml, "Sec-Fetch-Site", "cross-site")
		check("POST", "/", xml, "Content-Type", form, "Sec-Fetch-Site", "cross-site")
		check("POST", "/", xml, "Content-Type", form, "Origin", "https://example.net")
		check("POST", "/", xml, "Content-Type", form, "Origin", "null")
		check("POST", "http://localhost:4566/", xml, "Content-Type", form, "Origin", "http://localhost:3000")
		check("POST", "http://localhost:4566/", "query", "Content-Type", form, "Origin", "http://LOCALHOST:4566")
		check("POST", "/", "query", "Content-Type", form, "Origin", "https://example.net", "Authorization", sig)
		check("POST", "/", json, target, "Logs_20140328.PutLogEvents", "Origin", "https://example.net")
		check("POST", "/", json, "Content-Type", "application/x-amz-json-1.1", "Sec-Fetch-Site", "cross-site")
		check("POST", "/", "json", target, "Logs_20140328.PutLogEvents", "Origin", "https://example.net", "Authorization", sig)
		check("POST", "/", "json", target, "Logs_20140328.PutLogEvents", "Sec-Fetch-Site", "none")
		check("POST", "/service/GraniteServiceVersion20100801/operation/DeleteAlarms", cbor, "Smithy-Protocol", "rpc-v2-cbor", "Origin", "https://example.net")
		check("PUT", "/bucket/key", "s3", "Origin", "https://example.net", "Sec-Fetch-Site", "cross-site")
		check("GET", "/bucket/key", "s3", "Sec-Fetch-Site", "cross-site")
		check("POST", "/_/api/Tail", "admin", "Origin", "https://example.net")
	}
	check("GET", presigned, xml) // where nobody verifies it
	options.Open = false
	h = awshttp.NewRouter(options)
	check("GET", presigned, "query")
}
