// Package wal is the write-ahead log of the store: records that are on disk
// when Append returns and that are read back, in order, by Open after a crash.
//
// It owns the files of its directory (docs/formats/wal.md draws them), the
// numbering of records (LSN), group commit, recovery and the reserve that lets
// the store flush on a full disk. It knows nothing of what records mean: type
// and payload are the caller's.
//
// # Group commit
//
// Append checksums, and compresses when large, on the goroutine of its caller and
// queues the record. One goroutine, the committer, takes all that is queued,
// numbers it, writes it as one group padded to whole pages, syncs once, calls
// Options.Apply, and wakes the callers. There is no timer: while one group is
// being synced the next one forms. A group is read back whole or not at all,
// and no page that holds acknowledged bytes is written again.
//
// # Failure
//
// A record whose Append returned an error was not applied. On a full disk the
// group is taken back and its callers get ErrFull; later appends succeed as
// soon as there is room. After any other failed write or sync the file is
// abandoned, because nothing is known about its pages, and the group is written to
// a new file, whose header voids what the old one may hold of it. When that
// fails too the callers get ErrFailed, and one append a second tries again.
//
// A record that was answered with ErrFailed is not replayed, with one exception
// nobody can exclude: the group was written, its sync failed, neither could it
// be overwritten nor could a new file be opened, and the process ended before a
// later append succeeded.
//
// # Using it on a full disk
//
// On ErrFull the store calls ReleaseReserve, which gives back the disk space held
// for that moment, flushes, and calls Release, which takes the reserve again when
// there is room. While it is released, appends that need a new file fail with
// ErrFull; they succeed as soon as the reserve is back and there is room for a
// file, without a restart.
package wal
