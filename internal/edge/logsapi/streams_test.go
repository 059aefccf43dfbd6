package logsapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

func TestCreateAndDeleteLogStream(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	create := func(group, name string) error {
		_, err := s.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &name})
		return err
	}
	del := func(group, name string) error {
		_, err := s.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: &group, LogStreamName: &name})
		return err
	}
	refused(t, "create, no group", create("g", "s"), notFound, noGroup)
	refused(t, "delete, no group", del("g", "s"), notFound, noGroup)
	s.group(t, "g")
	refused(t, "delete, no stream", del("g", "s"), notFound, noStream)
	ok(t, "create", create("g", "s"))
	refused(t, "create again", create("g", "s"), exists, "The specified log stream already exists")
	ok(t, "other case", create("g", "S"))
	ok(t, "lambda", create("g", "2026/11/23/[$LATEST]0a1b"))
	ok(t, "longest", create("g", strings.Repeat("世", 512)))
	refused(t, "too long", create("g", strings.Repeat("x", 513)), invalid,
		"1 validation error detected: Value '"+strings.Repeat("x", 513)+"' at 'logStreamName' failed to satisfy constraint: Member must have length less than or equal to 512")
	for _, bad := range []string{"a:b", "a*b"} {
		refused(t, bad, create("g", bad), invalid,
			"1 validation error detected: Value '"+bad+"' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*")
	}

	put := func() error {
		_, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s"),
			LogEvents: []types.InputLogEvent{{Timestamp: ptr(s.ms.Load()), Message: ptr("m")}}})
		return err
	}
	ok(t, "put", put())
	ok(t, "delete", del("g", "s"))
	refused(t, "delete again", del("g", "s"), notFound, noStream)
	refused(t, "put to deleted", put(), notFound, noStream)
	ok(t, "create after delete", create("g", "s"))
	ok(t, "put", put())
	got, err := s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("g")})
	ok(t, "filter", err)
	if len(got.Events) != 1 {
		t.Errorf("%d events, want the new one only", len(got.Events))
	}
}

func TestDescribeLogStreams(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	t0 := s.ms.Load()
	for _, n := range []string{"b/2", "a", "b/1", "B"} {
		s.stream(t, "g", n)
	}
	put := func(stream string, ages ...int64) {
		t.Helper()
		in := &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: &stream}
		for _, age := range ages {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: ptr(t0 - age), Message: ptr("m")})
		}
		_, err := s.PutLogEvents(ctx, in)
		ok(t, "put", err)
	}
	list := func(in cwl.DescribeLogStreamsInput) (names []string, out *cwl.DescribeLogStreamsOutput) {
		t.Helper()
		if in.LogGroupIdentifier == nil {
			in.LogGroupName = ptr("g")
		}
		out, err := s.DescribeLogStreams(ctx, &in)
		ok(t, "describe", err)
		for _, x := range out.LogStreams {
			names = append(names, *x.LogStreamName)
		}
		return names, out
	}
	want := func(what string, in cwl.DescribeLogStreamsInput, want ...string) {
		t.Helper()
		got, out := list(in)
		if d := cmp.Diff(want, got); d != "" || out.NextToken != nil {
			t.Errorf("%s: token %v (-want +got):\n%s", what, out.NextToken, d)
		}
	}
	want("all", cwl.DescribeLogStreamsInput{}, "B", "a", "b/1", "b/2")
	want("descending", cwl.DescribeLogStreamsInput{Descending: ptr(true)}, "b/2", "b/1", "a", "B")
	want("prefix", cwl.DescribeLogStreamsInput{LogStreamNamePrefix: ptr("b")}, "b/1", "b/2")
	want("prefix, descending", cwl.DescribeLogStreamsInput{LogStreamNamePrefix: ptr("b"), Descending: ptr(true)}, "b/2", "b/1")
	want("no such prefix", cwl.DescribeLogStreamsInput{LogStreamNamePrefix: ptr("zz")})
	for _, id := range []string{"g", "arn:aws:logs:us-east-1:000000000000:log-group:g", "arn:aws:logs:us-east-1:000000000000:log-group:g:*"} {
		want("identifier "+id, cwl.DescribeLogStreamsInput{LogGroupIdentifier: &id}, "B", "a", "b/1", "b/2")
	}
	want("by time, no events", cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, "B", "a", "b/1", "b/2")

	put("a", 500, 100)
	put("b/1", 300)
	byTime := []string{"B", "b/2", "b/1", "a"}
	want("by time", cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, byTime...)
	ok(t, "flush", s.store.Flush(ctx))
	want("by time, flushed", cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, byTime...)
	put("b/1", 50)
	want("by time, flushed and in memory", cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: ptr(true)}, "b/1", "a", "b/2", "B")

	_, out := list(cwl.DescribeLogStreamsInput{LogStreamNamePrefix: ptr("b/1")})
	got := out.LogStreams[0]
	if len(*got.UploadSequenceToken) != 56 || strings.Trim(*got.UploadSequenceToken, "0123456789") != "" {
		t.Errorf("uploadSequenceToken %q", *got.UploadSequenceToken)
	}
	got.UploadSequenceToken = nil
	wantStream := types.LogStream{
		LogStreamName: ptr("b/1"), CreationTime: ptr(t0), FirstEventTimestamp: ptr(t0 - 300), LastEventTimestamp: ptr(t0 - 50), LastIngestionTime: ptr(t0),
		Arn: ptr("arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:b/1"), StoredBytes: ptr(int64(0)),
	}
	if d := cmp.Diff(fmt.Sprint(values(wantStream)), fmt.Sprint(values(got))); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
	_, out = list(cwl.DescribeLogStreamsInput{LogStreamNamePrefix: ptr("B")})
	if e := out.LogStreams[0]; e.FirstEventTimestamp != nil || e.LastEventTimestamp != nil || e.LastIngestionTime != nil {
		t.Errorf("an empty stream has times: %v", values(e))
	}

	bad := func(what string, in cwl.DescribeLogStreamsInput, code, text string) {
		t.Helper()
		_, err := s.DescribeLogStreams(ctx, &in)
		refused(t, what, err, code, text)
	}
	g := ptr("g")
	bad("name and identifier", cwl.DescribeLogStreamsInput{LogGroupName: g, LogGroupIdentifier: g}, validation, "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	bad("neither", cwl.DescribeLogStreamsInput{}, invalid, "Either logGroupName or logGroupIdentifier must be specified.")
	bad("prefix by time", cwl.DescribeLogStreamsInput{LogGroupName: g, LogStreamNamePrefix: g, OrderBy: types.OrderByLastEventTime}, invalid,
		"Cannot order by LastEventTime with a logStreamNamePrefix.")
	bad("no group", cwl.DescribeLogStreamsInput{LogGroupName: ptr("h")}, notFound, noGroup)
	bad("foreign account", cwl.DescribeLogStreamsInput{LogGroupIdentifier: ptr("arn:aws:logs:us-east-1:111111111111:log-group:g")}, notFound, noGroup)
	bad("foreign region", cwl.DescribeLogStreamsInput{LogGroupIdentifier: ptr("arn:aws:logs:eu-west-1:000000000000:log-group:g")}, notFound, noGroup)
	bad("foreign partition", cwl.DescribeLogStreamsInput{LogGroupIdentifier: ptr("arn:aws-cn:logs:us-east-1:000000000000:log-group:g")}, notFound, noGroup)
	bad("token", cwl.DescribeLogStreamsInput{LogGroupName: g, NextToken: ptr("x")}, invalid, badToken)
	bad("order", cwl.DescribeLogStreamsInput{LogGroupName: g, OrderBy: "Size"}, invalid,
		"1 validation error detected: Value 'Size' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]")
	bad("limit", cwl.DescribeLogStreamsInput{LogGroupName: g, Limit: ptr(int32(51))}, invalid,
		"1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50")

	_, out = list(cwl.DescribeLogStreamsInput{Limit: ptr(int32(1))})
	bad("token of another order", cwl.DescribeLogStreamsInput{LogGroupName: g, Descending: ptr(true), NextToken: out.NextToken}, invalid, badToken)
}

