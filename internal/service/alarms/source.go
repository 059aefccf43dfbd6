package alarms

import (
	"context"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// source is Metrics over the metrics of the server.
type source struct{ metrics *metrics.Service }

// FromMetrics returns Metrics over a metrics service.
func FromMetrics(s *metrics.Service) Metrics { return source{s} }

// Check implements Metrics.
func (s source) Check(ctx context.Context, scope logs.Scope, queries []Query) error {
	return s.metrics.Check(ctx, scope, metricQueries(queries), true)
}

// Datapoints implements Metrics.
func (s source) Datapoints(ctx context.Context, scope logs.Scope, queries []Query, _, start, end int64) ([]Datapoint, error) {
	results, err := s.metrics.Evaluate(ctx, scope, metricQueries(queries), start, end)
	if bad, ok := errors.AsType[*metrics.Error](err); ok {
		return nil, &ConfigurationError{bad.Message}
	}
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, &ConfigurationError{fmt.Sprintf("The expression of the alarm returned %d time series, not one.", len(results))}
	}
	r := &results[0]
	out := make([]Datapoint, len(r.Timestamps))
	for i := range out {
		out[i] = Datapoint{StartMS: r.Timestamps[i], Value: r.Values[i]}
	}
	return out, nil
}

func metricQueries(queries []Query) []metrics.Query {
	out := make([]metrics.Query, len(queries))
	for i := range queries {
		q := &queries[i]
		out[i] = metrics.Query{ID: q.ID, Expression: q.Expression, Hidden: !q.ReturnData, Period: int(q.Period)}
		if q.Label != "" {
			out[i].Label = &q.Label
		}
		if s := q.Stat; s != nil {
			dimensions := make([]metrics.Dimension, len(s.Dimensions))
			for k, d := range s.Dimensions {
				dimensions[k] = metrics.Dimension{Name: d.Name, Value: d.Value}
			}
			out[i].Stat = &metrics.MetricStat{
				Metric: metrics.Metric{Namespace: s.Namespace, Name: s.MetricName, Dimensions: dimensions},
				Period: int(s.Period), Stat: s.Stat, Unit: s.Unit,
			}
		}
	}
	return out
}
