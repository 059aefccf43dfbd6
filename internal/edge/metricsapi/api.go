// Package metricsapi answers the operations of CloudWatch: metrics, alarms and
// dashboards. It translates between the shapes of metricswire and the services, whatever
// protocol a request came in; awshttp knows the protocols.
//
// Constraint failures are told as the real service tells them: PutMetricData,
// GetMetricStatistics and others with errors for parameters have sentences of their own
// ("The parameter Namespace is required."), all others answer ValidationError.
package metricsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// Services are what the operations call.
type Services struct {
	Metrics *metrics.Service
	Alarms  *alarms.Service
}

// API answers the operations of CloudWatch.
type API struct {
	metrics *metrics.Service
	alarms  *alarms.Service
}

// New returns the API over services. With no services at all it can still say
// which operations are built.
func New(s Services) *API {
	return &API{metrics: s.Metrics, alarms: s.Alarms}
}

// Service returns what awshttp needs to serve the API.
func (a *API) Service() awshttp.ShapeService {
	return awshttp.ShapeService{
		TargetPrefix: metricswire.TargetPrefix,
		SigningName:  metricswire.SigningName,
		Version:      metricswire.Version,
		Namespace:    metricswire.Namespace,
		Operations:   a.operations(),
		Known:        metricswire.Lookup,
		MapError:     mapError,
		Errors:       &awsproto.Errors{Namespace: metricswire.ShapeNamespace, Known: metricswire.ErrorInfo},
	}
}

// scopeOf returns the account and region that a request belongs to.
func scopeOf(ctx context.Context) logs.Scope { return awshttp.CallerFrom(ctx).Scope }

// value returns what p points to, the zero value for nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// optional returns a pointer to v, or nil for the zero value, which the answer
// then leaves out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// some returns a list that is present.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// millis returns a time that the answer leaves out when it is 0.
func millis(ms int64) *awsproto.Millis { return optional(awsproto.Millis(ms)) }

// validationf returns the error for a request that the model allows and the service does not.
func validationf(format string, args ...any) error {
	return awsproto.Errorf(awsproto.CodeValidationError, format, args...)
}

// refuse returns an error for a member that is present and that this server does not
// know how to obey.
func refuse(members map[string]bool) error {
	for _, name := range sortedKeys(members) {
		if members[name] {
			return validationf("%s is not supported by this server.", name)
		}
	}
	return nil
}
