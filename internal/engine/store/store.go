package store

import (
	"context"
	"errors"
	"runtime"

	"github.com/cumulog/cumulog/internal/logs"
)

// Store is an open store. Its methods are safe for concurrent use.
type Store struct {
	o Options
}

var errNotYet = errors.New("store: not there yet")

// Open opens the store in o.Dir, creates it when missing, and brings back what
// the write-ahead log holds. The caller holds the lock of the data directory.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.ensureDefaults(runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	return nil, errNotYet
}

// Append stores a batch. When it returns nil the events are durable and every
// Scan that starts later sees them. It waits while the disk is slower than its
// clients, no longer than ctx. After an error of ctx the batch may be stored or
// not; after any other error it is not.
func (s *Store) Append(ctx context.Context, b Batch) (firstSeq logs.Seq, err error) {
	return 0, errNotYet
}

// Scan yields the events that q selects in ascending (timestamp, seq) order,
// or descending with q.Reverse, until yield returns false. Every event whose
// Append returned before Scan began is seen; of those appended meanwhile, a
// batch is seen whole or not at all. Event.Message is valid until yield
// returns.
func (s *Store) Scan(ctx context.Context, q Query, yield func(logs.Event) bool) (Stats, error) {
	return Stats{}, errNotYet
}

// HeadStats returns the statistics of every stream of the group that has
// events in memory.
func (s *Store) HeadStats(group logs.GroupID) map[logs.StreamID]StreamStats { return nil }

// HeadStreamStats returns the statistics of those of the given streams that
// have events in memory. Its cost does not depend on the size of the group.
func (s *Store) HeadStreamStats(group logs.GroupID, streams []logs.StreamID) map[logs.StreamID]StreamStats {
	return nil
}

// HeadBytes returns the message bytes of the group that are in memory and
// therefore not yet counted in the catalog.
func (s *Store) HeadBytes(group logs.GroupID) int64 { return 0 }

// Flush writes everything in memory to parts.
func (s *Store) Flush(ctx context.Context) error { return errNotYet }

// Merge merges parts and removes deleted and expired events until nothing is
// left to do.
func (s *Store) Merge(ctx context.Context) error { return errNotYet }

// Close stops the store and waits for what it runs.
func (s *Store) Close() error { return errNotYet }
