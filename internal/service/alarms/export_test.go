package alarms

// Judge evaluates windows, the newest first, and returns the new state ("": it stays) and how many datapoints were filled.
func Judge(m *MetricSpec, windows []*Datapoint) (value string, filled int) {
	v := judge(m, windows)
	return v.value, v.filled
}

// Number formats a number as reasons do.
var Number = number
