package logsapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

// number stores n events, one a second up to the time of the stack, as "e1" to
// "e<n>".
func (s *stack) number(t *testing.T, group, stream string, n int) {
	t.Helper()
	in := &cwl.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for i := range n {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{
			Timestamp: ptr(s.ms.Load() - int64(n-i-1)*1000), Message: ptr(fmt.Sprintf("e%d", i+1)),
		})
	}
	_, err := s.PutLogEvents(context.Background(), in)
	ok(t, "put", err)
}

// TestGetLogEventsPaging holds the rows of the reference's walk through a
// stream of five events. Tokens are named f/1 to b/6 by the event they hold.
func TestGetLogEventsPaging(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	tokens := map[string]string{"": ""}
	stream := ""
	call := func(token string, head bool, want, forward, backward string) {
		t.Helper()
		in := &cwl.GetLogEventsInput{LogGroupName: ptr("g"), LogStreamName: &stream, Limit: ptr(int32(2)), StartFromHead: &head}
		if token != "" {
			in.NextToken = ptr(tokens[token])
		}
		out, err := s.GetLogEvents(context.Background(), in)
		ok(t, "get "+token, err)
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.Message)
			if *e.IngestionTime < *e.Timestamp-2*3600_000 {
				t.Errorf("%s was ingested at %d", *e.Message, *e.IngestionTime)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("token %q: got %v, want %s", token, got, want)
		}
		for name, token := range map[string]string{forward: *out.NextForwardToken, backward: *out.NextBackwardToken} {
			if len(token) != 60 || token[:2] != name[:2] || !strings.HasSuffix(token, "/s") {
				t.Errorf("token %s has the form %s", name, token)
			}
			digits := token[2:58]
			if known, seen := tokens[stream+name[2:]]; seen && known != digits {
				t.Errorf("token %q answers %s = %s, want %s", token, name, digits, known)
			}
			tokens[stream+name[2:]], tokens[name] = digits, token
		}
	}
	stream = "forward"
	s.stream(t, "g", stream)
	s.number(t, "g", stream, 5)
	call("", true, "e1 e2", "f/2", "b/1")
	call("f/2", true, "e3 e4", "f/4", "b/3")
	call("f/4", true, "e5", "f/5", "b/5")
	call("f/5", true, "", "f/5", "b/5")
	s.sleep(time.Second)
	_, err := s.put("g", stream, 0)
	ok(t, "put", err)
	call("f/5", true, "e0", "f/6", "b/6")
	ok(t, "flush", s.store.Flush(context.Background()))
	call("f/4", true, "e5 e0", "f/6", "b/5")

	stream = "backward"
	s.stream(t, "g", stream)
	s.number(t, "g", stream, 5)
	call("", false, "e4 e5", "f/5", "b/4")
	call("b/4", false, "e2 e3", "f/3", "b/2")
	call("b/2", false, "e1", "f/1", "b/1")
	call("b/1", false, "", "f/1", "b/1")
}

