package logsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// runSchedules does what is due until stop is called.
func (s *stack) runSchedules() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.schedules.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func scheduled(name string, change ...func(*cwl.CreateScheduledQueryInput)) *cwl.CreateScheduledQueryInput {
	in := &cwl.CreateScheduledQueryInput{
		Name: &name, QueryLanguage: types.QueryLanguageCwli, QueryString: ptr("fields level | stats count(*) as n by level"), LogGroupIdentifiers: []string{"app"},
		ScheduleExpression: ptr("cron(0 * * * ? *)"), ExecutionRoleArn: ptr("arn:aws:iam::000000000000:role/r"), StartTimeOffset: ptr(int64(3600)),
	}
	for _, c := range change {
		c(in)
	}
	return in
}

var plainly = cmp.Options{
	cmpopts.IgnoreUnexported(types.DestinationConfiguration{}, types.S3Configuration{}, types.ScheduledQuerySummary{}, types.TriggerHistoryRecord{},
		types.ScheduledQueryDestination{}, cwl.GetScheduledQueryOutput{}),
	cmpopts.IgnoreFields(cwl.GetScheduledQueryOutput{}, "ResultMetadata"),
}

func TestScheduledQueries(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	now := s.ms.Load()
	to := &types.DestinationConfiguration{S3Configuration: &types.S3Configuration{
		DestinationIdentifier: ptr("s3://results/p"), RoleArn: ptr("arn:aws:iam::000000000000:role/d"), KmsKeyId: ptr("k"), OwnerAccountId: ptr("000000000000"),
	}}
	made, err := s.CreateScheduledQuery(ctx, scheduled("team/a", func(in *cwl.CreateScheduledQueryInput) {
		in.Description, in.Timezone, in.DestinationConfiguration = ptr("d"), ptr("Europe/Berlin"), to
		in.ScheduleStartTime, in.ScheduleEndTime, in.EndTimeOffset = ptr(int64(5)), ptr(int64(4_000_000_000)), ptr(int64(60))
		in.Tags = map[string]string{"k": "v"}
	}))
	ok(t, "create", err)
	if !strings.HasPrefix(*made.ScheduledQueryArn, "arn:aws:logs:us-east-1:000000000000:scheduled-query:") || made.State != types.ScheduledQueryStateEnabled {
		t.Errorf("created %s %s", *made.ScheduledQueryArn, made.State)
	}
	want := &cwl.GetScheduledQueryOutput{
		ScheduledQueryArn: made.ScheduledQueryArn, Name: ptr("team/a"), Description: ptr("d"), QueryLanguage: types.QueryLanguageCwli,
		QueryString: ptr("fields level | stats count(*) as n by level"), LogGroupIdentifiers: []string{"app"}, ScheduleExpression: ptr("cron(0 * * * ? *)"),
		Timezone: ptr("Europe/Berlin"), StartTimeOffset: ptr(int64(3600)), EndTimeOffset: ptr(int64(60)), DestinationConfiguration: to, State: types.ScheduledQueryStateEnabled,
		ScheduleStartTime: ptr(int64(5)), ScheduleEndTime: ptr(int64(4_000_000_000)), ExecutionRoleArn: ptr("arn:aws:iam::000000000000:role/r"),
		CreationTime: &now, LastUpdatedTime: &now,
	}
	for _, identifier := range []string{"team/a", *made.ScheduledQueryArn} {
		got, err := s.GetScheduledQuery(ctx, &cwl.GetScheduledQueryInput{Identifier: &identifier})
		ok(t, "get", err)
		if d := cmp.Diff(want, got, plainly); d != "" {
			t.Errorf("get %s (-want +got):\n%s", identifier, d)
		}
	}
	list, err := s.ListScheduledQueries(ctx, &cwl.ListScheduledQueriesInput{})
	ok(t, "list", err)
	summary := types.ScheduledQuerySummary{
		ScheduledQueryArn: made.ScheduledQueryArn, Name: ptr("team/a"), State: types.ScheduledQueryStateEnabled, ScheduleExpression: ptr("cron(0 * * * ? *)"),
		Timezone: ptr("Europe/Berlin"), DestinationConfiguration: to, CreationTime: &now, LastUpdatedTime: &now,
	}
	if d := cmp.Diff([]types.ScheduledQuerySummary{summary}, list.ScheduledQueries, plainly); d != "" || list.NextToken != nil {
		t.Errorf("list (-want +got):\n%s", d)
	}
	tags, err := s.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: made.ScheduledQueryArn})
	ok(t, "tags", err)
	if d := cmp.Diff(map[string]string{"k": "v"}, tags.Tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}

	s.sleep(time.Minute)
	updated, err := s.UpdateScheduledQuery(ctx, &cwl.UpdateScheduledQueryInput{
		Identifier: ptr("team/a"), QueryLanguage: types.QueryLanguageCwli, QueryString: ptr("fields @message"), LogGroupIdentifiers: []string{"app"},
		ScheduleExpression: ptr("cron(0 9 ? * MON#1 *)"), ExecutionRoleArn: ptr("arn:aws:iam::000000000000:role/r2"), State: types.ScheduledQueryStateDisabled,
	})
	ok(t, "update", err)
	if updated.Description != nil || updated.DestinationConfiguration != nil || updated.StartTimeOffset != nil || updated.EndTimeOffset != nil || updated.Timezone != nil || updated.ScheduleStartTime != nil ||
		*updated.QueryString != "fields @message" || updated.State != types.ScheduledQueryStateDisabled || *updated.LastUpdatedTime != now+60_000 || *updated.CreationTime != now {
		t.Errorf("updated %+v", updated)
	}
	for state, n := range map[types.ScheduledQueryState]int{types.ScheduledQueryStateEnabled: 0, types.ScheduledQueryStateDisabled: 1} {
		list, err := s.ListScheduledQueries(ctx, &cwl.ListScheduledQueriesInput{State: state})
		ok(t, "list", err)
		if len(list.ScheduledQueries) != n {
			t.Errorf("%d queries are %s, want %d", len(list.ScheduledQueries), state, n)
		}
	}
	_, err = s.DeleteScheduledQuery(ctx, &cwl.DeleteScheduledQueryInput{Identifier: made.ScheduledQueryArn})
	ok(t, "delete", err)
	_, err = s.GetScheduledQuery(ctx, &cwl.GetScheduledQueryInput{Identifier: ptr("team/a")})
	refused(t, "get deleted", err, "ResourceNotFoundException", "The specified scheduled query does not exist.")
}

