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
}

const (
	maxMergeInputs = 64
	dayCloses      = 24 * 60 * 60 * 1000 // ms after the end of a day from which late events are few
	lateSettles    = 60 * 60 * 1000      // ms after which a part of a closed day is merged with the rest
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

// plan picks the next merge by size tiers, or nil. all asks for every merge
// that reduces the number of parts. Parts with damage are left as they are, for
// the sake of salvage.
func (s *Store) plan(parts []*part, all bool) *mergeJob {
	type bucket struct {
		class int
		day   int64
	}
	var fresh []*part
	days := make(map[bucket][]*part)
	for _, p := range parts {
		if n, whole := p.hurt(); n > 0 || whole || p.avoid || s.unreadable(p) {
			continue
		}
		if p.seg.Level == 0 {
			fresh = append(fresh, p)
		} else if s.tier(p) < lastTier {
			b := bucket{p.seg.Class, p.seg.Day}
			days[b] = append(days[b], p)
		}
	}
	if len(fresh) >= s.o.tune.mergeFanIn || all && len(fresh) > 0 {
		slices.SortFunc(fresh, func(a, b *part) int { return cmp.Compare(a.seg.MaxLSN, b.seg.MaxLSN) })
		return &mergeJob{inputs: fresh[:min(len(fresh), maxMergeInputs)], level: 1, reason: "flushed parts"}
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
			return job
		}
	}
	return nil
}

// planDay picks a merge among the parts of one class and day.
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
	job := &mergeJob{level: level + 1, inputs: parts[:min(len(parts), maxMergeInputs)], reason: "closed day"}
	if all || now >= (day+1)*dayMillis+dayCloses && now >= newest+lateSettles {
		return job
	}
	// The smaller parts go along with the tier that is full.
	count := make(map[int]int)
	for i, p := range parts {
		t := s.tier(p)
		count[t]++
		if count[t] >= s.o.tune.mergeFanIn {
			job.inputs, job.reason = parts[:min(i+1, maxMergeInputs)], "full tier"
			return job
		}
	}
	return nil
}
