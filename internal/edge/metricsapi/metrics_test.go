package metricsapi_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// publish puts data in the namespace App.
func (s *stack) publish(t *testing.T, data ...types.MetricDatum) {
	t.Helper()
	_, err := s.PutMetricData(context.Background(), &cw.PutMetricDataInput{Namespace: ptr("App"), MetricData: data})
	ok(t, "publish", err)
}

// at returns the time of the clock, moved.
func (s *stack) at(d time.Duration) *time.Time {
	t := time.UnixMilli(s.ms.Load()).UTC().Add(d)
	return &t
}

func dims(pairs ...string) []types.Dimension {
	var out []types.Dimension
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Dimension{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return out
}

func TestPutAndStatistics(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	s.publish(t,
		types.MetricDatum{MetricName: ptr("latency"), Value: ptr(3.5), Unit: types.StandardUnitMilliseconds, Timestamp: s.at(-2 * time.Minute), Dimensions: dims("Service", "orders")},
		types.MetricDatum{MetricName: ptr("latency"), Values: []float64{1, 2, 10}, Counts: []float64{1, 2, 1}, Unit: types.StandardUnitMilliseconds, Timestamp: s.at(-2*time.Minute + 30*time.Second), Dimensions: dims("Service", "orders")},
		types.MetricDatum{MetricName: ptr("latency"), StatisticValues: &types.StatisticSet{SampleCount: ptr(4.0), Sum: ptr(10.0), Minimum: ptr(1.0), Maximum: ptr(4.0)}, Unit: types.StandardUnitMilliseconds, Timestamp: s.at(-time.Minute), Dimensions: dims("Service", "orders")},
	)
	in := &cw.GetMetricStatisticsInput{
		Namespace: ptr("App"), MetricName: ptr("latency"), Dimensions: dims("Service", "orders"),
		StartTime: s.at(-time.Hour), EndTime: s.at(0), Period: ptr(int32(60)),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount, types.StatisticAverage, types.StatisticMinimum, types.StatisticMaximum},
	}
	out, err := s.GetMetricStatistics(ctx, in)
	ok(t, "statistics", err)
	want := []types.Datapoint{
		{Timestamp: s.at(-2 * time.Minute), Unit: types.StandardUnitMilliseconds, Sum: ptr(18.5), SampleCount: ptr(5.0), Average: ptr(3.7), Minimum: ptr(1.0), Maximum: ptr(10.0)},
		{Timestamp: s.at(-time.Minute), Unit: types.StandardUnitMilliseconds, Sum: ptr(10.0), SampleCount: ptr(4.0), Average: ptr(2.5), Minimum: ptr(1.0), Maximum: ptr(4.0)},
	}
	if diff := cmp.Diff(want, out.Datapoints, cmpopts.IgnoreUnexported(types.Datapoint{})); diff != "" || *out.Label != "latency" {
		t.Errorf("label %s, datapoints (-want +got):\n%s", *out.Label, diff)
	}
	in.Statistics, in.ExtendedStatistics = nil, []string{"p50", "tm90"}
	out, err = s.GetMetricStatistics(ctx, in)
	ok(t, "percentiles", err)
	if len(out.Datapoints) != 1 || len(out.Datapoints[0].ExtendedStatistics) != 2 || out.Datapoints[0].Sum != nil {
		t.Errorf("percentiles: %+v", out.Datapoints)
	}
	in.MetricName = ptr("none")
	out, err = s.GetMetricStatistics(ctx, in)
	ok(t, "none", err)
	if out.Datapoints == nil || len(out.Datapoints) != 0 {
		t.Errorf("none: %+v", out)
	}
}

