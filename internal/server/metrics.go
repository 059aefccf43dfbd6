package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/service/insights"
)

// metrics counts what the listener answers.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	received *prometheus.CounterVec
	sent     *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	by := []string{"service", "operation"}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cumulog_requests_total", Help: "Answered requests by service, operation and error code (empty for success).",
		}, append(by, "code")),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cumulog_request_seconds", Help: "Time from the first byte of a request to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, by),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cumulog_received_bytes_total", Help: "Bytes of request bodies."}, by),
		sent:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cumulog_sent_bytes_total", Help: "Bytes of answers."}, by),
	}
	r.MustRegister(m.requests, m.duration, m.received, m.sent)
	return m
}

// observe counts one answered request. Operations are known names or empty, so the number of series is bounded.
func (m *metrics) observe(o awshttp.Observation) {
	m.requests.WithLabelValues(o.Service, o.Operation, o.Code).Inc()
	m.duration.WithLabelValues(o.Service, o.Operation).Observe(o.Duration.Seconds())
	m.received.WithLabelValues(o.Service, o.Operation).Add(float64(o.RequestBytes))
	m.sent.WithLabelValues(o.Service, o.Operation).Add(float64(o.ResponseBytes))
}

// meterQueries counts Logs Insights queries.
func meterQueries(s *insights.Service, r prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("cumulog_queries_running", "Logs Insights queries that run.", func() float64 { return float64(s.Health().Running) })
	gauge("cumulog_queries_waiting", "Logs Insights queries that wait to run.", func() float64 { return float64(s.Health().Waiting) })
	for status := range s.Health().Ended {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "cumulog_queries_ended_total", Help: "Logs Insights queries that ended, by status.", ConstLabels: prometheus.Labels{"status": status},
		}, func() float64 { return float64(s.Health().Ended[status]) }))
	}
}
