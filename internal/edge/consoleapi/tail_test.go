package consoleapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tail opens a tail and returns what reads its lines.
func tail(t *testing.T, ctx context.Context, url, body string) (next func() map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/_/api/Tail", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%s: %d %s", body, resp.StatusCode, resp.Header)
	}
	lines := bufio.NewReader(resp.Body)
	return func() map[string]any {
		t.Helper()
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return answer
	}
}

func TestTail(t *testing.T) {
	url, put := newServerAndPut(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next := tail(t, ctx, url, `{"logGroupIdentifiers":["g"],"filterPattern":"{ $.n > 1 }","logStreamNamePrefixes":["s"]}`)
	if first := next(); len(first["sessionId"].(string)) != 36 || len(first) != 1 {
		t.Errorf("begins with %v", first)
	}
	put(`{"n":1}`)
	put(`{"n":2}`)
	answer := next()
	for len(answer["events"].([]any)) == 0 {
		answer = next()
	}
	event := answer["events"].([]any)[0].(map[string]any)
	if id := event["eventId"].(string); len(id) != 56 {
		t.Errorf("event id %q", id)
	}
	delete(event, "eventId")
	if d := cmp.Diff(map[string]any{"events": []any{map[string]any{
		"logGroupName": "g", "logStreamName": "s", "timestamp": float64(start), "ingestionTime": float64(start + 1000), "message": `{"n":2}`,
	}}}, answer); d != "" {
		t.Error(d)
	}
	tail(t, ctx, url, `{"logGroupIdentifiers":["arn:aws:logs:eu-west-1:123456789012:log-group:g:*"]}`)()
	for body, want := range map[string]string{
		`{"logGroupIdentifiers":["g"]}`:    "LimitExceededException Live Tail session limit exceeded.",
		`{"logGroupIdentifiers":["none"]}`: "ResourceNotFoundException The specified log group does not exist.",
		`{"logGroupIdentifiers":["g"],"logStreamNames":["s"],"logStreamNamePrefixes":["s"]}`: "InvalidParameterException Only one of logStreamNames or logStreamNamePrefixes can be provided.",
		`{"logGroupIdentifiers":["g","g","g","g","g","g","g","g","g","g","g"]}`:              "InvalidParameterException a live tail session has 1 to 10 log groups",
		`{"logGroupIdentifiers":["g"],"filterPattern":"{ $.n >"}`:                            "InvalidParameterException If a filter pattern starts with '{' it must end with '}'",
	} {
		status, answer := call(t, url, "Tail", body)
		if got := answer["__type"].(string) + " " + answer["message"].(string); status != http.StatusBadRequest || got != want {
			t.Errorf("%s: %d %s, want %s", body, status, got, want)
		}
	}
}
