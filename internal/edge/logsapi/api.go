package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/anomalies"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/exports"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/lookups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
	"github.com/cumulog/cumulog/internal/service/schedules"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// Services are what the operations call.
type Services struct {
	Groups        *groups.Service
	Ingest        *ingest.Service
	Events        *events.Service
	Explore       *explore.Service
	Exports       *exports.Service
	Lookups       *lookups.Service
	Indexes       *fieldindex.Service
	Schedules     *schedules.Service
	Insights      *insights.Service
	Anomalies     *anomalies.Service
	Filters       *metricfilters.Service
	Subscriptions *subscriptions.Service
	Tails         *livetail.Service
	Faults        *awshttp.Faults // nil: none
}

// API answers the operations of CloudWatch Logs.
type API struct {
	groups        *groups.Service
	ingest        *ingest.Service
	events        *events.Service
	explore       *explore.Service
	exports       *exports.Service
	lookups       *lookups.Service
	indexes       *fieldindex.Service
	schedules     *schedules.Service
	insights      *insights.Service
	anomalies     *anomalies.Service
	filters       *metricfilters.Service
	subscriptions *subscriptions.Service
	tails         *livetail.Service
	faults        *awshttp.Faults
}

// New returns the API over services. With no services at all it can still say
// which operations are built.
func New(s Services) *API {
	return &API{groups: s.Groups, ingest: s.Ingest, events: s.Events, explore: s.Explore, exports: s.Exports, lookups: s.Lookups, indexes: s.Indexes, schedules: s.Schedules, insights: s.Insights, anomalies: s.Anomalies, filters: s.Filters, subscriptions: s.Subscriptions, tails: s.Tails, faults: s.Faults}
}

// Service returns what awshttp needs to serve the API.
func (a *API) Service() awshttp.Service {
	return awshttp.Service{
		TargetPrefix: logswire.TargetPrefix,
		SigningName:  logswire.SigningName,
		Operations:   a.operations(),
		Known:        logswire.Lookup,
		MapError:     mapError,
	}
}

// scopeOf returns the account and region that a request belongs to.
func scopeOf(ctx context.Context) logs.Scope { return awshttp.CallerFrom(ctx).Scope }

// optional returns a pointer to v, or nil for the zero value, which the answer
// then leaves out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
