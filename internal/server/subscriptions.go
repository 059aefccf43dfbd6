package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// openSubscriptions starts what forwards events. It needs the targets and the store of metrics.
func (c *components) openSubscriptions() error {
	var err error
	c.subscriptions, err = subscriptions.New(subscriptions.Options{
		Catalog: c.catalog, Directory: c.groups, Feed: c.store.Store, Targets: c.targets, Count: c.countForwarded,
		Strict: c.cfg.StrictAWS, OwnAccount: c.cfg.Auth == config.AuthRequired, Memory: int64(c.cfg.Memory) / 16, Logger: c.log.With("component", "subscriptions"),
	})
	if err != nil {
		return err
	}
	c.runInBackground("subscriptions", c.subscriptions.Run)
	c.registry.MustRegister(newSubscriptionMeter(c.subscriptions.Statuses))
	return nil
}

// destinationTypes are what AWS calls the services of destinations in its metrics; others have the name of their connector.
var destinationTypes = map[string]string{"kinesis": "Kinesis", "firehose": "Firehose", "lambda": "Lambda"}

// countForwarded adds to the metrics ForwardedBytes, ForwardedLogEvents, DeliveryErrors and DeliveryThrottling.
func (c *components) countForwarded(ctx context.Context, counts []subscriptions.Forwarded) {
	now := time.Now().UnixMilli()
	var points []series.Point
	for i := range counts {
		f := &counts[i]
		kind := destinationTypes[f.Vendor]
		if kind == "" {
			kind = cmp.Or(f.Type, "none")
		}
		dimensions := []series.Dimension{{Name: "DestinationType", Value: kind}, {Name: "FilterName", Value: f.Filter}}
		if f.Policy {
			dimensions = append(dimensions, series.Dimension{Name: "PolicyLevel", Value: "AccountPolicy"})
		} else {
			dimensions = append(dimensions, series.Dimension{Name: "LogGroupName", Value: f.Group})
		}
		add := func(name, unit string, n int64) {
			if n == 0 {
				return
			}
			v := float64(n)
			points = append(points, series.Point{
				Metric: series.Metric{Scope: f.Scope, Namespace: "AWS/Logs", Name: name, Dimensions: dimensions},
				Unit:   unit, Timestamp: now, Count: 1, Sum: v, Min: v, Max: v,
			})
		}
		add("ForwardedBytes", "Bytes", f.Bytes)
		add("ForwardedLogEvents", "None", f.Events)
		add("DeliveryErrors", "None", f.Errors)
		add("DeliveryThrottling", "None", f.Throttled)
	}
	if err := c.series.Add(ctx, points, nil); err != nil {
		c.log.Warn("what was forwarded is not counted", "error", err)
	}
}

// maxMetered bounds the filters and policies that have metrics of their own: those with the greatest lag.
const maxMetered = 1000

// subscriptionMeter shows how deliveries fare.
type subscriptionMeter struct {
	statuses func() []subscriptions.Status

	lag, delivered, dead, failing *prometheus.Desc
}

func newSubscriptionMeter(statuses func() []subscriptions.Status) *subscriptionMeter {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"account", "region", "group", "filter"}, nil)
	}
	return &subscriptionMeter{
		statuses:  statuses,
		lag:       desc("cumulog_subscription_lag_seconds", "Age of the oldest event that the target of a subscription does not have yet."),
		delivered: desc("cumulog_subscription_delivered_events_total", "Events that the target of a subscription took."),
		dead:      desc("cumulog_subscription_dead_events_total", "Events that the target of a subscription will never get: refused, or expired before it was there."),
		failing:   desc("cumulog_subscription_failing", "1 while the target of a subscription fails."),
	}
}

// Describe implements prometheus.Collector.
func (m *subscriptionMeter) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.lag, m.delivered, m.dead, m.failing} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *subscriptionMeter) Collect(out chan<- prometheus.Metric) {
	all := m.statuses()
	if len(all) > maxMetered {
		slices.SortStableFunc(all, func(a, b subscriptions.Status) int { return cmp.Compare(b.Lag, a.Lag) })
		all = all[:maxMetered]
	}
	for i := range all {
		s := &all[i]
		failing := 0.0
		if s.FailingSinceMS != 0 {
			failing = 1
		}
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			out <- prometheus.MustNewConstMetric(d, kind, v, s.Scope.Account, s.Scope.Region, s.Group, s.Filter)
		}
		send(m.lag, prometheus.GaugeValue, s.Lag.Seconds())
		send(m.delivered, prometheus.CounterValue, float64(s.Delivered))
		send(m.dead, prometheus.CounterValue, float64(s.Dead))
		send(m.failing, prometheus.GaugeValue, failing)
	}
}
