// Package store keeps log events: it makes them durable, keeps them in order,
// finds them again, and removes them when they expire or are deleted. It knows
// groups and streams by id only; names, limits and rules of the product live in
// the services above, metadata in the catalog below (Manifest).
//
// A batch goes into the write-ahead log and, once that is synced, into the
// memtable, which uses the memory of the batch itself. A full or old memtable
// is sealed and flushed into an immutable part file; parts are merged by
// retention class and day. docs/architecture.md and docs/adr/0004-store.md tell
// the whole story.
//
// # For the neighbours
//
//   - Batch.Start is an addition to the contract: a batch may use a sub-range of
//     an arena without moving it (rejected events at its beginning).
//   - Events of deleted groups and streams stay visible to Scan until a merge
//     removes them: who calls Scan resolves ids and skips what is gone.
//   - The catalog row of a stream and HeadStats together are exact: combine
//     them by min (First) and max (Last, LastIngestion).
//   - A group whose retention is shortened keeps its events on disk until a merge;
//     the caller of Scan sets Query.Start to the retention floor.
//   - A block holds many streams of a group. Whoever reads one stream narrows
//     Query.Start and End to the First and Last of its statistics (catalog and
//     HeadStreamStats), which spares the blocks of other times; to read all
//     streams of a group one after another is expensive, one Scan of many
//     streams is not.
//   - HeadStats copies a map of all streams; HeadStreamStats costs only what is
//     asked for.
//   - Query.Need spares a scan blocks and messages and never changes the answer;
//     Query.Budget ends it early, and Stats.Frontier says where to go on. A page
//     without events is then possible.
//   - ScanBlocks is for aggregates: blocks in no order, on many goroutines.
//     BlockView satisfies plan.Block. An error of its methods has to be returned
//     by fn, which must not have kept anything of a damaged block.
//   - ErrMemory says that a query needs more than its share of Options.Memory; the
//     text tells by how much and what to do.
//   - Stats.DamagedBlocks above 0 says that an answer is incomplete.
package store
