package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// merge reads the rows of some parts and writes those that live into parts of
// one (retention class, UTC day) each. Blocks that are full and overlap few
// other blocks of their group move as they are; the others are merged in order
// of (timestamp, seq) and cut anew, holding in memory only blocks that overlap.
type merge struct {
	s     *Store
	ctx   context.Context
	job   *mergeJob
	dead  *tombstoneSet
	lives map[logs.GroupID]catalog.GroupLife
	now   int64

	blocks  map[mergeBucket][]mergeBlock // sorted by (group, first key)
	buffers map[*part]*segment.Buffer    // keep the shared frame that was decoded last
	dropped int64                        // rows that died by tombstone or retention

	out     *partWriter
	bucket  mergeBucket // of out
	cut     slicer
	written []*partWriter
	added   []catalog.Segment
	bytes   map[logs.GroupID]int64 // message bytes out minus in
}

type mergeBucket struct {
	class int
	day   int64
}

type mergeBlock struct {
	part *part
	info segment.BlockInfo
}

// errRowCount says that a merge would lose or double rows; it is not published.
var errRowCount = errors.New("rows do not add up")

// runMerge executes a merge and publishes it. The caller holds mergeMu and a
// view that lists the inputs.
func (s *Store) runMerge(ctx context.Context, job *mergeJob, dead *tombstoneSet) (err error) {
	start := time.Now()
	m := &merge{
		s: s, ctx: ctx, job: job, dead: dead, now: s.mergeNow,
		blocks:  make(map[mergeBucket][]mergeBlock),
		buffers: make(map[*part]*segment.Buffer),
		bytes:   make(map[logs.GroupID]int64),
	}
	m.cut = slicer{write: m.write, limit: s.o.tune.blockBytes, copy: true}
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, m.abandon())
		}
	}()
	in, err := m.collect()
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if err := m.rewrite(); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	out := int64(0)
	for _, g := range m.added {
		out += g.Rows
	}
	if in != out+m.dropped {
		// Only a defect of the merge or damage that passed every checksum gets here.
		return fmt.Errorf("merge: %w: %d in, %d out, %d dropped", errRowCount, in, out, m.dropped)
	}
	if len(m.added) > 0 {
		if err := s.o.FS.SyncDir(s.partsDir); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	pub := catalog.Publication{Add: m.added}
	for _, p := range job.inputs {
		pub.Remove = append(pub.Remove, p.seg.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(m.bytes)) {
		if d := m.bytes[id]; d != 0 {
			pub.GroupBytes = append(pub.GroupBytes, catalog.GroupBytes{Group: id, Delta: d})
		}
	}
	var added []*part
	for _, g := range m.added {
		added = append(added, s.newPart(g))
	}
	keep, s.merged = true, &merged{pub: pub, inputs: job.inputs, added: added}
	if err := s.publishMerge(ctx); err != nil {
		return err
	}
	s.o.Logger.Debug("merged parts", "reason", job.reason, "parts", len(job.inputs), "into", len(added),
		"events", out, "dropped", m.dropped, "took", time.Since(start))
	return nil
}

// merged is the result of a merge.
type merged struct {
	pub    catalog.Publication
	inputs []*part
	added  []*part
}

// publishMerge publishes s.merged. As with a flush, a publication that failed
// may come to light after a crash, so its files stay and it is tried again
// before anything else is merged. The caller holds mergeMu.
func (s *Store) publishMerge(ctx context.Context) error {
	if _, err := s.publish(ctx, &s.merged.pub); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	s.swap(nil, s.merged.inputs, s.merged.added)
	s.merged = nil
	return nil
}

// collect sorts the blocks of the inputs by what they become, and returns the
// number of rows in the inputs.
func (m *merge) collect() (rows int64, err error) {
	groups := make(map[logs.GroupID]bool)
	for _, p := range m.job.inputs {
		r, err := p.open()
		if err != nil {
			return 0, err
		}
		for _, g := range r.Groups() {
			groups[g.Group] = true
			rows += g.Rows
			m.bytes[g.Group] -= g.RawBytes
		}
	}
	if m.lives, err = m.s.o.Manifest.Lives(m.ctx, slices.Sorted(maps.Keys(groups))); err != nil {
		return 0, fmt.Errorf("read retention: %w", err)
	}
	for _, p := range m.job.inputs {
		r, err := p.open()
		if err != nil {
			return 0, err
		}
		for b := range r.All() {
			if m.dead.groups[b.Group] || b.Max.Timestamp < m.cutoff(b.Group) {
				m.dropped += int64(b.Rows)
				continue
			}
			// Flushes cut at midnight, so this is one day.
			for day := dayOf(b.Min.Timestamp); day <= dayOf(b.Max.Timestamp); day++ {
				k := mergeBucket{class: m.lives[b.Group].RetentionDays, day: day}
				m.blocks[k] = append(m.blocks[k], mergeBlock{part: p, info: b})
			}
		}
	}
	for _, list := range m.blocks {
		slices.SortFunc(list, func(a, b mergeBlock) int {
			return cmp.Or(cmp.Compare(a.info.Group, b.info.Group), a.info.Min.Compare(b.info.Min))
		})
	}
	return rows, nil
}

// cutoff returns the timestamp below which the events of a group have expired.
func (m *merge) cutoff(group logs.GroupID) int64 { return expiry(m.lives[group], m.now) }

func expiry(life catalog.GroupLife, now int64) int64 {
	if life.RetentionDays <= 0 {
		return math.MinInt64
	}
	return now - int64(life.RetentionDays)*dayMillis
}

// rewrite writes every output.
func (m *merge) rewrite() error {
	order := slices.SortedFunc(maps.Keys(m.blocks), func(a, b mergeBucket) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.day, b.day))
	})
	for _, k := range order {
		m.bucket = k
		list := m.blocks[k]
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].info.Group == list[0].info.Group {
				n++
			}
			if err := m.group(list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
		if err := m.finishOutput(); err != nil {
			return err
		}
	}
	return nil
}

