package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Store is an open store. Its methods are safe for concurrent use.
//
// Lock order: mergeMu, flushMu, applyMu, mu. No I/O happens under
// applyMu and mu; readers take mu only, for moments.
type Store struct {
	o        Options
	partsDir string
	wal      *wal.Log
	cache    *blockCache
	dirs     *blockCache // of streamDirs only
	warm     *warmBlocks
	shapes   *memShapes // of memtables
	pages    *pageCache // of skip indexes
	budget   *budget    // of queries
	files    *openFiles

	ctx    context.Context // of the background work; ends in Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	using   sync.WaitGroup // appends under way; Add under mu while not closed
	reading sync.WaitGroup // holders of views; likewise

	newest   atomic.Uint64 // log sequence number of the newest batch that is visible
	arrivals arrivals

	encoders *encoders
	pace     pacer // of merges in the background

	flushWake chan struct{}
	mergeWake chan struct{}
	flushMu   sync.Mutex // one flush at a time
	ended     bool       // Close is done with flushing; guarded by flushMu
	mergeMu   sync.Mutex // one merge at a time
	applyMu   sync.Mutex // adding to the active memtable, and sealing it

	// Guarded by mergeMu: the time of the present pass, when all parts were last
	// looked at for dead events, and a merge that is not known to be published.
	mergeNow int64
	checked  int64
	merged   *merged

	mu       sync.Mutex // guards what follows
	cur      *view
	head     int64     // accounted bytes of all memtables and of appends under way
	stored   int64     // those of the memtables
	waiters  waitQueue // appends that wait for room
	readers  int       // holders of views
	setAside int       // flushed parts that cannot be merged
	flushErr error     // of the last flush
	mergeErr error     // of the last merge
	garbage  []*part   // no view lists them any more: to be closed and removed
	closed   bool
	closing  chan struct{} // closed with it
}

// Open opens the store in o.Dir, creates it when missing, and brings back what
// the write-ahead log holds. The caller holds the lock of the data directory.
// Part files are opened when they are first read, so the time it takes depends
// on the log only, which is bounded by the memory for memtables.
//
// A log that lost acknowledged records makes it fail with a
// *wal.CorruptionError, unless o.Salvage is set.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if err := o.ensureDefaults(runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	s := &Store{
		o: o, partsDir: filepath.Join(o.Dir, "parts"),
		cache:     newBlockCache(o.tune.cacheBytes / 2),
		dirs:      newBlockCache(o.tune.cacheBytes / 8),
		warm:      newWarmBlocks(o.tune.cacheBytes / 8 * 3),
		shapes:    newMemShapes(o.tune.cacheBytes / 8),
		pages:     newPageCache(o.tune.pageBytes),
		budget:    newBudget(o.tune.queryBytes, o.tune.patience),
		files:     &openFiles{fsys: o.FS, limit: o.tune.openParts},
		encoders:  &encoders{opts: o.tune.encoding()},
		flushWake: make(chan struct{}, 1), mergeWake: make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	s.pace = pacer{floor: o.tune.mergeFloor, fanIn: o.tune.mergeFanIn, busy: s.mergeBusy, debt: s.mergeDebt}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			s.cancel()
		}
	}()
	if err := o.FS.MkdirAll(s.partsDir); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	segs, err := o.Manifest.Segments(ctx)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	checkpoint, err := o.Manifest.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	v := &view{mems: []*memtable{newMemtable()}, refs: 1}
	for _, g := range segs {
		p := s.newPart(g)
		p.views.Store(1)
		v.parts = append(v.parts, p)
	}
	s.cur = v
	v.mems[0].views = 1

	var recovery wal.Recovery
	s.wal, recovery, err = wal.Open(ctx, wal.Options{
		FS: o.FS, Dir: filepath.Join(o.Dir, "wal"),
		NextLSN: checkpoint + 1, Checkpoint: checkpoint,
		Replay: func(lsn uint64, typ byte, payload []byte) error { return s.replay(ctx, lsn, typ, payload) },
		Apply:  s.apply, Salvage: o.Salvage, Now: o.Now, Logger: o.Logger,
		FileSize: o.tune.walFile, Reserve: o.tune.walReserve, QueueBytes: o.tune.memtableBytes,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.closeParts())
	}
	if err := s.sweep(checkpoint, recovery); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.wal.Close(), s.closeParts())
	}
	s.newest.Store(max(checkpoint, recovery.LastLSN, s.cur.applied().Batch()))
	for _, l := range recovery.Lost {
		s.o.Logger.Error("the log lost acknowledged batches", "file", l.File, "offset", l.Offset, "from", l.From, "to", l.To)
	}
	s.o.Logger.Debug("opened the store", "parts", len(segs), "checkpoint", checkpoint, "recovered", recovery)
	if !o.tune.manual {
		s.wg.Add(2)
		go s.flushLoop()
		go s.mergeLoop()
		wake(s.flushWake)
		wake(s.mergeWake)
	}
	return s, nil
}

