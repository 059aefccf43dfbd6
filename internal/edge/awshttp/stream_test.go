package awshttp_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// script is a stream that was written beforehand.
type script struct {
	updates []string // messages of one update each
	end     error
	closed  chan struct{}
}

func (s *script) Next(ctx context.Context) (string, awsproto.Appender, error) {
	if len(s.updates) == 0 {
		switch {
		case s.end == nil:
			<-ctx.Done()
			return "", nil, ctx.Err()
		case s.end == errPanics:
			panic("a broken invariant")
		}
		return "", nil, s.end
	}
	message := s.updates[0]
	s.updates = s.updates[1:]
	return "sessionUpdate", &logswire.LiveTailSessionUpdate{SessionResults: []logswire.LiveTailSessionLogEvent{{Message: &message}}}, nil
}

func (s *script) Close() { close(s.closed) }

var (
	errPanics = errors.New("panics")
	errEnded  = awsproto.Errorf("SessionTimeoutException", "It has lasted long enough.")
)

// streams are the streams that a pattern asks for.
func streams(f *fixture) map[string]awshttp.Operation {
	open := func(_ context.Context, in *logswire.StartLiveTailInput) (awshttp.Stream, error) {
		s := &script{updates: []string{"one", "two"}, closed: make(chan struct{})}
		switch *in.LogEventFilterPattern {
		case "refused":
			return nil, errDomain
		case "ends":
			s.end = io.EOF
		case "timeout":
			s.end = errEnded
		case "domain":
			s.end = errDomain
		case "unknown":
			s.end = errors.New("the disk is on fire")
		case "panics":
			s.end = errPanics
		case "large":
			s.updates = []string{strings.Repeat("x", 3<<20)}
			s.end = io.EOF
		}
		f.mu.Lock()
		f.stream = s
		f.mu.Unlock()
		return s, nil
	}
	return map[string]awshttp.Operation{"StartLiveTail": awshttp.EventStream(open), "GetLogObject": awshttp.Lines(open)}
}

func (f *fixture) lastStream() *script {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stream
}

func (f *fixture) tail(t *testing.T, ctx context.Context, pattern string) (*cloudwatchlogs.StartLiveTailEventStream, error) {
	t.Helper()
	client := cloudwatchlogs.New(f.client().Options(), func(o *cloudwatchlogs.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("noHostPrefix", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		})
	})
	out, err := client.StartLiveTail(ctx, &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers: []string{"arn:aws:logs:us-east-1:000000000000:log-group:g"}, LogEventFilterPattern: &pattern,
	})
	if err != nil {
		return nil, err
	}
	return out.GetStream(), nil
}

func TestEventStreamOfSDK(t *testing.T) {
	f := openServer(t)
	for _, test := range []struct{ pattern, want string }{
		{"ends", ""},
		{"timeout", "SessionTimeoutException: It has lasted long enough."},
		{"domain", "ResourceNotFoundException: The specified log group does not exist."},
		{"unknown", "InternalFailure"},
		{"panics", "InternalFailure"},
	} {
		stream, err := f.tail(t, t.Context(), test.pattern)
		if err != nil {
			t.Fatalf("%s: %v", test.pattern, err)
		}
		var got []string
		for e := range stream.Events() {
			for _, r := range e.(*types.StartLiveTailResponseStreamMemberSessionUpdate).Value.SessionResults {
				got = append(got, aws.ToString(r.Message))
			}
		}
		err = stream.Err()
		if strings.Join(got, " ") != "one two" || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q, %v; want %q", test.pattern, got, err, test.want)
		}
		if test.pattern == "timeout" {
			if _, ok := errors.AsType[*types.SessionTimeoutException](err); !ok {
				t.Errorf("%v is not of the model", err)
			}
		}
		stream.Close()
		<-f.lastStream().closed
	}
	if _, err := f.tail(t, t.Context(), "refused"); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("refused: %v", err)
	}
	stream, err := f.tail(t, t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	e := <-stream.Events()
	if u, ok := e.(*types.StartLiveTailResponseStreamMemberSessionUpdate); !ok || len(*u.Value.SessionResults[0].Message) != 3<<20 {
		t.Errorf("large: %T, %v", e, stream.Err())
	}
	stream.Close()
	<-f.lastStream().closed
}

// A client that goes away ends the stream, and so does one that never listens.
func TestStreamEndsWithItsClient(t *testing.T) {
	f := openServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := f.tail(t, ctx, "waits")
	if err != nil {
		t.Fatal(err)
	}
	<-stream.Events()
	cancel()
	<-f.lastStream().closed
	stream.Close()
	f.waitSeen(t, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.seen[0]; o.Status != 499 || o.Operation != "StartLiveTail" || o.ResponseBytes == 0 {
		t.Errorf("%+v", o)
	}
}

const tailBody = `{"logGroupIdentifiers":["g"],"logEventFilterPattern":"`

func (f *fixture) raw(t *testing.T, operation, pattern string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, f.URL+"/", strings.NewReader(tailBody+pattern+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", logswire.TargetPrefix+"."+operation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// The bytes of the frames, as AWS's description of the format makes them.
func TestEventFrames(t *testing.T) {
	f := openServer(t)
	resp, body := f.raw(t, "StartLiveTail", "timeout")
	if got := resp.Header.Get("Content-Type"); got != "application/vnd.amazon.eventstream" || resp.ContentLength != -1 || resp.Header.Get("x-amzn-RequestId") == "" {
		t.Errorf("header %v, length %d", resp.Header, resp.ContentLength)
	}
	first, _ := hex.DecodeString("00000068" + "00000056")
	if !bytes.HasPrefix(body, first) {
		t.Errorf("begins with % x, want % x", body[:8], first)
	}
	for _, want := range []string{
		"\x0d:message-type\x07\x00\x05event\x0b:event-type\x07\x00\x10initial-response\x0d:content-type\x07\x00\x10application/json{}",
		"\x0b:event-type\x07\x00\x0dsessionUpdate\x0d:content-type\x07\x00\x10application/json" + `{"sessionResults":[{"message":"one"}]}`,
		"\x0d:message-type\x07\x00\x09exception\x0f:exception-type\x07\x00\x17SessionTimeoutException\x0d:content-type\x07\x00\x10application/json" + `{"message":"It has lasted long enough."}`,
	} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("no %q in %q", want, body)
		}
	}
}

func TestLines(t *testing.T) {
	f := openServer(t)
	resp, body := f.raw(t, "GetLogObject", "ends")
	want := `{"sessionResults":[{"message":"one"}]}` + "\n" + `{"sessionResults":[{"message":"two"}]}` + "\n"
	if got := resp.Header.Get("Content-Type"); got != "application/x-ndjson" || string(body) != want {
		t.Errorf("%s: %q, want %q", got, body, want)
	}
	if _, body = f.raw(t, "GetLogObject", "timeout"); string(body) != want+`{"__type":"SessionTimeoutException","message":"It has lasted long enough."}`+"\n" {
		t.Errorf("got %q", body)
	}
	if resp, body = f.raw(t, "GetLogObject", "refused"); resp.StatusCode != 400 || !strings.Contains(string(body), "ResourceNotFoundException") {
		t.Errorf("%d: %q", resp.StatusCode, body)
	}
}
