package wire_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/cumulog/cumulog/test/process"
)

// What surrounds queries was acknowledged, so that it is there after a kill.
func TestTablesPoliciesAndSchedulesSurviveAKill(t *testing.T) {
	ctx := t.Context()
	data := t.TempDir()
	first := process.Run(t, process.Options{Data: data})
	c := logsClient(first.URL, credential{})
	create(t, c, "g", "s")
	put(t, c, "g", "s", `{"user":"1"}`)
	table, err := c.CreateLookupTable(ctx, &cloudwatchlogs.CreateLookupTableInput{
		LookupTableName: aws.String("users"), TableBody: aws.String("id,name\n1,Ann\n"), Tags: map[string]string{"a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateLookupTable(ctx, &cloudwatchlogs.UpdateLookupTableInput{LookupTableArn: table.LookupTableArn, TableBody: aws.String("id,name\n1,Eve\n")}); err != nil {
		t.Fatal(err)
	}
	policy, err := c.PutIndexPolicy(ctx, &cloudwatchlogs.PutIndexPolicyInput{LogGroupIdentifier: aws.String("g"), PolicyDocument: aws.String(`{"Fields":["user"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := c.CreateScheduledQuery(ctx, &cloudwatchlogs.CreateScheduledQueryInput{
		Name: aws.String("q"), QueryLanguage: types.QueryLanguageCwli, QueryString: aws.String("fields @message"), LogGroupIdentifiers: []string{"g"},
		ScheduleExpression: aws.String("cron(0 9 1 1 ? *)"), ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Tags: map[string]string{"c": "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	first.Kill()

	c = logsClient(process.Run(t, process.Options{Data: data}).URL, credential{})
	got, err := c.GetLookupTable(ctx, &cloudwatchlogs.GetLookupTableInput{LookupTableArn: table.LookupTableArn})
	if err != nil || *got.TableBody != "id,name\n1,Eve\n" {
		t.Errorf("lookup table: %+v, %v", got, err)
	}
	policies, err := c.DescribeIndexPolicies(ctx, &cloudwatchlogs.DescribeIndexPoliciesInput{LogGroupIdentifiers: []string{"g"}})
	if err != nil || len(policies.IndexPolicies) != 1 || *policies.IndexPolicies[0].LastUpdateTime != *policy.IndexPolicy.LastUpdateTime {
		t.Errorf("index policies: %+v, %v", policies, err)
	}
	query, err := c.GetScheduledQuery(ctx, &cloudwatchlogs.GetScheduledQueryInput{Identifier: schedule.ScheduledQueryArn})
	if err != nil || *query.Name != "q" || *query.ScheduleExpression != "cron(0 9 1 1 ? *)" {
		t.Errorf("scheduled query: %+v, %v", query, err)
	}
	for arn, key := range map[string]string{*table.LookupTableArn: "a", *schedule.ScheduledQueryArn: "c"} {
		if tags, err := c.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn}); err != nil || tags.Tags[key] == "" {
			t.Errorf("tags of %s: %+v, %v", arn, tags, err)
		}
	}
}
