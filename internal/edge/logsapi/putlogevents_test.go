package logsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

const (
	orderText = "Log events in a single PutLogEvents request must be in chronological order."
	spanText  = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
)

// put sends events at offsets from the time of the stack; event i is "e<i>".
func (s *stack) put(group, stream string, offsets ...time.Duration) (*cwl.PutLogEventsOutput, error) {
	in := &cwl.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []types.InputLogEvent{}}
	for i, o := range offsets {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{
			Timestamp: ptr(s.ms.Load() + o.Milliseconds()), Message: ptr(fmt.Sprintf("e%d", i)),
		})
	}
	return s.PutLogEvents(context.Background(), in)
}

// all returns the messages of a stream, oldest first.
func (s *stack) all(t *testing.T, group, stream string) []string {
	t.Helper()
	got := []string{}
	in := &cwl.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: ptr(true)}
	for {
		out, err := s.GetLogEvents(context.Background(), in)
		ok(t, "get events", err)
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
		if in.NextToken != nil && *in.NextToken == *out.NextForwardToken {
			return got
		}
		in.NextToken = out.NextForwardToken
	}
}

// TestPutLogEventsWindows holds the rows of the reference's table of windows.
func TestPutLogEventsWindows(t *testing.T) {
	const day, hour, minute = 24 * time.Hour, time.Hour, time.Minute
	s := newStack(t)
	s.group(t, "g")
	s.group(t, "g7")
	_, err := s.PutRetentionPolicy(context.Background(), &cwl.PutRetentionPolicyInput{LogGroupName: ptr("g7"), RetentionInDays: ptr(int32(7))})
	ok(t, "retention", err)
	row := 0
	accept := func(group, rejected string, stored []string, offsets ...time.Duration) {
		t.Helper()
		row++
		stream := fmt.Sprintf("row%d", row)
		s.stream(t, group, stream)
		out, err := s.put(group, stream, offsets...)
		if err != nil {
			t.Errorf("%v: %v", offsets, err)
			return
		}
		got := ""
		if r := out.RejectedLogEventsInfo; r != nil {
			for _, x := range []struct {
				name string
				at   *int32
			}{{"old", r.TooOldLogEventEndIndex}, {"expired", r.ExpiredLogEventEndIndex}, {"new", r.TooNewLogEventStartIndex}} {
				if x.at != nil {
					got += fmt.Sprintf("%s=%d ", x.name, *x.at)
				}
			}
		}
		if strings.TrimSpace(got) != rejected {
			t.Errorf("%v: rejected %s, want %s", offsets, got, rejected)
		}
		if (out.NextSequenceToken != nil) != (len(stored) > 0) || out.NextSequenceToken != nil && len(*out.NextSequenceToken) != 56 {
			t.Errorf("%v: next token %v", offsets, out.NextSequenceToken)
		}
		if out.RejectedEntityInfo != nil {
			t.Errorf("%v: an entity was rejected", offsets)
		}
		if d := cmp.Diff(stored, s.all(t, group, stream)); d != "" {
			t.Errorf("%v stored (-want +got):\n%s", offsets, d)
		}
	}
	accept("g", "", []string{"e0", "e1", "e2"}, -hour, -30*minute, -time.Second)
	accept("g", "old=2", []string{"e2", "e3"}, -20*day, -15*day, -hour, -minute)
	accept("g", "new=2", []string{"e0", "e1"}, -hour, hour+59*minute, 3*hour, 4*hour)
	accept("g", "old=1 new=2", []string{"e1"}, -20*day, -hour, 3*hour)
	accept("g", "", []string{"e0", "e1"}, -minute, -minute)
	accept("g7", "expired=2", []string{"e2"}, -9*day, -8*day, -hour)
	accept("g", "old=1", []string{}, -20*day)

	s.stream(t, "g", "refused")
	refuse := func(text string, offsets ...time.Duration) {
		t.Helper()
		_, err := s.put("g", "refused", offsets...)
		refused(t, fmt.Sprint(offsets), err, invalid, text)
	}
	refuse(spanText, -13*day, -12*day+hour, -11*day+20*hour)
	refuse(orderText, -minute, -2*minute)
	refuse("1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1")
	if got := s.all(t, "g", "refused"); len(got) > 0 {
		t.Errorf("refused batches stored %v", got)
	}
}

