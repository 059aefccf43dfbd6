package sink

import (
	"crypto/x509"

	"github.com/nats-io/nats.go"
)

// Trust makes a target of type smtp trust other certificates than the system does.
func Trust(s Sink, roots *x509.CertPool) { s.(*smtpSink).roots = roots }

// SetNATS adds options to a target of type nats that has not connected yet.
func SetNATS(s Sink, options ...nats.Option) {
	n := s.(*natsSink)
	n.options = append(n.options, options...)
}

// CloseNATS closes the connection of a target of type nats for good.
func CloseNATS(s Sink) { s.(*natsSink).conn.Close() }
