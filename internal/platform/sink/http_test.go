package sink_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// receiver is a target that keeps requests and answers as told.
type receiver struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, n int) // n = how many came before; nil: 200

	mu       sync.Mutex
	requests []request
}

type request struct {
	Method, Path, Body string
	Header             http.Header
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	rc := &receiver{answer: answer}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		rc.mu.Lock()
		n := len(rc.requests)
		rc.requests = append(rc.requests, request{r.Method, r.URL.RequestURI(), string(body), r.Header})
		rc.mu.Unlock()
		if rc.answer != nil {
			rc.answer(w, r, n)
		}
	}))
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) got() []request {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.requests
}

func bodies(all []request) []string {
	out := []string{}
	for _, r := range all {
		out = append(out, r.Body)
	}
	return out
}

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

// sinkOf returns the sink of a file with one target, and the target.
func sinkOf(t *testing.T, o sink.Options, format string, args ...any) (sink.Sink, sink.Target) {
	t.Helper()
	r := load(t, `{"targets":[{"arn":"arn:aws:*:*:*:*",`+fmt.Sprintf(format, args...)+`}]}`, o)
	s, target, ok := r.Find(arn)
	if !ok {
		t.Fatal("no target")
	}
	return s, target
}

func texts(all ...string) (messages []sink.Message) {
	for _, s := range all {
		messages = append(messages, sink.Message{Body: []byte(s), ContentType: "text/plain"})
	}
	return messages
}

func TestHTTP(t *testing.T) {
	rc := newReceiver(t, nil)
	s, target := sinkOf(t, sink.Options{Getenv: func(string) string { return "Bearer t" }},
		`"type":"http","url":"%s/in?k=v","headers":{"authorization":"${TOKEN}"},"maxBytes":1024`, rc.URL)
	if target.MaxBody != 1024 || target.Place != rc.URL+"/…" || target.Type != "http" {
		t.Errorf("target %+v", target)
	}
	err := s.Send(context.Background(), []sink.Message{
		{Body: []byte("a"), ContentType: "application/json", Encoding: sink.EncodingGzip, Attributes: map[string]string{"Log-Group": "g"}},
		{Body: []byte("b")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := rc.got()
	if d := cmp.Diff([]string{"a", "b"}, bodies(got)); d != "" {
		t.Fatalf("bodies (-want +got)\n%s", d)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer t", "Content-Type": "application/json", "Content-Encoding": "gzip", "X-Cumulog-Log-Group": "g",
	} {
		if v := got[0].Header.Get(name); v != want {
			t.Errorf("header %s is %q, want %q", name, v, want)
		}
	}
	if got[0].Method != "POST" || got[0].Path != "/in?k=v" || got[1].Header.Get("Content-Encoding") != "" {
		t.Errorf("requests %+v", got)
	}
}

func TestHTTPErrors(t *testing.T) {
	check := func(what string, answer func(w http.ResponseWriter, r *http.Request, n int), want sink.Error, text string) {
		t.Helper()
		rc := newReceiver(t, answer)
		s, _ := sinkOf(t, sink.Options{}, `"type":"http","url":%q,"timeout":"1s"`, rc.URL)
		err := s.Send(context.Background(), texts("1", "2", "3"))
		e, ok := errors.AsType[*sink.Error](err)
		if !ok {
			t.Errorf("%s: %v, want *sink.Error", what, err)
			return
		}
		if e.Retry != want.Retry || e.Throttled != want.Throttled || e.Sent != want.Sent || e.After != want.After || !strings.Contains(e.Error(), text) {
			t.Errorf("%s: %+v, want %+v with %q", what, *e, want, text)
		}
	}
	status := func(after, code int, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, n int) {
			if n >= after {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(code)
				io.WriteString(w, body)
			}
		}
	}
	check("500", status(0, 500, "oh\n no"), sink.Error{Retry: true}, "the target answered 500 Internal Server Error: oh no")
	check("500 later", status(2, 500, ""), sink.Error{Retry: true, Sent: 2}, "500")
	check("429", status(1, 429, strings.Repeat("x", 1000)), sink.Error{Retry: true, Throttled: true, Sent: 1, After: 7 * time.Second}, "xx …")
	check("503", status(0, 503, ""), sink.Error{Retry: true, After: 7 * time.Second}, "503")
	check("400", status(1, 400, ""), sink.Error{Sent: 1}, "400")
	check("413", status(0, 413, ""), sink.Error{}, "413")
	check("404", status(0, 404, ""), sink.Error{Retry: true}, "404")
	check("302", func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}, sink.Error{Retry: true}, "302")
	check("cut", func(w http.ResponseWriter, r *http.Request, _ int) { panic(http.ErrAbortHandler) }, sink.Error{Retry: true}, "calling the target")
	check("garbage", func(w http.ResponseWriter, r *http.Request, _ int) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "\x00\x01garbage\r\n\r\n")
		c.Close()
	}, sink.Error{Retry: true}, "calling the target")
	check("no answer", func(w http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }, sink.Error{Retry: true}, "did not answer in time")

	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s, _ := sinkOf(t, sink.Options{}, `"type":"http","url":"%s/?token=secret"`, gone.URL)
	err := s.Check(context.Background(), texts("1")[0])
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || strings.Contains(e.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Send(ctx, texts("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
