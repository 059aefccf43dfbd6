package logsapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"
)

func TestGetLogRecord(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "/app")
	s.stream(t, "/app", "s")
	message := `{"level":"error","req":{"id":7,"tags":["a","b"]}}`
	s.say(t, "/app", "s", -1000, message)
	found, err := s.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: ptr("/app")})
	ok(t, "filter", err)
	pointer := found.Events[0].EventId
	want := map[string]string{
		"@message": message, "@timestamp": fmt.Sprint(s.ms.Load() - 1000), "@ingestionTime": fmt.Sprint(s.ms.Load()),
		"@logStream": "s", "@log": account + ":/app",
		"level": "error", "req.id": "7", "req.tags.0": "a", "req.tags.1": "b",
	}
	for _, flush := range []bool{false, true} {
		if flush {
			ok(t, "flush", s.store.Flush(ctx))
		}
		got, err := s.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: pointer, Unmask: true})
		ok(t, "get", err)
		if d := cmp.Diff(want, got.LogRecord); d != "" {
			t.Errorf("flushed %v (-want +got):\n%s", flush, d)
		}
	}
	get := func(c *cwl.Client, pointer string) error {
		_, err := c.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: &pointer})
		return err
	}
	const gone = "The specified log record does not exist."
	refused(t, "garbage", get(s.Client, "garbage"), invalid, "The specified log record pointer is invalid.")
	refused(t, "zeros", get(s.Client, strings.Repeat("0", 56)), invalid, "The specified log record pointer is invalid.")
	refused(t, "other region", get(s.client(account, "eu-west-1"), *pointer), notFound, gone)
	_, err = s.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: ptr("/app")})
	ok(t, "delete", err)
	refused(t, "deleted", get(s.Client, *pointer), notFound, gone)
}
