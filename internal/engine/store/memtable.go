package store

import (
	"slices"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

// What a memtable counts beside the bytes of the batches.
const (
	chunkOverhead  = 200         // a chunk and its three places in lists
	streamOverhead = 320         // a memStream and its place in a map
	groupOverhead  = 384         // a memGroup and its place in a map
	rowOverhead    = 2 * 16      // its rowRefs in the index of the group and of the stream
	rowFixed       = rowOverhead // plus timestamps and ends by their capacity
)

// chunk is one batch in memory. It never changes once it is in a memtable.
type chunk struct {
	lsn        uint64
	group      logs.GroupID
	stream     logs.StreamID
	ingestion  int64
	timestamps []int64
	ends       []uint32
	start      uint32
	arena      []byte
}

func (c *chunk) message(i int) []byte {
	from := c.start
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.arena[from:c.ends[i]:c.ends[i]]
}

func (c *chunk) key(i int) logs.Key {
	return logs.Key{Timestamp: c.timestamps[i], Seq: logs.MakeSeq(c.lsn, i)}
}

// messageBytes returns the length of all messages.
func (c *chunk) messageBytes() int64 { return int64(c.ends[len(c.ends)-1] - c.start) }

// memory returns the bytes the chunk is accounted with.
func (c *chunk) memory() int64 {
	return int64(cap(c.arena)) + int64(8*cap(c.timestamps)+4*cap(c.ends)) +
		int64(rowFixed*len(c.timestamps)) + chunkOverhead
}

// rowRef is a row of a memtable: its timestamp, the place of its chunk in the
// list of the index, and its place in the chunk. The order of chunks is the
// order of log sequence numbers, so the order of rowRefs is (timestamp, seq).
type rowRef struct {
	timestamp int64
	chunk     uint32
	row       uint32
}

func (r rowRef) less(o rowRef) bool {
	if r.timestamp != o.timestamp {
		return r.timestamp < o.timestamp
	}
	if r.chunk != o.chunk {
		return r.chunk < o.chunk
	}
	return r.row < o.row
}

func compareRefs(a, b rowRef) int {
	switch {
	case a.less(b):
		return -1
	case b.less(a):
		return 1
	}
	return 0
}

// index orders the rows of a list of chunks. The committer appends chunks and
// does nothing else. Readers bring the order up to date: the rows that came
// since the last reader become a sorted run, and runs are merged so that each
// is at least twice as long as the next. A row is thus moved a logarithmic
// number of times however often readers come, and never when none does.
type index struct {
	chunks []*chunk // guarded by memtable.mu
	rows   int      // guarded by memtable.mu

	build   sync.Mutex // taken by readers only, before memtable.mu; guards what follows
	runs    [][]rowRef // each run is sorted and never changes
	indexed int        // how many chunks are in runs
}

// memRows is a snapshot of an index.
type memRows struct {
	chunks []*chunk
	runs   [][]rowRef
}

func (x *index) add(c *chunk) {
	x.chunks = append(x.chunks, c)
	x.rows += len(c.timestamps)
}

// snapshot returns every row that is in the index now.
func (x *index) snapshot(mu *sync.RWMutex) memRows {
	x.build.Lock()
	defer x.build.Unlock()
	mu.RLock()
	chunks := x.chunks
	mu.RUnlock()
	if x.indexed < len(chunks) {
		x.runs = append(x.runs, newRun(chunks, x.indexed))
		x.indexed = len(chunks)
		for n := len(x.runs); n > 1 && len(x.runs[n-2]) < 2*len(x.runs[n-1]); n-- {
			x.runs[n-2] = mergeRuns(x.runs[n-2], x.runs[n-1])
			x.runs = slices.Delete(x.runs, n-1, n)
		}
	}
	return memRows{chunks: chunks, runs: slices.Clone(x.runs)}
}

// newRun sorts the rows of chunks[from:]. Each chunk is sorted already, so long
// ones are merged.
func newRun(chunks []*chunk, from int) []rowRef {
	n := 0
	for _, c := range chunks[from:] {
		n += len(c.timestamps)
	}
	run := make([]rowRef, 0, n)
	var ends []int // of the sorted runs in run
	for i, c := range chunks[from:] {
		if k := len(run); k > 0 && c.timestamps[0] < run[k-1].timestamp {
			ends = append(ends, k)
		}
		for j, ts := range c.timestamps {
			run = append(run, rowRef{timestamp: ts, chunk: uint32(from + i), row: uint32(j)})
		}
	}
	if len(ends) == 0 {
		return run
	}
	if ends = append(ends, n); n < 8*len(ends) {
		slices.SortFunc(run, compareRefs)
		return run
	}
	other := make([]rowRef, 0, n)
	for len(ends) > 1 {
		w, start := 0, 0
		other = other[:0]
		for i := 0; i < len(ends); i += 2 {
			if i+1 == len(ends) {
				other = append(other, run[start:ends[i]]...)
			} else {
				other = appendMerged(other, run[start:ends[i]], run[ends[i]:ends[i+1]])
				start = ends[i+1]
			}
			ends[w] = len(other)
			w++
		}
		ends = ends[:w]
		run, other = other, run
	}
	return run
}

// mergeRuns merges two sorted runs.
func mergeRuns(a, b []rowRef) []rowRef {
	return appendMerged(make([]rowRef, 0, len(a)+len(b)), a, b)
}

func appendMerged(out, a, b []rowRef) []rowRef {
	if len(a) > 0 && len(b) > 0 && a[len(a)-1].less(b[0]) {
		return append(append(out, a...), b...)
	}
	for len(a) > 0 && len(b) > 0 {
		if a[0].less(b[0]) {
			out = append(out, a[0])
			a = a[1:]
		} else {
			out = append(out, b[0])
			b = b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// sorted returns all rows of the snapshot in one run.
func (r memRows) sorted() []rowRef {
	if len(r.runs) == 0 {
		return nil
	}
	runs := slices.Clone(r.runs)
	for len(runs) > 1 { // the shortest are last
		n := len(runs)
		runs[n-2] = mergeRuns(runs[n-2], runs[n-1])
		runs = runs[:n-1]
	}
	return runs[0]
}

type memStream struct {
	index
	stats StreamStats // guarded by memtable.mu
}

type memGroup struct {
	index
	streams map[logs.StreamID]*memStream // guarded by memtable.mu
	bytes   int64                        // message bytes; guarded by memtable.mu
}

// memtable holds the newest batches. One goroutine at a time adds; anyone
// reads meanwhile. After it is sealed nothing is added.
type memtable struct {
	mu       sync.RWMutex // held for map and slice operations only
	groups   map[logs.GroupID]*memGroup
	chunks   []*chunk  // of all groups, in the order of log sequence numbers; guarded by mu
	memory   int64     // accounted bytes
	rows     int64     //
	firstLSN uint64    // of the batches in it
	lastLSN  uint64    //
	born     time.Time // when the first batch came
	views    int       // that hold it; guarded by Store.mu
	flushed  bool      // no current view holds it; likewise
	written  *written  // its part, when that is not known to be published; guarded by Store.flushMu
}

func newMemtable() *memtable { return &memtable{groups: make(map[logs.GroupID]*memGroup)} }

// add inserts chunks in the order of their log sequence numbers.
func (m *memtable) add(c *chunk, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == 0 {
		m.born, m.firstLSN = now, c.lsn
	}
	g := m.groups[c.group]
	if g == nil {
		g = &memGroup{streams: make(map[logs.StreamID]*memStream)}
		m.groups[c.group] = g
		m.memory += groupOverhead
	}
	stats := StreamStats{First: c.timestamps[0], Last: c.timestamps[len(c.timestamps)-1], LastIngestion: c.ingestion}
	st := g.streams[c.stream]
	if st == nil {
		st = &memStream{stats: stats}
		g.streams[c.stream] = st
		m.memory += streamOverhead
	} else {
		st.stats = st.stats.merge(stats)
	}
	st.add(c)
	g.add(c)
	g.bytes += c.messageBytes()
	m.chunks = append(m.chunks, c)
	m.memory += c.memory()
	m.rows += int64(len(c.timestamps))
	m.lastLSN = c.lsn
}

// size returns the accounted memory and the birth of the memtable; ok is false
// when it is empty.
func (m *memtable) size() (memory int64, born time.Time, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.memory, m.born, m.rows > 0
}

// sources returns snapshots that together hold every row of the group that is
// in one of the streams (nil: all), and perhaps others. exact says that there
// are no others.
func (m *memtable) sources(group logs.GroupID, streams []logs.StreamID) (found []memRows, exact bool) {
	m.mu.RLock()
	g := m.groups[group]
	if g == nil {
		m.mu.RUnlock()
		return nil, true
	}
	if streams == nil {
		m.mu.RUnlock()
		return []memRows{g.snapshot(&m.mu)}, true
	}
	var hits []*memStream
	rows := 0
	for _, id := range streams {
		if st := g.streams[id]; st != nil {
			hits = append(hits, st)
			rows += st.rows
		}
	}
	all := g.rows
	m.mu.RUnlock()
	// Many streams make many runs to merge: past some share of the group,
	// filtering its order is cheaper.
	if len(hits) > 8 && rows > all/8 {
		return []memRows{g.snapshot(&m.mu)}, false
	}
	for _, st := range hits {
		found = append(found, st.snapshot(&m.mu))
	}
	return found, true
}

// holds reports whether the memtable has rows of the group, or of the stream
// when it is not 0.
func (m *memtable) holds(group logs.GroupID, stream logs.StreamID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[group]
	if g == nil || stream == 0 {
		return g != nil
	}
	return g.streams[stream] != nil
}

// stats merges the statistics of streams (nil: all) of the group into out.
func (m *memtable) stats(group logs.GroupID, streams []logs.StreamID, out map[logs.StreamID]StreamStats) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[group]
	if g == nil {
		return
	}
	put := func(id logs.StreamID, s StreamStats) {
		if have, ok := out[id]; ok {
			s = s.merge(have)
		}
		out[id] = s
	}
	if streams == nil {
		for id, st := range g.streams {
			put(id, st.stats)
		}
		return
	}
	for _, id := range streams {
		if st := g.streams[id]; st != nil {
			put(id, st.stats)
		}
	}
}

func (m *memtable) groupBytes(group logs.GroupID) int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if g := m.groups[group]; g != nil {
		return g.bytes
	}
	return 0
}
