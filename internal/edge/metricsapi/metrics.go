package metricsapi

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// putMetricData publishes metrics. Those that come with an entity are published like all
// others: this server keeps no entities (ours).
func (a *API) putMetricData(ctx context.Context, in *metricswire.PutMetricDataInput) (*metricswire.PutMetricDataOutput, error) {
	n := len(in.MetricData)
	for i := range in.EntityMetricData {
		n += len(in.EntityMetricData[i].MetricData)
	}
	data := make([]metrics.Datum, 0, n)
	data = appendData(data, in.MetricData)
	for i := range in.EntityMetricData {
		data = appendData(data, in.EntityMetricData[i].MetricData)
	}
	return nil, a.metrics.Put(ctx, scopeOf(ctx), value(in.Namespace), data)
}

func appendData(data []metrics.Datum, in []metricswire.MetricDatum) []metrics.Datum {
	for i := range in {
		d := &in[i]
		out := metrics.Datum{
			Name:       value(d.MetricName),
			Dimensions: dimensions(d.Dimensions),
			Timestamp:  (*int64)(d.Timestamp),
			Value:      d.Value,
			Values:     d.Values,
			Counts:     d.Counts,
			Unit:       value(d.Unit),
			Resolution: int(value(d.StorageResolution)),
		}
		if s := d.StatisticValues; s != nil {
			out.Statistics = &metrics.StatisticSet{SampleCount: value(s.SampleCount), Sum: value(s.Sum), Minimum: value(s.Minimum), Maximum: value(s.Maximum)}
		}
		data = append(data, out)
	}
	return data
}

func dimensions(in []metricswire.Dimension) []metrics.Dimension {
	if len(in) == 0 {
		return nil
	}
	out := make([]metrics.Dimension, len(in))
	for i := range in {
		out[i] = metrics.Dimension{Name: value(in[i].Name), Value: value(in[i].Value)}
	}
	return out
}

func wireMetric(m *metrics.Metric) metricswire.Metric {
	out := metricswire.Metric{Namespace: &m.Namespace, MetricName: &m.Name, Dimensions: make([]metricswire.Dimension, len(m.Dimensions))}
	for i := range m.Dimensions {
		out.Dimensions[i] = metricswire.Dimension{Name: &m.Dimensions[i].Name, Value: &m.Dimensions[i].Value}
	}
	return out
}

// listMetrics lists the metrics of the caller's account; no account is linked to it.
func (a *API) listMetrics(ctx context.Context, in *metricswire.ListMetricsInput) (*metricswire.ListMetricsOutput, error) {
	scope := scopeOf(ctx)
	if in.OwningAccount != nil && *in.OwningAccount != scope.Account {
		return nil, awsproto.Errorf(metricswire.CodeInvalidParameterValueException, "Metrics of another account are not supported by this server: %s", *in.OwningAccount)
	}
	r := metrics.ListRequest{
		Namespace:      value(in.Namespace),
		Name:           value(in.MetricName),
		RecentlyActive: in.RecentlyActive != nil,
		NextToken:      value(in.NextToken),
	}
	for i := range in.Dimensions {
		r.Dimensions = append(r.Dimensions, metrics.DimensionFilter{Name: value(in.Dimensions[i].Name), Value: value(in.Dimensions[i].Value)})
	}
	found, next, err := a.metrics.List(ctx, scope, r)
	if err != nil {
		return nil, tokenParameter(err)
	}
	out := &metricswire.ListMetricsOutput{Metrics: make([]metricswire.Metric, len(found)), NextToken: optional(next)}
	for i := range found {
		out.Metrics[i] = wireMetric(&found[i])
		if value(in.IncludeLinkedAccounts) {
			out.OwningAccounts = append(out.OwningAccounts, scope.Account)
		}
	}
	return out, nil
}

func (a *API) getMetricStatistics(ctx context.Context, in *metricswire.GetMetricStatisticsInput) (*metricswire.GetMetricStatisticsOutput, error) {
	label, points, err := a.metrics.Statistics(ctx, scopeOf(ctx), metrics.StatisticsRequest{
		Metric:     metrics.Metric{Namespace: value(in.Namespace), Name: value(in.MetricName), Dimensions: dimensions(in.Dimensions)},
		Start:      int64(value(in.StartTime)),
		End:        int64(value(in.EndTime)),
		Period:     int(value(in.Period)),
		Statistics: in.Statistics,
		Extended:   in.ExtendedStatistics,
		Unit:       value(in.Unit),
	})
	if err != nil {
		return nil, err
	}
	out := &metricswire.GetMetricStatisticsOutput{Label: &label, Datapoints: make([]metricswire.Datapoint, len(points))}
	for i := range points {
		p := &points[i]
		at := awsproto.Millis(p.Start)
		d := metricswire.Datapoint{Timestamp: &at, Unit: &p.Unit, ExtendedStatistics: p.Extended}
		for _, s := range []struct {
			name string
			to   **float64
			v    float64
		}{
			{metricswire.StatisticSampleCount, &d.SampleCount, p.SampleCount},
			{metricswire.StatisticAverage, &d.Average, p.Average},
			{metricswire.StatisticSum, &d.Sum, p.Sum},
			{metricswire.StatisticMinimum, &d.Minimum, p.Minimum},
			{metricswire.StatisticMaximum, &d.Maximum, p.Maximum},
		} {
			if slices.Contains(in.Statistics, s.name) {
				*s.to = &s.v
			}
		}
		out.Datapoints[i] = d
	}
	return out, nil
}
