package alarms

import (
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Judge evaluates windows, the newest first, and returns the new state ("": it stays) and how many datapoints were filled.
func Judge(m *MetricSpec, windows []*Datapoint) (value string, filled int) {
	v := judge(m, windows)
	return v.value, v.filled
}

// Number formats a number as reasons do.
var Number = number

// Reread decodes a stored alarm and returns what is stored of it then.
func Reread(body []byte) ([]byte, error) {
	d := catalog.Document{DocumentKey: catalog.DocumentKey{Kind: documentKind, Scope: logs.Scope{Account: "1", Region: "r"}, Name: "a"}, Body: body}
	e, err := decode(&d)
	if err != nil {
		return nil, err
	}
	d, err = document(e.alarm, 0)
	return d.Body, err
}