func TestListMetrics(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	var data []types.MetricDatum
	for i := range 501 {
		data = append(data, types.MetricDatum{MetricName: ptr("m"), Value: ptr(1.0), Dimensions: dims("Host", fmt.Sprintf("h%03d", i))})
	}
	s.publish(t, data...)
	s.publish(t, types.MetricDatum{MetricName: ptr("other"), Value: ptr(1.0)})
	seen := map[string]int{}
	pages := cw.NewListMetricsPaginator(s, &cw.ListMetricsInput{Namespace: ptr("App"), MetricName: ptr("m"), Dimensions: []types.DimensionFilter{{Name: ptr("Host")}}})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		ok(t, "page", err)
		if want := []int{500, 1}[n]; len(page.Metrics) != want {
			t.Errorf("page %d has %d metrics, want %d", n, len(page.Metrics), want)
		}
		for _, m := range page.Metrics {
			seen[*m.Dimensions[0].Value]++
		}
	}
	if len(seen) != 501 {
		t.Errorf("saw %d metrics", len(seen))
	}
	out, err := s.ListMetrics(ctx, &cw.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h, MetricName: ptr("other"), IncludeLinkedAccounts: ptr(true)})
	ok(t, "list", err)
	if len(out.Metrics) != 1 || *out.Metrics[0].Namespace != "App" || len(out.Metrics[0].Dimensions) != 0 || len(out.OwningAccounts) != 1 || out.OwningAccounts[0] != account {
		t.Errorf("got %+v", out)
	}
	_, err = s.ListMetrics(ctx, &cw.ListMetricsInput{NextToken: ptr("*")})
	refused(t, "token", err, "InvalidParameterValue", "The specified nextToken is invalid.")
	_, err = s.ListMetrics(ctx, &cw.ListMetricsInput{OwningAccount: ptr("111111111111")})
	refused(t, "another account", err, "InvalidParameterValue", "Metrics of another account are not supported by this server: 111111111111")
	out, err = s.client(account, "eu-west-1").ListMetrics(ctx, &cw.ListMetricsInput{})
	ok(t, "another region", err)
	if len(out.Metrics) != 0 {
		t.Errorf("another region sees %+v", out.Metrics)
	}
}

func TestPutMetricDataErrors(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	check := func(what string, change func(*cw.PutMetricDataInput, *types.MetricDatum), code, text string) {
		t.Helper()
		in := &cw.PutMetricDataInput{Namespace: ptr("App"), MetricData: []types.MetricDatum{{MetricName: ptr("m"), Value: ptr(1.0)}}}
		change(in, &in.MetricData[0])
		_, err := s.PutMetricData(ctx, in)
		refused(t, what, err, code, text)
	}
	const (
		missing     = "MissingParameter"
		invalid     = "InvalidParameterValue"
		combination = "InvalidParameterCombination"
		first       = "MetricData.member.1."
	)
	check("namespace", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { in.Namespace = ptr("") }, missing, "The parameter Namespace is required.")
	check("AWS", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { in.Namespace = ptr("AWS/Logs") }, invalid, "The value AWS/ for parameter Namespace is invalid.")
	check("no data", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { in.MetricData = nil }, missing, "The parameter MetricData is required.")
	check("NaN", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { d.Value = ptr(math.NaN()) }, invalid, "The value NaN for parameter "+first+"Value is invalid.")
	check("names", func(in *cw.PutMetricDataInput, d *types.MetricDatum) {
		d.MetricName, d.Dimensions = ptr(""), dims("a", "", "", "b")
	}, missing, "The parameter "+first+"MetricName is required.\nThe parameter "+first+"Dimensions.member.1.Value is required.\nThe parameter "+first+"Dimensions.member.2.Name is required.")
	check("lengths", func(in *cw.PutMetricDataInput, d *types.MetricDatum) {
		d.MetricName, d.Dimensions = ptr(strings.Repeat("m", 256)), dims("a", strings.Repeat("v", 1025))
	}, invalid, "The parameter "+first+"MetricName must be shorter than 256 characters.\nThe parameter "+first+"Dimensions.member.1.Value must be shorter than 1025 characters.")
	check("unit", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { d.Unit = "Furlongs" }, invalid,
		"The parameter "+first+"Unit must be a value in the set [ Seconds, Microseconds, Milliseconds, Bytes, Kilobytes, Megabytes, Gigabytes, Terabytes, "+
			"Bits, Kilobits, Megabits, Gigabits, Terabits, Percent, Count, Bytes/Second, Kilobytes/Second, Megabytes/Second, Gigabytes/Second, Terabytes/Second, "+
			"Bits/Second, Kilobits/Second, Megabits/Second, Gigabits/Second, Terabits/Second, Count/Second, None ].")
	check("dimensions", func(in *cw.PutMetricDataInput, d *types.MetricDatum) {
		for i := range 31 {
			d.Dimensions = append(d.Dimensions, dims(fmt.Sprint("d", i), "v")...)
		}
	}, invalid, "The collection "+first+"Dimensions must not have a size greater than 30.")
	check("values", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { d.Value, d.Values = nil, make([]float64, 151) }, invalid,
		"The collection "+first+"Values must not have a size greater than 150.")
	check("both", func(in *cw.PutMetricDataInput, d *types.MetricDatum) {
		d.StatisticValues = &types.StatisticSet{SampleCount: ptr(1.0), Sum: ptr(1.0), Minimum: ptr(1.0), Maximum: ptr(1.0)}
	}, combination, "The parameters "+first+"Value and "+first+"StatisticValues are mutually exclusive and you have specified both.")
	check("resolution", func(in *cw.PutMetricDataInput, d *types.MetricDatum) { d.StorageResolution = ptr(int32(0)) }, invalid,
		"The parameter "+first+"StorageResolution must be greater than or equal to 1.")
	check("1001 data", func(in *cw.PutMetricDataInput, d *types.MetricDatum) {
		for len(in.MetricData) <= 1000 {
			in.MetricData = append(in.MetricData, *d)
		}
	}, invalid, "The collection MetricData must not have a size greater than 1000.")
	_, err := s.GetMetricStatistics(ctx, &cw.GetMetricStatisticsInput{
		Namespace: ptr("App"), MetricName: ptr("m"), StartTime: s.at(-time.Hour), EndTime: s.at(0), Period: ptr(int32(0)), Statistics: []types.Statistic{"Median"},
	})
	refused(t, "statistics", err, invalid, "The parameter Period must be greater than or equal to 1.\nThe parameter Statistics.member.1 must be a value in the set [ SampleCount, Average, Sum, Minimum, Maximum ].")
}

