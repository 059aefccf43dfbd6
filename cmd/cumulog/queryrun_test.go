package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/cumulogtest"
)

func TestQueryAnswers(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	loadEvents(t, srv, base, "app/web", "s", 0, `{"level":"INFO","ms":12}`, `{"level":"ERROR","ms":250}`, `{"level":"INFO","ms":40}`)
	loadEvents(t, srv, base, "app/db", "s", 60, `{"level":"INFO","ms":1}`, "plain text")
	// A star leaves groups out that cannot be queried.
	if _, err := cloudwatchlogs.NewFromConfig(srv.Config()).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("app/delivered"), LogGroupClass: types.LogGroupClassDelivery}); err != nil {
		t.Fatal(err)
	}
	query := func(args ...string) result {
		t.Helper()
		return cumulog(t, "stats count(*) as n by level\n| sort level\n", append([]string{"query", "--endpoint", srv.URL}, args...)...)
	}
	check := func(want string, args ...string) {
		t.Helper()
		r := query(args...)
		if r.code != 0 {
			t.Errorf("query %q: %+v", args, r)
			return
		}
		if d := gocmp.Diff(want, r.out); d != "" {
			t.Errorf("query %q (-want +got)\n%s", args, d)
		}
	}
	check("level,n\nERROR,1\nINFO,2\n", "-", "-g", "app/web", "--format", "csv")
	check("level,n\n,1\nERROR,1\nINFO,3\n", "-", "-g", "app/*", "--format", "csv")
	check("level,n\n,1\nERROR,1\nINFO,3\n", "-", "-g", "app/web", "-g", "app/db", "-g", "app/web", "--format", "csv")
	check("ms\n40\n250\n12\n", "display ms", "-g", "app/web", "--format", "csv")
	check("ms\n40\n", "display ms", "-g", "app/web", "--format", "csv", "--limit", "1")
	check("", "display ms | filter ms = 5", "-g", "app/web", "--format", "csv")
	check("n\n5\n", `SOURCE logGroups(namePrefix: ["app"]) | stats count(*) as n`, "--format", "csv")
	check("[\n  {\"level\":\"ERROR\",\"n\":\"1\"},\n  {\"level\":\"INFO\",\"n\":\"2\"}\n]\n", "-", "-g", "app/web", "--format", "json", "--language", "cwli")

	// The whole range, seconds included.
	at := func(s int) string { return base.Add(time.Duration(s) * time.Second).UTC().Format(time.RFC3339) }
	check("n\n2\n", "stats count(*) as n", "-g", "app/web", "--format", "csv", "--start", at(1), "--end", at(2))

	r := query("stats count(*) as n by level | sort level", "-g", "app/web")
	if r.out != "level  n\n─────  ─\nERROR  1\nINFO   2\n" || !strings.HasPrefix(r.err, "2 rows; 3 of 3 records matched, ") {
		t.Errorf("a table: %+v", r)
	}
	if r = query("stats count(*) as n by level", "-g", "app/web", "-q"); r.err != "" {
		t.Errorf("quiet: %+v", r)
	}
	r = query("stats count(*) as n by bin(1m) as t | sort t", "-g", "app/*", "--chart")
	if r.code != 0 || !strings.Contains(r.out, "\nn\n") || !strings.Contains(r.out, "  3  ████") || !strings.Contains(r.out, "  2  ████") {
		t.Errorf("a chart: %+v", r)
	}
	if r = query("stats count(*) as n", "-g", "app/*", "--chart"); r.code != 1 || !strings.Contains(r.err, "nothing can be drawn") {
		t.Errorf("no chart: %+v", r)
	}
	r = query("fields level", "-g", "app/web", "--format", "ndjson", "--ptr", "--limit", "1")
	var row map[string]string
	if err := json.Unmarshal([]byte(r.out), &row); err != nil || row["level"] != "INFO" || row["@ptr"] == "" {
		t.Errorf("with @ptr: %+v, %v", r, err)
	}
}

func TestQueryRefused(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	loadEvents(t, srv, time.Now(), "app", "s", 0, "x")
	r := cumulog(t, "", "query", "fields é |\n fitler a = 1", "-g", "app", "--endpoint", srv.URL)
	if r.code != 2 || !strings.HasPrefix(r.err, "cumulog: MalformedQueryException: ") || !strings.Contains(r.err, "\n   fitler a = 1\n   ^^^^^^\n") || !strings.Contains(r.err, "hint: ") {
		t.Errorf("a query that is refused: code %d\n%s", r.code, r.err)
	}
	if r = cumulog(t, "", "query", "fields a", "-g", "none", "--endpoint", srv.URL); r.code != 1 || !strings.Contains(r.err, "ResourceNotFoundException") {
		t.Errorf("a group that is missing: %+v", r)
	}
	if r = cumulog(t, "", "query", "fields a", "-g", "none*", "--endpoint", srv.URL); r.code != 1 || !strings.Contains(r.err, `no log group begins with "none"`) {
		t.Errorf("a prefix of none: %+v", r)
	}
	if r = cumulog(t, "", "query", "fields a", "--endpoint", srv.URL); r.code != 1 || !strings.Contains(r.err, "--group") {
		t.Errorf("no group: %+v", r)
	}
}

