package store

import (
	"context"
	"time"
)

// pacer keeps merging in the background from taking the machine from those who
// wait for an answer. While appends wait for room or scans run, a merge takes no
// more than a floor of bytes per second; otherwise as much as it can. The
// floor doubles with every fanIn flushed parts that wait to be merged, and from
// free of them on merging does not yield at all, so that what is left to merge
// cannot grow without bound.
type pacer struct {
	floor int64
	fanIn int
	busy  func() bool
	debt  func() int // flushed parts that wait to be merged
}

// paceStep is how often a merge that waits looks whether it still has to.
const paceStep = 10 * time.Millisecond

// freeDebt is how many times fanIn of parts make merging yield no more.
const freeDebt = 4

// wait waits until that many more bytes may be read or moved.
func (p *pacer) wait(ctx context.Context, bytes int64) error {
	for left := bytes; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		steps := p.debt() / max(p.fanIn, 1)
		if left <= 0 || steps >= freeDebt || !p.busy() {
			return nil
		}
		rate := p.floor << steps
		d := min(paceStep, time.Duration(float64(left)/float64(rate)*float64(time.Second))+1)
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		left -= int64(float64(rate) * d.Seconds())
	}
}

// mergeBusy reports whether somebody wants the machine more than a merge does.
func (s *Store) mergeBusy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiters.len() > 0 || s.readers > 1 // the merge is one
}

// mergeDebt returns the number of flushed parts that wait to be merged.
func (s *Store) mergeDebt() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := -s.setAside
	for _, p := range s.cur.parts {
		if p.seg.Level == 0 {
			n++
		}
	}
	return max(n, 0)
}

// What a flush is delayed by when merging does not keep up: a little more for
// every part. Memtables fill meanwhile, and then appends wait.
const (
	slowStep = 50 * time.Millisecond
	slowMost = 5 * time.Second
)

// slowDown returns how long the next flush in the background has to wait for
// merges to catch up. It is never for ever, and nothing while merges fail: room on
// the disk comes from elsewhere then.
func (s *Store) slowDown() time.Duration {
	over := s.mergeDebt() - s.o.tune.slowParts
	s.mu.Lock()
	defer s.mu.Unlock()
	if over <= 0 || s.mergeErr != nil || s.closed {
		return 0
	}
	return min(time.Duration(over)*slowStep, slowMost)
}
