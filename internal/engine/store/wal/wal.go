package wal

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
	"golang.org/x/sync/semaphore"
)

// Errors of the package.
var (
	// ErrFull means that the disk is full. The record is not in the log;
	// later appends may succeed.
	ErrFull = errors.New("wal: disk is full")
	// ErrFailed means that writing failed and that a new file could not be
	// opened either. Later appends may succeed.
	ErrFailed = errors.New("wal: log cannot be written")
	// ErrClosed is returned by Append after Close.
	ErrClosed = errors.New("wal: log is closed")
	// ErrTooLarge is returned for a payload above MaxPayload.
	ErrTooLarge = errors.New("wal: record is too large")
	// ErrVersion is returned for a file of a version this program cannot read.
	ErrVersion = errors.New("wal: unknown format version")
)

// Defaults of Options.
const (
	DefaultFileSize   = 64 << 20
	DefaultReserve    = 64 << 20
	DefaultQueueBytes = 64 << 20
)

// Options configure a Log. FS, Dir and Apply are required for Open.
type Options struct {
	// FS and Dir hold the log; Dir is made when missing. Whoever opens the
	// log has made sure, by a lock, that no other process uses Dir.
	FS  vfs.FS
	Dir string
	// FileSize is the size of a file in bytes; 0 means DefaultFileSize. Files
	// are smaller when the disk is nearly full.
	FileSize int64
	// NextLSN is a lower bound for the LSN of the first new record.
	NextLSN uint64
	// Checkpoint is the LSN up to which records are not needed: they are not
	// replayed, and their loss is no damage.
	Checkpoint uint64
	// Replay receives the recovered records above Checkpoint in order of
	// LSN, before Open returns. The payload is the callee's to keep. An error
	// makes Open fail. Nil drops the records.
	Replay func(lsn uint64, typ byte, payload []byte) error
	// Apply is called on the committer goroutine when a group is durable, in
	// order of LSN, before the callers of Append wake. The slice and the
	// Pendings are valid during the call only.
	Apply func(batch []*Pending)
	// Reserve is the size of the reserve in bytes; 0 means DefaultReserve, a
	// negative value none. It is smaller while the disk is nearly full.
	Reserve int64
	// QueueBytes bounds the stored bytes of the records that wait for the
	// committer; Append blocks above it. 0 means DefaultQueueBytes.
	QueueBytes int64
	// Salvage makes Open replay all that can be read of a damaged log, and
	// report in Recovery what is lost, instead of failing. Later starts accept
	// the same losses without it.
	Salvage bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger may be nil.
	Logger *slog.Logger
}

func (o *Options) ensureDefaults() error {
	if o.FileSize == 0 {
		o.FileSize = DefaultFileSize
	}
	if o.Reserve == 0 {
		o.Reserve = DefaultReserve
	}
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.FS == nil || o.Dir == "":
		return errors.New("wal: FS and Dir are required")
	case o.FileSize < minFileSize || o.FileSize > 1<<40:
		return fmt.Errorf("wal: file size %d is out of range", o.FileSize)
	case o.QueueBytes < 0:
		return fmt.Errorf("wal: queue of %d bytes", o.QueueBytes)
	case o.NextLSN > MaxLSN || o.Checkpoint > MaxLSN:
		return fmt.Errorf("wal: LSN bounds %d and %d are out of range", o.NextLSN, o.Checkpoint)
	}
	return nil
}

// Pending is a record that has become durable.
type Pending struct {
	LSN  uint64
	Type byte
	Tag  any // what Append was given
}

// request is a Pending on its way through the queue. Requests are pooled.
type request struct {
	Pending
	header recordHeader
	parts  [][]byte // stored bytes
	packed *[]byte  // pooled buffer behind parts, when compressed
	weight int64    // of the queue
	err    error
	done   chan struct{} // capacity 1
}

var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

func (r *request) free() {
	clear(r.parts)
	if r.packed != nil {
		buffers.Put(r.packed)
	}
	*r = request{parts: r.parts[:0], done: r.done}
	requests.Put(r)
}

