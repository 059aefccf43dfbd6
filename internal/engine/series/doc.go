// Package series is the durable store of datapoints of metrics: statistic sets in
// buckets of a second or a minute, that are rolled up to five minutes and an
// hour as they age.
//
// It owns the files of its directory (docs/formats/series.md draws them), the
// merging of additions, retention and roll-ups. It knows nothing of the rules of
// an API: what a namespace may be called, which statistic a client may ask for.
//
// # Additions
//
// Add encodes its points as one record of a log (package wal), which is durable,
// and merged into the memtable, when Add returns. A record is applied whole or not at
// all, and positions of consumers that go with it are part of it, so a consumer
// that starts again at its position neither loses nor repeats anything.
//
// # Files
//
// A flush writes the buckets of the memtable to immutable files, one for each
// resolution and partition of time, and a manifest that names all files and the
// record up to which the log is not needed. A bucket that gets more later is in
// several files; reading adds them up, and so does merging. Adding buckets is
// commutative, so no order of files is kept.
//
// # Retention
//
//	resolution  partition  kept
//	1 s         1 h        3 h
//	1 min       1 d        15 d
//	5 min       8 d        63 d
//	1 h         32 d       455 d
//
// A partition whose youngest moment is older than that is rolled up into the
// next resolution (seconds are in minutes already, and are removed). What a
// period may see is decided at reading, to the millisecond.
//
// # Percentiles
//
// A bucket keeps the values it was made of while they are few, and else an
// exponential histogram with an error of 1 %. Statistic sets of several values
// have no percentiles, nor have buckets with negative values.
package series
