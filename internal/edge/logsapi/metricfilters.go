package logsapi

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// errMetricParts: a metric is asked for by half of its name.
var errMetricParts = errors.New("metric name and namespace go together")

func (a *API) putMetricFilter(ctx context.Context, in *logswire.PutMetricFilterInput) (*logswire.PutMetricFilterOutput, error) {
	t := &in.MetricTransformations[0] // the model demands exactly one
	err := a.filters.Put(ctx, scopeOf(ctx), value(in.LogGroupName), metricfilters.Spec{
		Name:    value(in.FilterName),
		Pattern: value(in.FilterPattern),
		Transformation: metricfilters.Transformation{
			Namespace: value(t.MetricNamespace), Name: value(t.MetricName), Value: value(t.MetricValue),
			Default: t.DefaultValue, Dimensions: t.Dimensions, Unit: value(t.Unit),
		},
		Transformed: in.ApplyOnTransformedLogs,
		Criteria:    value(in.FieldSelectionCriteria),
		System:      in.EmitSystemFieldDimensions,
	})
	return nil, err
}

func (a *API) deleteMetricFilter(ctx context.Context, in *logswire.DeleteMetricFilterInput) (*logswire.DeleteMetricFilterOutput, error) {
	return nil, a.filters.Delete(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.FilterName))
}

func (a *API) describeMetricFilters(ctx context.Context, in *logswire.DescribeMetricFiltersInput) (*logswire.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, errMetricParts
	}
	r := metricfilters.DescribeRequest{
		Group: value(in.LogGroupName), Prefix: value(in.FilterNamePrefix), Token: in.NextToken, Limit: int(value(in.Limit)),
	}
	if in.MetricName != nil {
		r.Metric = &metricfilters.Metric{Namespace: *in.MetricNamespace, Name: *in.MetricName}
	}
	page, err := a.filters.Describe(ctx, scopeOf(ctx), r)
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeMetricFiltersOutput{MetricFilters: make([]logswire.MetricFilter, len(page.Filters)), NextToken: optional(page.Next)}
	for i := range page.Filters {
		out.MetricFilters[i] = metricFilter(&page.Filters[i])
	}
	return out, nil
}

func metricFilter(f *metricfilters.Filter) logswire.MetricFilter {
	t := &f.Transformation
	return logswire.MetricFilter{
		FilterName:    &f.Name,
		FilterPattern: &f.Pattern,
		MetricTransformations: []logswire.MetricTransformation{{
			MetricName: &t.Name, MetricNamespace: &t.Namespace, MetricValue: &t.Value,
			DefaultValue: t.Default, Dimensions: t.Dimensions, Unit: optional(t.Unit),
		}},
		CreationTime:              &f.CreatedMS,
		LogGroupName:              &f.Group,
		ApplyOnTransformedLogs:    f.Transformed,
		FieldSelectionCriteria:    optional(f.Criteria),
		EmitSystemFieldDimensions: f.System,
	}
}