func TestQueryPages(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	var lines []string
	for i := range 10_000 {
		lines = append(lines, fmt.Sprintf(`{"n":%d}`, i))
	}
	base := time.Now().Add(-3 * time.Hour)
	loadEvents(t, srv, base, "app", "s", 0, lines...)
	loadEvents(t, srv, base, "app", "s", 0, lines[:500]...)
	r := cumulog(t, "", "query", "display n", "-g", "app", "--since", "1d", "--limit", "20000", "--format", "csv", "--endpoint", srv.URL)
	if got := strings.Count(r.out, "\n"); r.code != 0 || got != 10_501 {
		t.Errorf("%d lines, want 10501: %d %s", got, r.code, r.err)
	}
	r = cumulog(t, "", "query", "display n", "-g", "app", "--since", "1d", "--format", "csv", "--endpoint", srv.URL)
	if got := strings.Count(r.out, "\n"); r.code != 0 || got != 10_001 {
		t.Errorf("%d lines without a limit, want 10001: %d %s", got, r.code, r.err)
	}
}

// playedQueries plays a server whose queries stay as status says.
type playedQueries struct {
	status string

	mu      sync.Mutex
	polls   int
	stopped []string
}

func (p *playedQueries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch _, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); action {
	case "StartQuery":
		fmt.Fprint(w, `{"queryId":"q1"}`)
	case "GetQueryResults":
		p.polls++
		fmt.Fprintf(w, `{"status":%q,"statistics":{"recordsScanned":1234,"bytesScanned":5000000},"results":[[{"field":"a","value":"1"}]]}`, p.status)
	case "StopQuery":
		var in struct{ QueryID string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.stopped = append(p.stopped, in.QueryID)
		fmt.Fprint(w, `{"success":true}`)
	}
}

func (p *playedQueries) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polls
}

func TestQueryEndsBadly(t *testing.T) {
	isolate(t)
	check := func(status, want string) {
		t.Helper()
		srv := httptest.NewServer(&playedQueries{status: status})
		defer srv.Close()
		r := cumulog(t, "", "query", "fields a", "-g", "g", "--endpoint", srv.URL)
		if r.code != 1 || r.out != "" || !strings.Contains(r.err, want) {
			t.Errorf("status %s: %+v, want %q", status, r, want)
		}
	}
	check("Failed", "query q1 failed")
	check("Timeout", "timed out")
	check("Cancelled", "was stopped")
	check("Unknown", "has status Unknown")
}

func TestInterruptStopsTheQuery(t *testing.T) {
	isolate(t)
	p := &playedQueries{status: "Running"}
	srv := httptest.NewServer(p)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan int)
	var out, errs bytes.Buffer
	go func() {
		done <- run(ctx, []string{"query", "fields a", "-g", "g", "--endpoint", srv.URL}, strings.NewReader(""), &out, &errs)
	}()
	for p.count() < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if code := <-done; code != 130 || out.Len() > 0 {
		t.Errorf("code %d, printed %q %q", code, &out, &errs)
	}
	if d := gocmp.Diff([]string{"q1"}, p.stopped); d != "" {
		t.Errorf("stopped (-want +got)\n%s", d)
	}
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	r := &queryRun{progress: &b}
	got := &cloudwatchlogs.GetQueryResultsOutput{Status: "Running"}
	if r.show(got, 100*time.Millisecond); b.Len() > 0 {
		t.Errorf("a short query shows %q", &b)
	}
	srv := httptest.NewServer(&playedQueries{status: "Running"})
	defer srv.Close()
	client := cloudwatchlogs.New(cloudwatchlogs.Options{BaseEndpoint: &srv.URL, Region: "us-east-1", Credentials: placeholder()})
	got, err := client.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String("q1")})
	if err != nil {
		t.Fatal(err)
	}
	r.show(got, 2*time.Second)
	if want := "\r\x1b[KRunning: 1,234 records, 5 MB, 2.5 MB/s, 1 rows so far, 2.0 s"; b.String() != want {
		t.Errorf("shows %q, want %q", &b, want)
	}
}
