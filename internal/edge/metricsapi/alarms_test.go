package metricsapi_test

import (
	"context"
	"testing"
	"time"

	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// errorsAlarm is an alarm on one metric.
func errorsAlarm(name string) *cw.PutMetricAlarmInput {
	return &cw.PutMetricAlarmInput{
		AlarmName: &name, AlarmDescription: ptr("too many errors"), Namespace: ptr("App"), MetricName: ptr("Errors"),
		Dimensions: []types.Dimension{{Name: ptr("Service"), Value: ptr("orders")}},
		Statistic:  types.StatisticSum, Period: ptr(int32(60)), EvaluationPeriods: ptr(int32(3)), DatapointsToAlarm: ptr(int32(2)),
		Threshold: ptr(5.5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: ptr("notBreaching"),
		Unit: types.StandardUnitCount, AlarmActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"},
	}
}

func TestMetricAlarm(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	at := time.UnixMilli(s.ms.Load()).UTC()
	in := errorsAlarm("errors")
	in.Tags = []types.Tag{{Key: ptr("team"), Value: ptr("a")}}
	_, err := s.PutMetricAlarm(ctx, in)
	ok(t, "put", err)
	out, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{AlarmNames: []string{"errors", "none"}})
	ok(t, "describe", err)
	want := []types.MetricAlarm{{
		AlarmName: in.AlarmName, AlarmArn: ptr(arn("errors")), AlarmDescription: in.AlarmDescription, AlarmConfigurationUpdatedTimestamp: &at,
		ActionsEnabled: ptr(true), AlarmActions: in.AlarmActions, OKActions: []string{}, InsufficientDataActions: []string{},
		StateValue: types.StateValueInsufficientData, StateReason: ptr("Unchecked: Initial alarm creation"),
		StateUpdatedTimestamp: &at, StateTransitionedTimestamp: &at,
		Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions, Statistic: in.Statistic, Period: in.Period, Unit: in.Unit,
		EvaluationPeriods: in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm, Threshold: in.Threshold,
		ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData,
	}}
	if diff := cmp.Diff(want, out.MetricAlarms, cmpopts.IgnoreUnexported(types.MetricAlarm{}, types.Dimension{})); diff != "" {
		t.Errorf("alarm (-want +got):\n%s", diff)
	}

	_, err = s.SetAlarmState(ctx, &cw.SetAlarmStateInput{AlarmName: ptr("errors"), StateValue: types.StateValueAlarm, StateReason: ptr("a test"), StateReasonData: ptr(`{"a":1}`)})
	ok(t, "set state", err)
	of, err := s.DescribeAlarmsForMetric(ctx, &cw.DescribeAlarmsForMetricInput{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions})
	ok(t, "describe for metric", err)
	if len(of.MetricAlarms) != 1 || of.MetricAlarms[0].StateValue != types.StateValueAlarm || *of.MetricAlarms[0].StateReasonData != `{"a":1}` {
		t.Errorf("got %+v", of.MetricAlarms)
	}
	for _, enabled := range []bool{false, true} {
		if enabled {
			_, err = s.EnableAlarmActions(ctx, &cw.EnableAlarmActionsInput{AlarmNames: []string{"errors"}})
		} else {
			_, err = s.DisableAlarmActions(ctx, &cw.DisableAlarmActionsInput{AlarmNames: []string{"errors"}})
		}
		ok(t, "actions", err)
		out, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{StateValue: types.StateValueAlarm})
		ok(t, "describe", err)
		if len(out.MetricAlarms) != 1 || *out.MetricAlarms[0].ActionsEnabled != enabled {
			t.Errorf("actions enabled: %+v, want %v", out.MetricAlarms, enabled)
		}
	}
	history, err := s.DescribeAlarmHistory(ctx, &cw.DescribeAlarmHistoryInput{AlarmName: ptr("errors"), ScanBy: types.ScanByTimestampAscending})
	ok(t, "history", err)
	var summaries []string
	for _, item := range history.AlarmHistoryItems {
		if item.AlarmType != types.AlarmTypeMetricAlarm || !item.Timestamp.Equal(at) || item.HistoryData == nil {
			t.Errorf("history item %+v", item)
		}
		summaries = append(summaries, string(item.HistoryItemType)+": "+*item.HistorySummary)
	}
	if diff := cmp.Diff([]string{
		`ConfigurationUpdate: Alarm "errors" created`, "StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM",
		`ConfigurationUpdate: Alarm "errors" updated`, `ConfigurationUpdate: Alarm "errors" updated`,
	}, summaries); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}

	tagged, err := s.ListTagsForResource(ctx, &cw.ListTagsForResourceInput{ResourceARN: ptr(arn("errors"))})
	ok(t, "tags", err)
	if len(tagged.Tags) != 1 || *tagged.Tags[0].Key != "team" || *tagged.Tags[0].Value != "a" {
		t.Errorf("tags: %+v", tagged.Tags)
	}
	_, err = s.TagResource(ctx, &cw.TagResourceInput{ResourceARN: ptr(arn("errors")), Tags: []types.Tag{{Key: ptr("env"), Value: ptr("x")}}})
	ok(t, "tag", err)
	_, err = s.UntagResource(ctx, &cw.UntagResourceInput{ResourceARN: ptr(arn("errors")), TagKeys: []string{"team"}})
	ok(t, "untag", err)
	tagged, err = s.ListTagsForResource(ctx, &cw.ListTagsForResourceInput{ResourceARN: ptr(arn("errors"))})
	ok(t, "tags", err)
	if len(tagged.Tags) != 1 || *tagged.Tags[0].Key != "env" {
		t.Errorf("tags: %+v", tagged.Tags)
	}

	_, err = s.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{"errors"}})
	ok(t, "delete", err)
	out, err = s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{})
	ok(t, "describe", err)
	if out.MetricAlarms == nil || len(out.MetricAlarms) != 0 || out.CompositeAlarms == nil || out.NextToken != nil {
		t.Errorf("got %+v", out)
	}
}

