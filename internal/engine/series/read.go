package series

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Read returns the buckets of a metric between start and end, of the length of
// period each, the first one beginning at start; those without data are left out. unit ""
// means all units together. Only what is kept for the period is there; see Retention. A
// period below a minute sees what was added with HighResolution.
//
// Damage of a file that may hold data of the range is a *CorruptionError.
func (db *DB) Read(ctx context.Context, m Metric, unit string, period time.Duration, start, end int64) ([]Bucket, error) {
	return db.read(ctx, m, unit, start, end, &reading{period: period.Milliseconds(), sketches: true})
}

// ReadSums is Read without what percentiles need: it is faster, and HasValues of the
// buckets means nothing.
func (db *DB) ReadSums(ctx context.Context, m Metric, unit string, period time.Duration, start, end int64) ([]Bucket, error) {
	return db.ReadSumsInto(ctx, m, unit, period, start, end, nil)
}

// ReadSumsInto is ReadSums whose result is in the memory of buf, if that has room.
func (db *DB) ReadSumsInto(ctx context.Context, m Metric, unit string, period time.Duration, start, end int64, buf []Bucket) ([]Bucket, error) {
	return db.read(ctx, m, unit, start, end, &reading{period: period.Milliseconds(), out: buf[:0]})
}

// reading is one read.
type reading struct {
	period, start, end int64
	from               int64 // not before, because of retention
	sketches           bool
	dense              bool // out has all periods, also those without data
	out                []Bucket
	extra              []Bucket
	arena              []entry
}

// maxDense bounds the periods of a read that collects into one place for each.
const maxDense = 8192

// prepare makes room for the periods when they are few.
func (r *reading) prepare() {
	n := (r.end - r.start + r.period - 1) / r.period
	if n > maxDense {
		return
	}
	r.dense = true
	r.out = slices.Grow(r.out[:0], int(n))[:n]
	clear(r.out)
	for i := range r.out {
		r.out[i].Start = r.start + int64(i)*r.period
	}
}

// result returns the buckets that have data.
func (r *reading) result() []Bucket {
	if !r.dense {
		return r.out
	}
	n := 0
	for i := range r.out {
		if r.out[i].Count == 0 {
			continue
		}
		if n != i {
			r.out[n] = r.out[i]
		}
		n++
	}
	return r.out[:n:n]
}

func (db *DB) read(ctx context.Context, m Metric, unit string, start, end int64, r *reading) ([]Bucket, error) {
	if err := db.begin(); err != nil {
		return nil, err
	}
	defer db.using.Done()
	if r.period < second || r.period%second != 0 || start < 0 || end > maxTimestamp || checkUnit(unit) != nil {
		return nil, fmt.Errorf("%w: period of %d ms from %d to %d", ErrInvalid, r.period, start, end)
	}
	key, _, err := appendMetricKey(make([]byte, 0, 256), &m)
	if err != nil {
		return nil, err
	}
	r.start, r.end = start, end
	r.from = max(start, db.o.Now().UnixMilli()-Retention(time.Duration(r.period)*time.Millisecond).Milliseconds())
	if r.from >= end {
		return nil, nil
	}
	if !db.knows(key) {
		return nil, nil
	}
	r.prepare()
	seen, files := db.snapshot(key, unit, r)
	defer func() {
		for _, f := range files {
			if err := db.release(f); err != nil {
				db.o.Logger.Warn("a file of metrics does not close", "file", f.name, "error", err)
			}
		}
	}()
	u := db.unpackers.Get().(*unpacker)
	defer db.unpackers.Put(u)
	for _, f := range files {
		if f.damaged != nil {
			return nil, f.damaged
		}
		for _, id := range seen {
			x, ok := f.find(id)
			if !ok {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			buckets, err := f.read(u, x, r.sketches)
			if err != nil {
				if damage, ok := errors.AsType[*CorruptionError](err); ok {
					db.noteDamage(damage)
				}
				return nil, err
			}
			r.add(buckets)
		}
	}
	return r.result(), nil
}

// knows reports whether there may be data of a metric.
func (db *DB) knows(key []byte) bool {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.metrics[string(key)] != nil || slices.ContainsFunc(db.files, func(f *file) bool { return f.damaged != nil })
}

// snapshot adds what is in memory to r and returns the ids of the series and, referenced, the
// files that may hold more of them.
func (db *DB) snapshot(key []byte, unit string, r *reading) (ids []uint32, files []*file) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	// What a damaged file holds is not known, so any metric may be in it.
	for _, f := range db.files {
		if f.damaged != nil && r.wants(f) {
			f.refs.Add(1)
			return nil, []*file{f}
		}
	}
	m := db.metrics[string(key)]
	if m == nil {
		return nil, nil
	}
	for _, s := range m.units {
		if unit != "" && s.unit() != unit {
			continue
		}
		ids = append(ids, s.id)
		for _, t := range [...]*memtable{db.sealed, db.active} {
			if t == nil || t.series[s] == nil {
				continue
			}
			if r.seconds() {
				r.add(t.series[s].seconds)
			} else {
				r.add(t.series[s].minutes)
			}
		}
	}
	for _, f := range db.files {
		if r.wants(f) {
			f.refs.Add(1)
			files = append(files, f)
		}
	}
	return ids, files
}

