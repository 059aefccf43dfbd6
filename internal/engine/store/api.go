package store

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var (
	// ErrUnavailable is returned while the store cannot take more events: the
	// disk is full or failed. Reads go on, and appends succeed again when the
	// disk does. The cause is wrapped beside it.
	ErrUnavailable = errors.New("store: unavailable for writes")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store: closed")
	// ErrBadBatch is returned by Append for a batch that breaks its contract.
	ErrBadBatch = errors.New("store: malformed batch")
	// ErrBadQuery is returned by Scan for a query that breaks its contract.
	ErrBadQuery = errors.New("store: malformed query")
)

// Options configure a store.
type Options struct {
	FS       vfs.FS   // required
	Dir      string   // required; the store owns Dir/wal and Dir/parts and makes what is missing
	Manifest Manifest // required

	// Memory bounds, in bytes, what the store keeps in memory: memtables (one
	// being filled and at most two being flushed, a twelfth each), the blocks that
	// queries have open (three eighths, and at least 24 MiB; one query may have two
	// thirds of it), the cache of decoded blocks (an eighth), that of pages of
	// skip indexes (a sixteenth), and flushes and merges (an eighth, and at least
	// 40 MiB). A query that needs more than its share fails with ErrMemory. 0
	// means 256 MiB; less than 8 MiB counts as 8 MiB, and more than 384 MiB makes
	// only the caches and the share of queries larger.
	Memory int64

	// Salvage opens a log that lost acknowledged records and keeps what can be
	// read; the loss is logged.
	Salvage bool

	// Logger receives what the store does on its own: flushes, merges, damage.
	// nil discards it.
	Logger *slog.Logger

	// Now is the clock of retention and of creation times. nil means time.Now.
	Now func() time.Time

	tune tuning
}

// Batch is what one Append stores: events of one stream.
//
// The store owns Timestamps, Arena and Ends from the moment Append is called,
// whatever Append returns: they are the storage of the memtable.
type Batch struct {
	Group      logs.GroupID
	Stream     logs.StreamID
	Ingestion  int64   // ms since the Unix epoch
	Timestamps []int64 // ms since the Unix epoch, ascending (equal ones allowed), not negative; 1 to logs.MaxBatchEvents of them

	// Message i is Arena[Ends[i-1]:Ends[i]]; message 0 is Arena[Start:Ends[0]].
	Arena []byte
	Start uint32
	Ends  []uint32
}

// Query selects the events of a Scan.
type Query struct {
	Group   logs.GroupID
	Streams []logs.StreamID // nil: every stream of the group; empty: none

	Start, End int64 // timestamps in [Start, End), ms since the Unix epoch

	After, Before *logs.Key // exclusive bounds; nil: none
	Reverse       bool      // descending instead of ascending (timestamp, seq)

	// Need is what a message must contain for Match to be able to want it. It
	// spares the scan blocks and messages; Match still decides, so a Need that
	// holds for every message Match wants changes nothing in the answer. Without
	// Match, Need alone decides.
	Need hint.Need

	// Columns leaves out rows of blocks that are stored in columns before their
	// messages are read. Like Need it changes nothing in the answer. It needs Match.
	Columns column.Filter

	// Match says whether a message is wanted; nil wants all that meet Need. It
	// must not keep or change the bytes, and is called from several goroutines at
	// once, for messages that the scan may then never yield. It is not called
	// after Scan returned.
	Match func(message []byte) bool

	// Automaton makes what decides like Match for one goroutine, for messages that
	// are stored in pieces; done takes it back. nil: there is none.
	Automaton func() (a column.Automaton, done func())

	// Budget ends the scan early; see Stats.Frontier.
	Budget Budget
}

// Budget bounds the work of one Scan. It is looked at between blocks and every
// some hundred events, so a scan may do a block for each worker more. A scan
// always gets ahead: events or blocks that begin in the same place do not end it.
type Budget struct {
	Bytes int64         // message bytes looked at; 0: no bound
	Time  time.Duration // since Scan was called; 0: no bound
}