func TestPutLogEventsSizes(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	put := func(messages ...string) error {
		in := &cwl.PutLogEventsInput{LogGroupName: ptr("g"), LogStreamName: ptr("s")}
		for _, m := range messages {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: ptr(s.ms.Load()), Message: ptr(m)})
		}
		_, err := s.PutLogEvents(context.Background(), in)
		return err
	}
	x := func(n int) string { return strings.Repeat("x", n) }
	refused(t, "one event", put(x(1_048_551)), invalid, "Log event too large: 1048577 bytes exceeds limit of 1048576")
	refused(t, "two events", put(x(600_000), x(600_000)), invalid, "Upload too large: 1200052 bytes exceeds limit of 1048576")
	many := strings.Split(strings.Repeat("m", 10_001), "")
	refused(t, "10,001 events", put(many...), invalid,
		"1 validation error detected: Value '[10001 elements]' at 'logEvents' failed to satisfy constraint: Member must have length less than or equal to 10000")
	if got := s.all(t, "g", "s"); len(got) > 0 {
		t.Errorf("%d events stored by refused calls", len(got))
	}
	ok(t, "largest event", put(x(1_048_550)))
	ok(t, "two-byte characters", put(strings.Repeat("é", 500_000)))
	ok(t, "10,000 events", put(many[:10_000]...))
	ok(t, "escapes", put("\"\\\x01\u2028é😀\n"))
	got := s.all(t, "g", "s")
	if len(got) != 10_003 || got[0] != x(1_048_550) || got[1] != strings.Repeat("é", 500_000) || got[10_002] != "\"\\\x01\u2028é😀\n" {
		t.Errorf("%d events came back, or came back changed", len(got))
	}
}

func TestPutLogEventsNames(t *testing.T) {
	s := newStack(t)
	_, err := s.put("none", "none", 0)
	refused(t, "no group", err, notFound, noGroup)
	s.group(t, "g")
	_, err = s.put("g", "none", 0)
	refused(t, "no stream", err, notFound, noStream)
	_, err = s.put("none", "none", time.Minute, 0)
	refused(t, "order comes before the group", err, invalid, orderText)
	_, err = s.put("a b", "x:y")
	refused(t, "several", err, invalid, "3 validation errors detected: "+
		`Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+; `+
		`Value 'x:y' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*; `+
		`Value '[]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1`)
	for _, class := range []types.LogGroupClass{types.LogGroupClassInfrequentAccess, types.LogGroupClassDelivery} {
		name := string(class)
		_, err = s.CreateLogGroup(context.Background(), &cwl.CreateLogGroupInput{LogGroupName: &name, LogGroupClass: class})
		ok(t, name, err)
		s.stream(t, name, "s")
		_, err = s.put(name, "s", 0)
		ok(t, "put to "+name, err)
	}
}

func TestPutLogEventsAcceptsAnySequenceToken(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	var returned *string
	for _, next := range []func() *string{
		func() *string { return nil },
		func() *string { return ptr("nonsense") },
		func() *string { return ptr("49590302938503") },
		func() *string { return returned },
		func() *string { return returned },
	} {
		sent := next()
		out, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{
			LogGroupName: ptr("g"), LogStreamName: ptr("s"), SequenceToken: sent,
			LogEvents: []types.InputLogEvent{{Timestamp: ptr(s.ms.Load()), Message: ptr("m")}},
		})
		ok(t, "put", err)
		returned = out.NextSequenceToken
	}
	if n := len(s.all(t, "g", "s")); n != 5 {
		t.Errorf("%d events, want 5: resent batches are stored again", n)
	}
}

