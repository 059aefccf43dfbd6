package livetail

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Event is an event that a session has seen.
type Event struct {
	ID        logs.EventID
	Group     string // account:name
	Stream    string
	Message   string
	Timestamp int64 // ms since the Unix epoch
	Ingestion int64 // likewise
}

// Update is what a session has seen for a while.
type Update struct {
	Events []Event // in the order in which they arrived
	// Sampled says that more events matched than there are in Events. Missed is how
	// many more; when the feed was too fast to look at every event that is not known,
	// and only those that were looked at count.
	Sampled bool
	Missed  int64

	bytes int64
}

// Session is a running session. Next is called by one goroutine at a time; Close
// by any.
type Session struct {
	ID string // a UUID

	s        *Service
	began    time.Time
	groups   []groups.Group
	streams  []string
	prefixes []string
	pattern  string           // canonical; "" when everything matches
	matcher  *pattern.Matcher // nil then
	every    time.Duration    // length of a window
	atOnce   bool

	attached chan struct{} // closed when Run looks for it
	seen     bool          // likewise; belongs to Run
	ended    chan struct{} // closed when err is set
	arrived  chan struct{} // tells Next of an atOnce session of events; capacity 1

	mu        sync.Mutex // guards what follows; never held for I/O
	err       error      // why the session has ended
	cur       window
	windowEnd time.Time
	queue     []Update // windows that were not taken, oldest first
	queued    int      // events in them
	due       time.Time
	taken     time.Time
	given     int64 // bytes of the update that Next has returned last, while they count
}

// Groups returns the groups of the session, each once.
func (sn *Session) Groups() []groups.Group { return sn.groups }

// Next waits for the next update and returns it. A session that is not AtOnce has
// one each second, empty or not; one that is has them as soon as there are events,
// at least 50 ms from each other, and an empty one after 5 s without any. The memory of
// an update counts until the next call or the end. After ErrTimeout or ErrClosed there are no more.
func (sn *Session) Next(ctx context.Context) (Update, error) {
	for {
		u, wait, err := sn.take(time.Now())
		if err != nil || wait == 0 {
			return u, err
		}
		timer := time.NewTimer(wait)
		arrived := sn.arrived
		if !sn.atOnce {
			arrived = nil
		}
		select {
		case <-timer.C:
		case <-arrived:
		case <-sn.ended:
		case <-ctx.Done():
			timer.Stop()
			return Update{}, ctx.Err()
		}
		timer.Stop()
	}
}

// take returns the next update, or how long to wait for it.
func (sn *Session) take(now time.Time) (u Update, wait time.Duration, err error) {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if sn.err != nil {
		return u, 0, sn.err
	}
	sn.give(0)
	left := sn.began.Add(SessionTime).Sub(now)
	if left <= 0 {
		sn.endLocked(ErrTimeout)
		return u, 0, ErrTimeout
	}
	sn.roll(now)
	if len(sn.queue) > 0 {
		u = sn.queue[0]
		sn.queue = slices.Delete(sn.queue, 0, 1)
		sn.queued -= len(u.Events)
		sn.give(u.bytes)
		sn.due, sn.taken = sn.windowEnd, now
		return u, 0, nil
	}
	if !sn.atOnce {
		if sn.due.IsZero() {
			sn.due = sn.windowEnd
		}
		if wait = sn.due.Sub(now); wait > 0 {
			return u, min(wait, left), nil
		}
		sn.due = sn.windowEnd
		return u, 0, nil
	}
	next := sn.taken.Add(streamEvery)
	if sn.cur.empty() {
		next = sn.taken.Add(streamBeat)
		if sn.taken.IsZero() {
			next = sn.began.Add(streamBeat)
		}
	}
	if wait = next.Sub(now); wait > 0 {
		return u, min(wait, left), nil
	}
	sn.taken = now
	if sn.cur.empty() {
		return u, 0, nil
	}
	u = sn.cur.close()
	sn.give(u.bytes)
	return u, 0, nil
}

// give notes the bytes of an update that its reader has from now on; those of the
// one before are free.
func (sn *Session) give(bytes int64) {
	sn.s.held.Add(-sn.given)
	sn.given = bytes
}

// roll puts the window into the queue when its time is over.
func (sn *Session) roll(now time.Time) {
	if now.Before(sn.windowEnd) {
		return
	}
	if sn.atOnce {
		sn.windowEnd = now.Add(sn.every)
	} else {
		sn.windowEnd = sn.windowEnd.Add(now.Sub(sn.windowEnd).Truncate(sn.every) + sn.every)
	}
	if sn.cur.empty() {
		return
	}
	u := sn.cur.close()
	sn.queue = append(sn.queue, u)
	sn.queued += len(u.Events)
	for len(sn.queue) > keptUpdates || sn.queued > keptEvents {
		old := sn.queue[0]
		sn.queue = slices.Delete(sn.queue, 0, 1)
		sn.queued -= len(old.Events)
		sn.s.held.Add(-old.bytes)
		sn.queue[0].Sampled = true
		sn.queue[0].Missed += old.Missed + int64(len(old.Events))
	}
}