// Data with an entity are data like all others.
func TestEntityMetricData(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	_, err := s.PutMetricData(ctx, &cw.PutMetricDataInput{Namespace: ptr("App"), EntityMetricData: []types.EntityMetricData{{
		Entity:     &types.Entity{KeyAttributes: map[string]string{"Type": "Service", "Name": "orders"}, Attributes: map[string]string{"a": "b"}},
		MetricData: []types.MetricDatum{{MetricName: ptr("m"), Value: ptr(1.0)}},
	}}})
	ok(t, "put", err)
	out, err := s.ListMetrics(ctx, &cw.ListMetricsInput{Namespace: ptr("App")})
	ok(t, "list", err)
	if len(out.Metrics) != 1 {
		t.Errorf("got %+v", out.Metrics)
	}
}

func TestGetMetricData(t *testing.T) {
	s, ctx := newStack(t), context.Background()
	for i := range 3 {
		at := s.at(time.Duration(i-5) * time.Minute)
		s.publish(t,
			types.MetricDatum{MetricName: ptr("errors"), Value: ptr(float64(i)), Timestamp: at},
			types.MetricDatum{MetricName: ptr("requests"), Value: ptr(10.0), Timestamp: at},
		)
	}
	stat := func(name string) *types.MetricStat {
		return &types.MetricStat{Metric: &types.Metric{Namespace: ptr("App"), MetricName: &name}, Period: ptr(int32(60)), Stat: ptr("Sum")}
	}
	in := &cw.GetMetricDataInput{
		StartTime: s.at(-time.Hour), EndTime: s.at(0), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{
			{Id: ptr("e"), MetricStat: stat("errors"), ReturnData: ptr(false)},
			{Id: ptr("r"), MetricStat: stat("requests")},
			{Id: ptr("rate"), Expression: ptr("100*e/r"), Label: ptr("error rate")},
		},
	}
	out, err := s.GetMetricData(ctx, in)
	ok(t, "data", err)
	when := []time.Time{*s.at(-5 * time.Minute), *s.at(-4 * time.Minute), *s.at(-3 * time.Minute)}
	want := []types.MetricDataResult{
		{Id: ptr("r"), Label: ptr("requests"), Timestamps: when, Values: []float64{10, 10, 10}, StatusCode: types.StatusCodeComplete},
		{Id: ptr("rate"), Label: ptr("error rate"), Timestamps: when, Values: []float64{0, 10, 20}, StatusCode: types.StatusCodeComplete},
	}
	if diff := cmp.Diff(want, out.MetricDataResults, cmpopts.IgnoreUnexported(types.MetricDataResult{})); diff != "" || out.NextToken != nil {
		t.Errorf("results (-want +got):\n%s", diff)
	}

	in.MaxDatapoints = ptr(int32(2))
	values := map[string][]float64{}
	pages := cw.NewGetMetricDataPaginator(s, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		ok(t, "page", err)
		n := 0
		for _, r := range page.MetricDataResults {
			values[*r.Id] = append(values[*r.Id], r.Values...)
			n += len(r.Values)
		}
		if n > 2 {
			t.Errorf("a page of %d datapoints", n)
		}
	}
	if diff := cmp.Diff(map[string][]float64{"r": {10, 10, 10}, "rate": {0, 10, 20}}, values); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	in.NextToken = ptr("*")
	_, err = s.GetMetricData(ctx, in)
	refused(t, "token", err, "InvalidNextToken", "The specified nextToken is invalid.")
	in.NextToken, in.MetricDataQueries = nil, nil
	in.MetricDataQueries = []types.MetricDataQuery{{Id: ptr("Big"), Expression: ptr("1")}}
	_, err = s.GetMetricData(ctx, in)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "ValidationError" {
		t.Errorf("id: got %v", err)
	}
}