// maxOverlap is how many blocks of a group may lie over one moment before a
// merge puts their rows in order. Blocks of parts flushed one after another
// overlap a little at their edges, and rewriting them for that would double the
// work of ingestion; a reader opens them all when it gets there, so there must
// not be many.
const maxOverlap = 6

// group writes the blocks of one group, sorted by their first key: cluster by
// cluster of blocks that overlap one another.
func (m *merge) group(blocks []mergeBlock) error {
	rows := int64(0)
	for i := range blocks {
		rows += int64(blocks[i].info.Rows)
	}
	m.cut.begin(blocks[0].info.Group, rows)
	var open []logs.Key // last keys of the blocks that lie over the present one
	from, peak := 0, 0
	for i := range blocks {
		b := &blocks[i].info
		open = slices.DeleteFunc(open, func(last logs.Key) bool { return last.Less(b.Min) })
		if len(open) == 0 && i > from && m.ends(blocks[from:i], b) {
			if err := m.cluster(blocks[from:i], peak > maxOverlap); err != nil {
				return err
			}
			from, peak = i, 0
		}
		open = append(open, b.Max)
		peak = max(peak, len(open))
	}
	return m.cluster(blocks[from:], peak > maxOverlap)
}

// ends reports whether a cluster ends before next. Small blocks that do not
// overlap stay together, because they become one block.
func (m *merge) ends(cluster []mergeBlock, next *segment.BlockInfo) bool {
	return m.moves(&cluster[len(cluster)-1].info) || m.moves(next)
}

// cluster writes blocks that overlap or are small: all rows in order when
// ordered is set, otherwise full blocks as they are and the rows of the rest.
func (m *merge) cluster(blocks []mergeBlock, ordered bool) error {
	var rest []mergeBlock
	for _, b := range blocks {
		if ordered || !m.moves(&b.info) {
			rest = append(rest, b)
			continue
		}
		if err := m.move(b); err != nil {
			return err
		}
	}
	return m.mergeRows(rest)
}

// moves reports whether a block needs no change.
func (m *merge) moves(b *segment.BlockInfo) bool {
	limit := m.s.o.tune.blockBytes
	full := b.RawBytes >= int64(limit-limit/4) || b.Rows >= maxBlockRows-maxBlockRows/4
	return full && b.Mode != segment.ModeShared && b.RawBytes <= int64(limit) &&
		b.Min.Timestamp >= m.cutoff(b.Group) &&
		dayOf(b.Min.Timestamp) == dayOf(b.Max.Timestamp) &&
		!m.dead.touches(b.Group, b.MinStream, b.MaxStream)
}