// offer gives the session those of the events of a batch that match: all n of
// them, or those in hits.
func (sn *Session) offer(now time.Time, b *batch, hits []uint32, n int) {
	at := func(k int) int {
		if hits != nil {
			return int(hits[k])
		}
		return k
	}
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if sn.err != nil {
		return
	}
	sn.roll(now)
	w := &sn.cur
	if sn.atOnce {
		if w.empty() {
			sn.windowEnd = now.Add(sn.every)
		}
		defer sn.tell()
	}
	for k := 0; k < n; {
		if !w.full {
			if size := b.size(at(k)); sn.s.reserve(size) {
				if w.room(size) {
					w.add(b.event(at(k)), size)
					k++
					continue
				}
				sn.s.held.Add(-size)
			}
			w.fill()
		}
		ahead := w.next - w.seen
		if ahead >= int64(n-k) {
			w.seen += int64(n - k)
			return
		}
		k += int(ahead)
		w.seen = w.next + 1
		size := b.size(at(k))
		if sn.s.reserve(size) {
			sn.s.held.Add(-w.replace(b.event(at(k)), size))
		}
		w.draw()
		k++
	}
}

func (sn *Session) tell() {
	select {
	case sn.arrived <- struct{}{}:
	default:
	}
}

// lag notes that events were not looked at.
func (sn *Session) lag() {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.cur.lagged = true
}

// Close ends the session and gives back what it holds.
func (sn *Session) Close() {
	sn.s.remove(sn)
	sn.end(ErrClosed)
}

func (sn *Session) end(why error) {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.endLocked(why)
}

func (sn *Session) endLocked(why error) {
	if sn.err != nil {
		return
	}
	sn.err = why
	close(sn.ended)
	sn.give(0)
	bytes := sn.cur.bytes
	for i := range sn.queue {
		bytes += sn.queue[i].bytes
	}
	sn.s.held.Add(-bytes)
	sn.cur, sn.queue = window{}, nil
}

// reserve counts the memory of an event; false when there is none.
func (s *Service) reserve(size int64) bool {
	if s.held.Add(size) > s.memory {
		s.held.Add(-size)
		return false
	}
	return true
}

// window collects events. Once it is full, every event that was seen has the same
// chance to be in it (reservoir sampling, algorithm L of Li, 1994): it says
// which events to take, so the others cost nothing.
type window struct {
	slots  []slot
	bytes  int64 // with overhead
	seen   int64 // events
	full   bool
	next   int64 // number of the next event to take, once it is full
	weight float64
	lagged bool
}

type slot struct {
	number int64 // of the event among those seen
	size   int64
	event  Event
}

func (w *window) empty() bool { return w.seen == 0 && !w.lagged }

func (w *window) room(size int64) bool {
	return len(w.slots) < maxUpdateEvents && (w.bytes+size <= maxUpdateBytes || len(w.slots) == 0)
}

func (w *window) add(e Event, size int64) {
	w.slots = append(w.slots, slot{number: w.seen, size: size, event: e})
	w.bytes += size
	w.seen++
}

// fill ends adding: from now on events are replaced.
func (w *window) fill() {
	w.full, w.weight, w.next = true, 1, w.seen-1
	w.draw()
}

// draw decides which event is the next to be taken.
func (w *window) draw() {
	k := len(w.slots)
	if k == 0 { // there is no memory for even one
		w.next = math.MaxInt64
		return
	}
	w.weight *= math.Exp(math.Log(1-rand.Float64()) / float64(k))
	skip := math.Floor(math.Log(1-rand.Float64()) / math.Log1p(-w.weight))
	w.next += 1 + int64(min(skip, 1<<60)) // it is +Inf when the weight is next to nothing
}

// replace puts e, which is number seen-1, in the place of another event. It returns the
// bytes that are free now: of the other, or of e when it is too large to take.
func (w *window) replace(e Event, size int64) (free int64) {
	s := &w.slots[rand.IntN(len(w.slots))]
	if w.bytes-s.size+size > maxUpdateBytes && len(w.slots) > 1 {
		return size
	}
	free = s.size
	w.bytes += size - free
	*s = slot{number: w.seen - 1, size: size, event: e}
	return free
}

// close makes an update of the window and begins a new one.
func (w *window) close() Update {
	slices.SortFunc(w.slots, func(a, b slot) int { return int(a.number - b.number) })
	u := Update{Events: make([]Event, len(w.slots)), bytes: w.bytes, Missed: w.seen - int64(len(w.slots))}
	for i := range w.slots {
		u.Events[i] = w.slots[i].event
	}
	u.Sampled = u.Missed > 0 || w.lagged
	clear(w.slots)
	*w = window{slots: w.slots[:0]}
	return u
}
