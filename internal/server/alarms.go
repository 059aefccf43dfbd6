package server

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/service/actions"
	"github.com/cumulog/cumulog/internal/service/alarms"
)

// openAlarms starts the evaluation of alarms and their actions, after what makes metrics of events.
func (c *components) openAlarms(ctx context.Context) error {
	var err error
	c.actions, err = actions.New(actions.Options{
		Catalog: c.catalog, Targets: c.targets, History: alarms.ActionEntry, Logger: c.log.With("component", "actions"),
	})
	if err != nil {
		return err
	}
	c.alarms, err = alarms.New(ctx, alarms.Options{
		Catalog: c.catalog, Metrics: alarms.FromMetrics(c.datapoints), Sent: c.actions.Rouse, Progress: c.counted,
		Logger: c.log.With("component", "alarms"),
	})
	if err != nil {
		return fmt.Errorf("opening the alarms: %w", err)
	}
	c.runInBackground("actions of alarms", c.actions.Run)
	c.runInBackground("alarms", c.alarms.Run)
	meterAlarms(c.alarms, c.registry)
	meterActions(c.actions, c.registry)
	return nil
}

// meterAlarms shows how many alarms are in which state.
func meterAlarms(s *alarms.Service, r prometheus.Registerer) {
	for _, state := range []string{alarms.OK, alarms.Alarming, alarms.Insufficient} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cumulog_alarms", Help: "Alarms by their state.", ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(s.Count(state)) }))
	}
}

// counted returns how many batches were accepted, and how many of these metric filters have counted.
func (c *components) counted() (accepted, counted uint64) {
	accepted = c.store.Applied()
	return accepted, accepted - min(c.filters.Stats().Behind, accepted)
}

// meterActions shows what became of the actions of alarms.
func meterActions(s *actions.Service, r prometheus.Registerer) {
	for _, m := range []struct {
		outcome string
		of      func(actions.Stats) int64
	}{
		{"done", func(s actions.Stats) int64 { return s.Done }},
		{"failed", func(s actions.Stats) int64 { return s.Failed }},
		{"refused", func(s actions.Stats) int64 { return s.Refused }},
		{"dead", func(s actions.Stats) int64 { return s.Dead }},
	} {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "cumulog_alarm_actions_total", Help: "Tries to do an action of an alarm: done, failed and to be tried again, refused by the target, given up after a day.",
			ConstLabels: prometheus.Labels{"outcome": m.outcome},
		}, func() float64 { return float64(m.of(s.Stats())) }))
	}
}
