// Package exports copies the events of a log group to a bucket: export tasks
// that are created, described and cancelled, and the runner that does them one
// after another. Tasks live in the catalog and survive restarts.
//
// # Layout
//
// An object is PREFIX/TASKID/FOLDER/NNNNNN.gz; FOLDER is the name of the stream
// with every "/" replaced by "-", NNNNNN counts from 000000. An object holds
// one event per line, YYYY-MM-DDTHH:MM:SS.mmmZ, a space and the message, in
// order of (timestamp, arrival), and is gzip-compressed. A stream goes to as
// many objects as its bytes need (64 MiB of lines each), a stream without
// events in the range to none. Streams whose folders are the same share it:
// their objects are numbered on. PREFIX is "exportedlogs" unless given; slashes
// at its end are dropped, so that no key has an empty path segment: the prefix
// "logs/my-log-file/" gives "logs/my-log-file/TASKID/…". A prefix of slashes
// only gives "TASKID/…".
//
// PREFIX/aws-logs-write-test is written when a task is created, to find out at
// once whether the bucket can be written.
//
// # Which events
//
// Those with from ≤ timestamp ≤ to that were ingested before the task was
// created and that the retention of the group still keeps at that moment. What
// is ingested later is left out, so that the result does not depend on how long
// the task takes or on restarts. Streams deleted meanwhile may be missing.
//
// # Restarts
//
// Objects appear whole or not at all. After each object of a large stream, and
// after each run of small streams, the task remembers how far it is. A task
// that is interrupted starts again from there and writes the objects behind
// that point anew under the same keys, so over all objects every event is there
// exactly once. A task that cannot go on (the bucket or the group is gone, a
// block of the store is damaged) ends FAILED with the reason; COMPLETED means
// that everything is there.
package exports
