// Package catalog keeps everything about logs that is not log events: groups,
// streams, tags, the manifest of segments and tombstones, background tasks,
// access keys and a few counters. It is transactional and durable: a method
// that changes something returns after the change is on disk.
//
// The embedded catalog is one SQLite file in WAL mode with synchronous=FULL.
// One goroutine owns the only writing connection and commits in groups: it
// takes every change that is waiting, runs each inside its own savepoint and
// commits once, so that 64 clients share one fsync and a change that fails
// does not undo its neighbours. Reads use a pool of other connections and see
// the last commit.
//
// The schema (schema.go) keeps to SQL that PostgreSQL understands too: ids are
// handed out by seq_alloc and never reused, text is compared by bytes (COLLATE
// "C" there), an unknown time is -1 rather than NULL so that ordering agrees.
//
// The package knows no product rule: it does not check names, limits or
// protection. It does keep referential truth: a stream is created only in a
// live group, a deleted group leaves a tombstone, tags go with their group.
package catalog
