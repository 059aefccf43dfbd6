package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/logs"
)

// headerPool holds the buffers in which the heads of records are encoded.
var headerPool = sync.Pool{New: func() any { return new([]byte) }}

// Append stores a batch. When it returns nil the events are durable and every
// Scan that starts later sees them. While the disk is slower than its clients
// it waits, no longer than ctx; while the disk is full or fails it returns
// ErrUnavailable. After an error the batch is not stored.
func (s *Store) Append(ctx context.Context, b Batch) (firstSeq logs.Seq, err error) {
	c, err := b.check()
	if err != nil {
		return 0, err
	}
	reserved := c.memory()
	if err := s.admit(ctx, c.group, reserved); err != nil {
		return 0, err
	}
	defer s.using.Done()

	head := headerPool.Get().(*[]byte)
	*head = appendPutHeader((*head)[:0], c)
	from, to := c.start, c.ends[len(c.ends)-1]
	lsn, err := s.wal.Append(ctx, recordPut, c, *head, c.arena[from:to])
	headerPool.Put(head)
	if err == nil {
		return logs.MakeSeq(lsn, 0), nil
	}
	s.giveBack(reserved)
	switch {
	case errors.Is(err, wal.ErrFull):
		s.makeRoom()
		return 0, fmt.Errorf("append: %w: %w", ErrUnavailable, err)
	case errors.Is(err, wal.ErrFailed):
		return 0, fmt.Errorf("append: %w: %w", ErrUnavailable, err)
	case errors.Is(err, wal.ErrClosed):
		return 0, ErrClosed
	case errors.Is(err, wal.ErrTooLarge):
		return 0, fmt.Errorf("append: %w: %w", ErrBadBatch, err)
	}
	return 0, fmt.Errorf("append: %w", err)
}

// admit counts n bytes of memory for an append to the group, after waiting for
// room if need be. A nil return is followed by using.Done, and by giveBack when
// the append fails.
func (s *Store) admit(ctx context.Context, group logs.GroupID, n int64) error {
	s.mu.Lock()
	if s.waiters.len() == 0 && !s.closed && s.fits(n) {
		s.head += n
		s.using.Add(1)
		s.mu.Unlock()
		return nil
	}
	w := s.waiters.push(group, n)
	s.letIn()
	stuck := s.stuckLocked()
	s.mu.Unlock()
	if stuck {
		wake(s.flushWake)
	}
	select {
	case <-w.ready:
		return w.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waiters.drop(w) {
		return w.err // it was let in, or refused, meanwhile
	}
	s.letIn() // it may have stood before smaller ones
	return fmt.Errorf("append: wait for room: %w", ctx.Err())
}

// fits reports whether there is room for n bytes; a batch larger than all memory
// is let in alone. The caller holds mu.
func (s *Store) fits(n int64) bool { return s.head+n <= s.headLimit() || s.head == 0 }

// letIn lets in the appends that wait, in fair order, as far as there is room.
// They are refused when the store is closed or memory cannot be flushed. The
// caller holds mu.
func (s *Store) letIn() {
	for {
		w := s.waiters.first()
		switch {
		case w == nil:
			return
		case s.closed:
			w.err = ErrClosed
		case s.fits(w.bytes):
			s.head += w.bytes
			s.using.Add(1)
		case s.flushErr != nil:
			w.err = fmt.Errorf("append: %w: memory is full and cannot be flushed: %w", ErrUnavailable, s.flushErr)
		default:
			return
		}
		s.waiters.take()
		close(w.ready)
	}
}

// stuckLocked reports whether appends wait and nothing under way makes room: all
// memory is in a memtable that is not full, but too full for the next batch. The
// caller holds mu.
func (s *Store) stuckLocked() bool {
	return s.waiters.len() > 0 && len(s.cur.mems) == 1 && s.head == s.stored
}

func (s *Store) giveBack(n int64) {
	s.mu.Lock()
	s.head -= n
	s.letIn()
	stuck := s.stuckLocked()
	s.mu.Unlock()
	if stuck {
		wake(s.flushWake)
	}
}

// makeRoom answers a full disk: the reserve of the log gives the flush the
// space it needs, and the flush lets log files go.
func (s *Store) makeRoom() {
	s.releaseReserve()
	s.seal(func(*memtable) bool { return len(s.cur.mems) == 1 })
	wake(s.flushWake)
}

// releaseReserve gives flushes the space of the reserve of the log; the log takes it
// back after the next one.
func (s *Store) releaseReserve() {
	if _, err := s.wal.ReleaseReserve(); err != nil {
		s.o.Logger.Warn("the disk is full and the reserve of the log could not be released", "error", err)
	}
}
