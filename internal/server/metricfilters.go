package server

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// openFilters starts what makes metrics of events.
func (c *components) openFilters(ctx context.Context) error {
	var err error
	c.filters, err = metricfilters.New(ctx, metricfilters.Options{
		Catalog: c.catalog, Directory: c.groups, Feed: c.store.Store, Metrics: c.series,
		Strict: c.cfg.StrictAWS, Logger: c.log.With("component", "metric filters"),
	})
	if err != nil {
		return fmt.Errorf("opening the metric filters: %w", err)
	}
	c.runInBackground("metric filters", c.filters.Run)
	stats := c.filters.Stats
	c.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cumulog_metric_filters_behind_batches", Help: "Batches that metric filters, embedded metrics and the metrics of AWS/Logs have not counted yet.",
		}, func() float64 { return float64(stats().Behind) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "cumulog_metric_filters_dropped_datapoints_total", Help: "Datapoints that would have made too many metrics, or cannot be kept.",
		}, func() float64 { return float64(stats().Dropped) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "cumulog_metric_filters_disabled_total", Help: "Metric filters that made too many dimension values in an hour.",
		}, func() float64 { return float64(stats().Disabled) }),
	)
	return nil
}
