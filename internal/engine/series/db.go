package series

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
)

const logDir = "log"

// defaultLogFile is the size of a file of the log; a flush comes before there are many.
const defaultLogFile = 16 << 20

// DB is an open store. Its methods are safe for concurrent use.
//
// Lock order: flushMu, mu. No I/O happens under mu.
type DB struct {
	o   Options
	log *wal.Log

	ctx    context.Context // of the background work; ends in Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{}
	using  sync.WaitGroup // calls under way; Add under mu while not closed

	zstd      *zstd.Decoder
	unpackers sync.Pool // of *unpacker

	flushMu  sync.Mutex // one flush or merge at a time; guards what follows
	manifest manifest
	packer   *packer
	leftover []string // files that may be in a manifest on disk, but are not in manifest

	mu     sync.RWMutex // guards what follows
	closed bool
	registry
	active *memtable
	sealed *memtable // nil: none
	files  []*file
	health health
}

// Open opens the store in o.Dir, creates it when missing, and brings back what the
// log holds. Damage makes it fail with a *CorruptionError or a *wal.CorruptionError,
// unless o.Salvage is set.
func Open(ctx context.Context, o Options) (_ *DB, err error) {
	if err := o.ensureDefaults(); err != nil {
		return nil, err
	}
	db := &DB{o: o, wake: make(chan struct{}, 1), registry: newRegistry()}
	db.ctx, db.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			db.cancel()
			err = errors.Join(err, db.closeFiles())
		}
	}()
	if err := db.openFiles(ctx); err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	db.active = newMemtable(db.manifest.Checkpoint, db.manifest.Reached)
	db.log, _, err = wal.Open(ctx, wal.Options{
		FS: o.FS, Dir: filepath.Join(o.Dir, logDir), FileSize: o.logFile, Reserve: -1,
		NextLSN: db.manifest.Checkpoint + 1, Checkpoint: db.manifest.Checkpoint,
		Replay: db.replay, Apply: db.apply, Salvage: o.Salvage, Now: o.Now, Logger: o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	db.removeUnused()
	if !o.Manual {
		db.wg.Go(db.loop)
	}
	return db, nil
}

// Close flushes, stops the background work and closes the files. Calls that come
// later get ErrClosed; calling it again does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	db.cancel()
	db.wg.Wait()
	db.using.Wait()
	// What cannot be flushed is in the log.
	if err := db.flush(context.Background()); err != nil {
		db.o.Logger.Warn("metrics were not flushed at the end", "error", err)
	}
	return errors.Join(db.log.Close(), db.closeFiles())
}

// begin admits a call; end must follow when it succeeds.
func (db *DB) begin() error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	db.using.Add(1)
	return nil
}

// Add adds points to their buckets, and notes up to where consumers are done. All of
// it is durable and visible when Add returns nil, and after an error none of it is
// there, or ever will be. Points older than the longest retention are accepted and not kept.
// The points are not changed and not referenced after Add returns.
//
// Errors: a *TooManySeriesError, ErrFull, ErrInvalid, ErrTooLarge, ErrClosed, that
// of ctx, or one of the log.
func (db *DB) Add(ctx context.Context, points []Point, reached map[string]uint64) error {
	if err := db.begin(); err != nil {
		return err
	}
	defer db.using.Done()
	if len(points) == 0 && len(reached) == 0 {
		return nil
	}
	for i := range points {
		if err := points[i].check(); err != nil {
			return fmt.Errorf("point %d: %w", i, err)
		}
	}
	if len(reached) > maxReached {
		return fmt.Errorf("%w: %d consumers", ErrInvalid, len(reached))
	}
	for c := range reached {
		if c == "" || len(c) > maxNameBytes {
			return fmt.Errorf("%w: name of a consumer of %d bytes", ErrInvalid, len(c))
		}
	}
	if err := db.makeRoom(ctx); err != nil {
		return err
	}
	b := &batch{points: points, reached: reached}
	if err := db.resolve(b); err != nil {
		return err
	}
	buf := buffers.Get().(*[]byte)
	*buf = appendRecord((*buf)[:0], b)
	_, err := db.log.Append(ctx, recordAdd, b, *buf)
	if cap(*buf) <= keptBuffer {
		buffers.Put(buf)
	}
	if err == nil {
		return nil
	}
	db.mu.Lock()
	db.unuse(b.series)
	db.mu.Unlock()
	switch {
	case errors.Is(err, wal.ErrFull):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, wal.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, wal.ErrClosed):
		return ErrClosed
	}
	return fmt.Errorf("add to metrics: %w", err)
}

// buffers hold encoded records.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keptBuffer = 4 << 20

// makeRoom flushes while the memtables are full.
func (db *DB) makeRoom(ctx context.Context) error {
	db.mu.RLock()
	held := db.active.bytes
	if db.sealed != nil {
		held += db.sealed.bytes
	}
	db.mu.RUnlock()
	if held > db.o.Memory/2 {
		select {
		case db.wake <- struct{}{}:
		default:
		}
	}
	if held <= db.o.Memory {
		return nil
	}
	if err := db.flush(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("memory for metrics is full: %w", err)
	}
	return nil
}

// apply puts durable batches into the memtable.
func (db *DB) apply(pending []*wal.Pending) {
	oldest := db.o.Now().UnixMilli() - longest
	for _, p := range pending {
		b := p.Tag.(*batch)
		db.mu.Lock()
		db.put(p.LSN, b, oldest)
		db.unuse(b.series)
		db.mu.Unlock()
	}
}

// replay puts a record of the log into the memtable.
func (db *DB) replay(lsn uint64, typ byte, payload []byte) error {
	if typ != recordAdd {
		return fmt.Errorf("record %d of type %d: %w", lsn, typ, errFormat)
	}
	r, err := decodeRecord(payload)
	if err != nil {
		return fmt.Errorf("record %d: %w", lsn, err)
	}
	b := &batch{points: r.points, reached: r.reached, series: make([]*series, len(r.points))}
	known := make([]*series, len(r.keys))
	for i, key := range r.keys {
		if known[i], err = db.seriesOf(key); err != nil {
			return fmt.Errorf("record %d: %w", lsn, err)
		}
	}
	for i, ref := range r.refs {
		b.series[i] = known[ref]
	}
	db.put(lsn, b, db.o.Now().UnixMilli()-longest)
	return nil
}

// put adds a batch to the active memtable. db.mu is held, or no one else is there yet.
func (db *DB) put(lsn uint64, b *batch, oldest int64) {
	for i := range b.points {
		if b.points[i].Timestamp >= oldest {
			db.active.add(b.series[i], &b.points[i])
		}
	}
	for c, n := range b.reached {
		db.active.reached[c] = n
	}
	db.active.last = lsn
}

// Reached returns the position of a consumer, as of its last Add.
func (db *DB) Reached(consumer string) (lsn uint64, ok bool) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	lsn, ok = db.active.reached[consumer]
	return lsn, ok
}
