package logsapi_test

import (
	"context"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestIndexPolicies(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	arn := "arn:aws:logs:us-east-1:000000000000:log-group:app"
	document := `{"Fields": ["path"], "FieldsV2": {"user": {"type": "FACET"}}}`
	want := types.IndexPolicy{LogGroupIdentifier: &arn, LastUpdateTime: ptr(s.ms.Load()), PolicyDocument: &document, Source: types.IndexSourceLogGroup}
	put, err := s.PutIndexPolicy(ctx, &cwl.PutIndexPolicyInput{LogGroupIdentifier: ptr("app"), PolicyDocument: &document})
	ok(t, "put", err)
	diff := func(want, got any) string {
		return cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.IndexPolicy{}, types.FieldIndex{}))
	}
	if d := diff(&want, put.IndexPolicy); d != "" {
		t.Errorf("put (-want +got):\n%s", d)
	}
	s.sleep(time.Minute)
	for _, name := range []string{"app", arn} {
		got, err := s.DescribeIndexPolicies(ctx, &cwl.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{name}})
		ok(t, "describe", err)
		if d := diff([]types.IndexPolicy{want}, got.IndexPolicies); d != "" || got.NextToken != nil {
			t.Errorf("describe %s (-want +got):\n%s", name, d)
		}
	}

	s.stream(t, "app", "s")
	at := s.ms.Load()
	_, err = s.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("app"), LogStreamName: ptr("s"), LogEvents: []types.InputLogEvent{
		{Timestamp: ptr(at - 2000), Message: ptr(`{"path":"/a","user":1}`)}, {Timestamp: ptr(at - 1000), Message: ptr(`{"path":"/b"}`)},
	}})
	ok(t, "put events", err)
	indexes, err := s.DescribeFieldIndexes(ctx, &cwl.DescribeFieldIndexesInput{LogGroupIdentifiers: []string{"app"}})
	ok(t, "describe indexes", err)
	index := func(name string, first, last int64, kind types.IndexType) types.FieldIndex {
		return types.FieldIndex{LogGroupIdentifier: &arn, FieldIndexName: &name, LastScanTime: &at, FirstEventTime: ptr(at - first), LastEventTime: ptr(at - last), Type: kind}
	}
	var wantIndexes []types.FieldIndex
	for _, name := range []string{"@aws.account", "@aws.region", "@data_format", "@data_source_name", "@data_source_type", "@logStream", "@source.log"} {
		wantIndexes = append(wantIndexes, index(name, 2000, 1000, types.IndexTypeFieldIndex))
	}
	wantIndexes = append(wantIndexes, index("path", 2000, 1000, types.IndexTypeFieldIndex), index("user", 2000, 2000, types.IndexTypeFacet))
	if d := diff(wantIndexes, indexes.FieldIndexes); d != "" || indexes.NextToken != nil {
		t.Errorf("indexes (-want +got):\n%s", d)
	}

	_, err = s.DeleteIndexPolicy(ctx, &cwl.DeleteIndexPolicyInput{LogGroupIdentifier: ptr("app")})
	ok(t, "delete", err)
	got, err := s.DescribeIndexPolicies(ctx, &cwl.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{"app"}})
	ok(t, "describe", err)
	if len(got.IndexPolicies) != 0 {
		t.Errorf("policies %v after the deletion", got.IndexPolicies)
	}
	_, err = s.DeleteIndexPolicy(ctx, &cwl.DeleteIndexPolicyInput{LogGroupIdentifier: ptr("app")})
	refused(t, "delete again", err, "ResourceNotFoundException", "The specified index policy does not exist.")
}

func TestIndexPolicyErrors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	put := func(what, group, document, code, text string) {
		t.Helper()
		_, err := s.PutIndexPolicy(ctx, &cwl.PutIndexPolicyInput{LogGroupIdentifier: &group, PolicyDocument: &document})
		refused(t, what, err, code, text)
	}
	const good = `{"Fields":["a"]}`
	put("no group", "none", good, "ResourceNotFoundException", "The specified log group does not exist.")
	put("another account", "arn:aws:logs:us-east-1:111111111111:log-group:app", good, "ResourceNotFoundException", "The specified log group does not exist.")
	put("another class", "ia", good, "InvalidParameterException", "Field indexes are only supported for log groups in the Standard log class.")
	put("no JSON", "app", "x", "InvalidParameterException", "Policy document is not valid: invalid character 'x' looking for beginning of value.")
	put("too many fields", "app", `{"Fields":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q","r","s","t","u"]}`,
		"InvalidParameterException", "Policy document contains more than 20 fields.")
	put("system field", "app", `{"Fields":["@message"]}`, "InvalidParameterException",
		"The field @message cannot be indexed. A field of messages that begins with @ is written with @@.")

	_, err = s.DeleteIndexPolicy(ctx, &cwl.DeleteIndexPolicyInput{LogGroupIdentifier: ptr("none")})
	refused(t, "delete", err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = s.DescribeIndexPolicies(ctx, &cwl.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{"none"}})
	refused(t, "describe", err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = s.DescribeIndexPolicies(ctx, &cwl.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{"app", "ia"}})
	refused(t, "two groups", err, "InvalidParameterException",
		"1 validation error detected: Value '[app, ia]' at 'logGroupIdentifiers' failed to satisfy constraint: Member must have length less than or equal to 1")
	_, err = s.DescribeIndexPolicies(ctx, &cwl.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{"app"}, NextToken: ptr("x")})
	refused(t, "token", err, "InvalidParameterException", "The specified nextToken is invalid.")
	_, err = s.DescribeFieldIndexes(ctx, &cwl.DescribeFieldIndexesInput{LogGroupIdentifiers: []string{"app", "none"}})
	refused(t, "indexes", err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = s.DescribeFieldIndexes(ctx, &cwl.DescribeFieldIndexesInput{LogGroupIdentifiers: []string{"app"}, NextToken: ptr("x")})
	refused(t, "token of indexes", err, "InvalidParameterException", "The specified nextToken is invalid.")
}