func TestMathAlarm(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	metrics := []types.MetricDataQuery{
		{Id: ptr("rate"), Expression: ptr("100 * e / r"), Label: ptr("error rate")},
		{Id: ptr("e"), ReturnData: ptr(false), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: ptr("App"), MetricName: ptr("Errors"), Dimensions: []types.Dimension{}},
			Period: ptr(int32(60)), Stat: ptr("Sum"), Unit: types.StandardUnitCount,
		}},
		{Id: ptr("r"), ReturnData: ptr(false), AccountId: nil, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: ptr("App"), MetricName: ptr("Requests"), Dimensions: []types.Dimension{{Name: ptr("a"), Value: ptr("b")}}},
			Period: ptr(int32(60)), Stat: ptr("p99.9"),
		}},
	}
	put := func(change func(*cw.PutMetricAlarmInput)) error {
		in := &cw.PutMetricAlarmInput{
			AlarmName: ptr("rate"), Metrics: metrics, EvaluationPeriods: ptr(int32(1)), Threshold: ptr(0.0), ActionsEnabled: ptr(false),
			ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
		}
		if change != nil {
			change(in)
		}
		_, err := s.PutMetricAlarm(ctx, in)
		return err
	}
	ok(t, "put", put(nil))
	out, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{AlarmNamePrefix: ptr("ra")})
	ok(t, "describe", err)
	metrics[0].ReturnData = ptr(true)
	if len(out.MetricAlarms) != 1 || *out.MetricAlarms[0].Threshold != 0 || *out.MetricAlarms[0].ActionsEnabled || out.MetricAlarms[0].Period != nil {
		t.Fatalf("got %+v", out.MetricAlarms)
	}
	if diff := cmp.Diff(metrics, out.MetricAlarms[0].Metrics, cmpopts.IgnoreUnexported(types.MetricDataQuery{}, types.MetricStat{}, types.Metric{}, types.Dimension{})); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	refused(t, "another account", put(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].AccountId = ptr("111111111111") }),
		"ValidationError", "Metrics of another account are not supported by this server: 111111111111")
	metrics[0].AccountId = nil
	refused(t, "no threshold", put(func(in *cw.PutMetricAlarmInput) { in.Threshold = nil }), "ValidationError", "Threshold must not be null")
	refused(t, "band", put(func(in *cw.PutMetricAlarmInput) { in.Threshold, in.ThresholdMetricId = nil, ptr("band") }),
		"ValidationError", "ThresholdMetricId is not supported by this server.")
	refused(t, "newer member", put(func(in *cw.PutMetricAlarmInput) {
		in.WarmUpConfiguration = &types.WarmUpConfiguration{WarmUpPeriodDurationInMinutes: ptr(int32(5))}
	}),
		"ValidationError", "WarmUpConfiguration is not supported by this server.")
	refused(t, "two that return", put(func(in *cw.PutMetricAlarmInput) { in.Metrics[1].ReturnData = nil }),
		"ValidationError", "Exactly one element of the metrics list should return data.")
	refused(t, "enum", put(func(in *cw.PutMetricAlarmInput) { in.ComparisonOperator = "Above" }), "ValidationError",
		"1 validation error detected: Value 'Above' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: ["+
			"GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold, "+
			"LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold, GreaterThanUpperThreshold]")
}

