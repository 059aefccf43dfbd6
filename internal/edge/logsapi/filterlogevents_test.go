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

// say stores one event at an offset (ms) from the time of the stack.
func (s *stack) say(t *testing.T, group, stream string, offset int64, message string) {
	t.Helper()
	_, err := s.PutLogEvents(context.Background(), &cwl.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{{Timestamp: ptr(s.ms.Load() + offset), Message: &message}}})
	ok(t, "put", err)
}

// found pages through a filter with the SDK's paginator.
func (s *stack) found(t *testing.T, in cwl.FilterLogEventsInput) []string {
	t.Helper()
	got := []string{}
	ids := map[string]bool{}
	p := cwl.NewFilterLogEventsPaginator(s, &in)
	for p.HasMorePages() {
		out, err := p.NextPage(context.Background())
		ok(t, "filter", err)
		if len(out.SearchedLogStreams) != 0 {
			t.Errorf("searched streams %v", out.SearchedLogStreams)
		}
		if len(out.Events) == 0 && out.NextToken != nil {
			t.Error("an empty page before the end")
		}
		for _, e := range out.Events {
			if len(*e.EventId) != 56 || ids[*e.EventId] {
				t.Errorf("event id %s", *e.EventId)
			}
			ids[*e.EventId] = true
			got = append(got, *e.LogStreamName+":"+*e.Message)
		}
	}
	return got
}

func TestFilterLogEvents(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	for _, name := range []string{"web/1", "web/2", "db"} {
		s.stream(t, "g", name)
	}
	s.say(t, "g", "web/1", -5, "[ERROR 503] upstream timeout")
	s.say(t, "g", "db", -4, "INFO started")
	s.say(t, "g", "web/2", -4, "[ERROR 500] disk full")
	ok(t, "flush", s.store.Flush(context.Background()))
	s.say(t, "g", "web/1", -3, `he did say "hi" twice`)
	s.say(t, "g", "db", -2, "WARN low space")
	now := s.ms.Load()
	all := []string{"web/1:[ERROR 503] upstream timeout", "db:INFO started", "web/2:[ERROR 500] disk full", `web/1:he did say "hi" twice`, "db:WARN low space"}
	check := func(in cwl.FilterLogEventsInput, want ...int) {
		t.Helper()
		list := []string{}
		for _, i := range want {
			list = append(list, all[i])
		}
		for _, limit := range []int32{1, 2, 10_000} {
			in.LogGroupName, in.Limit = ptr("g"), &limit
			if d := cmp.Diff(list, s.found(t, in)); d != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, d)
			}
		}
	}
	check(cwl.FilterLogEventsInput{}, 0, 1, 2, 3, 4)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr(""), Interleaved: ptr(true), Unmask: true}, 0, 1, 2, 3, 4)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("ERROR")}, 0, 2)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("ERROR timeout")}, 0)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr(`ERROR -"disk full"`)}, 0)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("?INFO ?WARN")}, 1, 4)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("?INFO ?WARN space")}, 4)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr(`"say \"hi\""`)}, 3)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("-ERROR")}, 1, 3, 4)
	check(cwl.FilterLogEventsInput{FilterPattern: ptr("error")})
	check(cwl.FilterLogEventsInput{LogStreamNames: []string{"db", "web/2"}}, 1, 2, 4)
	check(cwl.FilterLogEventsInput{LogStreamNamePrefix: ptr("web")}, 0, 2, 3)
	check(cwl.FilterLogEventsInput{LogStreamNamePrefix: ptr("none")})
	check(cwl.FilterLogEventsInput{StartTime: ptr(now - 4), EndTime: ptr(now - 3)}, 1, 2, 3)
	check(cwl.FilterLogEventsInput{StartTime: ptr(now - 4), EndTime: ptr(now - 4)}, 1, 2)
}

func TestFilterLogEventsRefuses(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	for i := range 3 {
		s.say(t, "g", "s", int64(i), fmt.Sprint("m", i))
	}
	filter := func(in cwl.FilterLogEventsInput) error {
		if in.LogGroupName == nil && in.LogGroupIdentifier == nil {
			in.LogGroupName = ptr("g")
		}
		_, err := s.FilterLogEvents(ctx, &in)
		return err
	}
	refused(t, "no group", filter(cwl.FilterLogEventsInput{LogGroupName: ptr("none")}), notFound, noGroup)
	refused(t, "no stream", filter(cwl.FilterLogEventsInput{LogStreamNames: []string{"s", "none"}}), notFound, noStream)
	refused(t, "names and prefix", filter(cwl.FilterLogEventsInput{LogStreamNames: []string{"s"}, LogStreamNamePrefix: ptr("s")}), invalid,
		"logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	refused(t, "both groups", filter(cwl.FilterLogEventsInput{LogGroupName: ptr("g"), LogGroupIdentifier: ptr("g")}), "ValidationException",
		"LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	refused(t, "range", filter(cwl.FilterLogEventsInput{StartTime: ptr(int64(2)), EndTime: ptr(int64(1))}), invalid, "startTime must be less than or equal to endTime.")
	refused(t, "token", filter(cwl.FilterLogEventsInput{NextToken: ptr("x")}), invalid, badToken)
	for pattern, text := range map[string]string{
		"a=b":       "Invalid character(s) in term 'a=b'",
		`"open`:     "Invalid filter pattern",
		"{ $.a = 1": "If a filter pattern starts with '{' it must end with '}'",
		"[a":        "If a filter pattern starts with '[' it must end with ']'",
		"{ $.a = }": "Invalid filter pattern",
		"[a b]":     "Invalid filter pattern",
		"%(x)%":     "Invalid character(s) in term '(x)'",
	} {
		refused(t, pattern, filter(cwl.FilterLogEventsInput{FilterPattern: &pattern}), invalid, text)
	}
	long := strings.Repeat("x", 1025)
	refused(t, "long pattern", filter(cwl.FilterLogEventsInput{FilterPattern: &long}), invalid,
		"1 validation error detected: Value '"+long+"' at 'filterPattern' failed to satisfy constraint: Member must have length less than or equal to 1024")
	for _, class := range []types.LogGroupClass{types.LogGroupClassInfrequentAccess, types.LogGroupClassDelivery} {
		name := string(class)
		_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: &name, LogGroupClass: class})
		ok(t, name, err)
		refused(t, name, filter(cwl.FilterLogEventsInput{LogGroupName: &name}), "ValidationException", "This operation is only supported on the Standard log class.")
	}

	out, err := s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: ptr(int32(1)), FilterPattern: ptr("m0")})
	ok(t, "filter", err)
	if out.NextToken != nil {
		t.Error("a token although nothing else matches")
	}
	out, err = s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: ptr(int32(1))})
	ok(t, "filter", err)
	refused(t, "changed query", filter(cwl.FilterLogEventsInput{NextToken: out.NextToken, FilterPattern: ptr("m")}), invalid, badToken)
	ok(t, "changed limit", filter(cwl.FilterLogEventsInput{NextToken: out.NextToken, Limit: ptr(int32(5))}))
}
