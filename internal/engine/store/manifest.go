package store

import (
	"context"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Manifest is what the store needs of the catalog. Implementations are safe
// for concurrent use.
type Manifest interface {
	// Segments returns every live segment, in any order.
	Segments(ctx context.Context) ([]catalog.Segment, error)

	// Checkpoint returns the highest published checkpoint, 0 before the first.
	Checkpoint(ctx context.Context) (uint64, error)

	// Publish applies p in one durable transaction, or nothing of it. After an
	// error the store asks Segments whether p was applied after all, so an
	// error of unknown outcome is allowed.
	Publish(ctx context.Context, p catalog.Publication) error

	// Tombstones returns the tombstones that are not done, by ascending Seq.
	Tombstones(ctx context.Context) ([]catalog.Tombstone, error)

	// Lives returns what is known of the given groups. A group that is missing
	// from the answer is unknown to the catalog: the store keeps its events.
	Lives(ctx context.Context, groups []logs.GroupID) (map[logs.GroupID]catalog.GroupLife, error)
}
