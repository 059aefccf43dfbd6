package server

import (
	"context"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/anomalies"
)

// openAnomalies starts the anomaly detectors. It needs the store of metrics.
func (c *components) openAnomalies(context.Context) error {
	var err error
	c.anomalies, err = anomalies.Open(anomalies.Options{
		Catalog: c.catalog, Directory: c.groups, Store: c.store, FS: vfs.OS(), Dir: c.cfg.DataPath(anomaliesName),
		Memory: int(c.cfg.Memory) / 16, Count: c.countAnomalies, Logger: c.log.With("component", "anomalies"),
	})
	if err != nil {
		return err
	}
	c.runInBackground("anomaly detectors", c.anomalies.Run)
	return nil
}

// countAnomalies adds to the metric AnomalyCount.
func (c *components) countAnomalies(ctx context.Context, f anomalies.Found) error {
	name := f.Detector
	if name == "" {
		name = f.ARN
	}
	n := float64(f.Count)
	return c.series.Add(ctx, []series.Point{{
		Metric: series.Metric{
			Scope: f.Scope, Namespace: "AWS/Logs", Name: "AnomalyCount",
			Dimensions: []series.Dimension{{Name: "LogAnomalyDetector", Value: name}, {Name: "LogAnomalyPriority", Value: f.Priority}},
		},
		Unit: "Count", Timestamp: f.AtMS, Count: 1, Sum: n, Min: n, Max: n,
	}}, nil)
}
