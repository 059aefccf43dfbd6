package logsapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMetricFilters(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	s.group(t, "other")
	put := func(group, name, pattern string, m types.MetricTransformation) {
		t.Helper()
		if m.MetricName == nil {
			m.MetricName = &name
		}
		m.MetricNamespace = ptr("App")
		_, err := s.PutMetricFilter(ctx, &cwl.PutMetricFilterInput{
			LogGroupName: &group, FilterName: &name, FilterPattern: &pattern, MetricTransformations: []types.MetricTransformation{m},
		})
		ok(t, "put "+name, err)
	}
	created := s.ms.Load()
	put("app", "latency", "{ $.latency = * && $.path = * }", types.MetricTransformation{
		MetricValue: ptr("$.latency"), Unit: types.StandardUnitMilliseconds, Dimensions: map[string]string{"Path": "$.path"},
	})
	put("app", "errors", "ERROR", types.MetricTransformation{MetricValue: ptr("1"), DefaultValue: ptr(0.0)})
	put("other", "errors", "", types.MetricTransformation{MetricValue: ptr("2.5")})
	s.sleep(time.Minute)
	put("app", "errors", "?ERROR ?WARN", types.MetricTransformation{MetricValue: ptr("1"), DefaultValue: ptr(0.0)})

	describe := func(in cwl.DescribeMetricFiltersInput) []types.MetricFilter {
		t.Helper()
		var all []types.MetricFilter
		p := cwl.NewDescribeMetricFiltersPaginator(s, &in)
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			ok(t, "describe", err)
			all = append(all, page.MetricFilters...)
		}
		return all
	}
	want := []types.MetricFilter{
		{
			FilterName: ptr("errors"), FilterPattern: ptr("?ERROR ?WARN"), LogGroupName: ptr("app"), CreationTime: &created,
			MetricTransformations: []types.MetricTransformation{{MetricName: ptr("errors"), MetricNamespace: ptr("App"), MetricValue: ptr("1"), DefaultValue: ptr(0.0)}},
		},
		{
			FilterName: ptr("latency"), FilterPattern: ptr("{ $.latency = * && $.path = * }"), LogGroupName: ptr("app"), CreationTime: &created,
			MetricTransformations: []types.MetricTransformation{{
				MetricName: ptr("latency"), MetricNamespace: ptr("App"), MetricValue: ptr("$.latency"), Unit: types.StandardUnitMilliseconds,
				Dimensions: map[string]string{"Path": "$.path"},
			}},
		},
	}
	if d := cmp.Diff(want, describe(cwl.DescribeMetricFiltersInput{LogGroupName: ptr("app"), Limit: ptr(int32(1))}),
		cmpopts.IgnoreUnexported(types.MetricFilter{}, types.MetricTransformation{})); d != "" {
		t.Errorf("filters (-want +got):\n%s", d)
	}
	count := func(what string, want int, in cwl.DescribeMetricFiltersInput) {
		t.Helper()
		if n := len(describe(in)); n != want {
			t.Errorf("%s: %d filters, want %d", what, n, want)
		}
	}
	count("account", 3, cwl.DescribeMetricFiltersInput{})
	count("prefix", 1, cwl.DescribeMetricFiltersInput{LogGroupName: ptr("app"), FilterNamePrefix: ptr("lat")})
	count("metric", 2, cwl.DescribeMetricFiltersInput{MetricName: ptr("errors"), MetricNamespace: ptr("App")})
	groups, err := s.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{})
	ok(t, "describe groups", err)
	for i, want := range []int32{2, 1} {
		if n := *groups.LogGroups[i].MetricFilterCount; n != want {
			t.Errorf("%s has %d metric filters, want %d", *groups.LogGroups[i].LogGroupName, n, want)
		}
	}

	remove := func(group, name string) error {
		_, err := s.DeleteMetricFilter(ctx, &cwl.DeleteMetricFilterInput{LogGroupName: &group, FilterName: &name})
		return err
	}
	ok(t, "delete", remove("app", "errors"))
	refused(t, "delete again", remove("app", "errors"), "ResourceNotFoundException", "The specified metric filter does not exist.")
	refused(t, "delete of no group", remove("none", "errors"), "ResourceNotFoundException", "The specified log group does not exist.")
	count("after the deletion", 1, cwl.DescribeMetricFiltersInput{LogGroupName: ptr("app")})
}

