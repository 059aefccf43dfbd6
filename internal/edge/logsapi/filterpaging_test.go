package logsapi_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"
)

// TestFilterLogEventsOrder: events of all streams stand in one order of time, those of
// one time in the order of arrival, whatever interleaved says; flushing changes nothing.
func TestFilterLogEventsOrder(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	streams := []string{"c", "a", "b"}
	for _, name := range streams {
		s.stream(t, "g", name)
	}
	var want []string
	for i := range 12 {
		name := streams[i%3]
		s.say(t, "g", name, int64(-100+i/6), fmt.Sprint(i)) // two times, of six events each
		want = append(want, fmt.Sprintf("%s:%d", name, i))
		if i == 4 {
			ok(t, "flush", s.store.Flush(context.Background()))
		}
	}
	s.say(t, "g", "b", -200, "late") // arrives last, stands first
	want = slices.Insert(want, 0, "b:late")
	back := slices.Clone(want)
	slices.Reverse(back)
	for _, limit := range []int32{1, 2, 5, 10_000} {
		for _, interleaved := range []*bool{nil, ptr(false), ptr(true)} {
			if d := cmp.Diff(want, s.found(t, cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: &limit, Interleaved: interleaved})); d != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, d)
			}
		}
		for head, want := range map[bool][]string{true: want, false: back} {
			if d := cmp.Diff(want, s.found(t, cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: &limit, StartFromHead: &head})); d != "" {
				t.Errorf("limit %d, startFromHead %v (-want +got):\n%s", limit, head, d)
			}
		}
	}
}

func TestFilterLogEventsNamesOfGroups(t *testing.T) {
	s := newStack(t)
	s.group(t, "/app/x")
	s.stream(t, "/app/x", "s")
	s.say(t, "/app/x", "s", -1, "m")
	arn := "arn:aws:logs:" + region + ":" + account + ":log-group:/app/x"
	for _, identifier := range []string{"/app/x", arn, arn + ":*"} {
		if got := s.found(t, cwl.FilterLogEventsInput{LogGroupIdentifier: &identifier}); !slices.Equal(got, []string{"s:m"}) {
			t.Errorf("%s: %v", identifier, got)
		}
	}
}

// TestFilterLogEventsLimits: pages are full while there is more, and the limits of the
// API hold.
func TestFilterLogEventsLimits(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	s.number(t, "g", "s", 3600)
	sizes := func(limit *int32) (sizes []int) {
		in := &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: limit}
		for {
			out, err := s.FilterLogEvents(ctx, in)
			ok(t, "filter", err)
			sizes = append(sizes, len(out.Events))
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return sizes
			}
		}
	}
	for _, c := range []struct {
		limit *int32
		want  []int
	}{{nil, []int{3600}}, {ptr(int32(10_000)), []int{3600}}, {ptr(int32(3600)), []int{3600}}, {ptr(int32(3599)), []int{3599, 1}}, {ptr(int32(1000)), []int{1000, 1000, 1000, 600}}} {
		if d := cmp.Diff(c.want, sizes(c.limit)); d != "" {
			t.Errorf("pages (-want +got):\n%s", d)
		}
	}
	filter := func(in cwl.FilterLogEventsInput) error {
		in.LogGroupName = ptr("g")
		_, err := s.FilterLogEvents(ctx, &in)
		return err
	}
	refused(t, "limit 0", filter(cwl.FilterLogEventsInput{Limit: ptr(int32(0))}), invalid,
		"1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	refused(t, "limit 10,001", filter(cwl.FilterLogEventsInput{Limit: ptr(int32(10_001))}), invalid,
		"1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000")
	first := int64(1_704_067_200_000) // 2024-01-01
	ok(t, "backward from 2024", filter(cwl.FilterLogEventsInput{StartTime: &first, StartFromHead: ptr(false)}))
	first--
	ok(t, "forward from 2023", filter(cwl.FilterLogEventsInput{StartTime: &first, StartFromHead: ptr(true)}))
	refused(t, "backward from 2023", filter(cwl.FilterLogEventsInput{StartTime: &first, StartFromHead: ptr(false)}), invalid,
		"startFromHead=false is supported only when startTime is on or after January 1, 2024.")
}

// TestFilterLogEventsFollowsWithTheLastToken is what awslogs --watch does: the token
// that led to the end is sent again and again.
func TestFilterLogEventsFollowsWithTheLastToken(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	s.number(t, "g", "s", 3)
	in := &cwl.FilterLogEventsInput{LogGroupName: ptr("g"), Limit: ptr(int32(2))}
	page := func() (got []string, next *string) {
		out, err := s.FilterLogEvents(ctx, in)
		ok(t, "filter", err)
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
		return got, out.NextToken
	}
	_, in.NextToken = page()
	s.say(t, "g", "s", 1, "during the session")
	if got, next := page(); !slices.Equal(got, []string{"e3"}) || next != nil {
		t.Errorf("the last page has %v, next token %v", got, next)
	}
	if got, next := page(); !slices.Equal(got, []string{"e3", "during the session"}) || next != nil {
		t.Errorf("the last token again: %v, next token %v", got, next)
	}
	s.say(t, "g", "s", 2, "later")
	got, next := page()
	if !slices.Equal(got, []string{"e3", "during the session"}) || next == nil {
		t.Fatalf("the last token a third time: %v, next token %v", got, next)
	}
	in.NextToken = next
	if got, next := page(); !slices.Equal(got, []string{"later"}) || next != nil {
		t.Errorf("behind it: %v, next token %v", got, next)
	}
}
