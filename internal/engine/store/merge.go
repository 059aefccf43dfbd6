package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// merge reads the rows of some parts and writes those that live into parts of
// one (retention class, UTC day) each. Blocks that are full and overlap few
// other blocks of their group move as they are; the others are merged in order
// of (timestamp, seq), cut anew and encoded by goroutines of a pipe.
//
// It holds in memory: the index entries of all blocks, at most maxOpen open
// blocks, the blocks in the pipe, and the scratch of its encoders; see tune.go.
//
// Before it is published, it is proved that no row was lost, doubled or changed:
// the rows of the inputs are those written and those dropped, by number; the
// hashes of the rows that were read are those of the rows that were handed to
// encoders; and the blocks in the finished files, read back from their indexes,
// are those that were encoded and moved, by the hashes of their messages.
type merge struct {
	s     *Store
	ctx   context.Context
	job   *mergeJob
	dead  *tombstoneSet
	lives map[logs.GroupID]catalog.GroupLife
	now   int64

	blocks  map[mergeBucket][]mergeBlock // sorted by (group, first key)
	rows    int64                        // of the inputs
	dropped int64                        // rows that died by tombstone or retention

	in   uint64        // sum of the hashes of rows read
	out  atomic.Uint64 // sum of the hashes of rows encoded
	sent uint64        // sum of the hashes of blocks written

	file    *partWriter // being written
	bucket  mergeBucket // of file
	pipe    *blockPipe
	cut     slicer
	reader  mergeReader
	written []*partWriter
	added   []*part
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

var (
	// errRowCount says that a merge would lose or double rows; it is not published.
	errRowCount = errors.New("rows do not add up")
	// errRowHash says that a merge would change rows; it is not published.
	errRowHash = errors.New("rows or blocks differ from those read")
	// errReadBack says that a merge wrote a file that is damaged; it is not published.
	errReadBack = errors.New("what was just written is damaged")
)

// runMerge executes a merge and publishes it. The caller holds mergeMu and a
// view that lists the inputs.
func (s *Store) runMerge(ctx context.Context, job *mergeJob, dead *tombstoneSet) (err error) {
	start := time.Now()
	m := &merge{
		s: s, ctx: ctx, job: job, dead: dead, now: s.mergeNow,
		blocks: make(map[mergeBucket][]mergeBlock),
		bytes:  make(map[logs.GroupID]int64),
	}
	m.reader.m = m
	m.pipe = newBlockPipe(ctx, s.encoders, job.workers(s.o.tune.encoders), m.write)
	m.pipe.check = m.encoding
	m.cut = slicer{pipe: m.pipe, limit: s.o.tune.blockBytes, copy: true}
	keep := false
	defer func() {
		m.pipe.close()
		if !keep {
			err = errors.Join(err, m.abandon())
		}
	}()
	if err := m.collect(); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if err := m.rewrite(); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if err := m.prove(); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if len(m.added) > 0 {
		if err := s.o.FS.SyncDir(s.partsDir); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	pub := catalog.Publication{}
	for _, p := range m.added {
		pub.Add = append(pub.Add, p.seg)
	}
	for _, p := range job.inputs {
		pub.Remove = append(pub.Remove, p.seg.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(m.bytes)) {
		if d := m.bytes[id]; d != 0 {
			pub.GroupBytes = append(pub.GroupBytes, catalog.GroupBytes{Group: id, Delta: d})
		}
	}
	keep, s.merged = true, &merged{pub: pub, inputs: job.inputs, added: m.added}
	if err := s.publishMerge(ctx); err != nil {
		return err
	}
	s.o.Logger.Debug("merged parts", "reason", job.reason, "parts", len(job.inputs), "into", len(m.added),
		"events", m.rows-m.dropped, "dropped", m.dropped, "took", time.Since(start))
	return nil
}

// prove compares what was read with what lies in the finished files.
func (m *merge) prove() error {
	rows, blocks := int64(0), uint64(0)
	for _, p := range m.added {
		rows += p.seg.Rows
		r, err := p.open()
		if isDamage(err) {
			return fmt.Errorf("%w: %v", errReadBack, err) // no input is damaged
		}
		if err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		for b := range r.All() {
			blocks += blockHash(&b)
		}
	}
	// Only a defect of the merge or damage that passed every checksum fails here.
	if m.rows != rows+m.dropped {
		return fmt.Errorf("%w: %d in, %d out, %d dropped", errRowCount, m.rows, rows, m.dropped)
	}
	if m.in != m.out.Load() {
		return fmt.Errorf("%w: rows were changed between reading and encoding", errRowHash)
	}
	if m.sent != blocks {
		return fmt.Errorf("%w: the blocks on disk are not those written", errRowHash)
	}
	return nil
}

// encoding is called by the pipe for the rows of every block that is encoded.
func (m *merge) encoding(group logs.GroupID, rows []segment.Row) {
	sum := uint64(0)
	for i := range rows {
		sum += rowHash(group, &rows[i])
	}
	m.out.Add(sum)
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

// collect sorts the blocks of the inputs by what they become.
func (m *merge) collect() (err error) {
	groups := make(map[logs.GroupID]bool)
	for _, p := range m.job.inputs {
		r, err := p.open()
		if err != nil {
			return err
		}
		for _, g := range r.Groups() {
			groups[g.Group] = true
			m.rows += g.Rows
			m.bytes[g.Group] -= g.RawBytes
		}
	}
	if m.lives, err = m.s.o.Manifest.Lives(m.ctx, slices.Sorted(maps.Keys(groups))); err != nil {
		return fmt.Errorf("read retention: %w", err)
	}
	for _, p := range m.job.inputs {
		r, err := p.open()
		if err != nil {
			return err
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
	return nil
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
		if err := m.pipe.drain(); err != nil {
			return err
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
	// One block would come out as it went in. Blocks of shared frames are read in any
	// case, and the reader remembers the frame of each part.
	if len(rest) == 1 && m.clean(&rest[0].info) && rest[0].info.Mode != segment.ModeShared {
		return m.move(rest[0])
	}
	return m.mergeRows(rest)
}

// moves reports whether a block needs no change.
func (m *merge) moves(b *segment.BlockInfo) bool {
	limit := m.s.o.tune.blockBytes
	full := b.RawBytes >= int64(limit-limit/4) || b.Rows >= maxBlockRows-maxBlockRows/4
	return full && b.Mode != segment.ModeShared && m.clean(b)
}

// clean reports whether every row of a block lives and it fits a block.
func (m *merge) clean(b *segment.BlockInfo) bool {
	return b.RawBytes <= int64(m.s.o.tune.blockBytes) &&
		b.Min.Timestamp >= m.cutoff(b.Group) &&
		dayOf(b.Min.Timestamp) == dayOf(b.Max.Timestamp) &&
		!m.dead.touches(b.Group, b.MinStream, b.MaxStream)
}

// move copies a block as it is, in its turn.
func (m *merge) move(b mergeBlock) error {
	return m.pipe.then(func() error {
		if err := m.pace(b.info.StoredBytes); err != nil {
			return err
		}
		r, err := b.part.open()
		if err != nil {
			return err
		}
		w, err := m.writer()
		if err != nil {
			return err
		}
		if err := w.w.AddRaw(m.ctx, r, b.info); err != nil {
			m.blame(b, err)
			return err
		}
		m.sent += blockHash(&b.info)
		m.bytes[b.info.Group] += b.info.RawBytes
		return nil
	})
}

// pace waits when others want the machine and nobody waits for the merge.
func (m *merge) pace(bytes int64) error {
	if m.job.urgent {
		return nil
	}
	return m.s.pace.wait(m.ctx, bytes)
}

// blame remembers that a block is damaged when err says so.
func (m *merge) blame(b mergeBlock, err error) {
	if isDamage(err) && b.part.quarantine(idOf(&b.info), err) {
		m.s.o.Logger.Error("a block is damaged; its events are left out of every answer",
			"part", b.part.seg.ID, "group", b.info.Group, "events", b.info.Rows, "error", err)
	}
}

// maxOpen is how many blocks a merge opens at once. Where more lie over one
// moment they become several sequences, each in order, and a later merge has
// less to do.
const maxOpen = 12

// mergeRows writes the rows of blocks that overlap or are not full. They are
// sorted by their first key.
func (m *merge) mergeRows(blocks []mergeBlock) error {
	for len(blocks) > 0 {
		var now, later []mergeBlock
		var open []logs.Key
		for _, b := range blocks {
			open = slices.DeleteFunc(open, func(last logs.Key) bool { return last.Less(b.info.Min) })
			if len(open) == maxOpen {
				later = append(later, b)
				continue
			}
			open = append(open, b.info.Max)
			now = append(now, b)
		}
		if err := m.reader.read(now, m.row); err != nil {
			return err
		}
		m.cut.flush()
		blocks = later
	}
	return nil
}

// row takes a row in order.
func (m *merge) row(r *segment.Row) error {
	if spoil := m.s.o.tune.spoil; spoil != nil && !spoil(r) {
		return nil
	}
	return m.cut.add(r)
}

// write is where the pipe hands in a block.
func (m *merge) write(b *segment.Encoded) error {
	w, err := m.writer()
	if err != nil {
		return err
	}
	if err := w.w.AddEncoded(b); err != nil {
		return err
	}
	info := b.Info()
	m.sent += blockHash(&info)
	m.bytes[info.Group] += info.RawBytes
	return nil
}

// writer returns the output, a new one when the last is full.
func (m *merge) writer() (*partWriter, error) {
	if m.file != nil && m.file.w.Size() < m.s.o.tune.fileBytes {
		return m.file, nil
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
	o := m.s.o.tune.encoding()
	o.IndexShared = true // small blocks of a merge stay longer than those of a flush
	w, err := newPartWriter(m.s.o.FS, m.s.partsDir, meta, m.now, o)
	if err != nil {
		return nil, err
	}
	m.file = w
	m.written = append(m.written, w)
	return w, nil
}

func (m *merge) finishOutput() error {
	if m.file == nil {
		return nil
	}
	seg, sum, err := m.file.finish()
	m.file = nil
	if err != nil {
		return err
	}
	m.s.reportLost(sum.NotRebuilt)
	m.added = append(m.added, m.s.newPart(seg))
	return nil
}

// abandon removes every output.
func (m *merge) abandon() error {
	var err error
	for _, p := range m.added {
		err = errors.Join(err, p.close())
	}
	for _, w := range m.written {
		err = errors.Join(err, w.abandon())
	}
	return err
}

// rowsOfDay counts the rows of a block that lie in the day being written.
func (m *merge) rowsOfDay(keys []logs.Key) int64 {
	from, to := m.bucket.day*dayMillis, (m.bucket.day+1)*dayMillis
	n := int64(0)
	for i := range keys {
		if ts := keys[i].Timestamp; ts >= from && ts < to {
			n++
		}
	}
	return n
}
