package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Health says how the store is doing.
type Health struct {
	FlushError    error // why the last flush failed; nil when it did not
	MergeError    error // why the last merge failed; nil when it did not
	DamagedBlocks int   // met so far and left out of answers
	DamagedParts  int   // unreadable as a whole, or missing; met so far
	Parts         int
	Memtables     int   // one is being filled, the others wait to be flushed
	HeadBytes     int64 // memory of the memtables
	CacheBytes    int64 // memory of the caches of blocks and of pages of skip indexes
	QueryBytes    int64 // memory that queries have reserved
	PinnedBytes   int64 // memory of memtables that are flushed and kept by a scan under way
	OpenParts     int   // part files that are open
}

// Health returns the present state. It does no I/O.
func (s *Store) Health() Health {
	s.mu.Lock()
	h := Health{
		FlushError: s.flushErr, MergeError: s.mergeErr,
		Parts: len(s.cur.parts), Memtables: len(s.cur.mems), HeadBytes: s.head,
	}
	parts := s.cur.parts
	s.mu.Unlock()
	h.CacheBytes = s.cache.bytes() + s.warm.bytes() + s.shapes.bytes() + s.dirs.bytes() + s.pages.bytes()
	h.QueryBytes, h.PinnedBytes = s.budget.bytes()
	h.OpenParts = s.files.count()
	for _, p := range parts {
		n, whole := p.hurt()
		h.DamagedBlocks += n
		if whole {
			h.DamagedParts++
		}
	}
	return h
}

// LastIDs returns the highest group id of any event, and the highest stream id of
// the events in memory, which after a start are those of the log. It does no I/O.
func (s *Store) LastIDs() (group logs.GroupID, stream logs.StreamID) {
	s.mu.Lock()
	v := s.cur
	s.mu.Unlock()
	for _, p := range v.parts {
		group = max(group, p.seg.GroupHigh)
	}
	for _, m := range v.mems {
		m.mu.RLock()
		for id, g := range m.groups {
			group = max(group, id)
			for id := range g.streams {
				stream = max(stream, id)
			}
		}
		m.mu.RUnlock()
	}
	return group, stream
}

// Info describes what the store holds.
type Info struct {
	Parts  []catalog.Segment // by level, day, class and id
	Groups []GroupInfo       // ascending
	Head   struct {
		Memtables int
		Rows      int64
		Bytes     int64 // accounted memory
	}
	Tombstones int // not done yet
}

// GroupInfo sums up one group over parts and memory.
type GroupInfo struct {
	Group       logs.GroupID
	Parts       int
	Blocks      int
	Rows        int64
	RawBytes    int64 // message bytes
	StoredBytes int64 // bytes in parts
	HeadRows    int64
	HeadBytes   int64 // message bytes in memory
}

// Inspect describes what the store holds. It opens every part; one that cannot
// be opened stands in Parts but not in Groups.
func (s *Store) Inspect(ctx context.Context) (Info, error) {
	v, err := s.acquire()
	if err != nil {
		return Info{}, err
	}
	defer s.release(v)
	var info Info
	groups := make(map[logs.GroupID]*GroupInfo)
	group := func(id logs.GroupID) *GroupInfo {
		g := groups[id]
		if g == nil {
			g = &GroupInfo{Group: id}
			groups[id] = g
		}
		return g
	}
	for _, p := range v.parts {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		info.Parts = append(info.Parts, p.seg)
		r, err := p.open()
		if err != nil {
			continue
		}
		for _, e := range r.Groups() {
			g := group(e.Group)
			g.Parts++
			g.Blocks += e.Blocks
			g.Rows += e.Rows
			g.RawBytes += e.RawBytes
			g.StoredBytes += e.StoredBytes
		}
	}
	info.Head.Memtables = len(v.mems)
	for _, m := range v.mems {
		m.mu.RLock()
		info.Head.Rows += m.rows
		info.Head.Bytes += m.memory
		for id, mg := range m.groups {
			g := group(id)
			g.HeadRows += int64(mg.rows)
			g.HeadBytes += mg.bytes
		}
		m.mu.RUnlock()
	}
	for _, g := range groups {
		info.Groups = append(info.Groups, *g)
	}
	slices.SortFunc(info.Groups, func(a, b GroupInfo) int { return int(a.Group - b.Group) })
	sortSegments(info.Parts)
	tombs, err := s.o.Manifest.Tombstones(ctx)
	if err != nil {
		return info, fmt.Errorf("inspect: %w", err)
	}
	info.Tombstones = len(tombs)
	return info, nil
}
