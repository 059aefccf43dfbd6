package store

import (
	"slices"

	"github.com/cumulog/cumulog/internal/logs"
)

// waitQueue lines up appends that wait for room in memory, and shares the room
// fairly between groups by deficit round robin: groups take turns, and in each
// turn a group may bring turnBytes, saved up from turn to turn when its next
// batch is larger. So an append waits for at most turnBytes and one batch of
// every other group that waits, and for what its own group lined up before,
// however much another group has waiting. Guarded by Store.mu.
type waitQueue struct {
	ring   []*groupQueue // groups that have waiters; the first has its turn
	groups map[logs.GroupID]*groupQueue
	count  int
}

// groupQueue is the waiters of a group, in the order in which they came.
type groupQueue struct {
	group   logs.GroupID
	waiters []*waiter
	credit  int64 // bytes it may still bring in this turn
}

// waiter is an append that waits. ready is closed when it was let in, or refused
// with err.
type waiter struct {
	group logs.GroupID
	bytes int64
	ready chan struct{}
	err   error
}

// turnBytes is what a group may bring in one turn: about a batch.
const turnBytes = 1 << 20

func (q *waitQueue) len() int { return q.count }

func (q *waitQueue) push(group logs.GroupID, bytes int64) *waiter {
	w := &waiter{group: group, bytes: bytes, ready: make(chan struct{})}
	g := q.groups[group]
	if g == nil {
		g = &groupQueue{group: group, credit: turnBytes}
		if q.groups == nil {
			q.groups = make(map[logs.GroupID]*groupQueue)
		}
		q.groups[group] = g
		q.ring = append(q.ring, g)
	}
	g.waiters = append(g.waiters, w)
	q.count++
	return w
}

// first returns whose turn it is, nil when nobody waits.
func (q *waitQueue) first() *waiter {
	if len(q.ring) == 0 {
		return nil
	}
	for {
		g := q.ring[0]
		if w := g.waiters[0]; g.credit >= w.bytes || len(q.ring) == 1 {
			return w
		}
		g.credit += turnBytes
		q.ring = append(q.ring[1:], g)
	}
}

// take removes the waiter that first returned; its group pays for it.
func (q *waitQueue) take() {
	g := q.ring[0]
	g.credit = max(0, g.credit-g.waiters[0].bytes)
	q.remove(g, 0)
}

// drop removes a waiter that gave up; false when it is not in line any more.
func (q *waitQueue) drop(w *waiter) bool {
	g := q.groups[w.group]
	if g == nil {
		return false
	}
	i := slices.Index(g.waiters, w)
	if i < 0 {
		return false
	}
	q.remove(g, i)
	return true
}

func (q *waitQueue) remove(g *groupQueue, i int) {
	g.waiters = slices.Delete(g.waiters, i, i+1)
	q.count--
	if len(g.waiters) > 0 {
		return
	}
	delete(q.groups, g.group)
	q.ring = slices.DeleteFunc(q.ring, func(o *groupQueue) bool { return o == g })
}