func TestPutLogEventsEntities(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	put := func(key map[string]string) (*cwl.PutLogEventsOutput, error) {
		return s.PutLogEvents(context.Background(), &cwl.PutLogEventsInput{
			LogGroupName: ptr("g"), LogStreamName: ptr("s"), Entity: &types.Entity{KeyAttributes: key},
			LogEvents: []types.InputLogEvent{{Timestamp: ptr(s.ms.Load()), Message: ptr("m")}},
		})
	}
	for want, key := range map[types.EntityRejectionErrorType]map[string]string{
		types.EntityRejectionErrorTypeInvalidTypeValue:        {"Type": "x", "Name": "n"},
		types.EntityRejectionErrorTypeMissingRequiredFields:   {"Type": "Service", "Name": "n"},
		types.EntityRejectionErrorTypeInvalidKeyAttribute:     {"Type": "Service", "Nom": "n"},
		types.EntityRejectionErrorTypeUnsupportedLogGroupType: {"Type": "Service", "Name": "n", "Environment": "e"},
	} {
		out, err := put(key)
		ok(t, "put", err)
		if out.RejectedEntityInfo == nil || out.RejectedEntityInfo.ErrorType != want || out.NextSequenceToken == nil {
			t.Errorf("%v: got %+v, want %s", key, out.RejectedEntityInfo, want)
		}
	}
	_, err := put(map[string]string{"Type": "Service"})
	refused(t, "too few key attributes", err, invalid,
		"1 validation error detected: Value '{Type=Service}' at 'entity.keyAttributes' failed to satisfy constraint: Member must have length greater than or equal to 2")
	if n := len(s.all(t, "g", "s")); n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

// post sends a raw body and returns status, error code and text.
func (s *stack) post(t *testing.T, operation, body string) (status int, code, text string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(body))
	ok(t, "request", err)
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	res, err := http.DefaultClient.Do(req)
	ok(t, "post", err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	ok(t, "read", err)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	ok(t, "answer "+string(answer), json.Unmarshal(answer, &e))
	return res.StatusCode, e.Type, e.Message
}

func TestPutLogEventsBadBodies(t *testing.T) {
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	good := fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"m"}]}`, s.ms.Load())
	for _, body := range []string{
		good[:len(good)-1], good[:len(good)-3], good[:20], good + "x", `[]`, `"x"`, `{`,
		strings.Replace(good, `"m"`, `7`, 1),
		strings.Replace(good, `"m"`, `"`+"\xff"+`"`, 1),
		strings.Replace(good, `"m"`, `"\ud8"`, 1),
		strings.Replace(good, `"timestamp":`, `"timestamp":1.5`, 1),
		strings.Replace(good, `[{`, `{"a":{`, 1),
	} {
		if status, code, text := s.post(t, "PutLogEvents", body); status != 400 || code != "SerializationException" || text == "" {
			t.Errorf("%q: %d %s %q", body, status, code, text)
		}
	}
	for _, body := range []string{``, `{}`, `null`} {
		if status, code, _ := s.post(t, "PutLogEvents", body); status != 400 || code != invalid && code != "SerializationException" {
			t.Errorf("%q: %d %s", body, status, code)
		}
	}
	if got := s.all(t, "g", "s"); len(got) > 0 {
		t.Errorf("bad bodies stored %v", got)
	}
	for _, body := range []string{
		good,
		strings.Replace(good, `,"message"`, `.0 , "message"`, 1),
		strings.Replace(good, `"logEvents"`, `"new":[{"x":null}],"sequenceToken":null,"logEvents"`, 1),
	} {
		if status, code, text := s.post(t, "PutLogEvents", body); status != 200 {
			t.Errorf("%q: %d %s %q", body, status, code, text)
		}
	}
	if got := s.all(t, "g", "s"); len(got) != 3 {
		t.Errorf("%d events, want 3", len(got))
	}
}