// sweep removes the files that no manifest row names: temporary ones, parts that
// were never published, and parts that were merged away but not yet removed. When
// parts are missing or the log lost records, or a part holds events that the log should hold and
// does not, the manifest may be an old copy and those parts all there is, so they
// stay, but for those whose events were just replayed.
func (s *Store) sweep(checkpoint uint64, log wal.Recovery) error {
	live := make(map[string]bool, len(s.cur.parts))
	for _, p := range s.cur.parts {
		live[p.seg.ID+partSuffix] = true
	}
	names, err := s.o.FS.List(s.partsDir)
	if err != nil {
		return err
	}
	var orphans, temps []string
	for _, name := range names {
		switch {
		case live[name]:
			delete(live, name)
		case strings.HasSuffix(name, partSuffix):
			orphans = append(orphans, name)
		case strings.HasSuffix(name, tempSuffix):
			temps = append(temps, name)
		}
	}
	lost := len(log.Lost) > 0 || len(live) > 0
	for name := range live {
		s.o.Logger.Error("a part is missing; its events are lost unless a copy of the file exists", "file", name)
	}
	orphans = slices.DeleteFunc(orphans, func(name string) bool {
		low, high, ok := s.span(name)
		replayed := ok && low > checkpoint && high <= log.LastLSN && len(log.Lost) == 0
		if replayed || !lost && high <= log.LastLSN {
			return false
		}
		s.o.Logger.Warn("a part that the catalog does not list stays, as other events are missing", "file", name)
		return true
	})
	for _, name := range append(temps, orphans...) {
		if err := s.o.FS.Remove(filepath.Join(s.partsDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.o.Logger.Warn("a file that is not needed could not be removed", "file", name, "error", err)
		}
	}
	return nil
}

// span returns the lowest and the highest log sequence number of the events of a
// part; ok is false when it cannot be read.
func (s *Store) span(name string) (low, high uint64, ok bool) {
	f, err := s.o.FS.Open(filepath.Join(s.partsDir, name))
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	r, err := segment.Open(f, name)
	if err != nil {
		return 0, 0, false
	}
	return r.Summary().MinSeq.Batch(), r.Summary().MaxSeq.Batch(), true
}

func (s *Store) newPart(g catalog.Segment) *part {
	return &part{seg: g, files: s.files, path: partPath(s.partsDir, g.ID), log: s.o.Logger}
}

// replay puts a recovered record into the memtable. When more is recovered
// than memory allows, because the memory was reduced, it flushes meanwhile.
func (s *Store) replay(ctx context.Context, lsn uint64, typ byte, payload []byte) error {
	if typ != recordPut {
		return fmt.Errorf("record %d has the unknown type %d", lsn, typ)
	}
	c, err := decodePut(lsn, payload)
	if err != nil {
		return fmt.Errorf("record %d: %w", lsn, err)
	}
	s.add(c, 0)
	if s.headBytes() > s.headLimit() {
		return s.flushSealed(ctx)
	}
	return nil
}

// apply is called by the WAL when batches have become durable, in the order of
// their log sequence numbers, before Append returns.
func (s *Store) apply(batch []*wal.Pending) {
	for _, p := range batch {
		c := p.Tag.(*chunk)
		c.lsn = p.LSN
		s.add(c, c.memory())
		s.newest.Store(c.lsn)
	}
	s.arrivals.announce()
}

// add puts a chunk into the active memtable, and seals that when it is full.
// reserved is what admit counted for the chunk.
func (s *Store) add(c *chunk, reserved int64) {
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	s.mu.Lock()
	m := s.cur.mems[len(s.cur.mems)-1]
	s.mu.Unlock()
	before := m.memory // only ever changed under applyMu
	m.add(c, time.Now())
	full := m.memory >= s.o.tune.memtableBytes
	s.mu.Lock()
	s.stored += m.memory - before
	s.head += m.memory - before - reserved
	if full {
		s.sealLocked()
	}
	full = full || s.stuckLocked()
	s.mu.Unlock()
	if full {
		wake(s.flushWake)
	}
}

// seal seals the active memtable when it has rows and when, which is called with mu
// held, says so; it reports whether it did.
func (s *Store) seal(when func(*memtable) bool) bool {
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.cur.mems[len(s.cur.mems)-1]
	if _, _, ok := m.size(); !ok || !when(m) {
		return false
	}
	s.sealLocked()
	wake(s.flushWake)
	return true
}

// sealLocked starts a new memtable. The caller holds applyMu and mu.
func (s *Store) sealLocked() {
	mems := append(slices.Clone(s.cur.mems), newMemtable())
	s.install(&view{mems: mems, parts: s.cur.parts})
}

// install makes v the current view. The caller holds mu.
func (s *Store) install(v *view) {
	v.refs = 1
	for _, p := range v.parts {
		p.views.Add(1)
	}
	for _, m := range v.mems {
		m.views++
	}
	old := s.cur
	s.cur = v
	s.unref(old)
}

// unref gives back a reference to v. The caller holds mu.
func (s *Store) unref(v *view) {
	if v.refs--; v.refs > 0 {
		return
	}
	for _, p := range v.parts {
		if p.views.Add(-1) == 0 {
			s.garbage = append(s.garbage, p)
			wake(s.mergeWake)
		}
	}
	for _, m := range v.mems {
		if m.views--; m.views == 0 && m.flushed {
			s.budget.pin(-m.memory)
		}
	}
}

// acquire returns the current view; release must follow.
func (s *Store) acquire() (*view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.cur.refs++
	s.readers++
	s.reading.Add(1)
	return s.cur, nil
}

// acquireParts returns the parts of the current view without the memtables, for
// work that takes long: it does not keep the memory of those that are flushed
// meanwhile. release must follow.
func (s *Store) acquireParts() (*view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	v := &view{parts: s.cur.parts, refs: 1}
	for _, p := range v.parts {
		p.views.Add(1)
	}
	s.readers++
	s.reading.Add(1)
	return v, nil
}

func (s *Store) release(v *view) {
	defer s.reading.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers--
	s.unref(v)
}

// swap replaces a flushed memtable (nil: none) and parts by new parts.
func (s *Store) swap(flushed *memtable, removed, added []*part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &view{mems: s.cur.mems}
	if flushed != nil {
		v.mems = slices.DeleteFunc(slices.Clone(v.mems), func(m *memtable) bool { return m == flushed })
		s.head -= flushed.memory
		s.budget.pin(flushed.memory) // until the last view of it goes
		flushed.flushed = true
		s.stored -= flushed.memory
	}
	for _, p := range s.cur.parts {
		if !slices.Contains(removed, p) {
			v.parts = append(v.parts, p)
		}
	}
	v.parts = append(v.parts, added...)
	s.install(v)
	s.letIn()
}

// collect closes and removes the files of parts that nobody uses any more.
func (s *Store) collect() {
	s.mu.Lock()
	garbage := s.garbage
	s.garbage = nil
	s.mu.Unlock()
	for _, p := range garbage {
		s.cache.forget(p)
		s.dirs.forget(p)
		s.warm.forget(p)
		s.pages.forget(p)
		err := p.close()
		if rerr := s.o.FS.Remove(p.path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		if err != nil { // the next start removes it
			s.o.Logger.Warn("a file that is not needed could not be removed", "file", p.path, "error", err)
		}
	}
}

func (s *Store) now() int64 { return s.o.Now().UnixMilli() }

func (s *Store) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return nil
}

func (s *Store) headBytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head
}