func TestMetricFilterErrors(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	s.group(t, "app")
	_, err := s.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("ia"), LogGroupClass: types.LogGroupClassInfrequentAccess})
	ok(t, "create", err)
	put := func(what, code, text string, change func(in *cwl.PutMetricFilterInput, m *types.MetricTransformation)) {
		t.Helper()
		in := &cwl.PutMetricFilterInput{
			LogGroupName: ptr("app"), FilterName: ptr("f"), FilterPattern: ptr("{ $.a = * }"),
			MetricTransformations: []types.MetricTransformation{{MetricName: ptr("m"), MetricNamespace: ptr("n"), MetricValue: ptr("1")}},
		}
		change(in, &in.MetricTransformations[0])
		_, err := s.PutMetricFilter(ctx, in)
		if e, ok := errors.AsType[smithy.APIError](err); text == "" && ok && strings.HasPrefix(e.ErrorMessage(), "1 validation error detected: ") {
			text = e.ErrorMessage()
		}
		refused(t, what, err, code, text)
	}
	type (
		input  = *cwl.PutMetricFilterInput
		metric = *types.MetricTransformation
	)
	put("pattern", invalid, "Invalid metric filter pattern", func(in input, _ metric) { in.FilterPattern = ptr("{ $.a = }") })
	put("namespace", invalid, "Metric namespaces starting with AWS/ are reserved for AWS.", func(_ input, m metric) { m.MetricNamespace = ptr("AWS/Logs") })
	put("default and dimensions", invalid, "Invalid metric transformation: dimensions and default value are mutually exclusive properties",
		func(_ input, m metric) { m.DefaultValue, m.Dimensions = ptr(1.0), map[string]string{"A": "$.a"} })
	put("selector", invalid, "Invalid metric transformation: dimension value must be valid selector",
		func(_ input, m metric) { m.Dimensions = map[string]string{"A": "a"} })
	put("terms", invalid, "The specified filter pattern does not support dimensions",
		func(in input, m metric) { in.FilterPattern, m.Dimensions = ptr("a"), map[string]string{"A": "$.a"} })
	put("criteria", invalid, "The provided field selection criteria is invalid", func(in input, _ metric) { in.FieldSelectionCriteria = ptr("x") })
	put("transformer", "InvalidOperationException", "applyOnTransformedLogs can only be used with a log group that has a transformer.",
		func(in input, _ metric) { in.ApplyOnTransformedLogs = true })
	put("group", "ResourceNotFoundException", "The specified log group does not exist.", func(in input, _ metric) { in.LogGroupName = ptr("none") })
	put("class", "ValidationException", "This operation is only supported on the Standard log class.", func(in input, _ metric) { in.LogGroupName = ptr("ia") })
	put("two transformations", invalid, "", func(in input, m metric) { in.MetricTransformations = append(in.MetricTransformations, *m) })
	put("long pattern", invalid, "", func(in input, _ metric) { in.FilterPattern = ptr(strings.Repeat("a", 1025)) })
	put("unit", invalid, "", func(_ input, m metric) { m.Unit = "Parsec" })

	_, err = s.DescribeMetricFilters(ctx, &cwl.DescribeMetricFiltersInput{MetricName: ptr("m")})
	refused(t, "half of a metric", err, invalid, "metricName and metricNamespace can only be used together.")
	_, err = s.DescribeMetricFilters(ctx, &cwl.DescribeMetricFiltersInput{NextToken: ptr("x")})
	refused(t, "token", err, invalid, "The specified nextToken is invalid.")
	_, err = s.DescribeMetricFilters(ctx, &cwl.DescribeMetricFiltersInput{LogGroupName: ptr("ia")})
	refused(t, "describe of a class", err, "ValidationException", "This operation is only supported on the Standard log class.")
}
