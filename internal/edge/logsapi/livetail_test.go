package logsapi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withoutHostPrefix keeps the SDK from calling stream-127.0.0.1.
func withoutHostPrefix(o *cwl.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("noHostPrefix", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
	})
}

func tailedARN(name string) string {
	return "arn:aws:logs:" + region + ":" + account + ":log-group:" + name
}

// tail opens a session that ends with the test, and returns it behind its sessionStart.
func (s *stack) tail(t *testing.T, in *cwl.StartLiveTailInput) (*cwl.StartLiveTailEventStream, types.LiveTailSessionStart) {
	t.Helper()
	out, err := s.StartLiveTail(t.Context(), in, withoutHostPrefix)
	ok(t, "start live tail", err)
	stream := out.GetStream()
	t.Cleanup(func() { stream.Close() })
	start, is := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart)
	if !is {
		t.Fatalf("the session begins with something else: %v", stream.Err())
	}
	return stream, start.Value
}

func update(t *testing.T, stream *cwl.StartLiveTailEventStream) types.LiveTailSessionUpdate {
	t.Helper()
	u, is := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionUpdate)
	if !is {
		t.Fatalf("no update: %v", stream.Err())
	}
	return u.Value
}

// withoutRaceOfSDK leaves a test to the run without the race detector: reading an event stream, the SDK (smithy-go 1.28.8)
// writes a field of its codec in one goroutine and reads it in another one.
func withoutRaceOfSDK(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the SDK's event streams race with themselves")
	}
}

func TestStartLiveTail(t *testing.T) {
	withoutRaceOfSDK(t)
	s := newStack(t)
	s.group(t, "g")
	s.group(t, "other")
	for _, stream := range []string{"web/1", "db"} {
		s.stream(t, "g", stream)
	}
	put := func(stream string, messages ...string) {
		t.Helper()
		in := &cwl.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: &stream}
		for _, m := range messages {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(s.ms.Load()), Message: aws.String(m)})
		}
		_, err := s.PutLogEvents(t.Context(), in)
		ok(t, "put", err)
	}
	put("db", "error before")
	all, start := s.tail(t, &cwl.StartLiveTailInput{LogGroupIdentifiers: []string{tailedARN("g"), tailedARN("other")}})
	if len(*start.RequestId) != 36 || len(*start.SessionId) != 36 || !slices.Equal(start.LogGroupIdentifiers, []string{tailedARN("g"), tailedARN("other")}) ||
		len(start.LogStreamNames)+len(start.LogStreamNamePrefixes) != 0 || *start.LogEventFilterPattern != "" {
		t.Errorf("%+v", start)
	}
	some, start := s.tail(t, &cwl.StartLiveTailInput{
		LogGroupIdentifiers: []string{tailedARN("g")}, LogStreamNamePrefixes: []string{"web", "d"}, LogEventFilterPattern: aws.String("error -debug"),
	})
	if !slices.Equal(start.LogStreamNamePrefixes, []string{"web", "d"}) || *start.LogEventFilterPattern != "error -debug" {
		t.Errorf("%+v", start)
	}
	if u := update(t, all); u.SessionMetadata.Sampled || u.SessionResults == nil || len(u.SessionResults) != 0 {
		t.Errorf("without events: %+v", u)
	}
	put("web/1", "error one", "fine")
	put("db", "error debug", "error two\n\x00 ü")
	texts := func(stream *cwl.StartLiveTailEventStream, n int) (out []string) {
		t.Helper()
		for len(out) < n {
			for _, r := range update(t, stream).SessionResults {
				if *r.LogGroupIdentifier != account+":g" || *r.Timestamp != s.ms.Load() || *r.IngestionTime != s.ms.Load() {
					t.Errorf("%+v", r)
				}
				out = append(out, *r.LogStreamName+" "+*r.Message)
			}
		}
		return out
	}
	if got, want := texts(all, 4), []string{"web/1 error one", "web/1 fine", "db error debug", "db error two\n\x00 ü"}; !slices.Equal(got, want) {
		t.Errorf("all: %q, want %q", got, want)
	}
	if got, want := texts(some, 2), []string{"web/1 error one", "db error two\n\x00 ü"}; !slices.Equal(got, want) {
		t.Errorf("some: %q, want %q", got, want)
	}
	var many []string
	for i := range 501 {
		many = append(many, fmt.Sprint(i))
	}
	// Updates are a second apart: begin behind one, so that the batch is in one of them.
	update(t, all)
	put("db", many...)
	if u := update(t, all); !u.SessionMetadata.Sampled || len(u.SessionResults) != 500 {
		t.Errorf("501 events: %d, sampled %v", len(u.SessionResults), u.SessionMetadata.Sampled)
	}
}

