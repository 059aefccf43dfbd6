package exports

import "time"

// Tune makes everything small, so that tests see many objects, scans and
// retries with little data.
func (o *Options) Tune(partBytes, gatherBytes, gather int) {
	o.tune = tuning{partBytes: partBytes, gatherBytes: gatherBytes, gather: gather, share: 3, page: 7, retryMin: time.Millisecond, attempts: 3}
}

// TuneShare is Tune with pages of 1,000 streams of which share share their
// memory; watch sees the memory and the number of streams at each event.
func (o *Options) TuneShare(partBytes, gatherBytes, gather, share int, watch func(memory, streams int)) {
	o.Tune(partBytes, gatherBytes, gather)
	o.tune.page, o.tune.share, o.tune.watch = 1000, share, watch
}

// AppendLine formats one line with a fresh formatter.
func AppendLine(dst []byte, ms int64, message []byte) []byte {
	var l lineWriter
	return l.appendLine(dst, ms, message)
}
