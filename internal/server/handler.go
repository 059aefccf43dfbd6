package server

import (
	"net/http"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/consoleapi"
	"github.com/cumulog/cumulog/internal/edge/logsapi"
	"github.com/cumulog/cumulog/internal/edge/metricsapi"
	"github.com/cumulog/cumulog/internal/edge/s3api"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/edge/stsapi"
	"github.com/cumulog/cumulog/internal/service/access"
)

// consolePath is where the operations of the console API stand.
const consolePath = "/_/api/"

// handler is the one port: every protocol behind one router. token admits to the admin API.
func (c *components) handler(token string) http.Handler {
	options := awshttp.Options{
		Auth:    awshttp.Open(c.cfg.Account, c.cfg.Region),
		Logger:  c.log.With("component", "http"),
		Observe: c.metrics.observe,
	}
	s3 := s3api.Options{Objects: c.objects, Account: c.cfg.Account, Region: c.cfg.Region, Logger: c.log.With("component", "s3")}
	if c.cfg.Auth == config.AuthRequired {
		verifier := &sigv4.Verifier{Keys: c.access, NotFound: access.ErrNotFound}
		options.Auth, s3.Verifier = awshttp.Required(verifier), verifier
	}
	api := logsapi.New(logsapi.Services{Groups: c.groups, Ingest: c.ingest, Events: c.events, Explore: c.explore, Exports: c.exports, Lookups: c.lookups, Indexes: c.indexes, Schedules: c.schedules, Insights: c.insights, Filters: c.filters, Subscriptions: c.subscriptions, Tails: c.tails, Anomalies: c.anomalies, Faults: c.faults})
	console := consoleapi.New(c.events, c.explore, c.insights, c.tails, c.subscriptions).Service()
	metrics := c.faults.IntoShapes(metricsapi.New(metricsapi.Services{Metrics: c.datapoints, Alarms: c.alarms}).Service())
	bodies := newRooms(int64(c.cfg.Memory))
	calls := bodies.admit(awshttp.NewHandler(options, c.faults.Into(api.Service()), metrics.RPC(), console))
	return awshttp.NewRouter(awshttp.RouterOptions{
		JSON:  calls,
		Query: bodies.admit(awshttp.NewQueryHandler(options, append(stsapi.Services(c.started), metrics.Query())...)),
		Admin: awshttp.ByPath(consolePath, console, calls, c.admin(token)),
		S3:    s3api.New(s3),
		Open:  c.cfg.Auth != config.AuthRequired,
	})
}
