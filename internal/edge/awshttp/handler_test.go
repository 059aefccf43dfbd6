package awshttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// fixture is a server with a few operations that say what reached them.
type fixture struct {
	*httptest.Server
	log lockedBuffer

	mu     sync.Mutex
	calls  []string
	seen   []awshttp.Observation
	stream *script
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var errDomain = errors.New("group is missing")

func (f *fixture) called(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, text)
}

func (f *fixture) takeCalls() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := strings.Join(f.calls, "|")
	f.calls = nil
	return text
}

// waitSeen waits until n requests have been answered.
func (f *fixture) waitSeen(t *testing.T, n int) {
	t.Helper()
	for range 10000 {
		f.mu.Lock()
		seen := len(f.seen)
		f.mu.Unlock()
		if seen >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d requests were not answered", n)
}

func start(t *testing.T, auth awshttp.Authenticator) *fixture {
	t.Helper()
	f := &fixture{}
	service := awshttp.Service{
		TargetPrefix: logswire.TargetPrefix,
		SigningName:  logswire.SigningName,
		Known:        logswire.Lookup,
		MapError: func(err error) *awsproto.Error {
			if errors.Is(err, errDomain) {
				return awsproto.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
			}
			return nil
		},
		Operations: map[string]awshttp.Operation{
			"CreateLogGroup": awshttp.JSON(func(ctx context.Context, in *logswire.CreateLogGroupInput) (*logswire.CreateLogGroupOutput, error) {
				c := awshttp.CallerFrom(ctx)
				f.called(fmt.Sprintf("CreateLogGroup %s as %s/%s/%s", *in.LogGroupName, c.Scope.Account, c.Scope.Region, c.AccessKey))
				return nil, nil
			}),
			"DescribeLogGroups": awshttp.JSON(func(ctx context.Context, in *logswire.DescribeLogGroupsInput) (*logswire.DescribeLogGroupsOutput, error) {
				name := strings.Repeat("g", 10)
				return &logswire.DescribeLogGroupsOutput{LogGroups: []logswire.LogGroup{{LogGroupName: &name}}}, nil
			}),
			"DeleteLogGroup": awshttp.JSON(func(context.Context, *logswire.DeleteLogGroupInput) (*logswire.DeleteLogGroupOutput, error) {
				return nil, fmt.Errorf("delete: %w", errDomain)
			}),
			"DeleteLogStream": awshttp.JSON(func(context.Context, *logswire.DeleteLogStreamInput) (*logswire.DeleteLogStreamOutput, error) {
				return nil, errors.New("the disk is on fire")
			}),
			"GetLogEvents": awshttp.JSON(func(ctx context.Context, _ *logswire.GetLogEventsInput) (*logswire.GetLogEventsOutput, error) {
				f.called("waiting")
				<-ctx.Done()
				return nil, fmt.Errorf("scan: %w", ctx.Err())
			}),
			"DescribeLogStreams": awshttp.JSON(func(context.Context, *logswire.DescribeLogStreamsInput) (*logswire.DescribeLogStreamsOutput, error) {
				panic("a broken invariant")
			}),
			"PutLogEvents": awshttp.Raw(func(_ context.Context, body []byte) (awsproto.Appender, error) {
				f.called(fmt.Sprintf("PutLogEvents %d", len(body)))
				return nil, nil
			}),
		},
	}
	maps.Copy(service.Operations, streams(f))
	h := awshttp.NewHandler(awshttp.Options{
		Auth:   auth,
		Logger: slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(o awshttp.Observation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.seen = append(f.seen, o)
		},
	}, service)
	f.Server = httptest.NewServer(h)
	t.Cleanup(f.Close)
	return f
}

func openServer(t *testing.T) *fixture { return start(t, awshttp.Open("000000000000", "")) }

// send posts a body and returns status, body and header.
func (f *fixture) send(t *testing.T, method, target string, body io.Reader, headers ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, f.URL+"/", body)
	if err != nil {
		t.Fatal(err)
	}
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	id := resp.Header.Get("x-amzn-RequestId")
	if uuid.Validate(id) != nil {
		t.Errorf("%s: request id %q is no UUID", target, id)
	}
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
		t.Errorf("%s: date: %v", target, err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("%s: content type %q", target, got)
	}
	if resp.ContentLength != int64(len(text)) {
		t.Errorf("%s: content length %d of %d bytes", target, resp.ContentLength, len(text))
	}
	return resp.StatusCode, string(text), resp.Header
}

func (f *fixture) refuses(t *testing.T, method, target string, body io.Reader, status int, code, message string, headers ...string) {
	t.Helper()
	gotStatus, text, _ := f.send(t, method, target, body, headers...)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Errorf("%s: %v: %s", target, err, text)
	}
	if gotStatus != status || e.Type != code || !strings.Contains(e.Message, message) {
		t.Errorf("%s %s: got %d %s\nwant %d %s %s", method, target, gotStatus, text, status, code, message)
	}
	if calls := f.takeCalls(); calls != "" {
		t.Errorf("%s: the refused request ran: %s", target, calls)
	}
}

