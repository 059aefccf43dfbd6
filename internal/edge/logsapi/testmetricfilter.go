package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

// testMetricFilter numbers events from 0, as the samples of the API reference do.
func (a *API) testMetricFilter(_ context.Context, in *logswire.TestMetricFilterInput) (*logswire.TestMetricFilterOutput, error) {
	matches, err := patterns.Test(value(in.FilterPattern), in.LogEventMessages)
	if err != nil {
		return nil, err
	}
	out := &logswire.TestMetricFilterOutput{Matches: make([]logswire.MetricFilterMatchRecord, len(matches))}
	for i := range matches {
		m := &matches[i]
		number := int64(m.Number)
		out.Matches[i] = logswire.MetricFilterMatchRecord{EventNumber: &number, EventMessage: &m.Message, ExtractedValues: m.Values}
	}
	return out, nil
}
