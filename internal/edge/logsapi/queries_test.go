package logsapi_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/insights"
)

// query starts a query over the last hour and returns its answer.
func (s *stack) query(t *testing.T, text string, groups ...string) *cwl.GetQueryResultsOutput {
	t.Helper()
	now := s.ms.Load() / 1000
	in := &cwl.StartQueryInput{QueryString: &text, StartTime: ptr(now - 3600), EndTime: ptr(now)}
	if len(groups) > 0 {
		in.LogGroupNames = groups
	}
	started, err := s.StartQuery(context.Background(), in)
	ok(t, "start "+text, err)
	return s.results(t, *started.QueryId)
}

// results waits for the end of a query.
func (s *stack) results(t *testing.T, id string) *cwl.GetQueryResultsOutput {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		out, err := s.GetQueryResults(context.Background(), &cwl.GetQueryResultsInput{QueryId: &id})
		ok(t, "results", err)
		if out.Status != types.QueryStatusRunning && out.Status != types.QueryStatusScheduled {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("query %s is %s", id, out.Status)
		}
	}
}

// rows writes the rows of an answer as text, without @ptr.
func rows(out *cwl.GetQueryResultsOutput) [][]string {
	all := [][]string{}
	for _, r := range out.Results {
		var row []string
		for _, f := range r {
			if *f.Field != "@ptr" {
				row = append(row, *f.Field+"="+*f.Value)
			}
		}
		all = append(all, row)
	}
	return all
}

func TestQueryFromStartToEnd(t *testing.T) {
	s := newStack(t)
	s.group(t, "/a")
	s.stream(t, "/a", "one")
	now := s.ms.Load()
	_, err := s.PutLogEvents(context.Background(), &cwl.PutLogEventsInput{LogGroupName: ptr("/a"), LogStreamName: ptr("one"), LogEvents: []types.InputLogEvent{
		{Timestamp: ptr(now - 2000), Message: ptr(`{"level":"INFO","ms":12}`)},
		{Timestamp: ptr(now - 1000), Message: ptr(`{"level":"ERROR","ms":250}`)},
	}})
	ok(t, "put", err)
	out := s.query(t, "fields @timestamp, @message, @logStream | limit 20", "/a")
	stamp := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000") }
	want := [][]string{
		{"@timestamp=" + stamp(now-1000), `@message={"level":"ERROR","ms":250}`, "@logStream=one"},
		{"@timestamp=" + stamp(now-2000), `@message={"level":"INFO","ms":12}`, "@logStream=one"},
	}
	if d := cmp.Diff(want, rows(out)); out.Status != types.QueryStatusComplete || d != "" {
		t.Fatalf("%s (-want +got):\n%s", out.Status, d)
	}
	if st := out.Statistics; st.RecordsMatched != 2 || st.RecordsScanned != 2 || st.BytesScanned != 50 {
		t.Errorf("statistics %+v", st)
	}
	last := out.Results[0][len(out.Results[0])-1]
	record, err := s.GetLogRecord(context.Background(), &cwl.GetLogRecordInput{LogRecordPointer: last.Value})
	ok(t, "record", err)
	if *last.Field != "@ptr" || record.LogRecord["level"] != "ERROR" {
		t.Errorf("%s gives %v", *last.Field, record.LogRecord)
	}
}

// compileError is where the answer says that a query is wrong.
func compileError(t *testing.T, err error) (string, int32, int32) {
	t.Helper()
	var m *types.MalformedQueryException
	if !errors.As(err, &m) || m.QueryCompileError == nil || m.QueryCompileError.Location == nil {
		t.Fatalf("%v is no MalformedQueryException with a place", err)
	}
	if *m.QueryCompileError.Message != m.ErrorMessage() {
		t.Errorf("messages %q and %q", *m.QueryCompileError.Message, m.ErrorMessage())
	}
	return m.ErrorMessage(), *m.QueryCompileError.Location.StartCharOffset, *m.QueryCompileError.Location.EndCharOffset
}

