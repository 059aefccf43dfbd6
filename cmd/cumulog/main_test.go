package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cumulog/cumulog/cumulogtest"
)

// result is what a command line did.
type result struct {
	code     int
	out, err string
}

func cumulog(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// isolate keeps the environment of whoever runs the tests out of them.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_LOGS", "AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL_MONITORING", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CUMULOG_ENDPOINT", "CUMULOG_DATA", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
}

func TestWrongUsage(t *testing.T) {
	isolate(t)
	check := func(want string, args ...string) {
		t.Helper()
		r := cumulog(t, "", args...)
		if r.code != 2 || !strings.Contains(r.err, want) || !strings.Contains(r.err, "hint: ") {
			t.Errorf("cumulog %q: code %d, printed %q; want code 2, %q and a hint", args, r.code, r.err, want)
		}
	}
	check(`there is no command "sevre"`, "sevre")
	check("unknown flag: --lisen", "serve", "--lisen", "x")
	check(`takes no argument "x"`, "serve", "x")
	check("cumulog put needs a log stream", "put", "g")
	check("cumulog tail needs a log group", "tail")
	check("outside 1 to 10000", "tail", "g", "-n", "0")
	check("outside 1 to 10000", "tail", "g", "-n", "10001")
	check("outside 0 to 10000", "tail", "g", "-f", "-n", "-1")
	check("--auth: \"maybe\"", "serve", "--auth", "maybe", "--data", t.TempDir())
	check("can be reached from other machines", "serve", "--listen", "0.0.0.0:0", "--data", t.TempDir())
	check("is not an http or https URL", "tail", "g", "--endpoint", "127.0.0.1:1")
	check("is not an http or https URL", "put", "g", "s", "--endpoint", "http://:1")
	check("is not an http or https URL", "env", "--endpoint", "localhost:1")
	check("not \"make\"", "keys", "make")
}

func TestHelpAndVersion(t *testing.T) {
	isolate(t)
	if r := cumulog(t, "", "version"); r.code != 0 || !strings.HasPrefix(r.out, "cumulog ") {
		t.Errorf("version: %+v", r)
	}
	for _, c := range newRoot().Commands() {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short help is %q", c.Name(), c.Short)
		}
		if r := cumulog(t, "", c.Name(), "--help"); r.code != 0 || !strings.Contains(r.out, "Usage:") {
			t.Errorf("%s --help: %+v", c.Name(), r)
		}
	}
}

func TestEnv(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://elsewhere")
	want := "export AWS_ENDPOINT_URL=http://127.0.0.1:4566\nexport AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n" +
		"export AWS_ACCESS_KEY_ID=cumulog AWS_SECRET_ACCESS_KEY=cumulog\nexport AWS_DISABLE_HOST_PREFIX_INJECTION=true\n"
	if r := cumulog(t, "", "env"); r.code != 0 || r.out != want {
		t.Errorf("env printed %q, want %q", r.out, want)
	}
	r := cumulog(t, "", "env", "--endpoint", "http://logs.lan:1/", "--region", "eu-west-1", "--credentials=false")
	if !strings.Contains(r.out, "=http://logs.lan:1\n") || !strings.Contains(r.out, "eu-west-1") || strings.Contains(r.out, "KEY") {
		t.Errorf("env with flags printed %q", r.out)
	}
	r = cumulog(t, "", "env", "--endpoint", "http://[::1]:1", "--region", "it's $(x)")
	if !strings.HasPrefix(r.out, "export AWS_ENDPOINT_URL='http://[::1]:1'\nexport AWS_REGION='it'\\''s $(x)' AWS_DEFAULT_REGION='it'\\''s $(x)'\n") {
		t.Errorf("env for a shell printed %q", r.out)
	}
}

