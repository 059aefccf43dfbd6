package logsapi_test

import (
	"context"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
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
