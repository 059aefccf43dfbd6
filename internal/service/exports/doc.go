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
// many objects as its bytes need (at most 64 MiB of lines each, but a line more;
// less when many streams are under way, see below), a stream without events in
// the range to none. Streams whose folders are the same share it:
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
// # Many streams at once
//
// A block of the store holds rows of many streams, so streams are exported in
// batches, in order of name: one scan feeds up to 1,000 open objects. An open
// object is compressed bytes and a piece of lines in memory; all share one
// compressor, which starts each piece from an empty window. Together they take
// at most 32 MiB. When that is used up, the second half of the batch is left
// out, to come with the next one, until 128 streams are left; then the largest
// open object is ended early and written, with which its stream goes on in its
// next object. Finished objects are written by up to eight goroutines, which
// hold half as much memory again, or one object.
//
// # Restarts
//
// Objects appear whole or not at all. Objects of a batch are finished in any
// order, so the progress of a task is the name of the last stream that is done
// with all before it, and a mark for each stream behind it that has objects:
// the key of the last event in them and how many they are. There are at most
// 1,000 marks. The next object of a stream is written only once the mark of the
// one before is stored; so what a crash leaves unknown is at most one object of
// each stream. A task that is interrupted starts again: the scan passes over
// events up to the mark of their stream, and the unknown object, which holds
// the first event behind the mark, is written anew under its key, longer or
// shorter. So over all objects every event is there exactly once, in order,
// even when the new run ends objects elsewhere or batches other streams.
//
// Streams that share a folder are exported one after another, since each counts
// on from the objects of the one before.
//
// A task that cannot go on (the bucket or the group is gone, a block of the
// store is damaged) ends FAILED with the reason; COMPLETED means that
// everything is there.
package exports