// headLimit bounds the memory of memtables: one that is filled, two that wait
// to be flushed.
func (s *Store) headLimit() int64 { return 3 * s.o.tune.memtableBytes }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flushOnClose is the size from which Close writes memtables to parts.
const flushOnClose = 8 << 20

// closePatience bounds that flush.
const closePatience = 10 * time.Second

// Close stops the store: appends under way finish, scans and merges under way
// are cut short, later calls return ErrClosed. Close returns when all of them
// have ended, and must not be called from a yield of Scan. A large
// memtable is flushed so that the next start is quick; a small one stays in the
// log, from which a start brings it back, so that frequent restarts do not make
// many small parts. An error of that flush is logged only: nothing is lost.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.letIn()
	s.mu.Unlock()

	s.using.Wait()
	s.lastFlush()
	s.cancel()
	s.wg.Wait()
	s.reading.Wait()
	s.mergeMu.Lock()
	defer s.mergeMu.Unlock()
	s.flushMu.Lock()
	defer s.flushMu.Unlock()
	s.ended = true
	err := s.wal.Close()
	s.collect()
	return errors.Join(err, s.closeParts())
}

// lastFlush flushes what is in memory when it is much. A disk that hangs does
// not keep Close for ever.
func (s *Store) lastFlush() {
	if s.o.tune.manual || s.headBytes() < flushOnClose {
		return
	}
	defer time.AfterFunc(closePatience, s.cancel).Stop()
	s.seal(func(*memtable) bool { return true })
	if err := s.flushSealed(s.ctx); err != nil {
		s.o.Logger.Warn("the flush at the end did not succeed; the log keeps the events", "error", err)
	}
}

