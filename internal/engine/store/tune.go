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

func (t *writeTuning) ensureDefaults(workers int) {
	setDefault(&t.encoders, workers)
	setDefault(&t.mergeFloor, 8<<20)
	setDefault(&t.slowParts, 64)
}

// encoding returns how blocks are encoded.
func (t *writeTuning) encoding() segment.WriterOptions {
	return segment.WriterOptions{Modes: t.modes, NoIndex: t.noIndex}
}
