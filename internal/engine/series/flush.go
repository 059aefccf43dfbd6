package series

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Background work looks at the store this often, and flushes what is older.
const (
	lookEvery  = 20 * time.Second
	flushAfter = 30 * time.Minute
)

// loop flushes and merges until Close.
func (db *DB) loop() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	flushed := db.o.Now()
	for {
		due := false
		select {
		case <-db.ctx.Done():
			return
		case <-db.wake:
			due = true
		case <-ticker.C:
			due = db.o.Now().Sub(flushed) >= flushAfter || db.log.Stats().Backlog > 4*db.o.logFile
		}
		if due {
			flushed = db.o.Now()
			if err := db.Flush(db.ctx); err != nil && db.ctx.Err() == nil {
				db.o.Logger.Error("metrics are not flushed; they stay in the log", "error", err)
			}
		}
		if err := db.Maintain(db.ctx); err != nil && db.ctx.Err() == nil {
			db.o.Logger.Error("metrics are not merged", "error", err)
		}
	}
}

// Flush writes what is in memory to files, so that the log is not needed for it.
func (db *DB) Flush(ctx context.Context) error {
	if err := db.begin(); err != nil {
		return err
	}
	defer db.using.Done()
	return db.flush(ctx)
}

func (db *DB) flush(ctx context.Context) error {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	err := db.flushAll(ctx)
	db.mu.Lock()
	db.health.flush = err
	db.mu.Unlock()
	return err
}

// flushAll flushes a memtable whose flush did not succeed before, and the active one.
func (db *DB) flushAll(ctx context.Context) error {
	db.mu.Lock()
	old := db.sealed
	db.mu.Unlock()
	if old != nil {
		if err := db.flushSealed(ctx, old); err != nil {
			return err
		}
	}
	db.mu.Lock()
	m := db.active
	if m.last == db.manifest.Checkpoint {
		db.mu.Unlock()
		return nil
	}
	db.sealed = m
	db.active = newMemtable(m.last, m.reached)
	db.mu.Unlock()
	return db.flushSealed(ctx, m)
}

// part names the files that hold the same part of time at the same resolution.
type part struct {
	level int
	start int64
}

func (db *DB) flushSealed(ctx context.Context, m *memtable) error {
	now := db.o.Now().UnixMilli()
	all := make([]*series, 0, len(m.series))
	parts := map[part]bool{}
	last := part{level: -1}
	see := func(lv int, start int64) {
		if p := (part{lv, levels[lv].start(start)}); p != last {
			parts[p] = true
			last = p
		}
	}
	for s, ms := range m.series {
		all = append(all, s)
		for i := range ms.minutes {
			if lv, ok := home(ms.minutes[i].Start, now); ok {
				see(lv, ms.minutes[i].Start)
			}
		}
		for i := range ms.seconds {
			if start := ms.seconds[i].Start; !levels[0].expired(levels[0].start(start), now) {
				see(0, start)
			}
		}
	}
	sortSeries(all)
	c := change{flushed: m}
	for p := range parts {
		files, err := db.writeFiles(ctx, p.level, p.start, all, func(s *series) ([]Bucket, error) { return m.of(s, p, now), nil })
		c.add = append(c.add, files...)
		if err != nil {
			return db.discard(c.add, fmt.Errorf("flush metrics: %w", asFull(err)))
		}
	}
	if err := db.publish(c); err != nil {
		return fmt.Errorf("flush metrics: %w", asFull(err))
	}
	if err := db.log.Release(m.last); err != nil {
		db.o.Logger.Warn("log files of metrics that are not needed remain", "error", err)
	}
	return nil
}

// of returns the buckets of a series that belong to a part now.
func (m *memtable) of(s *series, p part, now int64) []Bucket {
	buckets := m.series[s].minutes
	if p.level == 0 {
		buckets = m.series[s].seconds
	}
	from, _ := searchBuckets(buckets, p.start)
	to, _ := searchBuckets(buckets, p.start+levels[p.level].partition)
	buckets = buckets[from:to]
	if p.level <= 1 || len(buckets) == 0 {
		return buckets
	}
	// Days of this partition may still be kept in minutes.
	var old []Bucket
	for i := range buckets {
		if lv, ok := home(buckets[i].Start, now); ok && lv == p.level {
			old = append(old, buckets[i])
		}
	}
	return rollUp(old, levels[p.level].resolution)
}