func TestStartQueryRefusals(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	s.group(t, "/a")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("/d"), LogGroupClass: types.LogGroupClassDelivery})
	ok(t, "create", err)
	now := s.ms.Load() / 1000
	start := func(change func(*cwl.StartQueryInput)) error {
		in := &cwl.StartQueryInput{QueryString: ptr("fields @message"), StartTime: ptr(now - 60), EndTime: ptr(now), LogGroupName: ptr("/a")}
		change(in)
		_, err := s.StartQuery(ctx, in)
		return err
	}
	refused(t, "missing group", start(func(in *cwl.StartQueryInput) { in.LogGroupName = ptr("/none") }), "ResourceNotFoundException", "The specified log group does not exist.")
	refused(t, "no group", start(func(in *cwl.StartQueryInput) { in.LogGroupName = nil }), "InvalidParameterException", "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
	refused(t, "two ways", start(func(in *cwl.StartQueryInput) { in.LogGroupNames = []string{"/a"} }), "InvalidParameterException", "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
	refused(t, "SOURCE and group", start(func(in *cwl.StartQueryInput) { in.QueryString = ptr("SOURCE logGroups() | fields a") }), "InvalidParameterException",
		"Log groups must be specified either in the query or as parameters of the request, not both.")
	refused(t, "range", start(func(in *cwl.StartQueryInput) { in.EndTime = ptr(now - 61) }), "InvalidParameterException",
		"startTime and endTime must not be negative, and startTime must not be after endTime.")
	refused(t, "limit", start(func(in *cwl.StartQueryInput) { in.Limit = ptr(int32(100_001)) }), "InvalidParameterException",
		"1 validation error detected: Value '100001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100000")
	refused(t, "class", start(func(in *cwl.StartQueryInput) { in.LogGroupName = ptr("/d") }), "ValidationException", "Log groups of this log class cannot be queried.")
	message, from, to := compileError(t, start(func(in *cwl.StartQueryInput) { in.QueryString = ptr("fields é\n| filter = 3") }))
	if message != "unexpected symbol found = at line 2 and position 9" || from != 18 || to != 19 {
		t.Errorf("syntax: %s [%d,%d)", message, from, to)
	}
	message, from, to = compileError(t, start(func(in *cwl.StartQueryInput) { in.StartTime, in.EndTime = ptr(int64(1)), ptr(int64(2)) }))
	if message != "Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings ([0,15])" || from != 0 || to != 15 {
		t.Errorf("range: %s [%d,%d)", message, from, to)
	}
}

// What the Grafana data source puts before every query.
const grafanaPrefix = "fields @timestamp,ltrim(@log) as __log__grafana_internal__,ltrim(@logStream) as __logstream__grafana_internal__|"

func TestQueriesOfGrafana(t *testing.T) {
	s := newStack(t)
	s.group(t, "/a")
	s.stream(t, "/a", "one")
	now := s.ms.Load()
	_, err := s.PutLogEvents(context.Background(), &cwl.PutLogEventsInput{LogGroupName: ptr("/a"), LogStreamName: ptr("one"), LogEvents: []types.InputLogEvent{
		{Timestamp: ptr(now - 1000), Message: ptr(`{"level":"ERROR","ms":250}`)},
	}})
	ok(t, "put", err)
	in := &cwl.StartQueryInput{StartTime: ptr(now/1000 - 60), EndTime: ptr(now / 1000), Limit: ptr(int32(1000)),
		LogGroupIdentifiers: []string{"arn:aws:logs:" + region + ":" + account + ":log-group:/a:"}}
	for query, want := range map[string][][]string{
		"fields @message":                         {{"__log__grafana_internal__=" + account + ":/a", "__logstream__grafana_internal__=one", `@message={"level":"ERROR","ms":250}`}},
		"filter ms > 3 | stats count(*) by level": {{"level=ERROR", "count(*)=1"}},
	} {
		in.QueryString = ptr(grafanaPrefix + query)
		started, err := s.StartQuery(context.Background(), in)
		ok(t, query, err)
		out := s.results(t, *started.QueryId)
		got := rows(out)
		for i := range got {
			got[i] = slices.DeleteFunc(got[i], func(f string) bool { return strings.HasPrefix(f, "@timestamp=") })
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
}

func TestQueryLists(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	s.group(t, "/a")
	s.group(t, "/b")
	first := s.query(t, "fields @message", "/a", "/b")
	if len(first.Results) != 0 || first.Status != types.QueryStatusComplete || first.QueryLanguage != types.QueryLanguageCwli {
		t.Errorf("%+v", first)
	}
	s.sleep(time.Second)
	now := s.ms.Load()
	started, err := s.StartQuery(ctx, &cwl.StartQueryInput{QueryString: ptr("SOURCE logGroups() | fields a"), StartTime: ptr(now - 5000), EndTime: ptr(now)})
	ok(t, "start", err)
	s.results(t, *started.QueryId)

	list, err := s.DescribeQueries(ctx, &cwl.DescribeQueriesInput{MaxResults: ptr(int32(1))})
	ok(t, "list", err)
	q := list.Queries[0]
	want := types.QueryInfo{QueryId: started.QueryId, QueryString: ptr("SOURCE logGroups() | fields a"), Status: types.QueryStatusComplete, CreateTime: ptr(now),
		LogGroupName: ptr("/a"), QueryLanguage: types.QueryLanguageCwli, QueryDuration: ptr(int64(0)), BytesScanned: ptr(0.0),
		UserIdentity: ptr("arn:aws:iam::" + account + ":user/" + account)}
	if d := cmp.Diff(want, q, cmpopts.IgnoreUnexported(types.QueryInfo{})); d != "" {
		t.Errorf("newest query (-want +got):\n%s", d)
	}
	list, err = s.DescribeQueries(ctx, &cwl.DescribeQueriesInput{NextToken: list.NextToken, MaxResults: ptr(int32(1))})
	if err == nil && len(list.Queries) == 1 && list.NextToken == nil {
		if text := *list.Queries[0].QueryString; text != "SOURCE [\"/a\", \"/b\"] START=-3600s END=0s |\nfields @message" {
			t.Errorf("oldest query: %q", text)
		}
	} else {
		t.Errorf("second page: %+v, %v", list, err)
	}
	list, err = s.DescribeQueries(ctx, &cwl.DescribeQueriesInput{LogGroupName: ptr("/b"), Status: types.QueryStatusFailed})
	ok(t, "list of failed", err)
	if len(list.Queries) != 0 {
		t.Errorf("failed: %+v", list.Queries)
	}
	g, err := s.ListLogGroupsForQuery(ctx, &cwl.ListLogGroupsForQueryInput{QueryId: started.QueryId})
	ok(t, "groups", err)
	if d := cmp.Diff([]string{"/a", "/b"}, g.LogGroupIdentifiers); d != "" || g.NextToken != nil {
		t.Errorf("groups: %s", d)
	}
	_, err = s.ListLogGroupsForQuery(ctx, &cwl.ListLogGroupsForQueryInput{QueryId: ptr("none")})
	refused(t, "groups of none", err, "ResourceNotFoundException", "The specified query does not exist.")
	_, err = s.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: ptr("none")})
	refused(t, "results of none", err, "ResourceNotFoundException", "The specified query does not exist.")
	_, err = s.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: started.QueryId, NextToken: ptr("x")})
	refused(t, "bad token", err, "InvalidParameterException", "The specified nextToken is invalid.")
	_, err = s.StopQuery(ctx, &cwl.StopQueryInput{QueryId: ptr("none")})
	refused(t, "stop of none", err, "ResourceNotFoundException", "The specified query does not exist.")
	_, err = s.StopQuery(ctx, &cwl.StopQueryInput{QueryId: started.QueryId})
	refused(t, "stop of an ended one", err, "InvalidParameterException", "Query is not running. Queries that have ended cannot be stopped.")
	_, err = s.client("111111111111", region).GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: started.QueryId})
	refused(t, "results elsewhere", err, "ResourceNotFoundException", "The specified query does not exist.")
}