// closeParts closes the files of all parts.
func (s *Store) closeParts() error {
	var err error
	for _, p := range s.cur.parts {
		err = errors.Join(err, p.close())
	}
	return err
}

// HeadStats returns the statistics of every stream of the group that has
// events in memory.
func (s *Store) HeadStats(group logs.GroupID) map[logs.StreamID]StreamStats {
	return s.headStats(group, nil)
}

// HeadStreamStats returns the statistics of those of the given streams that
// have events in memory. Its cost does not depend on the size of the group.
func (s *Store) HeadStreamStats(group logs.GroupID, streams []logs.StreamID) map[logs.StreamID]StreamStats {
	if len(streams) == 0 {
		return nil
	}
	return s.headStats(group, streams)
}

// headStats merges the statistics of the memtables; streams nil means all.
func (s *Store) headStats(group logs.GroupID, streams []logs.StreamID) map[logs.StreamID]StreamStats {
	out := make(map[logs.StreamID]StreamStats)
	for _, m := range s.memtables() {
		m.stats(group, streams, out)
	}
	return out
}

// HeadBytes returns the message bytes of the group that are in memory and
// therefore not yet counted in the catalog.
func (s *Store) HeadBytes(group logs.GroupID) int64 {
	n := int64(0)
	for _, m := range s.memtables() {
		n += m.groupBytes(group)
	}
	return n
}

func (s *Store) memtables() []*memtable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur.mems
}
