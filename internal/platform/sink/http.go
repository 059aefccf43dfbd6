package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of requests.
const (
	defaultTimeout = 30 * time.Second
	maxTimeout     = 15 * time.Minute
	maxAnswer      = 1 << 20 // bytes of an answer that are read
	maxShown       = 200     // bytes of an answer that an error shows
)

// httpSink posts each message to a URL.
type httpSink struct {
	client  *http.Client
	url     string
	method  string
	headers http.Header
	timeout time.Duration
}

// openHTTP: url, method (POST or PUT), headers, timeout, maxBytes.
func openHTTP(f *Fields, o *Options, t *Target) Sink {
	s := &httpSink{client: o.HTTP, method: f.OneOf("method", http.MethodPost, http.MethodPut)}
	s.url, t.Place = urlOf(f)
	s.headers = headersOf(f)
	s.timeout = timeoutOf(f)
	t.MaxBody = f.Number("maxBytes", 6<<20, 1<<10, 64<<20)
	return s
}

func urlOf(f *Fields) (text, place string) {
	u, place := f.URL("url", "https", "http")
	if u == nil {
		return "", ""
	}
	return u.String(), place
}

func timeoutOf(f *Fields) time.Duration {
	return f.Duration("timeout", defaultTimeout, time.Second, maxTimeout)
}

// notHeaders are set by the connector itself.
var notHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Encoding"}

// headersOf reads the headers that go with every request.
func headersOf(f *Fields) http.Header {
	h := http.Header{}
	for name, value := range f.Map("headers") {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !token(name):
			f.Fail("headers", "%q is not a name of a header", name)
		case slices.Contains(notHeaders, canonical):
			f.Fail("headers", "%s cannot be set", canonical)
		case strings.ContainsAny(value, "\r\n\x00"):
			f.Fail("headers", "the value of %s has a line break in it", canonical)
		default:
			h[canonical] = []string{value}
		}
	}
	return h
}

// token reports whether s can be the name of a header.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// attributePrefix begins the headers that carry attributes of messages.
const attributePrefix = "X-Cumulog-"

// Send implements Sink.
func (s *httpSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.post(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

// Check implements Sink: the target gets the message.
func (s *httpSink) Check(ctx context.Context, m Message) error { return s.post(ctx, &m) }

// Close implements Sink. The connections are the Registry's.
func (s *httpSink) Close() error { return nil }

func (s *httpSink) post(ctx context.Context, m *Message) error {
	h := s.headers.Clone()
	setDefault(h, "Content-Type", m.ContentType)
	if m.Encoding != "" {
		h["Content-Encoding"] = []string{m.Encoding}
	}
	for name, value := range m.Attributes {
		h.Set(attributePrefix+name, value)
	}
	_, err := do(ctx, s.client, s.timeout, s.method, s.url, h, m.Body)
	return err
}

func setDefault(h http.Header, name, value string) {
	if value != "" && h.Get(name) == "" {
		h.Set(name, value)
	}
}

// answer is what a target said to a request that it took.
type answer struct {
	status int
	header http.Header
	body   []byte // at most maxAnswer
}

// do makes a request and judges the answer by its status: see statusError. Its errors are *Error or the context's.
func do(ctx context.Context, client *http.Client, timeout time.Duration, method, url string, h http.Header, body []byte) (answer, error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(within, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, refused("making the request: %w", err)
	}
	r.Header = h
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, requestError(ctx, err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, requestError(ctx, err)
	}
	if a.status < 200 || a.status > 299 {
		return a, statusError(a)
	}
	return a, nil
}

// requestError is an error that may be retried, without the URL, which may hold secrets; the context's own error when that ended.
func requestError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return later("the target did not answer in time")
		}
		err = e.Err
	}
	return later("calling the target: %w", err)
}

// statusError judges an answer that is no success. What says that the request itself is wrong is refused for good; all else may
// go away: the target is broken, busy, moved, or does not know the caller yet.
func statusError(a answer) *Error {
	text := fmt.Sprintf("the target answered %d %s", a.status, http.StatusText(a.status))
	if shown := printable(a.body); shown != "" {
		text += ": " + shown
	}
	e := &Error{Err: errors.New(text)}
	switch a.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.Retry, e.Throttled = true, a.status == http.StatusTooManyRequests
		if n, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && n > 0 {
			e.After = time.Duration(min(n, 3600)) * time.Second
		}
	default:
		e.Retry = true
	}
	return e
}

// printable returns the beginning of an answer as one line.
func printable(b []byte) string {
	cut := len(b) > maxShown
	if cut {
		b = b[:maxShown]
	}
	s := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(b), "?"), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if cut {
		s += " …"
	}
	return s
}
