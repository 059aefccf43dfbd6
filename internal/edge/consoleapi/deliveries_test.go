package consoleapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// refusing is a target that takes test messages only.
type refusing struct{}

func (refusing) arn() string { return "arn:aws:lambda:eu-west-1:123456789012:function:f" }

func (r refusing) Find(arn string) (sink.Sink, sink.Target, bool) {
	return r, sink.Target{}, arn == r.arn()
}

func (refusing) Send(context.Context, []sink.Message) error {
	return &sink.Error{Err: errors.New("not this one")}
}

func (refusing) Check(context.Context, sink.Message) error { return nil }

func (refusing) Close() error { return nil }

func TestDeliveries(t *testing.T) {
	url, put := newServerAndPut(t)
	put("x")
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	each := time.NewTicker(time.Millisecond)
	defer each.Stop()
	for {
		status, got := call(t, url, "ListDeliveries", `{}`)
		want := map[string]any{"deliveries": []any{map[string]any{
			"logGroupName": "g", "filterName": "f", "destinationArn": refusing{}.arn(), "lag": json.Number("0"), "delivered": json.Number("0"), "dead": json.Number("1"),
		}}}
		d := cmp.Diff(want, got)
		if status == 200 && d == "" {
			break
		}
		select {
		case <-each.C:
		case <-limit.C:
			t.Fatalf("deliveries, status %d (-want +got)\n%s", status, d)
		}
	}
	status, got := call(t, url, "ListDeadLetters", `{"logGroupIdentifier":"g","filterName":"f"}`)
	letters, _ := got["deadLetters"].([]any)
	if status != 200 || len(letters) != 1 || got["nextToken"] != nil {
		t.Fatalf("dead letters: status %d, %v", status, got)
	}
	l := letters[0].(map[string]any)
	if ids, _ := l["eventIds"].([]any); len(ids) != 1 || l["logGroupName"] != "g" || l["logStreamName"] != "s" || l["reason"] != "not this one" || l["count"] != json.Number("1") || l["time"] == nil {
		t.Errorf("dead letter %v", l)
	}
	status, got = call(t, url, "ListDeadLetters", `{"policyName":"p","limit":1}`)
	if d := cmp.Diff(map[string]any{"deadLetters": []any{}}, got); status != 200 || d != "" {
		t.Errorf("dead letters of a policy: status %d (-want +got)\n%s", status, d)
	}
	for _, bad := range []string{`{}`, `{"filterName":"f"}`, `{"logGroupIdentifier":"g"}`, `{"logGroupIdentifier":"g","filterName":"f","policyName":"p"}`, `{"policyName":"p","nextToken":"x"}`, `{"policyName":"p","limit":1001}`} {
		if status, got := call(t, url, "ListDeadLetters", bad); status != 400 || got["__type"] != "InvalidParameterException" {
			t.Errorf("%s: status %d, %v", bad, status, got)
		}
	}
}
