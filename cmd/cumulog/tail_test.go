package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/cumulog/cumulog/cumulogtest"
)

func TestMoment(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	check := func(text, want string) {
		t.Helper()
		at, err := moment(text, now)
		got := time.UnixMilli(at).UTC().Format(time.RFC3339)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("moment %q is %s, want %s", text, got, want)
		}
	}
	check("10m", "2026-03-10T11:50:00Z")
	check("1h30m", "2026-03-10T10:30:00Z")
	check("1d", "2026-03-09T12:00:00Z")
	check("1.5d", "2026-03-09T00:00:00Z")
	check("1w", "2026-03-03T12:00:00Z")
	check("2026-03-01T08:00:00+01:00", "2026-03-01T07:00:00Z")
	check("2026-03-01T08:00:00.5Z", "2026-03-01T08:00:00Z")
	check("2026-03-01", "2026-03-01T00:00:00Z")
	check("36499d", "1970-01-01T00:00:00Z")
	for _, bad := range []string{"", "0", "0s", "-1h", "1", "d", "-1d", "36500d", "nand", "yesterday"} {
		check(bad, "error")
	}
}

func TestTailUsage(t *testing.T) {
	isolate(t)
	check := func(want string, args ...string) {
		t.Helper()
		r := cumulog(t, "", append([]string{"tail", "g"}, args...)...)
		if r.code != 2 || !strings.Contains(r.err, want) || !strings.Contains(r.err, "hint: ") {
			t.Errorf("tail %q: %+v, want %q", args, r, want)
		}
	}
	check("--since: ", "--since", "soon")
	check("--until: ", "--until", "0")
	check("--until lies before", "--since", "1h", "--until", "2h")
	check("exclude each other", "-f", "--until", "1h")
	check("exclude each other", "--utc", "--local")
	check("exclude each other", "--stream", "a", "--stream-prefix", "b")
	check("--context needs --filter", "--context", "1")
	check("--context 501 is outside", "--context", "501", "--filter", "x")
	check("--color is", "--color", "green")
	check("--json is", "--json", "xml")
	check("--output is", "--output", "xml")
	check("--highlight: ", "--highlight", "(")
	check("^", "--filter", "{ $.a = ")
}

// TestFilterErrorPointsAtThePlace: the caret stands under what is wrong.
func TestFilterErrorPointsAtThePlace(t *testing.T) {
	isolate(t)
	r := cumulog(t, "", "tail", "g", "--filter", "über a-b")
	lines := strings.Split(r.err, "\n")
	if len(lines) < 4 || !strings.HasPrefix(lines[0], "cumulog: InvalidParameterException: ") || lines[1] != "  über a-b" || !strings.HasPrefix(lines[2], "       ^^^ ") {
		t.Errorf("printed\n%s", r.err)
	}
}

// loadEvents puts messages a second apart into a stream, the first at an offset in seconds from a fixed time before now.
func loadEvents(t *testing.T, srv *cumulogtest.Server, base time.Time, group, stream string, first int, messages ...string) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(srv.Config())
	_, _ = client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	_, _ = client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	var events []types.InputLogEvent
	for i, m := range messages {
		at := base.Add(time.Duration(first+i) * time.Second).UnixMilli()
		events = append(events, types.InputLogEvent{Message: aws.String(m), Timestamp: &at})
	}
	if _, err := client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events}); err != nil {
		t.Fatal(err)
	}
}

func TestTailMergesGroups(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Minute)
	loadEvents(t, srv, base, "app/a", "s", 0, "a0", "a1")
	loadEvents(t, srv, base, "app/b", "s", 2, "b2")
	loadEvents(t, srv, base, "app/a", "t", 3, "a3")
	loadEvents(t, srv, base, "other", "s", 4, "o4")
	check := func(want string, args ...string) {
		t.Helper()
		r := cumulog(t, "", append([]string{"tail", "--plain", "--endpoint", srv.URL}, args...)...)
		if got := strings.ReplaceAll(r.out, "\n", " "); got != want || r.code != 0 {
			t.Errorf("tail %q printed %q %q, want %q", args, got, r.err, want)
		}
	}
	check("a0 a1 b2 a3 ", "app/a", "app/b")
	check("a0 a1 b2 a3 ", "app/*")
	check("a0 a1 b2 a3 ", "app/", "--prefix")
	check("a1 b2 a3 ", "app/*", "-n", "3")
	check("b2 a3 o4 ", "*", "-n", "3")
	check("a0 a1 b2 a3 o4 ", "*", "--since", "1h")
	check("a0 a1 ", "*", "--since", "1h", "--until", base.Add(1500*time.Millisecond).Format(time.RFC3339Nano))
	check("a3 ", "app/a", "--stream-prefix", "t")
	check("a1 ", "app/a", "--filter", "?a1 ?a3", "--stream", "s")
	check("a3 ", "app/a", "--filter", "?a1 ?a3", "-n", "1")
	r := cumulog(t, "", "tail", "app/*", "-n", "2", "--endpoint", srv.URL)
	if !strings.Contains(r.out, "Z app/b s b2\n") || !strings.Contains(r.out, "Z app/a t a3\n") {
		t.Errorf("tail of several groups printed %q", r.out)
	}
	if r := cumulog(t, "", "tail", "none*", "--endpoint", srv.URL); r.code != 1 || !strings.Contains(r.err, `no log group begins with "none"`) {
		t.Errorf("tail of no group: %+v", r)
	}
	r = cumulog(t, "", "tail", "other", "-o", "json", "--endpoint", srv.URL)
	var e event
	if err := json.Unmarshal([]byte(r.out), &e); err != nil || e.Message != "o4" || e.Group != "other" || e.ID == "" || e.Ingestion == 0 {
		t.Errorf("tail -o json printed %q: %v", r.out, err)
	}
}

// TestTailFollowsNewGroups: a group made while following is followed, from its first event on.
func TestTailFollowsNewGroups(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	loadEvents(t, srv, time.Now(), "app/a", "s", 0, "a")
	f := follow(t, "tail", "app/*", "-f", "--plain", "--endpoint", srv.URL)
	f.expect("a")
	loadEvents(t, srv, time.Now(), "app/b", "s", 0, "b")
	f.expect("b")
	loadEvents(t, srv, time.Now().Add(-30*time.Second), "app/b", "late", 0, "late")
	f.expect("late")
	f.end()
}

func TestKnownIsBounded(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	k := known{now: func() time.Time { return now }, ids: map[string]int64{}, limit: 100}
	for i := range 10_000 {
		e := event{ID: fmt.Sprint(i), Timestamp: int64(900_000 + i/10)}
		if !k.add(e) || k.add(e) {
			t.Fatalf("event %d is not new once", i)
		}
		if len(k.ids) > 101 {
			t.Fatalf("%d ids are kept", len(k.ids))
		}
	}
	if low := k.low(overlap); low <= 900_900 || low > k.newest {
		t.Errorf("the next look begins at %d, newest %d", low, k.newest)
	}
	for i := range 1000 { // the future, all at once, may not cost a sort for each
		k.add(event{ID: fmt.Sprint("f", i), Timestamp: 2_000_000})
	}
	if k.newest != now.UnixMilli() {
		t.Errorf("the newest is %d, want now", k.newest)
	}
}
