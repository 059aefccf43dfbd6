package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// retryPause is how long the log stays failed before an append tries again.
const retryPause = time.Second

// committer is the state of the one goroutine that writes.
type committer struct {
	next   uint64 // LSN of the next record; never one that was tried before
	acked  uint64 // last LSN acknowledged
	active *activeFile
	// failedUntil, when set, is the time before which appends are refused.
	failedUntil time.Time
	failure     error

	batch   []*request
	pending []*Pending
	buf     []byte // the group, as on disk
}

// activeFile is the file that groups go to.
type activeFile struct {
	file vfs.File
	name string
	size int64
	off  int64 // end of the acknowledged groups
	seed uint32
}

func (l *Log) run() {
	defer close(l.done)
	for l.take() {
		l.commit()
	}
}

// take moves the next records from the queue to the batch; false when the
// log is closed and the queue empty. A batch fills what is left of the active
// file unless its first record alone does not fit.
func (l *Log) take() bool {
	c := &l.committer
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 {
		if l.closed {
			return false
		}
		l.more.Wait()
	}
	limit := groupLimit
	if a := c.active; a != nil {
		if left := int(min(a.size-a.off, groupLimit)); groupHeaderSize+l.queue[0].header.size() <= left {
			limit = left
		}
	}
	n, size := 0, groupHeaderSize
	for n < len(l.queue) && (n == 0 || size+l.queue[n].header.size() <= limit) {
		size += l.queue[n].header.size()
		n++
	}
	c.batch = append(c.batch[:0], l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	return true
}

// commit makes the batch durable, applies it and wakes its callers.
func (l *Log) commit() {
	c := &l.committer
	err := l.write()
	if err == nil {
		c.pending = c.pending[:0]
		for _, r := range c.batch {
			c.pending = append(c.pending, &r.Pending)
		}
		l.o.Apply(c.pending)
		clear(c.pending)
	} else {
		l.stats.refused.Add(int64(len(c.batch)))
	}
	weight := int64(0)
	for i, r := range c.batch {
		weight += r.weight
		if r.err = err; err != nil {
			r.LSN = 0
		}
		c.batch[i] = nil
		r.done <- struct{}{} // from here on r is its caller's
	}
	l.room.Release(weight)
	if cap(c.buf) > 2*groupLimit {
		c.buf = nil
	}
}

// write writes and syncs the batch as one group. The caller of a record learns of an
// error only after the group was taken back as far as the disk lets us.
func (l *Log) write() error {
	c := &l.committer
	if !c.failedUntil.IsZero() && l.o.Now().Before(c.failedUntil) {
		return c.failure
	}
	err := l.tryWrite()
	if err != nil && !errors.Is(err, ErrFull) {
		l.o.Logger.Error("log is not written; trying another file", "error", err)
		err = l.tryWrite()
	}
	switch {
	case err == nil:
		c.failedUntil = time.Time{}
		return nil
	case errors.Is(err, ErrFull):
		return err
	}
	c.failure = fmt.Errorf("%w: %w", ErrFailed, err)
	c.failedUntil = l.o.Now().Add(retryPause)
	return c.failure
}

// tryWrite makes one attempt. After ErrFull the active file can take another
// group at the same place; after other errors there is no active file.
func (l *Log) tryWrite() error {
	c := &l.committer
	size := int64(groupHeaderSize)
	for _, r := range c.batch {
		size += int64(r.header.size())
	}
	size = int64(align(int(size), pageSize))
	if c.next+uint64(len(c.batch)) > MaxLSN {
		return errors.New("log sequence numbers are used up")
	}
	if c.active == nil || c.active.off+size > c.active.size {
		l.retire()
		a, err := l.newFile(size)
		if err != nil {
			return noSpace(err)
		}
		c.active = a
	}
	a := c.active
	c.encode(a.seed)
	// These numbers are spent even if the attempt fails: what a failed
	// attempt leaves on disk can then never continue a later group.
	c.next += uint64(len(c.batch))

	if _, err := a.file.WriteAt(c.buf, a.off); err != nil {
		l.stats.failures.Add(1)
		if verr := c.void(); verr != nil || !vfs.IsNoSpace(err) {
			l.abandon()
			return fmt.Errorf("write group: %w", noSpace(err))
		}
		return noSpace(err)
	}
	start := time.Now()
	if err := a.file.Sync(); err != nil {
		l.stats.failures.Add(1)
		// Voiding may fail as well; the header of the next file does it
		// for good.
		_ = c.void()
		l.abandon()
		return fmt.Errorf("sync group: %w", err)
	}
	l.stats.synced(time.Since(start))
	a.off += size
	c.acked = c.next - 1
	l.stats.group(len(c.batch), c.buf)
	l.files.grown(a.off)
	return nil
}

// encode builds the group of the batch in buf and numbers its records.
func (c *committer) encode(seed uint32) {
	b := append(c.buf[:0], make([]byte, groupHeaderSize)...)
	h := groupHeader{first: c.next, prev: c.acked, count: uint32(len(c.batch)), headers: seed}
	for i, r := range c.batch {
		r.LSN = c.next + uint64(i)
		r.header.lsn = r.LSN
		at := len(b)
		b = append(b, make([]byte, recordHeaderSize)...)
		r.header.put(b[at:], seed)
		h.headers = crc32.Update(h.headers, castagnoli, b[at:])
		for _, p := range r.parts {
			b = append(b, p...)
		}
		b = pad(b, 8)
	}
	h.length = uint32(len(b))
	h.put(b, seed)
	c.buf = pad(b, pageSize)
}

func pad(b []byte, to int) []byte {
	return append(b, make([]byte, align(len(b), to)-len(b))...)
}

// void makes the group at the end of the active file, which was written in
// part or whole and not acknowledged, unreadable.
func (c *committer) void() error {
	var zero [pageSize]byte
	if _, err := c.active.file.WriteAt(zero[:], c.active.off); err != nil {
		return err
	}
	return c.active.file.Sync()
}

// abandon gives the active file up after an error that says nothing good about
// it; its acknowledged groups stay.
func (l *Log) abandon() {
	l.stats.abandoned.Add(1)
	l.retire()
}

// retire closes the active file, if there is one.
func (l *Log) retire() {
	a := l.committer.active
	if a == nil {
		return
	}
	// All that counts in it is synced; a failing close takes nothing away.
	if err := a.file.Close(); err != nil {
		l.o.Logger.Error("log file does not close", "file", a.name, "error", err)
	}
	l.committer.active = nil
	l.files.close(l.committer.acked)
}

// seal ends the active file on a clean Close: an empty group says that all before
// it was acknowledged, so that damage to the last group cannot pass for a torn
// tail; then the unused rest of the file is given back.
func (l *Log) seal() error {
	c := &l.committer
	a := c.active
	if a == nil {
		return nil
	}
	c.active = nil
	var err error
	if c.acked > 0 && a.off > dataStart && a.off+pageSize <= a.size && c.next <= MaxLSN {
		c.batch = c.batch[:0]
		c.encode(a.seed)
		if _, err = a.file.WriteAt(c.buf, a.off); err == nil {
			err = a.file.Sync()
			a.off += pageSize
		}
	}
	if err == nil {
		err = a.file.Truncate(a.off)
	}
	if cerr := a.file.Close(); err == nil {
		err = cerr
	}
	if vfs.IsNoSpace(err) {
		// Nothing acknowledged is at stake.
		l.o.Logger.Warn("log is closed without a seal", "file", a.name, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}

// noSpace marks an error of a full disk as ErrFull.
func noSpace(err error) error {
	if vfs.IsNoSpace(err) && !errors.Is(err, ErrFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
