// Package metrics is what Cumulog knows of metrics: publishing datapoints, reading
// statistics of them, computing with them, listing them, and dashboards.
//
// It owns the rules of these calls: limits, periods and how a start is rounded,
// statistics, labels, paging. Where datapoints are is the business of engine/series, what an
// expression means that of engine/metricmath; alarms and metric filters are
// services of their own above this one.
package metrics
