package metricfilters

import "sync/atomic"

// Feed gives batches in the order in which they became visible; *store.Store is one.
type Feed interface {
	Applied() uint64
}

// Metrics keeps datapoints; *series.DB is one.
type Metrics interface {
	Reached(consumer string) (lsn uint64, ok bool)
}

// consumerName is the consumer of the feed in the log of the metrics.
const consumerName = "metric-filters"

// consumer makes datapoints of the feed.
type consumer struct {
	s        *Service
	position atomic.Uint64 // durable: batches up to it are counted
}

func (c *consumer) init(s *Service) {
	c.s = s
	applied := s.o.Feed.Applied()
	lsn := applied
	if s.o.Metrics != nil {
		if n, ok := s.o.Metrics.Reached(consumerName); ok {
			lsn = min(n, applied)
		}
	}
	c.position.Store(lsn)
}

// reached is the position up to which batches are counted durably.
func (c *consumer) reached() uint64 { return c.position.Load() }
