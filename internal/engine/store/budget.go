package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
)

// ErrMemory is returned by Scan and ScanBlocks when a query would need more
// memory than its share of Options.Memory, or when other queries have what is
// left and do not give it back in time. The store itself is not affected.
var ErrMemory = errors.New("store: not enough memory for the query")

// What queries get of Options.Memory: three eighths together, and one of them two
// thirds of that. Below minQueryMemory a query could not hold its blocks, so that
// much is theirs whatever Options.Memory says.
const (
	minQueryMemory = 24 << 20
	memoryPatience = 10 * time.Second // how long a query waits for others
)

func queryMemory(memory int64) int64 { return max(memory/8*3, minQueryMemory) }

// budget is the account of what queries hold: the buffers of the blocks they have
// open, and the memtables that are flushed but kept alive by a scan.
type budget struct {
	total    int64 // for all queries
	share    int64 // for one
	wide     int64 // of a share, for blocks that a scan keeps whole while it opens others
	room     int64 // of the total, kept free for what is held for a moment only
	patience time.Duration

	mu     sync.Mutex // guards what follows
	used   int64      // by queries
	pinned int64      // in memtables that only scans keep
	freed  chan struct{}
}

func newBudget(total int64, patience time.Duration) *budget {
	share := total / 3 * 2
	return &budget{
		total: total, share: share, wide: min(share/2, max(share/4, share-share/8-maxReadCost)), room: min(total/2, max(total/4, maxReadCost)),
		patience: patience, freed: make(chan struct{}),
	}
}

// account is what one query holds. Its methods are safe for concurrent use.
type account struct {
	b    *budget
	used int64 // guarded by b.mu
}

// try reserves n bytes if they are free now.
func (a *account) try(n int64) bool {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return a.grant(n)
}

// grant reserves n bytes if they are free; the caller holds mu. A query that is
// alone gets its share even while memtables are pinned, so that it comes to an
// end.
func (a *account) grant(n int64) bool {
	b := a.b
	if a.used+n > b.share || b.used+b.pinned+n > b.total && b.used > a.used {
		return false
	}
	a.used += n
	b.used += n
	return true
}

// reserve reserves n bytes. It fails at once when that is more than the share
// of a query, and waits for others a while when they hold too much.
func (a *account) reserve(ctx context.Context, n int64) error {
	b := a.b
	var patience <-chan time.Time
	for {
		b.mu.Lock()
		if a.grant(n) {
			b.mu.Unlock()
			return nil
		}
		held, others, freed := a.used, b.used-a.used+b.pinned, b.freed
		b.mu.Unlock()
		if held+n > b.share {
			return fmt.Errorf("%w: it holds %d bytes and wants %d more, its share is %d; ask for a shorter time or fewer streams, or give the server more memory",
				ErrMemory, held, n, b.share)
		}
		if patience == nil {
			t := time.NewTimer(b.patience)
			defer t.Stop()
			patience = t.C
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience:
			return fmt.Errorf("%w: it holds %d bytes and wants %d more, but of the %d for all queries others hold %d; try again later, or give the server more memory",
				ErrMemory, held, n, b.total, others)
		}
	}
}

// roomy reports whether a scan may keep n bytes more while it waits for others:
// enough of its share stays free for the next block, and there is room for others to read a block, so that
// scans that hold blocks never wait for one another for ever.
func (a *account) roomy(n int64) bool {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return a.used+n <= a.b.wide && a.b.spare(n)
}

// spare reserves n bytes if they are free now and leave room for others, when there
// are any.
func (a *account) spare(n int64) bool {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	return (a.b.used == a.used || a.b.spare(n)) && a.grant(n)
}

// spare reports whether n bytes more leave room; the caller holds mu.
func (b *budget) spare(n int64) bool { return b.used+b.pinned+n <= b.total-b.room }

// slice returns how many bytes a query that is short of memory keeps of a block:
// the least when all queries are, as slices are held while others wait.
func (b *budget) slice() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.spare(0) {
		return leastSlice
	}
	return min(max(b.share/512, leastSlice), 256<<10)
}

const leastSlice = 16 << 10

// release gives n bytes back.
func (a *account) release(n int64) {
	if n == 0 {
		return
	}
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	a.used -= n
	a.b.used -= n
	a.b.wake()
}

// pin counts a memtable of n bytes that only scans keep alive; n is negative when
// the last of them is done with it.
func (b *budget) pin(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pinned += n
	if n < 0 {
		b.wake()
	}
}

// wake lets those that wait look again; the caller holds mu.
func (b *budget) wake() {
	close(b.freed)
	b.freed = make(chan struct{})
}

func (b *budget) bytes() (used, pinned int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.pinned
}

// maxReadCost is readCost of the largest block.
const maxReadCost = 3*segment.MaxBlockBytes + 80*segment.MaxBlockRows + 32<<10

// readCost returns about how many bytes reading a block takes: its frames, what
// they decode to, and the order of its rows.
func readCost(info *segment.BlockInfo) int64 {
	n := info.RawBytes + info.StoredBytes + 80*int64(info.Rows) + 32<<10
	if info.Mode == segment.ModeJSON || info.Mode == segment.ModeTemplate {
		n += info.RawBytes // its columns
	}
	return n
}

// viewCost returns about how many bytes a BlockView of so many rows and message
// bytes takes when everything is asked of it: messages, columns, vectors.
func viewCost(rows int, bytes, stored int64) int64 {
	return 3*bytes + stored + 96*int64(rows) + 64<<10
}