func TestScheduledQueryRuns(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.ms.Store(s.ms.Load() / 3600_000 * 3600_000) // a full hour
	s.group(t, "app")
	s.stream(t, "app", "s")
	hour := s.ms.Load()
	_, err := s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("app"), LogStreamName: ptr("s"), LogEvents: []types.InputLogEvent{
		{Timestamp: ptr(hour - 1), Message: ptr(`{"level":"before"}`)}, {Timestamp: ptr(hour), Message: ptr(`{"level":"info"}`)},
		{Timestamp: ptr(hour + 1000), Message: ptr(`{"level":"error"}`)}, {Timestamp: ptr(hour + 2000), Message: ptr(`{"level":"error"}`)},
	}})
	ok(t, "put events", err)
	account := logs.Scope{Account: account, Region: region}
	ok(t, "bucket", s.objects.CreateBucket(ctx, account, "results", ""))
	for name, uri := range map[string]string{"delivered": "s3://results/p", "lost": "s3://no-such-bucket"} {
		_, err := s.CreateScheduledQuery(ctx, scheduled(name, func(in *cwl.CreateScheduledQueryInput) {
			in.DestinationConfiguration = &types.DestinationConfiguration{S3Configuration: &types.S3Configuration{DestinationIdentifier: &uri, RoleArn: ptr("arn:aws:iam::000000000000:role/d")}}
		}))
		ok(t, "create", err)
	}
	s.sleep(time.Hour + time.Second)
	stop := s.runSchedules()
	defer stop()
	run := func(name string) types.TriggerHistoryRecord {
		t.Helper()
		for {
			h, err := s.GetScheduledQueryHistory(ctx, &cwl.GetScheduledQueryHistoryInput{Identifier: &name, StartTime: ptr(hour / 1000), EndTime: ptr(hour/1000 + 7200)})
			ok(t, "history", err)
			if *h.Name != name || h.NextToken != nil {
				t.Fatalf("history %+v", h)
			}
			if len(h.TriggerHistory) == 1 && h.TriggerHistory[0].ExecutionStatus != types.ExecutionStatusRunning {
				return h.TriggerHistory[0]
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	delivered := run("delivered")
	key := fmt.Sprintf("p/delivered/%s-%s.json", time.UnixMilli(hour+3600_000).UTC().Format("20060102T150405Z"), *delivered.QueryId)
	want := types.TriggerHistoryRecord{
		QueryId: delivered.QueryId, ExecutionStatus: types.ExecutionStatusComplete, TriggeredTimestamp: ptr(hour + 3600_000),
		Destinations: []types.ScheduledQueryDestination{{
			DestinationType: types.ScheduledQueryDestinationTypeS3, DestinationIdentifier: ptr("s3://results/p"), Status: types.ActionStatusComplete, ProcessedIdentifier: ptr("s3://results/" + key),
		}},
	}
	if d := cmp.Diff(want, delivered, plainly); d != "" {
		t.Errorf("delivered (-want +got):\n%s", d)
	}
	r, err := s.objects.Get(ctx, account, "results", key, nil, objects.Conditions{})
	ok(t, "get object", err)
	defer r.Close()
	body, err := io.ReadAll(r)
	ok(t, "read object", err)
	var object struct {
		QueryID string
		Results [][]struct{ Field, Value string }
	}
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	rows := map[string]string{}
	for _, row := range object.Results {
		rows[row[0].Value] = row[1].Value
	}
	if d := cmp.Diff(map[string]string{"error": "2", "info": "1"}, rows); d != "" || object.QueryID != *delivered.QueryId {
		t.Errorf("object %s (-want +got):\n%s", body, d)
	}
	results, err := s.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: delivered.QueryId})
	ok(t, "results", err)
	if results.Status != types.QueryStatusComplete || len(results.Results) != 2 {
		t.Errorf("results %+v", results)
	}

	lost := run("lost")
	if lost.ExecutionStatus != types.ExecutionStatusComplete || lost.Destinations[0].Status != types.ActionStatusClientError ||
		*lost.Destinations[0].ErrorMessage != "The bucket does not exist." || lost.Destinations[0].ProcessedIdentifier != nil {
		t.Errorf("lost %+v", lost.Destinations[0])
	}
	got, err := s.GetScheduledQuery(ctx, &cwl.GetScheduledQueryInput{Identifier: ptr("lost")})
	ok(t, "get", err)
	if *got.LastTriggeredTime != hour+3600_000 || got.LastExecutionStatus != types.ExecutionStatusComplete {
		t.Errorf("last %d %s", *got.LastTriggeredTime, got.LastExecutionStatus)
	}
}