// move copies a block as it is.
func (m *merge) move(b mergeBlock) error {
	r, err := b.part.open()
	if err != nil {
		return err
	}
	w, err := m.writer()
	if err != nil {
		return err
	}
	err = w.w.AddRaw(m.ctx, r, b.info)
	if isDamage(err) {
		b.part.quarantine(idOf(&b.info), err)
	}
	m.bytes[b.info.Group] += b.info.RawBytes
	return err
}

// mergeRows writes the rows of blocks that overlap or are not full.
func (m *merge) mergeRows(blocks []mergeBlock) error {
	if len(blocks) == 0 {
		return nil
	}
	group := blocks[0].info.Group
	day := m.bucket.day
	sc := &scan{
		s: m.s, ctx: m.ctx, group: group, merge: m, log: m.s.o.Logger,
		lo: logs.Key{Timestamp: max(day*dayMillis, m.cutoff(group)) - 1, Seq: math.MaxUint64},
		hi: logs.Key{Timestamp: (day + 1) * dayMillis},
	}
	if len(m.dead.streams[group]) > 0 {
		sc.keep = func(id logs.StreamID) bool { return !m.dead.dead(group, id) }
	}
	for i := range blocks {
		b := &blocks[i]
		sc.pending.push(false, pendingItem{bound: b.info.Min, part: b.part, read: &blockRead{part: b.part, info: b.info}})
	}
	var werr error
	err := sc.run(func(e logs.Event) bool {
		m.bytes[group] += int64(len(e.Message))
		werr = m.cut.add(segment.Row{Stream: e.Stream, Key: e.Key, Ingestion: e.Ingestion, Message: e.Message})
		return werr == nil
	})
	m.dropped += sc.dropped
	return errors.Join(err, werr, m.cut.flush())
}

// write is where the slicer hands in a block.
func (m *merge) write(group logs.GroupID, rows []segment.Row) error {
	w, err := m.writer()
	if err != nil {
		return err
	}
	return w.w.Add(group, rows)
}

// writer returns the output, a new one when the last is full.
func (m *merge) writer() (*partWriter, error) {
	if m.out != nil && m.out.w.Size() < m.s.o.tune.fileBytes {
		return m.out, nil
	}
	if err := m.finishOutput(); err != nil {
		return nil, err
	}
	meta := partMeta{Level: m.job.level, Class: m.bucket.class, Day: m.bucket.day}
	applied := int64(math.MaxInt64)
	for _, p := range m.job.inputs {
		meta.Inputs = append(meta.Inputs, p.seg.ID)
		applied = min(applied, p.seg.Tombstones)
	}
	meta.Tombstones = max(m.dead.last, applied)
	w, err := newPartWriter(m.s.o.FS, m.s.partsDir, meta, m.now)
	if err != nil {
		return nil, err
	}
	m.out = w
	m.written = append(m.written, w)
	return w, nil
}

func (m *merge) finishOutput() error {
	if m.out == nil {
		return nil
	}
	seg, _, err := m.out.finish()
	m.out = nil
	if err != nil {
		return err
	}
	m.added = append(m.added, seg)
	return nil
}

// abandon removes every output.
func (m *merge) abandon() error {
	var err error
	for _, w := range m.written {
		err = errors.Join(err, w.abandon())
	}
	return err
}

// readShared reads a block of a shared frame with the buffer of its part, so
// that the frame is decoded once for all its blocks, and copies the block out.
func (m *merge) readShared(r *segment.Reader, read *blockRead) (*blockData, error) {
	buf := m.buffers[read.part]
	if buf == nil {
		buf = new(segment.Buffer)
		m.buffers[read.part] = buf
	}
	b, err := r.Read(m.ctx, read.info, buf)
	if err != nil {
		return nil, err
	}
	if err := b.Load(m.ctx); err != nil {
		return nil, err
	}
	d := &blockData{keys: b.Keys(), runs: b.Streams(), b: b}
	d.messages, d.ends = b.Messages()
	return d.clone(), nil
}

// rowsOfDay counts the rows of a block that lie in the day being written.
func (m *merge) rowsOfDay(d *blockData) int64 {
	from, to := m.bucket.day*dayMillis, (m.bucket.day+1)*dayMillis
	n := int64(0)
	for i := range d.keys {
		if ts := d.keys[i].Timestamp; ts >= from && ts < to {
			n++
		}
	}
	return n
}
