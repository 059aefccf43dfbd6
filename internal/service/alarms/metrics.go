package alarms

import (
	"context"

	"github.com/cumulog/cumulog/internal/logs"
)

// Datapoint is a value of a window.
type Datapoint struct {
	StartMS int64
	Value   float64
}

// Metrics computes what alarms watch.
type Metrics interface {
	// Check refuses queries that can never be computed. Its error says why in a sentence.
	Check(ctx context.Context, scope logs.Scope, queries []Query) error
	// Datapoints returns the values of the query that returns data, by time and without gaps filled, in windows of
	// period from start to end (ms); both are multiples of a minute, or of ten seconds when the period
	// is shorter. An error that will last until the alarm is changed is a *ConfigurationError.
	Datapoints(ctx context.Context, scope logs.Scope, queries []Query, period, start, end int64) ([]Datapoint, error)
}

// A ConfigurationError says that an alarm cannot be evaluated as it is configured.
type ConfigurationError struct{ Message string }

func (e *ConfigurationError) Error() string { return e.Message }