func TestStartLiveTailRefuses(t *testing.T) {
	withoutRaceOfSDK(t)
	s := newStack(t)
	s.group(t, "g")
	_, err := s.CreateLogGroup(t.Context(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("rare"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	group := []string{tailedARN("g")}
	for _, test := range []struct {
		in         cwl.StartLiveTailInput
		code, text string
	}{
		{cwl.StartLiveTailInput{LogGroupIdentifiers: []string{}}, "InvalidParameterException", "1 validation error detected: Value '[]' at 'logGroupIdentifiers' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{cwl.StartLiveTailInput{LogGroupIdentifiers: []string{tailedARN("none")}}, "ResourceNotFoundException", "The specified log group does not exist."},
		{cwl.StartLiveTailInput{LogGroupIdentifiers: []string{tailedARN("rare")}}, "InvalidOperationException", "This operation is only supported on the Standard log class."},
		{cwl.StartLiveTailInput{LogGroupIdentifiers: group, LogStreamNames: []string{"a"}, LogStreamNamePrefixes: []string{"a"}}, "InvalidParameterException", "Only one of logStreamNames or logStreamNamePrefixes can be provided."},
		{cwl.StartLiveTailInput{LogGroupIdentifiers: []string{tailedARN("g"), tailedARN("rare")}, LogStreamNames: []string{"a"}}, "InvalidParameterException", "logStreamNames and logStreamNamePrefixes can only be used with a single log group."},
		{cwl.StartLiveTailInput{LogGroupIdentifiers: group, LogEventFilterPattern: aws.String("{ $.n >")}, "InvalidParameterException", "If a filter pattern starts with '{' it must end with '}'"},
	} {
		_, err := s.StartLiveTail(t.Context(), &test.in, withoutHostPrefix)
		refused(t, fmt.Sprintf("%+v", test.in), err, test.code, test.text)
	}
	for _, in := range []cwl.StartLiveTailInput{
		{LogGroupIdentifiers: slices.Repeat(group, 11)},
		{LogGroupIdentifiers: group, LogStreamNames: slices.Repeat([]string{"a"}, 101)},
		{LogGroupIdentifiers: group, LogEventFilterPattern: aws.String(strings.Repeat("a", 1025))},
	} {
		if _, err := s.StartLiveTail(t.Context(), &in, withoutHostPrefix); err == nil || !strings.Contains(err.Error(), "InvalidParameterException: 1 validation error detected") {
			t.Errorf("%.200s: %v", fmt.Sprintf("%+v", in), err)
		}
	}
	// An ARN with :* and a name are taken, as everywhere here.
	for _, id := range []string{tailedARN("g"), tailedARN("g") + ":*", "g"} {
		s.tail(t, &cwl.StartLiveTailInput{LogGroupIdentifiers: slices.Repeat([]string{id}, 10)})
	}
	_, err = s.StartLiveTail(t.Context(), &cwl.StartLiveTailInput{LogGroupIdentifiers: group}, withoutHostPrefix)
	refused(t, "a fourth session of three", err, "LimitExceededException", "Live Tail session limit exceeded.")
}

// TestTailIsFreeAgain: a client that goes away gives its place back.
func TestTailIsFreeAgain(t *testing.T) {
	withoutRaceOfSDK(t)
	s := newStack(t)
	s.group(t, "g")
	in := &cwl.StartLiveTailInput{LogGroupIdentifiers: []string{tailedARN("g")}}
	for range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		for {
			out, err := s.StartLiveTail(ctx, in, withoutHostPrefix)
			if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "LimitExceededException") {
				continue // the server has not noticed yet
			}
			ok(t, "start live tail", err)
			out.GetStream().Close()
			break
		}
		cancel()
	}
}
