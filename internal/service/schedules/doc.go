// Package schedules runs queries again and again: scheduled queries, their
// runs, and the history of these.
//
// # When
//
// A query runs at the times of a cron expression (package cron) in its zone, UTC
// unless it names another, from its start time to its end time. The times come from the clock of
// the server. When the server was down, or too busy, at one or more of these
// times, there is one run for the latest of them, as soon as possible: its range is
// that of its time, so that nothing depends on when it really runs.
//
// A run asks for the events of [time − look-back, time]. Without a look-back it is
// the time since the schedule fired before, at most 30 days.
//
// # What becomes of a result
//
// A run is an ordinary query, which DescribeQueries lists and GetQueryResults reads. With a
// destination its result is also written to a bucket as
//
//	PREFIX/NAME/YYYYMMDDTHHMMSSZ-QUERYID.json
//
// where NAME is that of the scheduled query with - for / and #: one JSON object that says what was asked, with
// results as GetQueryResults has them. A bucket that is missing, belongs to another account or cannot
// take the key is a CLIENT_ERROR in the history, other trouble, after some tries, FAILED. Roles and keys
// are kept and not used.
//
// # Restarts
//
// Runs are recorded before they begin. After a restart a run that had not begun
// its query does so, one whose query has ended delivers its result; a
// query that was cut off is a run that Failed. History goes after 30 days.
package schedules
