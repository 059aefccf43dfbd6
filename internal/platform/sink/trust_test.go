package sink

import "crypto/x509"

// Trust makes a target of type smtp trust other certificates than the system does.
func Trust(s Sink, roots *x509.CertPool) { s.(*smtpSink).roots = roots }
