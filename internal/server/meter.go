package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// meteredStore is the store as services see it: it counts what goes in and out and notes refused writes, which /_/health
// reports.
type meteredStore struct {
	*store.Store
	unavailable atomic.Int64 // ms since the Unix epoch of the last refused write, 0 = the last write succeeded
	now         func() time.Time

	appendedEvents, appendedBytes, scannedRows, scannedBytes prometheus.Counter
}

func newMeteredStore(s *store.Store, r prometheus.Registerer) *meteredStore {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	m := &meteredStore{
		Store: s, now: time.Now,
		appendedEvents: counter("cumulog_store_appended_events_total", "Events that were stored durably."),
		appendedBytes:  counter("cumulog_store_appended_bytes_total", "Message bytes that were stored durably."),
		scannedRows:    counter("cumulog_store_scanned_events_total", "Events that reads looked at."),
		scannedBytes:   counter("cumulog_store_scanned_bytes_total", "Message bytes that reads looked at."),
	}
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("cumulog_store_writable", "1 unless the last write was refused because of the disk.", func() float64 {
		if m.unavailable.Load() != 0 {
			return 0
		}
		return 1
	})
	gauge("cumulog_store_parts", "Part files.", func() float64 { return float64(s.Health().Parts) })
	gauge("cumulog_store_head_bytes", "Memory of the write buffers.", func() float64 { return float64(s.Health().HeadBytes) })
	gauge("cumulog_store_cache_bytes", "Memory of the block cache.", func() float64 { return float64(s.Health().CacheBytes) })
	gauge("cumulog_store_damaged_blocks", "Damaged blocks that were met since the start.", func() float64 { return float64(s.Health().DamagedBlocks) })
	gauge("cumulog_store_damaged_parts", "Parts that were found unreadable or missing since the start.", func() float64 { return float64(s.Health().DamagedParts) })
	return m
}

// Append stores a batch; see store.Store.
func (m *meteredStore) Append(ctx context.Context, b store.Batch) (logs.Seq, error) {
	events := len(b.Ends)
	bytes := 0
	if events > 0 {
		bytes = int(b.Ends[events-1] - b.Start)
	}
	seq, err := m.Store.Append(ctx, b)
	switch {
	case err == nil:
		m.unavailable.Store(0)
		m.appendedEvents.Add(float64(events))
		m.appendedBytes.Add(float64(bytes))
	case errors.Is(err, store.ErrUnavailable):
		m.unavailable.Store(m.now().UnixMilli())
	}
	return seq, err
}

// Scan reads events; see store.Store.
func (m *meteredStore) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	stats, err := m.Store.Scan(ctx, q, yield)
	m.scannedRows.Add(float64(stats.Rows))
	m.scannedBytes.Add(float64(stats.Bytes))
	return stats, err
}