func TestPagesOfResults(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	s.group(t, "/a")
	s.stream(t, "/a", "one")
	now := s.ms.Load()
	var list []types.InputLogEvent
	for i := range int64(25) {
		list = append(list, types.InputLogEvent{Timestamp: ptr(now - 25 + i), Message: ptr(fmt.Sprint(i))})
	}
	_, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("/a"), LogStreamName: ptr("one"), LogEvents: list})
	ok(t, "put", err)
	started, err := s.StartQuery(ctx, &cwl.StartQueryInput{QueryString: ptr("fields @message | sort @timestamp asc"), StartTime: ptr(now - 100), EndTime: ptr(now), LogGroupName: ptr("/a")})
	ok(t, "start", err)
	s.results(t, *started.QueryId)
	var got []string
	var token *string
	for {
		out, err := s.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: started.QueryId, MaxItems: ptr(int32(10)), NextToken: token})
		ok(t, "page", err)
		for _, r := range out.Results {
			got = append(got, *r[0].Value)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	if len(got) != 25 || got[0] != "0" || got[24] != "24" {
		t.Errorf("%d rows: %v", len(got), got)
	}
}

func TestStopAndConcurrency(t *testing.T) {
	s := &stack{}
	hold := make(chan struct{})
	s.insights = func(o *insights.Options) {
		o.Strict, o.Store = true, heldStore{o.Store, hold}
	}
	s.open(t)
	ctx := context.Background()
	s.group(t, "/a")
	now := s.ms.Load()
	in := &cwl.StartQueryInput{QueryString: ptr("fields @message"), StartTime: ptr(now - 100), EndTime: ptr(now), LogGroupName: ptr("/a")}
	var last *string
	for range 100 {
		started, err := s.StartQuery(ctx, in)
		ok(t, "start", err)
		last = started.QueryId
	}
	_, err := s.StartQuery(ctx, in)
	refused(t, "one too many", err, "LimitExceededException", "Account maximum query concurrency limit of [100] reached.")
	list, err := s.DescribeQueries(ctx, &cwl.DescribeQueriesInput{Status: types.QueryStatusScheduled})
	ok(t, "list", err)
	if len(list.Queries) == 0 {
		t.Errorf("no query waits")
	}
	stopped, err := s.StopQuery(ctx, &cwl.StopQueryInput{QueryId: last})
	ok(t, "stop", err)
	out, err := s.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: last})
	ok(t, "results", err)
	if !stopped.Success || out.Status != types.QueryStatusCancelled {
		t.Errorf("stopped %v, status %s", stopped.Success, out.Status)
	}
	close(hold)
}