func TestPutAndTail(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	at := []string{"--endpoint", srv.URL}

	if r := cumulog(t, "x\n", append([]string{"put", "g", "s"}, at...)...); r.code != 1 || !strings.Contains(r.err, "ResourceNotFoundException") || !strings.Contains(r.err, "--create") {
		t.Errorf("put into nothing: %+v", r)
	}
	var input strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&input, "line %d\n", i)
	}
	input.WriteString("\n\xff broken\r\nlast without an end")
	r := cumulog(t, input.String(), append([]string{"put", "g", "s", "--create"}, at...)...)
	if r.code != 0 || !strings.HasPrefix(r.err, "25002 events, ") || !strings.Contains(r.err, "1 empty lines left out") || !strings.Contains(r.err, "1 lines with invalid UTF-8 repaired") {
		t.Fatalf("put: %+v", r)
	}
	if r := cumulog(t, "", append([]string{"tail", "g", "-n", "3", "--plain"}, at...)...); r.out != "line 24999\n\uFFFD broken\nlast without an end\n" {
		t.Errorf("tail printed %q, %q", r.out, r.err)
	}
	if r := cumulog(t, "", append([]string{"tail", "g", "--since", "1h", "--plain"}, at...)...); strings.Count(r.out, "\n") != 25_002 {
		t.Errorf("tail --since printed %d lines, want 25002", strings.Count(r.out, "\n"))
	}
	if r := cumulog(t, "", append([]string{"tail", "g", "--filter", "last -line", "--stream", "s"}, at...)...); !strings.HasSuffix(r.out, "Z s last without an end\n") || strings.Count(r.out, "\n") != 1 {
		t.Errorf("tail --filter printed %q, %q", r.out, r.err)
	}
	if r := cumulog(t, "", append([]string{"tail", "g2"}, at...)...); r.code != 1 || !strings.Contains(r.err, "The specified log group does not exist.\n  hint: check the names") {
		t.Errorf("tail of nothing: %+v", r)
	}
}

func TestPutSplitsLongLines(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	long := "x" + strings.Repeat("ü", maxMessage) // two bytes each, none may be cut in half: three events
	r := cumulog(t, long+"\n"+strings.Repeat("x", maxMessage)+"\n", "put", "g", "s", "--create", "--endpoint", srv.URL)
	if r.code != 0 || !strings.HasPrefix(r.err, "4 events, ") || !strings.Contains(r.err, "1 long lines split") {
		t.Fatalf("put: %+v", r)
	}
	out := cumulog(t, "", "tail", "g", "--since", "1h", "--plain", "--endpoint", srv.URL).out
	lines := strings.Split(out, "\n")
	if len(lines) != 5 || strings.Join(lines[:3], "") != long || !utf8.ValidString(lines[0]) {
		t.Errorf("%d lines came back, or their text differs", len(lines)-1)
	}
}

// TestTailFollows: what arrives while following is printed once, late events too.
func TestTailFollows(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	if r := cumulog(t, "first\n", "put", "g", "s", "--create", "--endpoint", srv.URL); r.code != 0 {
		t.Fatal(r.err)
	}
	f := follow(t, "tail", "g", "-f", "--plain", "--endpoint", srv.URL)
	f.expect("first")
	for _, text := range []string{"second", "third"} {
		if r := cumulog(t, text+"\n", "put", "g", "other", "--create", "--endpoint", srv.URL); r.code != 0 {
			t.Fatal(r.err)
		}
		f.expect(text)
	}
	f.end()
}

// TestTailFollowsBesideFutureEvents: an event dated an hour ahead must not hide those of clocks that are right.
func TestTailFollowsBesideFutureEvents(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	if r := cumulog(t, "old\n", "put", "g", "s", "--create", "--endpoint", srv.URL); r.code != 0 {
		t.Fatal(r.err)
	}
	_, err := cloudwatchlogs.NewFromConfig(srv.Config()).PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String("g"), LogStreamName: aws.String("s"),
		LogEvents: []types.InputLogEvent{{Message: aws.String("ahead"), Timestamp: aws.Int64(time.Now().Add(time.Hour).UnixMilli())}},
	})
	if err != nil {
		t.Fatal(err)
	}
	newest := follow(t, "tail", "g", "-f", "-n", "1", "--plain", "--endpoint", srv.URL)
	newest.expect("ahead")
	nothing := follow(t, "tail", "g", "-f", "-n", "0", "--plain", "--endpoint", srv.URL)
	// Following from now on has begun once it prints; until then each line may count as old news.
	for i := 0; ; i++ {
		if r := cumulog(t, fmt.Sprintf("now %d\n", i), "put", "g", "s", "--endpoint", srv.URL); r.code != 0 {
			t.Fatal(r.err)
		}
		newest.expect(fmt.Sprintf("now %d", i))
		if line, ok := nothing.next(time.Second); ok {
			if line == "old" || line == "ahead" {
				t.Errorf("tail -n 0 printed %q, which was there before it", line)
			}
			break
		}
		if i == 20 {
			t.Fatal("tail -n 0 printed nothing")
		}
	}
	newest.end()
	nothing.stop()
}

