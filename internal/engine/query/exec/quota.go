package exec

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrMemory is wrapped by the error of a query that needs more memory than
// Options.Memory.
var ErrMemory = errors.New("query needs too much memory")

// quota is what one query may hold in memory: group tables, aggregate states,
// rows and texts. What belongs to one block (its columns and scratch space of a
// few MB for each worker) is the source's and not counted.
type quota struct {
	limit int64
	used  atomic.Int64
	peak  atomic.Int64
}

func (q *quota) grow(n int) error {
	used := q.used.Add(int64(n))
	if used > q.limit {
		return fmt.Errorf("%w: its share is %d MiB, for groups, distinct values and sorted rows; filter more, group by fewer or coarser keys, lower the limit, or give the server more --memory", ErrMemory, q.limit>>20)
	}
	if n > 0 {
		for p := q.peak.Load(); used > p && !q.peak.CompareAndSwap(p, used); p = q.peak.Load() {
		}
	}
	return nil
}

func (q *quota) shrink(n int) { q.used.Add(-int64(n)) }

// pace looks at the context once for every checkEvery bytes of work.
type pace struct {
	ctx  context.Context
	left int
}

const checkEvery = 64 << 10

func (p *pace) work(bytes int) error {
	if p.left -= bytes; p.left > 0 {
		return nil
	}
	p.left = checkEvery
	return context.Cause(p.ctx)
}
