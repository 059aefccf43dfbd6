package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// mergeEvery is how often the merge loop looks by itself; checkEvery is how
// often it looks for events that have expired.
const (
	mergeEvery = 15 * time.Second
	checkEvery = 10 * time.Minute
)

// mergeLoop merges and purges in the background, one job at a time.
func (s *Store) mergeLoop() {
	defer s.wg.Done()
	tick := time.NewTicker(mergeEvery)
	defer tick.Stop()
	wait := time.Duration(0)
	for {
		var retry <-chan time.Time
		if wait > 0 {
			retry = time.After(wait)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.mergeWake:
			s.collect()
			if wait > 0 {
				continue
			}
		case <-tick.C:
			if wait > 0 {
				continue
			}
		case <-retry:
		}
		err := s.mergeAll(s.ctx, false)
		if err != nil && s.ctx.Err() == nil {
			wait = min(max(s.o.tune.retryMin, 2*wait), s.o.tune.retryMax)
			s.o.Logger.Error("a merge failed and will be tried again", "after", wait, "error", err)
		} else {
			wait = 0
		}
	}
}

// Merge merges parts and removes deleted and expired events until nothing is
// left to do: afterwards each (retention class, UTC day) has at most one part
// that is not full, and no event that has expired or whose tombstone exists is
// in any part. Parts with damage are left as they are.
func (s *Store) Merge(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrClosed) })()
	if err := s.mergeAll(ctx, true); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

// mergeAll runs jobs until there are none. all asks for everything that can be
// merged and purged, not only for what pays.
func (s *Store) mergeAll(ctx context.Context, all bool) error {
	s.mergeMu.Lock()
	defer s.mergeMu.Unlock()
	defer s.collect()
	s.mergeNow = s.now()
	err := s.mergePasses(ctx, all)
	if err == nil || ctx.Err() == nil {
		s.mu.Lock()
		s.mergeErr = err
		s.mu.Unlock()
	}
	return err
}

func (s *Store) mergePasses(ctx context.Context, all bool) error {
	since := s.mergeNow - s.checked // below 0 when the clock was set back
	check := all || since < 0 || since >= checkEvery.Milliseconds()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := s.mergeStep(ctx, all, check)
		s.collect()
		if err != nil || done {
			return err
		}
	}
}

// mergeStep does one job; done says that there was none.
func (s *Store) mergeStep(ctx context.Context, all, check bool) (done bool, err error) {
	dead, err := s.tombstones(ctx)
	if err != nil {
		return false, err
	}
	v, err := s.acquireParts()
	if err != nil {
		return false, err
	}
	defer s.release(v)
	if s.merged != nil {
		return false, s.publishMerge(ctx)
	}
	worked, err := s.purge(ctx, v, dead, all, check)
	if err != nil || worked {
		return false, err
	}
	if check {
		s.checked = s.mergeNow
	}
	if job := s.plan(v.parts, all); job != nil {
		return false, s.tryMerge(ctx, job, dead)
	}
	return true, s.finishTombstones(ctx, dead)
}

// purge removes the events that nobody will see again: parts that hold nothing
// else are removed, and parts that hold much of it, or some for long, are
// rewritten. Without check it looks only at parts that have not been looked at
// since the last tombstone, and only at what costs no I/O.
func (s *Store) purge(ctx context.Context, v *view, dead *tombstoneSet, all, check bool) (worked bool, err error) {
	var drop []*part
	var rewrite *mergeJob
	for _, p := range v.parts {
		n, whole := p.hurt()
		if whole || s.unreadable(p) || !check && max(p.looked, p.seg.Tombstones) >= dead.last {
			continue
		}
		keep := n > 0 || p.avoid // for the sake of salvage, as long as anything in it lives
		w, err := s.weigh(ctx, p, dead, check && !keep)
		if err != nil {
			if isDamage(err) {
				continue
			}
			if s.avoidUnreadable(err, p) {
				continue
			}
			return false, err
		}
		p.looked = dead.last
		switch {
		case keep && !w.whole:
		case w.whole:
			drop = append(drop, p)
		case !w.some:
		case all, 10*w.deadBytes > 4*w.bytes, w.oldest > 0 && s.mergeNow-w.oldest >= s.o.tune.purgeAfter.Milliseconds():
			if rewrite == nil {
				rewrite = &mergeJob{inputs: []*part{p}, level: max(1, p.seg.Level), reason: "dead events", urgent: all}
			}
			p.looked = 0 // again, until it is rewritten
		}
	}
	switch {
	case len(drop) > 0: // first, as it needs no space
		return true, s.dropParts(ctx, drop)
	case rewrite != nil:
		return true, s.tryMerge(ctx, rewrite, dead)
	}
	return false, nil
}

