package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	datapoints "github.com/cumulog/cumulog/internal/service/metrics"
)

// openDatapoints opens the store of metrics and its service.
func (c *components) openDatapoints(ctx context.Context) error {
	db, err := series.Open(ctx, series.Options{
		FS: vfs.OS(), Dir: c.cfg.DataPath(metricsName), Memory: int64(c.cfg.Memory) / 16,
		Salvage: c.cfg.Salvage, Logger: c.log.With("component", "metrics"),
	})
	_, damagedLog := errors.AsType[*wal.CorruptionError](err)
	_, damagedFile := errors.AsType[*series.CorruptionError](err)
	if damagedLog || damagedFile {
		return fmt.Errorf("%w: %w", ErrDamagedLog, err)
	}
	if err != nil {
		return fmt.Errorf("opening the metrics: %w", err)
	}
	c.opened("metrics", db.Close)
	c.series = db
	meterSeries(db, c.registry)
	c.datapoints, err = datapoints.New(datapoints.Options{DB: db, Catalog: c.catalog})
	return err
}

// meterSeries reports what the store of metrics holds.
func meterSeries(db *series.DB, r prometheus.Registerer) {
	gauge := func(name, help string, value func(series.Stats) float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(db.Stats()) }))
	}
	gauge("cumulog_metrics_series", "Metrics that have datapoints, by name, dimensions and unit.", func(s series.Stats) float64 { return float64(s.Series) })
	gauge("cumulog_metrics_series_limit", "How many there may be.", func(s series.Stats) float64 { return float64(s.MaxSeries) })
	gauge("cumulog_metrics_files", "Files of datapoints.", func(s series.Stats) float64 { return float64(s.Files) })
	gauge("cumulog_metrics_file_bytes", "Bytes of the files of datapoints.", func(s series.Stats) float64 { return float64(s.Bytes) })
	gauge("cumulog_metrics_memory_bytes", "Bytes of datapoints that are in no file yet.", func(s series.Stats) float64 { return float64(s.Memtable) })
	gauge("cumulog_metrics_log_bytes", "Bytes of the log of datapoints that a restart would read.", func(s series.Stats) float64 { return float64(s.Backlog) })
	gauge("cumulog_metrics_damaged_files", "Files of datapoints that cannot be read in whole.", func(s series.Stats) float64 { return float64(s.Damaged) })
	gauge("cumulog_metrics_failing", "1 while datapoints cannot be flushed or merged.", func(s series.Stats) float64 {
		if s.FlushErr != nil || s.MergeErr != nil {
			return 1
		}
		return 0
	})
}