// Stats say what a Scan or a ScanBlocks did. The blocks of the group in the
// parts that were opened are Blocks + DamagedBlocks + the blocks of the four Skipped.
type Stats struct {
	Rows    int64 // events looked at: those within streams and bounds that were searched, yielded or not
	Bytes   int64 // their message bytes
	Matched int64 // events yielded; for ScanBlocks those handed over

	Blocks        int64 // blocks of parts that were opened
	BlocksSkipped int64 // blocks of the group left unopened: the sum of the four Skipped
	DamagedBlocks int64 // blocks, or whole parts, that could not be read because they are damaged; their events are missing from the answer

	// Frontier is not nil when the scan ended because its Budget was spent: every
	// wanted event up to it was yielded and none behind it. Another scan goes on
	// there, with After set to it, or Before when it was Reverse.
	Frontier *logs.Key

	// Applied bounds what the scan has seen for sure: every event with a Seq up to
	// it, and maybe some of those appended meanwhile. 0 when the store is empty.
	Applied logs.Seq

	// Why blocks of the group stayed unopened; the first reason counts.
	TimeSkipped   Skipped // no event between the bounds
	StreamSkipped Skipped // no wanted stream
	IndexSkipped  Skipped // the skip index says that no message meets Need
	StopSkipped   Skipped // the scan ended before it came to them

	UnitsSkipped int64 // units of parts (blocks or shared frames, of any group) that skip indexes excluded
	PartsSkipped int64 // parts with the group in their range left unopened: outside the bounds, or beyond the early stop
	DamagedIndex int64 // skip indexes that could not be read; nothing was skipped by them
	KeyBlocks    int64 // blocks whose keys were read and decoded
	DecodedBytes int64 // message bytes that were decoded or rebuilt: whole blocks count whole; blocks found in the cache do not count
	MemoryRows   int64 // of Rows, those that were in memory
	MemoryBytes  int64 // of Bytes, likewise
}

// Skipped counts what was not read.
type Skipped struct {
	Blocks int64
	Rows   int64 // of the group in them
	Bytes  int64 // message bytes of the group in them
}

func (k *Skipped) add(rows int, bytes int64) {
	k.Blocks++
	k.Rows += int64(rows)
	k.Bytes += bytes
}

// RowsSkipped returns the events that were between the bounds and in wanted
// streams, as far as that is known, and did not have to be looked at.
func (s *Stats) RowsSkipped() int64 { return s.IndexSkipped.Rows + s.StreamSkipped.Rows }

// BytesSkipped returns the message bytes of RowsSkipped.
func (s *Stats) BytesSkipped() int64 { return s.IndexSkipped.Bytes + s.StreamSkipped.Bytes }

// StreamStats are the timestamps of events of one stream, in ms since the Unix
// epoch.
type StreamStats struct {
	First         int64 // oldest event
	Last          int64 // newest event
	LastIngestion int64 // ingestion time of the newest batch
}

func (s StreamStats) merge(o StreamStats) StreamStats {
	return StreamStats{
		First:         min(s.First, o.First),
		Last:          max(s.Last, o.Last),
		LastIngestion: max(s.LastIngestion, o.LastIngestion),
	}
}

// tuning holds what no user can set well; tests do.
type tuning struct {
	memtableBytes int64         // a memtable this large is sealed
	memtableAge   time.Duration // and one this old
	cacheBytes    int64
	pageBytes     int64
	queryBytes    int64
	openParts     int           // part files open at once
	patience      time.Duration // of a query that waits for memory
	walFile       int64
	walReserve    int64
	blockBytes    int // raw bytes after which a block ends
	workers       int // goroutines of one scan that has a Match
	fileBytes     int64
	mergeFanIn    int           // parts of one tier that start a merge
	purgeAfter    time.Duration // age at which a tombstone forces rewrites
	retryMin      time.Duration // first wait after a failed flush or merge
	retryMax      time.Duration
	manual        bool // no background work but on demand

	writeTuning
}

const (
	defaultMemory  = 256 << 20
	minMemory      = 8 << 20
	maxMemtable    = 32 << 20
	maxBlockRows   = segment.MaxBlockRows
	maxMessage     = 1 << 20          // bytes; half a block, so that blocks fill well
	tombstoneGrace = 10 * time.Minute // an append that was under way when its stream was deleted ends within it
)

func (o *Options) ensureDefaults(workers int) error {
	if o.FS == nil || o.Dir == "" || o.Manifest == nil {
		return errors.New("store: options FS, Dir and Manifest are required")
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	o.Memory = max(o.Memory, minMemory)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &o.tune
	setDefault(&t.memtableBytes, min(o.Memory/12, maxMemtable))
	setDefault(&t.memtableAge, time.Minute)
	setDefault(&t.cacheBytes, max(o.Memory/8, o.Memory/8*3-3*t.memtableBytes))
	setDefault(&t.pageBytes, o.Memory/16)
	setDefault(&t.queryBytes, queryMemory(o.Memory))
	setDefault(&t.openParts, maxOpenParts)
	setDefault(&t.patience, memoryPatience)
	setDefault(&t.blockBytes, segment.MaxBlockBytes)
	setDefault(&t.workers, workers)
	t.writeTuning.ensureDefaults(workers, o.Memory)
	t.blockBytes = min(t.blockBytes, segment.MaxBlockBytes)
	setDefault(&t.fileBytes, 256<<20)
	setDefault(&t.mergeFanIn, 8)
	setDefault(&t.purgeAfter, 24*time.Hour)
	setDefault(&t.retryMin, 100*time.Millisecond)
	setDefault(&t.retryMax, 5*time.Second)
	return nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
