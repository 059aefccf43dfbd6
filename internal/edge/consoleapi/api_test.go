package consoleapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/consoleapi"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

const (
	start   = int64(1_790_000_000_000)
	account = "123456789012"
	region  = "eu-west-1"
)

// newServer serves the console API over a group g with a stream s of 20 events, a second apart.
func newServer(t *testing.T) string {
	t.Helper()
	url, _ := newServerAndPut(t)
	return url
}

// newServerAndPut also returns what appends an event.
func newServerAndPut(t *testing.T) (url string, put func(message string)) {
	t.Helper()
	ctx := context.Background()
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.UnixMilli(start + 60_000) }
	s, err := store.Open(ctx, store.Options{FS: fs, Dir: "data", Manifest: db, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	g, err := groups.New(groups.Options{Catalog: db, Store: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	scope := logs.Scope{Account: account, Region: region}
	if err := g.Create(ctx, scope, groups.CreateRequest{Name: "g"}); err != nil {
		t.Fatal(err)
	}
	if err := g.CreateStream(ctx, scope, "g", "s"); err != nil {
		t.Fatal(err)
	}
	group, err := g.Resolve(ctx, scope, "g")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := g.ResolveStream(ctx, group, "s")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		m := fmt.Sprintf(`{"n":%d,"level":%q}`, i, []string{"info", "error"}[i%4/3])
		b := store.Batch{Group: group.ID, Stream: stream.ID, Ingestion: start + int64(i)*10, Timestamps: []int64{start + int64(i)*1000}, Arena: []byte(m), Ends: []uint32{uint32(len(m))}}
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	put = func(message string) {
		t.Helper()
		b := store.Batch{Group: group.ID, Stream: stream.ID, Ingestion: start + 1000, Timestamps: []int64{start}, Arena: []byte(message), Ends: []uint32{uint32(len(message))}}
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	tails := livetail.New(livetail.Options{Store: s, Directory: g, Sessions: 2})
	tailing, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tails.Run(tailing)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	queries, err := insights.New(ctx, insights.Options{Catalog: db, Directory: g, Store: s, FS: fs, Dir: "queries", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queries.Close() })
	subs, err := subscriptions.New(subscriptions.Options{Catalog: db, Directory: g, Feed: s, Targets: refusing{}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	running, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		subs.Run(running)
	}()
	t.Cleanup(func() { end(); <-ended })
	if err := subs.PutFilter(ctx, scope, "g", "f", subscriptions.Spec{Destination: refusing{}.arn()}); err != nil {
		t.Fatal(err)
	}
	api := consoleapi.New(events.New(events.Options{Directory: g, Store: s, Now: now}), explore.New(explore.Options{Directory: g, Store: s, Now: now}), queries, tails, subs).Service()
	calls := awshttp.NewHandler(awshttp.Options{Auth: awshttp.Open(account, region)}, api)
	srv := httptest.NewServer(awshttp.ByPath("/_/api/", api, calls, http.NotFoundHandler()))
	t.Cleanup(srv.Close)
	return srv.URL, put
}

// call posts JSON and decodes the answer.
func call(t *testing.T, url, operation, body string) (status int, answer map[string]any) {
	t.Helper()
	resp, err := http.Post(url+"/_/api/"+operation, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		t.Fatalf("%s answers %d %q: %v", operation, resp.StatusCode, raw, err)
	}
	return resp.StatusCode, answer
}

func numbers(answer map[string]any) (out []string) {
	for _, e := range answer["events"].([]any) {
		var m struct{ N json.Number }
		_ = json.Unmarshal([]byte(e.(map[string]any)["message"].(string)), &m)
		out = append(out, m.N.String())
	}
	return out
}

func TestSearchAndContext(t *testing.T) {
	url := newServer(t)
	search := func(body string, want ...string) map[string]any {
		t.Helper()
		status, answer := call(t, url, "SearchEvents", body)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", body, status, answer)
		}
		if d := cmp.Diff(want, numbers(answer)); d != "" {
			t.Errorf("%s (-want +got)\n%s", body, d)
		}
		return answer
	}
	search(`{"logGroupIdentifier":"g","filterPattern":"{ $.level = \"error\" }"}`, "3", "7", "11", "15", "19")
	search(fmt.Sprintf(`{"logGroupIdentifier":"g","ingestedFrom":%d,"ingestedTo":%d}`, start+20, start+50), "2", "3", "4")
	page := search(`{"logGroupIdentifier":"g","newestFirst":true,"limit":3}`, "19", "18", "17")
	search(fmt.Sprintf(`{"logGroupIdentifier":"g","newestFirst":true,"limit":2,"nextToken":%q}`, page["nextToken"]), "16", "15")

	id := page["events"].([]any)[2].(map[string]any)["eventId"]
	status, around := call(t, url, "GetEventContext", fmt.Sprintf(`{"eventId":%q,"before":2,"after":1}`, id))
	if d := cmp.Diff([]string{"15", "16", "17", "18"}, numbers(around)); status != http.StatusOK || d != "" || around["position"] != json.Number("2") || around["logStreamName"] != "s" {
		t.Errorf("context %d %v (-want +got)\n%s", status, around, d)
	}
}

func TestCountsAndFacets(t *testing.T) {
	url := newServer(t)
	rangeOf := fmt.Sprintf(`"logGroupIdentifier":"g","startTime":%d,"endTime":%d`, start, start+19_999)
	_, counts := call(t, url, "CountEvents", "{"+rangeOf+`,"period":10000,"by":"level"}`)
	n := func(text string) json.Number { return json.Number(text) }
	want := map[string]any{
		"period": n("10000"), "startTime": n(fmt.Sprint(start)), "total": n("20"), "buckets": []any{n("10"), n("10")},
		"values": []any{
			map[string]any{"value": "info", "total": n("15"), "buckets": []any{n("8"), n("7")}},
			map[string]any{"value": "error", "total": n("5"), "buckets": []any{n("2"), n("3")}},
		},
	}
	delete(counts, "statistics")
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("counts (-want +got)\n%s", d)
	}
	_, facets := call(t, url, "GetFacets", "{"+rangeOf+`,"fields":["level"],"filterPattern":"{ $.n > 9 }","top":1}`)
	want = map[string]any{"total": n("10"), "facets": []any{map[string]any{
		"field": "level", "present": n("10"), "distinct": n("2"), "top": []any{map[string]any{"value": "info", "count": n("7")}},
	}}}
	delete(facets, "statistics")
	if d := cmp.Diff(want, facets); d != "" {
		t.Errorf("facets (-want +got)\n%s", d)
	}
	_, found := call(t, url, "GetFacets", fmt.Sprintf(`{"logGroupIdentifiers":["g","g"],"logStreamNamePrefix":"s","startTime":%d,"endTime":%d}`, start, start+19_999))
	var names []any
	for _, f := range found["facets"].([]any) {
		names = append(names, f.(map[string]any)["field"])
	}
	if d := cmp.Diff([]any{"level", "n"}, names); d != "" || found["total"] != n("20") {
		t.Errorf("%v events with fields (-want +got)\n%s", found["total"], d)
	}
	if _, none := call(t, url, "GetFacets", `{"logGroupIdentifier":"g","startTime":0,"endTime":1}`); none["facets"] == nil || none["total"] != n("0") {
		t.Errorf("facets of nothing: %v", none)
	}
}

func TestExplainPattern(t *testing.T) {
	url := newServer(t)
	_, answer := call(t, url, "ExplainPattern", `{"filterPattern":"{$.a=1}","messages":["{\"a\":1}","{\"a\":2}"]}`)
	list := answer["explanations"].([]any)
	yes, no := list[0].(map[string]any), list[1].(map[string]any)
	if answer["pattern"] != "{ $.a = 1 }" || yes["matched"] != true || no["matched"] != false {
		t.Errorf("%v", answer)
	}
	if got := no["part"].(map[string]any)["reason"]; got != "the value is 2, which is not = 1" {
		t.Errorf("the reason is %v", got)
	}
	if d := cmp.Diff(map[string]any{"$.a": "1"}, yes["values"]); d != "" {
		t.Errorf("values (-want +got)\n%s", d)
	}
}

func TestRefusals(t *testing.T) {
	url := newServer(t)
	for _, c := range []struct{ operation, body, code, text string }{
		{"SearchEvents", `{}`, "InvalidParameterException", "logGroupIdentifier"},
		{"SearchEvents", `{"logGroupIdentifier":"none"}`, "ResourceNotFoundException", "log group"},
		{"SearchEvents", `{"logGroupIdentifier":"g","limit":10001}`, "InvalidParameterException", "less than or equal to 10000"},
		{"GetEventContext", `{"eventId":"x"}`, "InvalidParameterException", "eventId is invalid"},
		{"GetEventContext", `{"eventId":"x","before":1001}`, "InvalidParameterException", "less than or equal to 1000"},
		{"CountEvents", `{"logGroupIdentifier":"g","startTime":0,"endTime":2000,"period":1}`, "InvalidParameterException", "1 to 2000 buckets"},
		{"GetFacets", `{"logGroupIdentifier":"g","startTime":0,"endTime":1,"fields":[]}`, "InvalidParameterException", "fields"},
		{"GetFacets", `{"logGroupIdentifier":"g","startTime":0,"endTime":1,"fields":["@logStream"]}`, "InvalidParameterException", "fields of messages"},
		{"CountEvents", `{"logGroupIdentifier":"g","startTime":0,"endTime":1,"by":"@message"}`, "InvalidParameterException", "fields of messages"},
		{"CountEvents", `{"logGroupIdentifier":"g","startTime":0,"endTime":1,"top":101}`, "InvalidParameterException", "less than or equal to 100"},
		{"CountEvents", `{"startTime":0,"endTime":1}`, "InvalidParameterException", "Either logGroupIdentifier or logGroupIdentifiers"},
		{"CountEvents", `{"logGroupIdentifier":"g","logGroupIdentifiers":["g"],"startTime":0,"endTime":1}`, "InvalidParameterException", "Either logGroupIdentifier or logGroupIdentifiers"},
		{"CountEvents", `{"logGroupIdentifiers":["g"` + strings.Repeat(`,"g"`, 50) + `],"startTime":0,"endTime":1}`, "InvalidParameterException", "less than or equal to 50"},
		{"CountEvents", `{"logGroupIdentifier":"g","logStreamNames":["s"],"logStreamNamePrefix":"s","startTime":0,"endTime":1}`, "InvalidParameterException", "mutually exclusive"},
		{"CountEvents", `{"logGroupIdentifier":"g","logStreamNames":["none"],"startTime":0,"endTime":1}`, "ResourceNotFoundException", "log stream"},
		{"ExplainPattern", `{"filterPattern":"x","messages":[]}`, "InvalidParameterException", "messages"},
		{"ExplainPattern", `{`, "SerializationException", ""},
	} {
		status, answer := call(t, url, c.operation, c.body)
		if status != http.StatusBadRequest || answer["__type"] != c.code || !strings.Contains(fmt.Sprint(answer["message"]), c.text) {
			t.Errorf("%s %s: %d %v, want %s: …%s…", c.operation, c.body, status, answer, c.code, c.text)
		}
	}
	_, answer := call(t, url, "SearchEvents", `{"logGroupIdentifier":"g","filterPattern":"{ a = 1 }"}`)
	position := map[string]any{"start": json.Number("2"), "end": json.Number("3")}
	if d := cmp.Diff(position, answer["position"]); d != "" || answer["reason"] == nil || answer["hint"] == nil || answer["message"] != "Invalid filter pattern" {
		t.Errorf("a bad pattern: %v\n%s", answer, d)
	}
	resp, err := http.Post(url+"/_/api/Nothing", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown operation: %s", resp.Status)
	}
}

func TestExplainQuery(t *testing.T) {
	url := newServer(t)
	ask := func(query, more string, want int) map[string]any {
		t.Helper()
		body := fmt.Sprintf(`{"queryString":%q,"logGroupIdentifiers":["g"],"startTime":%d,"endTime":%d%s}`, query, start, start+60_000, more)
		status, answer := call(t, url, "ExplainQuery", body)
		if status != want {
			t.Fatalf("%s: %d %v", query, status, answer)
		}
		return answer
	}
	answer := ask(`filter level = "error" | stats count(*) as n by level`, "", http.StatusOK)
	for _, line := range []string{"scan 1 groups", `need ("error"`, `where (level = "error")`, "stats count(*) as n by level"} {
		if !strings.Contains(answer["plan"].(string), line) {
			t.Errorf("the plan lacks %s:\n%s", line, answer["plan"])
		}
	}
	if answer["run"] != nil || fmt.Sprint(answer["columns"]) != "[level n]" {
		t.Errorf("%v", answer)
	}
	run := ask(`filter level = "error" | stats count(*) as n by level`, `,"run":true`, http.StatusOK)["run"].(map[string]any)
	if fmt.Sprint(run["rows"]) != "1" || fmt.Sprint(run["statistics"].(map[string]any)["recordsMatched"]) != "5" {
		t.Errorf("%v", run)
	}
	steps := run["steps"].([]any)
	first := steps[0].(map[string]any)
	if first["step"] != `where (level = "error")` || fmt.Sprint(first["recordsOut"]) != "5" {
		t.Errorf("%v", steps)
	}
	answer = ask("fields a |", "", http.StatusBadRequest)
	if answer["position"] == nil {
		t.Errorf("%v", answer)
	}
	nested := `filter level in (SOURCE 'g' | filter n = 3 | fields level)`
	if answer := ask(nested, "", http.StatusBadRequest); !strings.Contains(answer["message"].(string), "ask for it to be run") {
		t.Errorf("%v", answer)
	}
	run = ask(nested, `,"run":true`, http.StatusOK)["run"].(map[string]any)
	if fmt.Sprint(run["rows"]) != "5" {
		t.Errorf("%v", run)
	}
}