// follower is a command that prints lines until it is stopped.
type follower struct {
	t      *testing.T
	lines  chan string
	cancel context.CancelFunc
	wg     sync.WaitGroup
	code   int
}

func follow(t *testing.T, args ...string) *follower {
	f := &follower{t: t, lines: make(chan string, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	r, w := io.Pipe()
	f.wg.Go(func() {
		f.code = run(ctx, args, nil, w, io.Discard)
		w.Close()
	})
	f.wg.Go(func() {
		defer close(f.lines)
		raw := make([]byte, 4096)
		for {
			n, err := r.Read(raw)
			for l := range strings.Lines(string(raw[:n])) {
				f.lines <- strings.TrimSpace(l)
			}
			if err != nil {
				return
			}
		}
	})
	return f
}

func (f *follower) next(wait time.Duration) (string, bool) {
	select {
	case line := <-f.lines:
		return line, true
	case <-time.After(wait):
		return "", false
	}
}

func (f *follower) expect(want string) {
	f.t.Helper()
	if got, ok := f.next(20 * time.Second); !ok || got != want {
		f.t.Errorf("printed %q, want %q", got, want)
	}
}

func (f *follower) stop() {
	f.cancel()
	f.wg.Wait()
	if f.code != 0 {
		f.t.Errorf("interrupted following ended with code %d, want 0", f.code)
	}
}

// end stops it and demands that it has printed no more than what was expected.
func (f *follower) end() {
	f.stop()
	if extra, more := <-f.lines; more {
		f.t.Errorf("printed %q once more", extra)
	}
}

// TestPutSendsSteadyLines: lines that keep coming must not keep a batch back.
func TestPutSendsSteadyLines(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	r, w := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run(t.Context(), []string{"put", "g", "s", "--create", "--wait", "100ms", "--endpoint", srv.URL}, r, io.Discard, io.Discard)
	}()
	client := cloudwatchlogs.NewFromConfig(srv.Config())
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := io.WriteString(w, "line\n"); err != nil {
			t.Fatal(err)
		}
		page, err := client.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
		if err == nil && len(page.Events) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("nothing was sent while lines kept coming")
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.Close()
	if code := <-done; code != 0 {
		t.Errorf("put ended with code %d", code)
	}
}

func TestIsAway(t *testing.T) {
	call := func(err error) error { return fmt.Errorf("wrapped: %w", &smithy.OperationError{Err: err}) }
	answer := func(status int) error {
		return call(&smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: io.ErrUnexpectedEOF})
	}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{io.ErrClosedPipe, false}, // our own output
		{call(&smithyhttp.RequestSendError{Err: io.EOF}), true},
		{call(io.ErrUnexpectedEOF), true},
		{answer(200), true}, {answer(400), false}, {answer(413), false}, {answer(500), true}, {answer(503), true},
	} {
		if got := isAway(test.err); got != test.want {
			t.Errorf("isAway(%v) = %v", test.err, got)
		}
	}
}

func TestDescribeNamesTheServer(t *testing.T) {
	for want, err := range map[string]error{
		"no server answers: lookup nope: no such host": &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "nope", Err: "no such host"}},
		"no server answers at 127.0.0.1:1: refused":    &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, Err: errors.New("refused")},
	} {
		if got := describe(err); got != want {
			t.Errorf("described as %q, want %q", got, want)
		}
	}
}