// wants reports whether a file may hold data of the range in a fitting resolution.
func (r *reading) wants(f *file) bool {
	return f.start < r.end && f.newest >= r.from && r.seconds() == (f.level == 0) && r.period%levels[f.level].resolution == 0
}

// seconds reports that the period is not made of minutes.
func (r *reading) seconds() bool { return r.period%minute != 0 }

// add adds sorted buckets, which it does not keep.
func (r *reading) add(buckets []Bucket) {
	from, _ := searchBuckets(buckets, r.from)
	if r.dense {
		for i := from; i < len(buckets) && buckets[i].Start < r.end; i++ {
			r.merge(&r.out[(buckets[i].Start-r.start)/r.period], &buckets[i])
		}
		return
	}
	at := 0
	r.extra = r.extra[:0]
	for i := from; i < len(buckets) && buckets[i].Start < r.end; i++ {
		b := &buckets[i]
		start := r.start + (b.Start-r.start)/r.period*r.period
		n := len(r.out)
		switch {
		case n == 0 || r.out[n-1].Start < start:
			r.out = append(r.out, Bucket{Start: start})
			at = n
		case at < n && r.out[at].Start == start:
		default:
			var found bool
			if at, found = r.seek(at, start); !found {
				r.addExtra(b, start)
				continue
			}
		}
		r.merge(&r.out[at], b)
	}
	if len(r.extra) > 0 {
		r.out = combine(r.out, slices.Clone(r.extra))
	}
}

// seek finds the bucket at start, which is likely to be soon after at.
func (r *reading) seek(at int, start int64) (int, bool) {
	for range 4 {
		if at < len(r.out) && r.out[at].Start < start {
			at++
		}
	}
	if at < len(r.out) && r.out[at].Start == start {
		return at, true
	}
	return searchBuckets(r.out, start)
}

// addExtra collects what has to go between the buckets of r.out.
func (r *reading) addExtra(b *Bucket, start int64) {
	if n := len(r.extra); n == 0 || r.extra[n-1].Start != start {
		r.extra = append(r.extra, Bucket{Start: start})
	}
	r.merge(&r.extra[len(r.extra)-1], b)
}

func (r *reading) merge(to, b *Bucket) {
	switch {
	case !r.sketches:
		to.mergeSums(b)
	case to.Count == 0:
		to.set(b, r.keep(b.values.entries))
	default:
		to.merge(b)
	}
}

// keep copies entries to memory that is allocated for many.
func (r *reading) keep(entries []entry) []entry {
	n := len(entries)
	if n == 0 {
		return nil
	}
	if cap(r.arena)-len(r.arena) < n {
		r.arena = make([]entry, 0, max(n, 2048))
	}
	begin := len(r.arena)
	r.arena = append(r.arena, entries...)
	return r.arena[begin : begin+n : begin+n]
}
