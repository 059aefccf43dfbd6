package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/service/livetail"
)

// openTails starts the service of live tail sessions.
func (c *components) openTails() {
	sessions := c.cfg.LiveTailSessions
	if sessions == 0 && c.cfg.StrictAWS {
		sessions = livetail.StrictSessions
	}
	c.tails = livetail.New(livetail.Options{
		Store: c.store.Store, Directory: c.groups, Sessions: sessions, Memory: int64(c.cfg.Memory) / 16, Logger: c.log.With("component", "live tail"),
	})
	c.runInBackground("live tail", c.tails.Run)
	gauge := func(name, help string, value func() float64) {
		c.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("cumulog_live_tail_sessions", "Live tail sessions.", func() float64 { return float64(c.tails.Sessions()) })
	gauge("cumulog_live_tail_bytes", "Memory of events that live tail sessions hold.", func() float64 { return float64(c.tails.Held()) })
}

// endStreams ends the answers that go on for hours, so that a stop need not wait for them.
func (c *components) endStreams() { _ = c.tails.Close() }