func TestGetLogEventsPaginatorOfTheSDK(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	s.number(t, "g", "s", 25)
	p := cwl.NewGetLogEventsPaginator(s, &cwl.GetLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s"), StartFromHead: ptr(true), Limit: ptr(int32(10))},
		func(o *cwl.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	var got []string
	for p.HasMorePages() {
		out, err := p.NextPage(context.Background())
		ok(t, "page", err)
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
	}
	if len(got) != 25 || got[0] != "e1" || got[24] != "e25" {
		t.Errorf("got %v", got)
	}
}

func TestGetLogEventsEmptyStream(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	out, err := s.GetLogEvents(context.Background(), &cwl.GetLogEventsInput{LogGroupIdentifier: ptr("g"), LogStreamName: ptr("s"), Unmask: true})
	ok(t, "get", err)
	if out.Events == nil || len(out.Events) != 0 || out.NextForwardToken == nil || out.NextBackwardToken == nil {
		t.Errorf("got %+v", out)
	}
	s.number(t, "g", "s", 2)
	out, err = s.GetLogEvents(context.Background(), &cwl.GetLogEventsInput{LogGroupIdentifier: ptr("arn:aws:logs:us-east-1:000000000000:log-group:g"), LogStreamName: ptr("s"), NextToken: out.NextForwardToken})
	ok(t, "get", err)
	if len(out.Events) != 2 {
		t.Errorf("%d events after the forward token of an empty stream", len(out.Events))
	}
}

func TestGetLogEventsRange(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	s.number(t, "g", "s", 5)
	first := s.ms.Load() - 4000
	check := func(from, to *int64, want string) {
		t.Helper()
		out, err := s.GetLogEvents(context.Background(), &cwl.GetLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s"), StartTime: from, EndTime: to})
		ok(t, "get", err)
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Error(d)
		}
	}
	check(ptr(first), ptr(first+2000), "e1 e2")
	check(ptr(first+1), ptr(first+2001), "e2 e3")
	check(ptr(first+3000), nil, "e4 e5")
	check(ptr(first), ptr(first), "")
	check(ptr(int64(0)), ptr(int64(1<<62)), "e1 e2 e3 e4 e5")
}

func TestGetLogEventsRefuses(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	get := func(in cwl.GetLogEventsInput) error {
		_, err := s.GetLogEvents(ctx, &in)
		return err
	}
	g, st := ptr("g"), ptr("s")
	refused(t, "both names", get(cwl.GetLogEventsInput{LogGroupName: g, LogGroupIdentifier: g, LogStreamName: st}), "ValidationException",
		"LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	refused(t, "no name", get(cwl.GetLogEventsInput{LogStreamName: st}), invalid, "Either logGroupName or logGroupIdentifier must be specified.")
	refused(t, "no group", get(cwl.GetLogEventsInput{LogGroupName: st, LogStreamName: st}), notFound, noGroup)
	refused(t, "other account", get(cwl.GetLogEventsInput{LogGroupIdentifier: ptr("arn:aws:logs:us-east-1:111111111111:log-group:g"), LogStreamName: st}), notFound, noGroup)
	refused(t, "no stream", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: g}), notFound, noStream)
	refused(t, "range", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: st, StartTime: ptr(int64(2)), EndTime: ptr(int64(1))}), invalid,
		"startTime must be less than or equal to endTime.")
	refused(t, "limit 0", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: st, Limit: ptr(int32(0))}), invalid,
		"1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	refused(t, "limit 10,001", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: st, Limit: ptr(int32(10_001))}), invalid,
		"1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000")
	for _, token := range []string{"x", "f/12", "f/" + strings.Repeat("0", 56) + "/v9"} {
		refused(t, token, get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: st, NextToken: &token}), invalid, badToken)
	}
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	refused(t, "class", get(cwl.GetLogEventsInput{LogGroupName: ptr("ia"), LogStreamName: st}), "ValidationException",
		"This operation is only supported on the Standard log class.")
}

// TestGetLogEventsTokensOfOthers: tokens belong to one stream of one group, and not to
// other operations.
func TestGetLogEventsTokensOfOthers(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	for _, g := range []string{"g", "h"} {
		s.group(t, g)
		s.stream(t, g, "s")
		s.number(t, g, "s", 3)
	}
	s.stream(t, "g", "other")
	get := func(group, stream string, token *string) (*cwl.GetLogEventsOutput, error) {
		return s.GetLogEvents(ctx, &cwl.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, NextToken: token, Limit: ptr(int32(1))})
	}
	page, err := get("g", "s", nil)
	ok(t, "get", err)
	for _, token := range []*string{page.NextForwardToken, page.NextBackwardToken} {
		_, err := get("g", "other", token)
		refused(t, "another stream", err, invalid, badToken)
		_, err = get("h", "s", token)
		refused(t, "another group", err, invalid, badToken)
	}
	found, err := s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: ptr(int32(1))})
	ok(t, "filter", err)
	_, err = get("g", "s", found.NextToken)
	refused(t, "of FilterLogEvents", err, invalid, badToken)
	_, err = s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), NextToken: page.NextForwardToken})
	refused(t, "of GetLogEvents", err, invalid, badToken)
}
