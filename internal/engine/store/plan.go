package store

import (
	"cmp"
	"slices"
)

// A merge turns parts into parts of one (retention class, UTC day) each.
type mergeJob struct {
	inputs []*part
	level  int
	reason string
	urgent bool // somebody waits for it
}

// workers returns how many goroutines encode for the merge.
func (j *mergeJob) workers(most int) int {
	if j.urgent {
		return most
	}
	return 1
}

const (
	maxMergeInputs = 64
	maxDeepInputs  = 16                  // full parts are large
	dayCloses      = 24 * 60 * 60 * 1000 // ms after the end of a day from which late events are few
	lateSettles    = 60 * 60 * 1000      // ms after which a part of a closed day is merged with some of the rest
	daySettles     = 24 * 60 * 60 * 1000 // and with all of it
)

// tier returns the size class of a part. Parts of the last tier, half a file
// and more, are not merged with others any more.
func (s *Store) tier(p *part) int {
	size := p.seg.FileBytes
	if size >= s.o.tune.fileBytes/2 {
		return lastTier
	}
	t := 0
	for limit := s.o.tune.fileBytes / 256; size >= limit && t < lastTier-1; limit *= 8 {
		t++
	}
	return t
}

const lastTier = 8

// plan picks the next merge, or nil. all asks for every merge that reduces the
// number of parts. Parts with damage are left as they are, for the sake of salvage.
//
// Flushed parts are merged fanIn at a time, which sorts their groups into
// classes and days. The parts of a (class, day) are merged by size tiers, each
// eight times the last, and left alone from half a file on. An event is
// thus written once when it is flushed, once when it leaves level 0, and at most once
// for every tier above that of its first part; blocks that are full move as they are. Of
// a day there are fewer than fanIn parts in each tier below the last.
//
// When more than fanIn of the full parts of a day lie over one moment of one group, because
// events came late, those are merged, too: they come out side by side.
//
// A day that is closed gets few events. Its parts are joined once they have settled:
// soon those of similar size, so that every event at least doubles the size
// of its part each time it is written, and after a day all.
func (s *Store) plan(parts []*part, all bool) *mergeJob {
	job, aside := s.pick(parts, all)
	s.mu.Lock()
	s.setAside = aside
	s.mu.Unlock()
	if job != nil {
		job.urgent = all
	}
	return job
}

// pick also returns the number of flushed parts that are left out.
func (s *Store) pick(parts []*part, all bool) (job *mergeJob, aside int) {
	type bucket struct {
		class int
		day   int64
	}
	var fresh []*part
	days, full := make(map[bucket][]*part), make(map[bucket][]*part)
	for _, p := range parts {
		if n, whole := p.hurt(); n > 0 || whole || p.avoid || s.unreadable(p) {
			if p.seg.Level == 0 {
				aside++
			}
			continue
		}
		b := bucket{p.seg.Class, p.seg.Day}
		switch {
		case p.seg.Level == 0:
			fresh = append(fresh, p)
		case s.tier(p) < lastTier:
			days[b] = append(days[b], p)
		default:
			full[b] = append(full[b], p)
		}
	}
	if len(fresh) >= s.o.tune.mergeFanIn || all && len(fresh) > 0 {
		slices.SortFunc(fresh, func(a, b *part) int { return cmp.Compare(a.seg.MaxLSN, b.seg.MaxLSN) })
		return &mergeJob{inputs: fresh[:min(len(fresh), maxMergeInputs)], level: 1, reason: "flushed parts"}, aside
	}
	order := make([]bucket, 0, len(days))
	for b := range days {
		order = append(order, b)
	}
	slices.SortFunc(order, func(a, b bucket) int {
		return cmp.Or(cmp.Compare(b.day, a.day), cmp.Compare(a.class, b.class))
	})
	for _, b := range order {
		if job := s.planDay(days[b], b.day, all); job != nil {
			return job, aside
		}
	}
	for _, list := range full {
		if over := deepest(list); len(over) > s.o.tune.mergeFanIn {
			level := 0
			for _, p := range over {
				level = max(level, p.seg.Level)
			}
			over = over[:min(len(over), maxDeepInputs)]
			return &mergeJob{inputs: over, level: level + 1, reason: "full parts over one moment"}, aside
		}
	}
	return nil, aside
}

// deepest returns the parts that may have events of one group at one moment, where
// those are most.
func deepest(parts []*part) []*part {
	var most []*part
	for _, at := range parts {
		// Ranges that overlap have the beginning of one in common.
		var over []*part
		for _, p := range parts {
			if p.seg.MinTime <= at.seg.MinTime && at.seg.MinTime <= p.seg.MaxTime {
				over = append(over, p)
			}
		}
		for _, g := range over {
			n := 0
			for _, p := range over {
				if p.seg.GroupLow <= g.seg.GroupLow && g.seg.GroupLow <= p.seg.GroupHigh {
					n++
				}
			}
			if n > len(most) {
				most = most[:0:0]
				for _, p := range over {
					if p.seg.GroupLow <= g.seg.GroupLow && g.seg.GroupLow <= p.seg.GroupHigh {
						most = append(most, p)
					}
				}
			}
		}
	}
	slices.SortFunc(most, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.seg.FileBytes, b.seg.FileBytes), cmp.Compare(a.seg.ID, b.seg.ID))
	})
	return most
}

// planDay picks a merge among the parts of one class and day that are not full.
func (s *Store) planDay(parts []*part, day int64, all bool) *mergeJob {
	if len(parts) < 2 {
		return nil
	}
	slices.SortFunc(parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.seg.FileBytes, b.seg.FileBytes), cmp.Compare(a.seg.ID, b.seg.ID))
	})
	now := s.now()
	newest, level := int64(0), 0
	for _, p := range parts {
		newest, level = max(newest, p.seg.Created), max(level, p.seg.Level)
	}
	pick := func(n int, reason string) *mergeJob {
		return &mergeJob{level: level + 1, inputs: parts[:min(n, maxMergeInputs)], reason: reason}
	}
	closed := now >= (day+1)*dayMillis+dayCloses
	if all || closed && now >= newest+daySettles {
		return pick(len(parts), "closed day")
	}
	// The smaller parts go along with the tier that is full.
	count := make(map[int]int)
	for i, p := range parts {
		t := s.tier(p)
		count[t]++
		if count[t] >= s.o.tune.mergeFanIn {
			return pick(i+1, "full tier")
		}
	}
	if closed && now >= newest+lateSettles {
		n, sum := 0, int64(0)
		for i, p := range parts {
			if i > 0 && p.seg.FileBytes <= sum {
				n = i + 1
			}
			sum += p.seg.FileBytes
		}
		if n > 0 {
			return pick(n, "late events")
		}
	}
	return nil
}