// values makes a stream printable.
func values(s types.LogStream) []any {
	v := func(p *int64) any {
		if p == nil {
			return nil
		}
		return *p
	}
	return []any{*s.LogStreamName, v(s.CreationTime), v(s.FirstEventTimestamp), v(s.LastEventTimestamp), v(s.LastIngestionTime), *s.Arn, v(s.StoredBytes)}
}

func TestDescribeLogStreamsPages(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	t0 := s.ms.Load()
	var byTime []string
	for i := range 60 {
		name := fmt.Sprintf("s%02d", i)
		s.stream(t, "g", name)
		_, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: &name,
			LogEvents: []types.InputLogEvent{{Timestamp: ptr(t0 - int64(i/2)), Message: ptr("m")}}})
		ok(t, "put", err)
	}
	for i := 59; i > 0; i -= 2 { // pairs share a time and come by name
		byTime = append(byTime, fmt.Sprintf("s%02d", i-1), fmt.Sprintf("s%02d", i))
	}
	for _, limit := range []*int32{nil, ptr(int32(1)), ptr(int32(7)), ptr(int32(50))} {
		p := cwl.NewDescribeLogStreamsPaginator(s, &cwl.DescribeLogStreamsInput{LogGroupName: ptr("g"), OrderBy: types.OrderByLastEventTime, Limit: limit})
		var got []string
		pages := 0
		for p.HasMorePages() {
			out, err := p.NextPage(ctx)
			ok(t, "page", err)
			if pages == 0 && limit == nil && len(out.LogStreams) != 50 {
				t.Errorf("default page has %d streams, want 50", len(out.LogStreams))
			}
			pages++
			for _, x := range out.LogStreams {
				got = append(got, *x.LogStreamName)
			}
			// An event that arrives between pages does not disturb their order.
			_, err = s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s30"),
				LogEvents: []types.InputLogEvent{{Timestamp: ptr(t0 - 29), Message: ptr("m")}}})
			ok(t, "put", err)
		}
		if d := cmp.Diff(byTime, got); d != "" {
			t.Errorf("limit %v (-want +got):\n%s", limit, d)
		}
	}
}
