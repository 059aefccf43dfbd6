package exports

import "time"

// Tune makes everything small, so that tests see many objects, scans and
// retries with little data.
func (o *Options) Tune(partBytes, gatherBytes, gather int) {
	o.tune = tuning{partBytes: partBytes, gatherBytes: gatherBytes, gather: gather, page: 7, retryMin: time.Millisecond, attempts: 3}
}

// AppendLine formats one line with a fresh formatter.
func AppendLine(dst []byte, ms int64, message []byte) []byte {
	var l lineWriter
	return l.appendLine(dst, ms, message)
}
