package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// flushLoop seals memtables that are old and flushes those that are sealed. A
// flush that fails keeps its memtable and is tried again, at growing distances,
// for as long as the store is open.
func (s *Store) flushLoop() {
	defer s.wg.Done()
	age := time.NewTicker(max(s.o.tune.memtableAge/4, time.Millisecond))
	defer age.Stop()
	wait := time.Duration(0)
	for {
		var retry <-chan time.Time
		if wait > 0 {
			retry = time.After(wait)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.flushWake:
			if wait > 0 {
				continue // the disk does not get better by asking more often
			}
		case <-age.C:
			s.sealOld()
			if wait > 0 {
				continue
			}
		case <-retry:
		}
		if d := s.slowDown(); d > 0 {
			s.o.Logger.Warn("merging does not keep up; the flush waits for it", "for", d)
			select {
			case <-time.After(d):
			case <-s.closing:
			}
		}
		if err := s.flushAll(s.ctx, true); err != nil && s.ctx.Err() == nil {
			wait = min(max(s.o.tune.retryMin, 2*wait), s.o.tune.retryMax)
			s.o.Logger.Error("a flush failed and will be tried again", "after", wait, "error", err)
		} else {
			wait = 0
		}
	}
}

// Flush writes everything in memory to parts and returns when they are
// published.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	s.seal(func(*memtable) bool { return true })
	return s.flushSealed(ctx)
}

// sealOld seals the memtable when it has reached its age.
func (s *Store) sealOld() {
	limit := s.o.tune.memtableAge
	now := time.Now()
	s.seal(func(m *memtable) bool {
		_, born, ok := m.size()
		return ok && now.Sub(born) >= limit
	})
}

// flushSealed flushes the sealed memtables, oldest first, as fast as it can.
func (s *Store) flushSealed(ctx context.Context) error {
	return s.flushAll(ctx, false)
}

// calmly is how many blocks a flush in the background encodes at once: while
// appenders wait, or the next memtable already does, as many as there are
// cores, and otherwise half of it, so that queries find room.
func (s *Store) calmly() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cur.mems) > 2 || s.waiters.len() > 0 {
		return s.o.tune.encoders
	}
	return max(1, s.o.tune.encoders/2)
}

// flushAll flushes the sealed memtables. When calm is set nobody waits for it: it
// leaves cores to others, and returns after one memtable when merging does not keep up.
func (s *Store) flushAll(ctx context.Context, calm bool) error {
	limit := func() int { return s.o.tune.encoders }
	if calm {
		limit = s.calmly
	}
	s.flushMu.Lock()
	defer s.flushMu.Unlock()
	if s.ended {
		return ErrClosed
	}
	for {
		m := s.oldestSealed()
		if m == nil {
			if s.seal(func(*memtable) bool { return s.stuckLocked() }) {
				continue
			}
			return nil
		}
		err := s.flush(ctx, m, limit)
		if err == nil || ctx.Err() == nil { // the patience of a caller says nothing about the disk
			s.mu.Lock()
			s.flushErr = err
			s.letIn()
			s.mu.Unlock()
		}
		if err != nil {
			if vfs.IsNoSpace(err) && s.wal != nil {
				s.releaseReserve()
			}
			return err
		}
		if calm && s.slowDown() > 0 {
			wake(s.flushWake)
			return nil
		}
	}
}

func (s *Store) oldestSealed() *memtable {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cur.mems) < 2 {
		return nil
	}
	return s.cur.mems[0]
}

// flush writes a sealed memtable as a part, publishes it, and lets the WAL go.
// The caller holds flushMu.
func (s *Store) flush(ctx context.Context, m *memtable, limit func() int) error {
	start := time.Now()
	if m.written == nil {
		w, err := s.writePart(ctx, m, limit)
		if err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		m.written = w
	}
	w := m.written
	// A publication that failed may still come to light after a crash: its last
	// sync failed, but its pages are there. So the part stays, and the same one is
	// published again; a start removes it when no manifest lists it.
	if _, err := s.publish(ctx, &w.pub); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	s.swap(m, nil, w.parts)
	s.shapes.forget(m.lastLSN)
	if s.wal != nil { // nil while the log is replayed, which releases by itself
		if err := s.wal.Release(m.lastLSN); err != nil {
			s.o.Logger.Warn("old log files could not be removed", "error", err)
		}
	}
	s.o.Logger.Debug("flushed a memtable", "events", m.rows, "took", time.Since(start))
	wake(s.mergeWake)
	return nil
}

// written is a memtable on disk, and what there is to publish about it.
type written struct {
	pub   catalog.Publication
	parts []*part // none when every row was deleted
}

