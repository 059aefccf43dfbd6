package logsapi_test

import (
	"context"
	"testing"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"
)

func TestGetLogGroupFields(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "g")
	s.stream(t, "g", "s")
	s.say(t, "g", "s", -3, `{"level":"info","user":{"id":1}}`)
	s.say(t, "g", "s", -2, `{"level":"warn"}`)
	s.say(t, "g", "s", -1, "text")
	out, err := s.GetLogGroupFields(ctx, &cwl.GetLogGroupFieldsInput{LogGroupName: ptr("g")})
	ok(t, "fields", err)
	got := map[string]int32{}
	for _, f := range out.LogGroupFields {
		got[*f.Name] = f.Percent
	}
	want := map[string]int32{"@ingestionTime": 100, "@log": 100, "@logStream": 100, "@message": 100, "@timestamp": 100, "level": 67, "user.id": 33}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("fields (-want +got)\n%s", d)
	}
	_, err = s.GetLogGroupFields(ctx, &cwl.GetLogGroupFieldsInput{LogGroupName: ptr("none")})
	refused(t, "no group", err, notFound, noGroup)
	_, err = s.GetLogGroupFields(ctx, &cwl.GetLogGroupFieldsInput{})
	refused(t, "no name", err, invalid, "Either logGroupName or logGroupIdentifier must be specified.")
	_, err = s.GetLogGroupFields(ctx, &cwl.GetLogGroupFieldsInput{LogGroupName: ptr("g"), LogGroupIdentifier: ptr("g")})
	refused(t, "both names", err, "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
}

func TestGetLogFields(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("g"), Tags: map[string]string{"cw:datasource:name": "shop", "cw:datasource:type": "orders"}})
	ok(t, "create", err)
	s.stream(t, "g", "s")
	s.say(t, "g", "s", 0, `{"id":1,"lines":[{"price":2.5}]}`)
	out, err := s.GetLogFields(ctx, &cwl.GetLogFieldsInput{DataSourceName: ptr("shop"), DataSourceType: ptr("orders")})
	ok(t, "fields", err)
	kinds := map[string]string{}
	for _, f := range out.LogFields {
		kinds[*f.LogFieldName] = *f.LogFieldType.Type
		if e := f.LogFieldType.Element; e != nil {
			kinds[*f.LogFieldName] += " of " + *e.Type + " with " + *e.Fields[0].LogFieldName
		}
	}
	want := map[string]string{"@timestamp": "number", "@message": "string", "@logStream": "string", "id": "number", "lines": "array of struct with price"}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Errorf("fields (-want +got)\n%s", d)
	}
	_, err = s.GetLogFields(ctx, &cwl.GetLogFieldsInput{DataSourceName: ptr("shop"), DataSourceType: ptr("none")})
	refused(t, "no source", err, notFound, "The specified data source does not exist.")
}