func TestSuccess(t *testing.T) {
	f := openServer(t)
	status, body, _ := f.send(t, "POST", "Logs_20140328.CreateLogGroup", strings.NewReader(`{"logGroupName":"g"}`))
	if status != 200 || body != "{}" {
		t.Errorf("got %d %s", status, body)
	}
	if got, want := f.takeCalls(), "CreateLogGroup g as 000000000000/us-east-1/"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	status, body, _ = f.send(t, "POST", "Logs_20140328.DescribeLogGroups", nil)
	if want := `{"logGroups":[{"logGroupName":"gggggggggg"}]}`; status != 200 || body != want {
		t.Errorf("got %d %s", status, body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) != 2 || f.seen[0].Operation != "CreateLogGroup" || f.seen[0].Status != 200 || f.seen[0].RequestBytes != 20 ||
		f.seen[0].ResponseBytes != 2 || f.seen[0].Service != "logs" || f.seen[0].Duration <= 0 {
		t.Errorf("observed %+v", f.seen)
	}
}

func TestRefusals(t *testing.T) {
	f := openServer(t)
	body := func(s string) io.Reader { return strings.NewReader(s) }
	f.refuses(t, "POST", "", body("{}"), 400, "UnknownOperationException", "X-Amz-Target is missing")
	f.refuses(t, "POST", "PutLogEvents", body("{}"), 400, "UnknownOperationException", "malformed")
	f.refuses(t, "POST", "Logs_20150101.PutLogEvents", body("{}"), 400, "UnknownOperationException", `Service "Logs_20150101" is not known`)
	f.refuses(t, "POST", "Logs_20140328.PutLogEvent", body("{}"), 400, "UnknownOperationException", `Operation "PutLogEvent" is not known`)
	f.refuses(t, "POST", "Logs_20140328.", body("{}"), 400, "UnknownOperationException", "not known")
	f.refuses(t, "POST", "Logs_20140328.CreateDelivery", body("{}"), 400, "UnknownOperationException", "Operation CreateDelivery is not supported by this server.")
	f.refuses(t, "POST", "Logs_20140328."+strings.Repeat("x", 4000), body("{}"), 400, "UnknownOperationException", "xxx…")
	f.refuses(t, "PUT", "Logs_20140328.CreateLogGroup", body("{}"), 400, "MalformedHttpRequestException", "Method PUT is not allowed")
	f.refuses(t, "GET", "Logs_20140328.CreateLogGroup", nil, 400, "MalformedHttpRequestException", "Method GET is not allowed")
	f.refuses(t, "POST", "Logs_20140328.CreateLogGroup", body(`{"logGroupName":`), 400, "SerializationException", "position 16")
	f.refuses(t, "POST", "Logs_20140328.CreateLogGroup", body(`{"logGroupName":1}`), 400, "SerializationException", "member 'logGroupName'")
	f.refuses(t, "POST", "Logs_20140328.CreateLogGroup", body(``), 400, "InvalidParameterException", "Member must not be null")
	f.refuses(t, "POST", "Logs_20140328.DeleteLogGroup", body(`{"logGroupName":"g"}`), 400, "ResourceNotFoundException", "The specified log group does not exist.")
	if s := f.log.String(); !strings.Contains(s, "code=ResourceNotFoundException") || strings.Contains(s, "level=ERROR") {
		t.Errorf("log: %s", s)
	}
}

func TestInternalFailures(t *testing.T) {
	f := openServer(t)
	check := func(operation, body, logged string) {
		t.Helper()
		status, text, header := f.send(t, "POST", "Logs_20140328."+operation, strings.NewReader(body))
		id := header.Get("x-amzn-RequestId")
		if status != 500 || !strings.Contains(text, `"__type":"InternalFailure"`) || !strings.Contains(text, id) || strings.Contains(text, logged) {
			t.Errorf("%s: got %d %s", operation, status, text)
		}
		if s := f.log.String(); !strings.Contains(s, logged) || !strings.Contains(s, id) || !strings.Contains(s, "level=ERROR") {
			t.Errorf("%s: log: %s", operation, s)
		}
	}
	check("DeleteLogStream", `{"logGroupName":"g","logStreamName":"s"}`, "the disk is on fire")
	check("DescribeLogStreams", `{"logGroupName":"g"}`, "a broken invariant")
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedBody(t *testing.T) {
	f := openServer(t)
	const target = "Logs_20140328.CreateLogGroup"
	good := zipped(t, `{"logGroupName":"zipped"}`)
	for range 3 { // readers are reused
		if status, text, _ := f.send(t, "POST", target, bytes.NewReader(good), "Content-Encoding", "GZIP"); status != 200 {
			t.Errorf("got %d %s", status, text)
		}
		if got := f.takeCalls(); !strings.HasPrefix(got, "CreateLogGroup zipped") {
			t.Errorf("got %q", got)
		}
		f.refuses(t, "POST", target, bytes.NewReader(good[:len(good)-5]), 400, "SerializationException", "gzip body", "Content-Encoding", "gzip")
		bad := bytes.Clone(good)
		bad[len(bad)-6] ^= 1 // of the checksum
		f.refuses(t, "POST", target, bytes.NewReader(bad), 400, "SerializationException", "gzip body", "Content-Encoding", "gzip")
	}
	f.refuses(t, "POST", target, strings.NewReader(`{"logGroupName":"g"}`), 400, "SerializationException", "gzip body", "Content-Encoding", "gzip")
	f.refuses(t, "POST", target, strings.NewReader(""), 400, "SerializationException", "gzip body", "Content-Encoding", "gzip")
	f.refuses(t, "POST", target, strings.NewReader("{}"), 400, "SerializationException", `"br" is not supported`, "Content-Encoding", "br")
	status, text, _ := f.send(t, "POST", target, strings.NewReader(`{"logGroupName":"g"}`), "Content-Encoding", "identity")
	if status != 200 || f.takeCalls() == "" {
		t.Errorf("identity: got %d %s", status, text)
	}
	// A small body that grows beyond the limit.
	f.refuses(t, "POST", target, bytes.NewReader(zipped(t, strings.Repeat(" ", 2<<20)+"{}")), 413, "RequestEntityTooLargeException", "2097152 bytes", "Content-Encoding", "gzip")
}

func TestBodyLimit(t *testing.T) {
	f := openServer(t)
	check := func(target string, limit int) {
		t.Helper()
		f.refuses(t, "POST", target, strings.NewReader(strings.Repeat(" ", limit+1)), 413, "RequestEntityTooLargeException", fmt.Sprint(limit))
		// Without a length, so that the limit is met while reading.
		f.refuses(t, "POST", target, io.MultiReader(strings.NewReader(strings.Repeat(" ", limit)), strings.NewReader("  ")), 413, "RequestEntityTooLargeException", fmt.Sprint(limit))
	}
	check("Logs_20140328.DescribeLogGroups", 2<<20)
	check("Logs_20140328.PutLogEvents", 24<<20)
	check("Logs_20140328.Unknown", 2<<20)
	pad := strings.Repeat(" ", 2<<20-2)
	if status, text, _ := f.send(t, "POST", "Logs_20140328.DescribeLogGroups", strings.NewReader(pad+"{}")); status != 200 {
		t.Errorf("at the limit: got %d %s", status, text)
	}
	if status, _, _ := f.send(t, "POST", "Logs_20140328.PutLogEvents", strings.NewReader(strings.Repeat(" ", 24<<20))); status != 200 {
		t.Errorf("at the limit: got %d", status)
	}
	if got := f.takeCalls(); got != "PutLogEvents 25165824" {
		t.Errorf("got %q", got)
	}
}

// A body that ends early, or a client that goes away, runs nothing.
func TestTruncatedBody(t *testing.T) {
	f := openServer(t)
	request := "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\nContent-Length: 100\r\n\r\n{}"
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(answer); !strings.Contains(s, "400 Bad Request") || !strings.Contains(s, "The request body ended early.") {
		t.Errorf("got %s", s)
	}
	gone, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(gone, request); err != nil {
		t.Fatal(err)
	}
	gone.Close()
	f.waitSeen(t, 2)
	if got := f.takeCalls(); got != "" {
		t.Errorf("ran %q", got)
	}
}

// A client that goes away while its request runs is no failure of ours.
func TestClientGoesAway(t *testing.T) {
	f := openServer(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() {
		req, err := http.NewRequestWithContext(ctx, "POST", f.URL+"/", strings.NewReader(`{"logStreamName":"s"}`))
		if err == nil {
			req.Header.Set("X-Amz-Target", "Logs_20140328.GetLogEvents")
			_, err = http.DefaultClient.Do(req) //nolint:bodyclose // it fails
		}
		done <- err
	}()
	for f.takeCalls() == "" {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the call succeeded")
	}
	f.waitSeen(t, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[0].Status != 499 || strings.Contains(f.log.String(), "level=ERROR") {
		t.Errorf("observed %+v, log %s", f.seen, f.log.String())
	}
}

func TestConcurrentRequestsDoNotShareBuffers(t *testing.T) {
	f := openServer(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := strings.Repeat(string(rune('a'+i)), 100+i)
			for range 50 {
				status, body, _ := f.send(t, "POST", "Logs_20140328.CreateLogGroup", strings.NewReader(`{"logGroupName":"`+name+`!"}`))
				if status != 400 || !strings.Contains(body, "'"+name+"!'") {
					t.Errorf("got %d %s", status, body)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkHandler(b *testing.B) {
	h := awshttp.NewHandler(awshttp.Options{Auth: awshttp.Open("000000000000", "")}, awshttp.Service{
		TargetPrefix: logswire.TargetPrefix, SigningName: logswire.SigningName, Known: logswire.Lookup,
		Operations: map[string]awshttp.Operation{
			"PutLogEvents": awshttp.Raw(func(context.Context, []byte) (awsproto.Appender, error) { return nil, nil }),
		},
	})
	body := bytes.Repeat([]byte("x"), 1<<20)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