// discard removes files that were written and never published.
func (db *DB) discard(files []*file, err error) error {
	for _, f := range files {
		err = errors.Join(err, f.f.Close(), db.o.FS.Remove(db.filePath(f.name)))
	}
	return err
}

// Maintain merges files, rolls up what is old and removes what is too old. Damage of a
// file is returned, and keeps only the files of its part of time from being merged.
func (db *DB) Maintain(ctx context.Context) error {
	if err := db.begin(); err != nil {
		return err
	}
	defer db.using.Done()
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	err := db.maintain(ctx)
	db.mu.Lock()
	defer db.mu.Unlock()
	// The same damage is reported once.
	if err != nil && db.health.merge != nil && err.Error() == db.health.merge.Error() {
		db.health.merge = err
		return nil
	}
	db.health.merge = err
	return err
}

func (db *DB) maintain(ctx context.Context) error {
	now := db.o.Now().UnixMilli()
	var errs []error
	groups := map[part][]*file{}
	var order []part
	for _, f := range db.files { // only holders of flushMu change it
		if db.isDamaged(f) {
			if f.end() <= now-longest {
				errs = append(errs, db.publish(change{remove: []*file{f}}))
			}
			continue
		}
		p := part{f.level, f.start}
		if groups[p] == nil {
			order = append(order, p)
		}
		groups[p] = append(groups[p], f)
	}
	for _, p := range order {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		files := groups[p]
		target := p
		if levels[p.level].expired(p.start, now) {
			lv := len(levels)
			if p.level > 0 {
				if h, ok := home(p.start, now); ok {
					lv = h
				}
			}
			if lv == len(levels) {
				errs = append(errs, db.publish(change{remove: files}))
				continue
			}
			target = part{lv, levels[lv].start(p.start)}
		} else if files = tier(files); len(files) == 0 {
			continue
		}
		errs = append(errs, db.merge(ctx, files, target))
	}
	return errors.Join(errs...)
}

// Merging waits for mergeFrom files of about the same size; smaller ones than
// tierFloor count as the same.
const (
	mergeFrom = 4
	tierFloor = 256 << 10
)

// tier returns the files of a part that should be merged: the smallest ones, as long
// as the next one is not larger than those before together.
func tier(files []*file) []*file {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b *file) int { return int(a.size - b.size) })
	sum, n := int64(0), 0
	for _, f := range files {
		if n > 0 && f.size > max(sum, tierFloor) || sum+f.size > fileTarget {
			break
		}
		sum += f.size
		n++
	}
	if n < mergeFrom {
		return nil
	}
	return files[:n]
}

// merge replaces files by their sum, in the resolution and partition of target.
func (db *DB) merge(ctx context.Context, files []*file, target part) error {
	ids := map[uint32]bool{}
	for _, f := range files {
		for _, x := range f.extents {
			ids[x.id] = true
		}
	}
	all := make([]*series, 0, len(ids))
	db.mu.RLock()
	for id := range ids {
		all = append(all, db.byID[id])
	}
	db.mu.RUnlock()
	sortSeries(all)
	u := db.unpackers.Get().(*unpacker)
	defer db.unpackers.Put(u)
	resolution := levels[target.level].resolution
	added, err := db.writeFiles(ctx, target.level, target.start, all, func(s *series) ([]Bucket, error) {
		var sum []Bucket
		for _, f := range files {
			x, ok := f.find(s.id)
			if !ok {
				continue
			}
			buckets, err := f.read(u, x, true)
			if err != nil {
				if damage, ok := errors.AsType[*CorruptionError](err); ok {
					db.noteDamage(damage)
				}
				return nil, err
			}
			if levels[f.level].resolution != resolution {
				buckets = rollUp(buckets, resolution)
			} else {
				buckets = cloneBuckets(buckets)
			}
			sum = combine(sum, buckets)
		}
		return sum, nil
	})
	if err != nil {
		return db.discard(added, fmt.Errorf("merge metrics: %w", asFull(err)))
	}
	if err := db.publish(change{add: added, remove: files}); err != nil {
		return fmt.Errorf("merge metrics: %w", asFull(err))
	}
	return nil
}