func TestScheduledQueryErrors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	create := func(what, code, text string, change func(*cwl.CreateScheduledQueryInput)) {
		t.Helper()
		_, err := s.CreateScheduledQuery(ctx, scheduled("q", change))
		refused(t, what, err, code, text)
	}
	create("cron", "ValidationException", "The schedule expression never fires.", func(in *cwl.CreateScheduledQueryInput) { in.ScheduleExpression = ptr("cron(0 0 31 2 ? *)") })
	create("zone", "ValidationException", "Mars is not the name of a time zone.", func(in *cwl.CreateScheduledQueryInput) { in.Timezone = ptr("Mars") })
	create("offset", "ValidationException", "startTimeOffset must be from 1 to 316224000 seconds.", func(in *cwl.CreateScheduledQueryInput) { in.StartTimeOffset = ptr(int64(-1)) })
	create("name", "ValidationException", `1 validation error detected: Value 'q q' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\-/.#]+$`,
		func(in *cwl.CreateScheduledQueryInput) { in.Name = ptr("q q") })
	create("group", "ResourceNotFoundException", "The specified log group does not exist.", func(in *cwl.CreateScheduledQueryInput) { in.LogGroupIdentifiers = []string{"none"} })
	create("tags", "ValidationException", "Tag keys that begin with aws: are reserved: aws:x.", func(in *cwl.CreateScheduledQueryInput) { in.Tags = map[string]string{"aws:x": ""} })
	create("no groups", "ValidationException", "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.",
		func(in *cwl.CreateScheduledQueryInput) { in.LogGroupIdentifiers = nil })
	_, err := s.CreateScheduledQuery(ctx, scheduled("q", func(in *cwl.CreateScheduledQueryInput) { in.QueryString = ptr("fields @message | nonsense 1") }))
	if err == nil || !strings.Contains(err.Error(), "ValidationException") || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("bad query: %v", err)
	}
	_, err = s.CreateScheduledQuery(ctx, scheduled("q"))
	ok(t, "create", err)
	create("taken", "ConflictException", "A scheduled query of this name already exists.", func(*cwl.CreateScheduledQueryInput) {})

	const missing = "The specified scheduled query does not exist."
	for _, identifier := range []string{"none", "arn:aws:logs:us-east-1:000000000000:scheduled-query:none", "arn:aws:logs:us-east-1:000000000000:log-group:app"} {
		_, err := s.GetScheduledQuery(ctx, &cwl.GetScheduledQueryInput{Identifier: &identifier})
		refused(t, "get "+identifier, err, "ResourceNotFoundException", missing)
		_, err = s.DeleteScheduledQuery(ctx, &cwl.DeleteScheduledQueryInput{Identifier: &identifier})
		refused(t, "delete "+identifier, err, "ResourceNotFoundException", missing)
		_, err = s.UpdateScheduledQuery(ctx, &cwl.UpdateScheduledQueryInput{
			Identifier: &identifier, QueryLanguage: types.QueryLanguageCwli, QueryString: ptr("fields @message"), LogGroupIdentifiers: []string{"app"},
			ScheduleExpression: ptr("cron(0 9 * * ? *)"), ExecutionRoleArn: ptr("r"),
		})
		refused(t, "update "+identifier, err, "ResourceNotFoundException", missing)
		_, err = s.GetScheduledQueryHistory(ctx, &cwl.GetScheduledQueryHistoryInput{Identifier: &identifier, StartTime: ptr(int64(0)), EndTime: ptr(int64(1))})
		refused(t, "history "+identifier, err, "ResourceNotFoundException", missing)
	}
	_, err = s.UpdateScheduledQuery(ctx, &cwl.UpdateScheduledQueryInput{
		Identifier: ptr("q"), QueryLanguage: types.QueryLanguageCwli, QueryString: ptr("fields @message"), LogGroupIdentifiers: []string{"app"},
		ScheduleExpression: ptr("rate(1 hour)"), ExecutionRoleArn: ptr("r"),
	})
	refused(t, "update", err, "ValidationException", "The schedule expression must be of the form cron(minutes hours day-of-month month day-of-week year).")
	_, err = s.GetScheduledQueryHistory(ctx, &cwl.GetScheduledQueryHistoryInput{Identifier: ptr("q"), StartTime: ptr(int64(2)), EndTime: ptr(int64(1))})
	refused(t, "history", err, "ValidationException", "startTime must not be after endTime.")
	_, err = s.ListScheduledQueries(ctx, &cwl.ListScheduledQueriesInput{NextToken: ptr("x")})
	refused(t, "token", err, "ValidationException", "The specified nextToken is invalid.")
	_, err = s.GetScheduledQueryHistory(ctx, &cwl.GetScheduledQueryHistoryInput{Identifier: ptr("q"), StartTime: ptr(int64(0)), EndTime: ptr(int64(1)), NextToken: ptr("x")})
	refused(t, "token of the history", err, "ValidationException", "The specified nextToken is invalid.")
}