func TestKeysAndReset(t *testing.T) {
	isolate(t)
	dir := filepath.Join(t.TempDir(), "data")
	if r := cumulog(t, "", "reset", "--data", dir, "--yes"); r.code != 1 || !strings.Contains(r.err, "no data directory") {
		t.Errorf("reset of nothing: %+v", r)
	}
	if r := cumulog(t, "", "keys", "list", "--data", dir); r.code != 1 || !strings.Contains(r.err, "no data directory") {
		t.Errorf("keys of nothing: %+v", r)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("listing keys made a data directory")
	}
	r := cumulog(t, "", "keys", "create", "--data", dir, "--description", "for a test")
	if r.code != 0 || !strings.HasPrefix(r.out, "export AWS_ACCESS_KEY_ID=AKIA") || !strings.Contains(r.out, "\nexport AWS_SECRET_ACCESS_KEY=") {
		t.Fatalf("keys create: %+v", r)
	}
	id := strings.TrimPrefix(strings.SplitN(r.out, "\n", 2)[0], "export AWS_ACCESS_KEY_ID=")
	if r := cumulog(t, "", "keys", "list", "--data", dir); !strings.Contains(r.out, id) || !strings.Contains(r.out, "for a test") {
		t.Errorf("keys list: %+v", r)
	}
	if r := cumulog(t, "", "keys", "delete", id, "--data", dir); r.code != 0 {
		t.Errorf("keys delete: %+v", r)
	}
	if r := cumulog(t, "", "keys", "delete", id, "--data", dir); r.code != 1 || !strings.Contains(r.err, "does not exist") {
		t.Errorf("keys delete again: %+v", r)
	}
	if r := cumulog(t, "no\n", "reset", "--data", dir); r.code != 1 || !strings.Contains(r.err, "nothing was deleted") {
		t.Errorf("reset, not confirmed: %+v", r)
	}
	if r := cumulog(t, "yes\n", "reset", "--data", dir); r.code != 0 {
		t.Errorf("reset: %+v", r)
	}
	if r := cumulog(t, "", "keys", "list", "--data", dir); strings.Contains(r.out, "AKIA") {
		t.Errorf("keys after reset: %+v", r)
	}
	if r := cumulog(t, "", "verify", "--data", dir); r.code != 0 || !strings.Contains(r.out, "0 problems") {
		t.Errorf("verify: %+v", r)
	}
}

func TestDoctor(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	r := cumulog(t, "", "doctor", "--endpoint", srv.URL, "--data", t.TempDir())
	for _, want := range []string{"ok    Cumulog test answers at " + srv.URL, "ok    a signed call succeeds", "AWS_ENDPOINT_URL is not set", "stream-127.0.0.1, which does not resolve", "free for"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("doctor lacks %q; it printed:\n%s%s", want, r.out, r.err)
		}
	}
	if r.code != 0 {
		t.Errorf("doctor of a sound server ends with code %d", r.code)
	}
	t.Setenv("AWS_ENDPOINT_URL_LOGS", srv.URL)
	t.Setenv("AWS_ENDPOINT_URL_MONITORING", srv.URL)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://elsewhere:2")
	t.Setenv("AWS_ENDPOINT_URL", "http://elsewhere:1")
	t.Setenv("HTTP_PROXY", "http://proxy:1")
	r = cumulog(t, "", "doctor", "--endpoint", srv.URL, "--data", t.TempDir())
	for _, want := range []string{"AWS_ENDPOINT_URL points elsewhere: http://elsewhere:1", "AWS_ENDPOINT_URL_LOGS is set, which every client ignores",
		"AWS_ENDPOINT_URL_MONITORING is set, which every client ignores", "AWS_ENDPOINT_URL_CLOUDWATCH points elsewhere and wins over AWS_ENDPOINT_URL: http://elsewhere:2", "HTTP_PROXY may send requests for 127.0.0.1 to a proxy"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("doctor lacks %q; it printed:\n%s", want, r.out)
		}
	}
	r = cumulog(t, "", "doctor", "--endpoint", "http://127.0.0.1:1", "--data", t.TempDir())
	if r.code != 1 || !strings.Contains(r.out, "FAIL  no server answers at http://127.0.0.1:1") || !strings.Contains(r.out, "→ start it with `cumulog serve`") || !strings.Contains(r.err, "1 of the checks failed") {
		t.Errorf("doctor without a server: %+v", r)
	}
}