// writePart writes the rows of a sealed memtable that are not deleted as a part.
func (s *Store) writePart(ctx context.Context, m *memtable, limit func() int) (_ *written, err error) {
	dead, err := s.tombstones(ctx)
	if err != nil {
		return nil, err
	}
	out := &written{pub: catalog.Publication{Checkpoint: m.lastLSN}}
	w, err := newPartWriter(s.o.FS, s.partsDir, partMeta{Class: -1, Day: -1, Tombstones: dead.last}, s.now(), s.o.tune.encoding())
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, w.abandon())
		}
	}()
	rows, err := s.writeMemtable(ctx, w, m, dead, &out.pub, limit)
	if err != nil || rows == 0 {
		return out, err
	}
	seg, sum, err := w.finish()
	if err != nil {
		return nil, err
	}
	s.reportLost(sum.NotRebuilt)
	if err := s.o.FS.SyncDir(s.partsDir); err != nil {
		return nil, err
	}
	keep = true
	out.pub.Add = []catalog.Segment{seg}
	out.parts = []*part{s.newPart(seg)}
	return out, nil
}

// reportLost says that blocks were not taken apart because they could not be put
// together again: nothing is lost but speed, and it is a defect.
func (s *Store) reportLost(blocks int) {
	if blocks > 0 {
		s.o.Logger.Error("blocks that were taken apart did not come back whole and were kept as they are", "blocks", blocks)
	}
}

// writeMemtable writes the rows of m that are not deleted and adds statistics
// to pub.
//
// The rows are cut into blocks that reference the memory of m, encoded on
// several goroutines, and written in order.
func (s *Store) writeMemtable(ctx context.Context, w *partWriter, m *memtable, dead *tombstoneSet, pub *catalog.Publication, limit func() int) (int64, error) {
	pipe := newBlockPipe(ctx, s.encoders, s.o.tune.encoders, w.w.AddEncoded)
	defer pipe.close()
	pipe.limit = limit
	cut := slicer{pipe: pipe, limit: s.o.tune.blockBytes}
	total := int64(0)
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		g := m.groups[id]
		if dead.groups[id] {
			continue
		}
		for sid, st := range g.streams {
			if !dead.dead(id, sid) {
				pub.Streams = append(pub.Streams, catalog.StreamStats{
					Group: id, Stream: sid,
					First: st.stats.First, Last: st.stats.Last, LastIngestion: st.stats.LastIngestion,
				})
			}
		}
		rows, bytes, err := writeGroup(&cut, id, g.snapshot(&m.mu), dead)
		if err != nil {
			return 0, err
		}
		total += rows
		if bytes > 0 {
			pub.GroupBytes = append(pub.GroupBytes, catalog.GroupBytes{Group: id, Delta: bytes})
		}
	}
	return total, pipe.drain()
}

// writeGroup writes the rows of one group of a memtable.
func writeGroup(cut *slicer, group logs.GroupID, src memRows, dead *tombstoneSet) (rows, bytes int64, err error) {
	refs := src.sorted()
	cut.begin(group, int64(len(refs)))
	some := len(dead.streams[group]) > 0
	var row segment.Row
	for _, r := range refs {
		c := src.chunks[r.chunk]
		if some && dead.dead(group, c.stream) {
			continue
		}
		i := int(r.row)
		msg := c.message(i)
		rows++
		bytes += int64(len(msg))
		row = segment.Row{Stream: c.stream, Key: c.key(i), Ingestion: c.ingestion, Message: msg}
		if err := cut.add(&row); err != nil {
			return rows, bytes, err
		}
	}
	cut.flush()
	return rows, bytes, nil
}

// publish applies pub. After an error it asks the manifest whether pub was
// applied all the same, until it gets an answer. written says that the files of
// pub belong to the manifest, or may.
func (s *Store) publish(ctx context.Context, pub *catalog.Publication) (written bool, err error) {
	err = s.o.Manifest.Publish(ctx, *pub)
	if err == nil {
		return true, nil
	}
	wait := s.o.tune.retryMin
	for {
		// The answer does not depend on the caller's patience: the store must
		// know before it goes on.
		applied, aerr := s.applied(s.ctx, pub)
		if aerr == nil {
			if applied {
				return true, nil
			}
			return false, fmt.Errorf("publish: %w", err)
		}
		s.o.Logger.Error("it is not known whether a publication was applied; asking again",
			"after", wait, "error", errors.Join(err, aerr))
		select {
		case <-s.ctx.Done():
			return true, fmt.Errorf("publish: %w", errors.Join(err, aerr))
		case <-time.After(wait):
		}
		wait = min(2*wait, s.o.tune.retryMax)
	}
}

// applied reports whether the manifest holds the result of pub.
func (s *Store) applied(ctx context.Context, pub *catalog.Publication) (bool, error) {
	segs, err := s.o.Manifest.Segments(ctx)
	if err != nil {
		return false, err
	}
	live := make(map[string]bool, len(segs))
	for _, g := range segs {
		live[g.ID] = true
	}
	if len(pub.Add) > 0 {
		return live[pub.Add[0].ID], nil
	}
	if len(pub.Remove) > 0 {
		return !live[pub.Remove[0]], nil
	}
	cp, err := s.o.Manifest.Checkpoint(ctx)
	return pub.Checkpoint > 0 && cp >= pub.Checkpoint, err
}