// unreadable reports whether the file of a part could not be read a short while
// ago. The caller holds mergeMu.
func (s *Store) unreadable(p *part) bool {
	left := p.avoidTo - s.mergeNow
	return left > 0 && left <= checkEvery.Milliseconds()
}

// avoidUnreadable keeps the part of which err says that its file cannot be read out of
// merges for a while, so that one bad sector does not stop all merging and purging; false
// when err is about something else.
func (s *Store) avoidUnreadable(err error, parts ...*part) bool {
	var failed *fs.PathError
	if !errors.As(err, &failed) {
		return false
	}
	for _, p := range parts {
		if p.path == failed.Path {
			p.avoidTo = s.mergeNow + checkEvery.Milliseconds()
			s.o.Logger.Error("a part cannot be read and is left out of merges for a while", "for", checkEvery, "error", err)
			return true
		}
	}
	return false
}

// tryMerge runs a merge. One that cannot succeed, because its inputs are
// damaged or contradict each other, is given up: they stay as they are and out
// of later plans until a restart; for a while when it is the output that is damaged.
func (s *Store) tryMerge(ctx context.Context, job *mergeJob, dead *tombstoneSet) error {
	err := s.runMerge(ctx, job, dead)
	switch {
	case isDamage(err): // the parts with damage are known now
	case errors.Is(err, errReadBack):
		for _, p := range job.inputs {
			p.avoidTo = s.mergeNow + checkEvery.Milliseconds()
		}
	case errors.Is(err, errRowCount), errors.Is(err, errRowHash), errors.Is(err, segment.ErrOrder), errors.Is(err, segment.ErrInvalid), errors.Is(err, segment.ErrTooLarge):
		for _, p := range job.inputs {
			p.avoid = true
		}
	default:
		s.avoidUnreadable(err, job.inputs...)
		return err
	}
	s.o.Logger.Error("a merge was given up; its parts stay as they are", "error", err)
	return nil
}

// dropParts removes parts none of whose events lives. It needs no disk space.
func (s *Store) dropParts(ctx context.Context, drop []*part) error {
	pub := catalog.Publication{}
	bytes := make(map[logs.GroupID]int64)
	for _, p := range drop {
		r, err := p.open()
		if err != nil {
			return fmt.Errorf("drop parts: %w", err)
		}
		for _, g := range r.Groups() {
			bytes[g.Group] -= g.RawBytes
		}
		pub.Remove = append(pub.Remove, p.seg.ID)
	}
	for id, n := range bytes {
		pub.GroupBytes = append(pub.GroupBytes, catalog.GroupBytes{Group: id, Delta: n})
	}
	slices.SortFunc(pub.GroupBytes, func(a, b catalog.GroupBytes) int { return cmp.Compare(a.Group, b.Group) })
	if _, err := s.publish(ctx, &pub); err != nil {
		return fmt.Errorf("drop parts: %w", err)
	}
	s.swap(nil, drop, nil)
	s.o.Logger.Debug("dropped parts", "parts", len(drop))
	return nil
}

// weight says how much of a part is dead.
type weight struct {
	some      bool // at least one event
	whole     bool // every event
	bytes     int64
	deadBytes int64 // about; of expired events only those in blocks where all are
	oldest    int64 // creation of the oldest tombstone that has rows in the part; 0: none
}

// weigh finds the dead events of a part. With streams it also looks for those
// of deleted streams, for which it reads the keys of blocks.
func (s *Store) weigh(ctx context.Context, p *part, dead *tombstoneSet, streams bool) (w weight, err error) {
	r, err := p.open()
	if err != nil {
		return w, err
	}
	groups := r.Groups()
	ids := make([]logs.GroupID, len(groups))
	for i := range groups {
		ids[i] = groups[i].Group
	}
	lives, err := s.o.Manifest.Lives(ctx, ids)
	if err != nil {
		return w, fmt.Errorf("read retention: %w", err)
	}
	if streams {
		if err := s.findDeadStreams(ctx, p, r, dead); err != nil {
			return w, err
		}
	}
	w.whole = true
	var infos []segment.BlockInfo
	for i := range groups {
		g := &groups[i]
		w.bytes += g.RawBytes
		cutoff := expiry(lives[g.Group], s.mergeNow)
		if dead.groups[g.Group] || g.MaxTimestamp < cutoff {
			w.some = true
			w.deadBytes += g.RawBytes
			continue
		}
		if g.MinTimestamp < cutoff {
			w.some = true
			infos = r.Blocks(g.Group, infos[:0])
			for j := range infos {
				if infos[j].Max.Timestamp < cutoff {
					w.deadBytes += infos[j].RawBytes
				}
			}
		}
		rows := int64(0)
		for _, d := range p.deadRuns[g.Group] {
			w.some = true
			w.deadBytes += d.bytes
			rows += d.rows
		}
		w.whole = w.whole && rows == g.Rows
	}
	for _, t := range dead.list {
		hit := t.Stream == 0 && r.HasGroup(t.Group)
		for _, d := range p.deadRuns[t.Group] {
			hit = hit || d.stream == t.Stream
		}
		if hit && (w.oldest == 0 || t.Created < w.oldest) {
			w.oldest = t.Created
		}
	}
	return w, nil
}