// Log is an open write-ahead log. Its methods are safe for concurrent use.
type Log struct {
	o     Options
	room  *semaphore.Weighted
	files files
	stats counters

	compressFrom int // constant but for benchmarks

	mu     sync.Mutex // guards queue and closed
	more   *sync.Cond
	queue  []*request
	closed bool
	done   chan struct{} // closed when the committer has ended

	committer committer // used by the committer goroutine only, and by Close after it
	closeOnce sync.Once
	closeErr  error
}

// Open recovers the log in o.Dir and makes it ready for appends. It returns a
// *CorruptionError when acknowledged records above o.Checkpoint cannot be read
// and o.Salvage is not set; Recovery then says what is lost. It writes nothing
// but the removal of files that are not needed, and what a salvage accepted: the first Append makes a file.
func Open(ctx context.Context, o Options) (*Log, Recovery, error) {
	if err := o.ensureDefaults(); err != nil {
		return nil, Recovery{}, err
	}
	if o.Apply == nil {
		return nil, Recovery{}, errors.New("wal: Apply is required")
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("open log: %w", err)
	}
	s, err := scan(ctx, &o)
	if err != nil {
		return nil, s.Recovery, fmt.Errorf("recover log: %w", err)
	}
	l := &Log{o: o, room: semaphore.NewWeighted(o.QueueBytes), done: make(chan struct{}), compressFrom: compressFrom}
	l.more = sync.NewCond(&l.mu)
	l.committer.next = s.NextLSN
	l.committer.acked = s.LastLSN
	if err := l.files.adopt(&l.o, s); err != nil {
		return nil, s.Recovery, fmt.Errorf("recover log: %w", err)
	}
	if err := l.Release(o.Checkpoint); err != nil {
		o.Logger.Warn("log files that are not needed remain", "error", err)
	}
	go l.run()
	return l, s.Recovery, nil
}

// Append adds a record whose payload is the concatenation of parts, and returns its
// LSN when it is durable and applied. tag is handed to Options.Apply.
//
// While the queue is full it waits, until ctx ends. Once the record is queued ctx
// has no influence any more: Append returns the outcome, success or not. The
// parts are not changed and not referenced after Append returns.
//
// Errors: ErrFull, ErrFailed, ErrClosed, ErrTooLarge, or that of ctx. After each
// of them the record was not applied.
func (l *Log) Append(ctx context.Context, typ byte, tag any, parts ...[]byte) (uint64, error) {
	r, err := newRequest(typ, tag, parts, l.compressFrom)
	if err != nil {
		return 0, err
	}
	defer r.free()
	r.weight = min(int64(r.header.size()), l.o.QueueBytes)
	if err := l.room.Acquire(ctx, r.weight); err != nil {
		return 0, err
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.room.Release(r.weight)
		return 0, ErrClosed
	}
	l.queue = append(l.queue, r)
	l.mu.Unlock()
	l.more.Signal()
	<-r.done
	return r.LSN, r.err
}

// newRequest checksums the parts, after compressing them when that pays.
func newRequest(typ byte, tag any, parts [][]byte, compressFrom int) (*request, error) {
	total := 0
	for _, p := range parts {
		total += len(p)
		if total > MaxPayload {
			return nil, fmt.Errorf("append %d bytes or more: %w", total, ErrTooLarge)
		}
	}
	r := requests.Get().(*request)
	r.Type, r.Tag = typ, tag
	r.parts = append(r.parts, parts...)
	r.header = recordHeader{typ: typ, codec: codecNone, raw: uint32(total), stored: uint32(total)}
	if total >= compressFrom {
		r.compress(total)
	}
	for _, p := range r.parts {
		r.header.payload = crc32.Update(r.header.payload, castagnoli, p)
	}
	return r, nil
}

// Close waits for the records that are queued, ends the committer and closes the
// files. Appends that come later get ErrClosed. Calling it again does nothing and
// returns the same error.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.more.Broadcast()
		<-l.done
		l.closeErr = l.seal()
	})
	return l.closeErr
}
