package store

import "github.com/cumulog/cumulog/internal/engine/store/segment"

// writeTuning is the part of tuning that flushes and merges use.
type writeTuning struct {
	encoders   int   // blocks that a flush, or a merge somebody waits for, encodes at once
	mergeFloor int64 // message bytes per second that a merge may take while others want the machine
	slowParts  int   // flushed parts that wait to be merged from which flushes are delayed

	modes   segment.ModeSet // that blocks may have; zero: all
	noIndex bool            // no skip indexes

	// spoil is asked about every row that a merge writes anew; false loses it.
	// Only tests set it.
	spoil func(*segment.Row) bool
}

// What flushing and merging holds in memory, beside the memtables, is
//
//   - for each block that is encoded at once, an encoder of about encoderBytes,
//     and for one more an encoded block and its rows (56 bytes each; a merge also
//     copies the messages);
//   - for a merge in the background, which runs beside a flush, the same for two
//     blocks, and at most maxOpen open blocks, each of its messages and 56
//     bytes for each row; typically two or three are open; and the buffers in
//     which they are decoded;
//   - for each part that is being written, its block index (about 200 bytes for
//     each block) and the skip index while it is merged (pages of its sources).
//
// TestFlushAndMergeMemory measures it.
const encoderBytes = 12 << 20

func (t *writeTuning) ensureDefaults(workers int, memory int64) {
	setDefault(&t.encoders, min(workers, max(2, int(memory/8/encoderBytes))))
	setDefault(&t.mergeFloor, 8<<20)
	setDefault(&t.slowParts, 64)
}

// encoding returns how blocks are encoded.
func (t *writeTuning) encoding() segment.WriterOptions {
	return segment.WriterOptions{Modes: t.modes, NoIndex: t.noIndex}
}
