package metricsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

func (a *API) getMetricData(ctx context.Context, in *metricswire.GetMetricDataInput) (*metricswire.GetMetricDataOutput, error) {
	r := metrics.DataRequest{
		Queries:   make([]metrics.Query, len(in.MetricDataQueries)),
		Start:     int64(value(in.StartTime)),
		End:       int64(value(in.EndTime)),
		Ascending: value(in.ScanBy) == metricswire.ScanByTimestampAscending,
		Max:       int(value(in.MaxDatapoints)),
		NextToken: value(in.NextToken),
	}
	if in.LabelOptions != nil {
		r.Timezone = value(in.LabelOptions.Timezone)
	}
	for i := range in.MetricDataQueries {
		r.Queries[i] = dataQuery(&in.MetricDataQueries[i])
	}
	page, err := a.metrics.Data(ctx, scopeOf(ctx), r)
	if err != nil {
		return nil, err
	}
	out := &metricswire.GetMetricDataOutput{
		MetricDataResults: make([]metricswire.MetricDataResult, len(page.Results)),
		NextToken:         optional(page.NextToken),
		Messages:          some(messages(page.Messages)),
	}
	for i := range page.Results {
		res := &page.Results[i]
		status := string(res.Status)
		out.MetricDataResults[i] = metricswire.MetricDataResult{
			Id:         &res.ID,
			Label:      &res.Label,
			Timestamps: times(res.Timestamps),
			Values:     some(res.Values),
			StatusCode: &status,
			Messages:   messages(res.Messages),
		}
	}
	return out, nil
}

func dataQuery(in *metricswire.MetricDataQuery) metrics.Query {
	q := metrics.Query{
		ID:         value(in.Id),
		Expression: value(in.Expression),
		Label:      in.Label,
		Hidden:     in.ReturnData != nil && !*in.ReturnData,
		Period:     int(value(in.Period)),
		AccountID:  value(in.AccountId),
	}
	if s := in.MetricStat; s != nil {
		q.Stat = &metrics.MetricStat{
			Metric: metrics.Metric{Namespace: value(s.Metric.Namespace), Name: value(s.Metric.MetricName), Dimensions: dimensions(s.Metric.Dimensions)},
			Period: int(value(s.Period)),
			Stat:   value(s.Stat),
			Unit:   value(s.Unit),
		}
	}
	return q
}

func times(ms []int64) []awsproto.Millis {
	out := make([]awsproto.Millis, len(ms))
	for i, t := range ms {
		out[i] = awsproto.Millis(t)
	}
	return out
}

// messages returns nil when there are none, which the answer leaves out.
func messages(in []metrics.Message) []metricswire.MessageData {
	var out []metricswire.MessageData
	for i := range in {
		out = append(out, metricswire.MessageData{Code: &in[i].Code, Value: &in[i].Value})
	}
	return out
}
