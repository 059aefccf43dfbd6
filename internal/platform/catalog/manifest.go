package catalog

import "github.com/cumulog/cumulog/internal/logs"

// Segment describes one live part file of the store. The store fills it, the
// catalog keeps it and gives it back unchanged.
type Segment struct {
	ID         string // 32 hex digits, unique for ever; the file is parts/<ID>.part
	Level      int    // 0: a flushed memtable, all days and classes mixed; 1 and up: merged
	Class      int    // retention in days of every group in it when it was written; 0: never expires; -1: mixed (level 0)
	Day        int64  // days since the Unix epoch of every event in it; -1: mixed (level 0)
	GroupLow   logs.GroupID
	GroupHigh  logs.GroupID
	Groups     int64 // number of groups
	MinTime    int64 // ms since the Unix epoch, of the oldest event
	MaxTime    int64 // of the newest event
	Rows       int64
	RawBytes   int64  // message bytes
	FileBytes  int64  // size of the file
	MaxLSN     uint64 // highest log sequence number of any event in it
	Tombstones int64  // every tombstone with a Seq up to this one has been applied to it
	Created    int64  // ms since the Unix epoch
}

// Publication is one change of the manifest. The catalog applies all of it in
// one durable transaction, or nothing.
type Publication struct {
	Add    []Segment // inserted; an ID that exists already is an error
	Remove []string  // ids whose rows are deleted; one that does not exist is an error (the whole publication fails)

	// Checkpoint is stored when it is higher than the stored one: every event
	// with a log sequence number up to it lies in segments (or was dropped).
	Checkpoint uint64

	// Streams are merged into the catalog: First by min, Last and
	// LastIngestion by max, so that publishing the same ones twice changes
	// nothing. Streams that no longer exist are ignored.
	Streams []StreamStats

	// GroupBytes are added to the stored bytes of the groups; groups that no
	// longer exist are ignored.
	GroupBytes []GroupBytes

	// TombstonesDone are the Seq of tombstones whose events are gone from every
	// segment; their rows are deleted together with the rows of the deleted
	// groups and streams they name.
	TombstonesDone []int64
}

// StreamStats are the timestamps of a stream that holds at least one event.
type StreamStats struct {
	Group         logs.GroupID
	Stream        logs.StreamID
	First         int64 // ms, timestamp of the oldest event
	Last          int64 // ms, timestamp of the newest event
	LastIngestion int64 // ms, ingestion time of the newest batch
}

// GroupBytes is a change of the stored bytes of a group.
type GroupBytes struct {
	Group logs.GroupID
	Delta int64 // may be negative
}

// Tombstone says that a group, or one stream of it, was deleted and that its
// events may be removed from disk.
type Tombstone struct {
	Seq     int64 // ascending in the order of deletion, never reused
	Group   logs.GroupID
	Stream  logs.StreamID // 0: the whole group
	Created int64         // ms since the Unix epoch
}

// GroupLife says how long the events of a group live.
type GroupLife struct {
	RetentionDays int  // 0: for ever
	Dead          bool // the group was deleted and its tombstone is not done yet
}
