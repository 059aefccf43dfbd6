// Package metricfilters makes metrics of events. It keeps the metric filters of log
// groups and reads the feed of the store once for all of them: events that a filter
// matches, events in the embedded metric format, and what the namespace AWS/Logs
// says of every group become datapoints.
//
// The position in the feed commits with the datapoints that were made up to it, so
// that a restart neither loses nor repeats an event. A filter has the events that were
// appended after the call that put it returned, and until the one that replaced or
// deleted it: both ends are positions in the feed and are kept with the filter, so they
// hold for a consumer that is behind, and after a restart.
package metricfilters
