package plan

import (
	"context"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
)

// Scan says which events a query reads.
type Scan struct {
	Groups     []logs.GroupID
	Streams    []logs.StreamID // nil: every stream of the groups; empty: none
	Start, End int64           // timestamps in [Start, End), ms since the Unix epoch
}

// Request is what exec asks of a Source: the events, and what it knows about
// those that matter. Only Scan must be honoured exactly; the rest are hints.
type Request struct {
	Scan
	Need  hint.Need // a message that does not meet it is not wanted
	Paths []string  // names of fields that will be asked of most blocks
	Order TimeOrder // the order of blocks that lets most of them be left out

	// Skip, when set, reports whether events between two times (ms, both included)
	// are no longer wanted. It may be called at any time from several goroutines.
	// exec sets it; in a Query it is nil.
	Skip func(first, last int64) bool

	// Watch, when set, is called once before the first block with what returns the counts
	// so far, by sources that can tell. That may be called at any time, from several
	// goroutines. exec sets it; in a Query it is nil.
	Watch func(counts func() SourceStats)
}

// TimeOrder is an order of blocks by their times.
type TimeOrder uint8

// The orders.
const (
	AnyOrder    TimeOrder = iota
	NewestFirst           // by the last time of a block, descending
	OldestFirst           // by the first time of a block, ascending
)

// Source is what exec needs of a store.
type Source interface {
	// ScanBlocks calls fn for every block that may hold wanted events, each
	// block once, from at most workers goroutines at a time. worker
	// is 0 to workers-1, and no two calls with the same worker overlap. The block
	// is valid until fn returns.
	//
	// It returns after the last call of fn returned. An error of fn stops the
	// scan and is returned as it is; exec uses that to stop early. Blocks that
	// cannot be read because they are damaged are counted and left out.
	ScanBlocks(ctx context.Context, r Request, workers int, fn func(worker int, b Block) error) (SourceStats, error)
}

// SourceStats count what a source did not have to hand out, and what it could not.
type SourceStats struct {
	BlocksSkippedTime  int64 // of the groups, outside the time range or streams
	BlocksSkippedIndex int64 // excluded by Need
	BlocksSkippedOrder int64 // excluded by Skip
	PartsSkipped       int64 // sets of blocks that were not even looked at
	RowsSkipped        int64 // rows of the blocks skipped
	BytesSkipped       int64 // message bytes of them
	RowsOutside        int64 // of RowsSkipped: outside the time range
	BytesOutside       int64 // of BytesSkipped
	RowsRead           int64 // rows within range and streams that were looked at, handed out or not
	BytesRead          int64 // message bytes of them
	BlocksDamaged      int64
}

// Block is one block of rows of one group, numbered from 0, at most
// column.MaxRows. What its methods return is read only, shares the memory of the
// block and is valid as long as it. A block is used by one goroutine at a time.
// Whatever has to be decoded is decoded when it is asked for, and kept, so that
// asking again is cheap.
type Block interface {
	Group() logs.GroupID
	Len() int

	// Sel returns the rows that are within the streams and the time range of the
	// request, ascending; nil means all. Every other row must be ignored.
	Sel() []uint32

	// Bytes returns the length of all messages of the block.
	Bytes() int64

	// Span bounds the timestamps of all rows, both ends included, without
	// decoding anything. It need not be tight.
	Span() (first, last int64)

	Keys() ([]logs.Key, error)                // of every row
	Streams() ([]logs.StreamID, error)        // of every row
	Ingestions() ([]int64, error)             // of every row, ms since the Unix epoch
	Messages() (*column.Texts, error)         // of every row
	Bounds(path string) (column.Bounds, bool) // of Field, without decoding; false: nothing is known

	// Field returns the values at a JSON path: keys joined by '.', with '.' and
	// '\' inside of a key written '\.' and '\\'. A path that no row has is a
	// vector of kind column.Null.
	Field(path string) (*column.Vector, error)

	// Named returns the values of a field of JSON messages by the name that users
	// write, see column.Find, and NamedBounds what they can be.
	Named(name string) (*column.Vector, error)
	NamedBounds(name string) (column.Bounds, bool)

	// Whole adds to rows, which has room for Len rows, those whose message is
	// nothing but one JSON object of which Field knows every value; see column.Fields.
	Whole(rows column.Bitmap) error

	// Find adds to hits, which has room for Len rows, the rows whose message
	// contains needle.
	Find(needle []byte, hits column.Bitmap) error

	// Match adds to hits, which has room for Len rows, those of rows (ascending)
	// whose message a matches.
	Match(a column.Automaton, rows []uint32, hits column.Bitmap) error

	// Cut writes the parts of the messages of rows (ascending) that out asks for to
	// out.Found, which has room for Len rows, and appends to out.Texts. The rows it
	// returns have to be cut by their messages; they are valid until the next call.
	Cut(g *column.Glob, rows []uint32, out *column.Cuts) (left []uint32, err error)

	// Rows appends the messages of rows (ascending) to dst.
	Rows(rows []uint32, dst *column.Texts) error

	// Decoded returns how many bytes were produced by decoding so far: of columns,
	// keys and messages.
	Decoded() int64
}