// heldStore is a store whose scans wait.
type heldStore struct {
	explore.BlockScanner
	hold chan struct{}
}

func (s heldStore) ScanBlocks(ctx context.Context, q store.BlockQuery, workers int, fn func(int, *store.BlockView) error) (store.Stats, error) {
	select {
	case <-s.hold:
	case <-ctx.Done():
		return store.Stats{}, context.Cause(ctx)
	}
	return s.BlockScanner.ScanBlocks(ctx, q, workers, fn)
}

func TestQueryDefinitions(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	put := func(in cwl.PutQueryDefinitionInput) string {
		t.Helper()
		out, err := s.PutQueryDefinition(ctx, &in)
		ok(t, "put", err)
		return *out.QueryDefinitionId
	}
	token := ptr(strings.Repeat("t", 36))
	full := cwl.PutQueryDefinitionInput{Name: ptr("team/errors"), QueryString: ptr("filter level = '{{level}}'"), LogGroupNames: []string{"/a"}, ClientToken: token,
		Parameters: []types.QueryParameter{{Name: ptr("level"), DefaultValue: ptr("ERROR"), Description: ptr("what")}}}
	id := put(full)
	if again := put(full); again != id {
		t.Errorf("the same token made %s and %s", id, again)
	}
	list, err := s.DescribeQueryDefinitions(ctx, &cwl.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: ptr("team/")})
	ok(t, "list", err)
	want := []types.QueryDefinition{{Name: full.Name, QueryString: full.QueryString, LogGroupNames: full.LogGroupNames, Parameters: full.Parameters, QueryDefinitionId: &id,
		QueryLanguage: types.QueryLanguageCwli, LastModified: ptr(s.ms.Load())}}
	ignore := cmpopts.IgnoreUnexported(types.QueryDefinition{}, types.QueryParameter{})
	if d := cmp.Diff(want, list.QueryDefinitions, ignore); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	put(cwl.PutQueryDefinitionInput{QueryDefinitionId: &id, Name: ptr("team/all"), QueryString: ptr("fields a")})
	list, err = s.DescribeQueryDefinitions(ctx, &cwl.DescribeQueryDefinitionsInput{})
	ok(t, "list", err)
	want = []types.QueryDefinition{{Name: ptr("team/all"), QueryString: ptr("fields a"), QueryDefinitionId: &id, QueryLanguage: types.QueryLanguageCwli, LastModified: ptr(s.ms.Load())}}
	if d := cmp.Diff(want, list.QueryDefinitions, ignore, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("replaced (-want +got):\n%s", d)
	}

	refuses := func(what string, in cwl.PutQueryDefinitionInput, code, text string) {
		t.Helper()
		if in.Name == nil {
			in.Name = ptr("x")
		}
		_, err := s.PutQueryDefinition(ctx, &in)
		refused(t, what, err, code, text)
	}
	refuses("unknown id", cwl.PutQueryDefinitionInput{QueryDefinitionId: ptr("none"), QueryString: ptr("fields a")}, "ResourceNotFoundException", "The specified query definition does not exist.")
	refuses("groups", cwl.PutQueryDefinitionInput{QueryString: ptr("fields a"), LogGroupNames: strings.Split(strings.Repeat("/a ", 50)+"/a", " ")}, "InvalidParameterException", "Too many log groups specified")
	refuses("language", cwl.PutQueryDefinitionInput{QueryString: ptr("{{level}}"), QueryLanguage: types.QueryLanguagePpl, Parameters: full.Parameters},
		"InvalidParameterException", "Parameters are only supported for CWLI query language")
	refuses("parameter", cwl.PutQueryDefinitionInput{QueryString: ptr("fields a"), Parameters: full.Parameters}, "InvalidParameterException", "Required parameters not found in queryString")
	refuses("twice", cwl.PutQueryDefinitionInput{QueryString: ptr("{{level}}"), Parameters: append(full.Parameters[:1:1], full.Parameters...)}, "InvalidParameterException", "Duplicate parameter name")

	deleted, err := s.DeleteQueryDefinition(ctx, &cwl.DeleteQueryDefinitionInput{QueryDefinitionId: &id})
	ok(t, "delete", err)
	if !deleted.Success {
		t.Error("no success")
	}
	_, err = s.DeleteQueryDefinition(ctx, &cwl.DeleteQueryDefinitionInput{QueryDefinitionId: &id})
	refused(t, "delete again", err, "ResourceNotFoundException", "The specified query definition does not exist.")
}