// deadRun is what a part holds of a deleted stream.
type deadRun struct {
	stream      logs.StreamID
	rows, bytes int64
}

// findDeadStreams brings p.deadRuns up to date. Only blocks that may hold rows
// of the streams are read, their keys only, and once for each tombstone: a part
// never changes.
func (s *Store) findDeadStreams(ctx context.Context, p *part, r *segment.Reader, all *tombstoneSet) error {
	if p.weighed >= all.last {
		return nil
	}
	dead := newTombstoneSet(slices.DeleteFunc(slices.Clone(all.list), func(t catalog.Tombstone) bool {
		return t.Stream == 0 || t.Seq <= p.weighed
	}))
	found := make(map[logs.GroupID][]deadRun)
	buf := bufferPool.Get().(*segment.Buffer)
	defer bufferPool.Put(buf)
	var infos []segment.BlockInfo
	for group := range dead.streams {
		if !r.HasGroup(group) {
			continue
		}
		infos = r.Blocks(group, infos[:0])
		runs := make(map[logs.StreamID]*deadRun)
		for i := range infos {
			if !dead.touches(group, infos[i].MinStream, infos[i].MaxStream) {
				continue
			}
			b, err := r.Read(ctx, infos[i], buf)
			if err != nil {
				if isDamage(err) {
					p.quarantine(idOf(&infos[i]), err)
				}
				return err
			}
			countDead(b, dead, group, runs)
		}
		for _, d := range runs {
			found[group] = append(found[group], *d)
		}
	}
	if p.deadRuns == nil {
		p.deadRuns = make(map[logs.GroupID][]deadRun)
	}
	for group, runs := range found {
		p.deadRuns[group] = append(p.deadRuns[group], runs...)
	}
	p.weighed = all.last
	return nil
}

// countDead adds the rows of deleted streams in a block to runs.
func countDead(b *segment.Block, dead *tombstoneSet, group logs.GroupID, runs map[logs.StreamID]*deadRun) {
	for _, run := range b.Streams() {
		if !dead.dead(group, run.Stream) {
			continue
		}
		d := runs[run.Stream]
		if d == nil {
			d = &deadRun{stream: run.Stream}
			runs[run.Stream] = d
		}
		d.rows += int64(run.To - run.From)
		for row := run.From; row < run.To; row++ {
			d.bytes += int64(b.MessageLen(row))
		}
	}
}

// finishTombstones tells the manifest which tombstones have no rows left, in
// memory or in parts. A young tombstone waits, because an append
// that was under way when it was written may still bring rows.
func (s *Store) finishTombstones(ctx context.Context, dead *tombstoneSet) error {
	v, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(v)
	var done []int64
	for _, t := range dead.list {
		if s.mergeNow-t.Created < tombstoneGrace.Milliseconds() {
			continue
		}
		gone, err := s.gone(v, t)
		if err != nil {
			return err
		}
		if gone {
			done = append(done, t.Seq)
		}
	}
	if len(done) == 0 {
		return nil
	}
	if err := s.o.Manifest.Publish(ctx, catalog.Publication{TombstonesDone: done}); err != nil {
		return fmt.Errorf("finish tombstones: %w", err) // they are finished again later
	}
	return nil
}

// gone reports whether no rows of the tombstone exist.
func (s *Store) gone(v *view, t catalog.Tombstone) (bool, error) {
	for _, m := range v.mems {
		if m.holds(t.Group, t.Stream) {
			return false, nil
		}
	}
	for _, p := range v.parts {
		if p.seg.Tombstones >= t.Seq || t.Group < p.seg.GroupLow || t.Group > p.seg.GroupHigh {
			continue
		}
		r, err := p.open()
		if isDamage(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if !r.HasGroup(t.Group) {
			continue
		}
		if t.Stream == 0 || p.weighed < t.Seq { // not looked for yet
			return false, nil
		}
		for _, d := range p.deadRuns[t.Group] {
			if d.stream == t.Stream {
				return false, nil
			}
		}
	}
	return true, nil
}