func TestCompositeAlarm(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	for _, name := range []string{"a", "b", "quiet"} {
		_, err := s.PutMetricAlarm(ctx, errorsAlarm(name))
		ok(t, "put "+name, err)
	}
	_, err := s.PutCompositeAlarm(ctx, &cw.PutCompositeAlarmInput{
		AlarmName: ptr("both"), AlarmRule: ptr("ALARM(a) AND ALARM(b)"), ActionsSuppressor: ptr("quiet"),
		ActionsSuppressorWaitPeriod: ptr(int32(60)), ActionsSuppressorExtensionPeriod: ptr(int32(0)),
	})
	ok(t, "put composite", err)
	out, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	ok(t, "describe", err)
	if len(out.CompositeAlarms) != 1 || len(out.MetricAlarms) != 0 {
		t.Fatalf("got %+v", out)
	}
	c := out.CompositeAlarms[0]
	if *c.AlarmArn != arn("both") || *c.AlarmRule != "ALARM(a) AND ALARM(b)" || *c.ActionsSuppressor != "quiet" ||
		*c.ActionsSuppressorWaitPeriod != 60 || *c.ActionsSuppressorExtensionPeriod != 0 || !*c.ActionsEnabled {
		t.Errorf("got %+v", c)
	}
	children, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{ChildrenOfAlarmName: ptr("both")})
	ok(t, "children", err)
	if len(children.MetricAlarms) != 2 {
		t.Errorf("children: %+v", children.MetricAlarms)
	}
	_, err = s.PutCompositeAlarm(ctx, &cw.PutCompositeAlarmInput{AlarmName: ptr("x"), AlarmRule: ptr("ALARM(none)")})
	refused(t, "unknown alarm", err, "ValidationError", "Could not save the composite alarm as alarms [none] in the alarm rule do not exist")
	_, err = s.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{"a"}})
	refused(t, "needed", err, "ValidationError", "Cannot delete a as there are composite alarm(s) depending on it.")
}

func TestAlarmPages(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		_, err := s.PutMetricAlarm(ctx, errorsAlarm(name))
		ok(t, "put "+name, err)
	}
	var got []string
	pages := cw.NewDescribeAlarmsPaginator(s, &cw.DescribeAlarmsInput{MaxRecords: ptr(int32(2))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		ok(t, "page", err)
		if len(page.MetricAlarms) > 2 {
			t.Errorf("a page of %d", len(page.MetricAlarms))
		}
		for _, a := range page.MetricAlarms {
			got = append(got, *a.AlarmName)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, got); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	_, err := s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{NextToken: ptr("x")})
	refused(t, "token", err, "InvalidNextToken", "The specified next token is invalid.")
	_, err = s.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{MaxRecords: ptr(int32(101))})
	refused(t, "limit", err, "ValidationError",
		"1 validation error detected: Value '101' at 'maxRecords' failed to satisfy constraint: Member must have value less than or equal to 100")
	_, err = s.DescribeAlarmHistory(ctx, &cw.DescribeAlarmHistoryInput{AlarmContributorId: ptr("x")})
	refused(t, "contributor", err, "ValidationError", "AlarmContributorId is not supported by this server.")
	// Another account has no alarms.
	out, err := s.client("111111111111", region).DescribeAlarms(ctx, &cw.DescribeAlarmsInput{})
	ok(t, "another account", err)
	if len(out.MetricAlarms) != 0 {
		t.Errorf("another account sees %+v", out.MetricAlarms)
	}
}

func TestAlarmErrors(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	_, err := s.SetAlarmState(ctx, &cw.SetAlarmStateInput{AlarmName: ptr("none"), StateValue: "OK", StateReason: ptr("x")})
	refused(t, "state of none", err, "ResourceNotFound", "The named resource does not exist.")
	_, err = s.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{"none"}})
	refused(t, "delete none", err, "ResourceNotFound", "The named resource does not exist.")
	_, err = s.ListTagsForResource(ctx, &cw.ListTagsForResourceInput{ResourceARN: ptr(arn("none"))})
	refused(t, "tags of none", err, "ResourceNotFoundException", "The named resource does not exist.")
	_, err = s.PutMetricAlarm(ctx, errorsAlarm("a"))
	ok(t, "put", err)
	_, err = s.SetAlarmState(ctx, &cw.SetAlarmStateInput{AlarmName: ptr("a"), StateValue: "OK", StateReason: ptr("x"), StateReasonData: ptr("{")})
	refused(t, "reason data", err, "InvalidFormat", "StateReasonData must be valid JSON.")
	_, err = s.TagResource(ctx, &cw.TagResourceInput{ResourceARN: ptr(arn("a")), Tags: []types.Tag{{Key: ptr("aws:x"), Value: ptr("x")}}})
	refused(t, "reserved tag", err, "InvalidParameterValue", "Tag keys that begin with aws: are reserved: aws:x.")
	_, err = s.TagResource(ctx, &cw.TagResourceInput{ResourceARN: ptr(arn("a")), Tags: []types.Tag{{Key: ptr("x"), Value: ptr("x")}, {Key: ptr("x"), Value: ptr("y")}}})
	refused(t, "tag twice", err, "ValidationError", "Tag keys must be unique: x")
}
