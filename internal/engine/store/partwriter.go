package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	partSuffix = ".part"
	tempSuffix = ".tmp"
	dayMillis  = 24 * 60 * 60 * 1000
)

// dayOf returns the UTC day of a timestamp.
func dayOf(ts int64) int64 { return ts / dayMillis }

// partMeta is what a part says about itself beside its rows, as JSON in the
// meta section: enough to write its row in the manifest again.
type partMeta struct {
	Level      int      `json:"level"`
	Class      int      `json:"class"`
	Day        int64    `json:"day"`
	Tombstones int64    `json:"tombstones"`       // as in catalog.Segment
	Inputs     []string `json:"inputs,omitempty"` // the parts it was merged from
}

func decodeMeta(data []byte) (m partMeta, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("meta of the part: %w", err)
	}
	if m.Level < 0 || m.Class < -1 || m.Day < -1 || m.Tombstones < 0 {
		return m, errors.New("meta of the part: a value is out of range")
	}
	return m, nil
}

// partWriter writes one part file under a temporary name.
type partWriter struct {
	fsys    vfs.FS
	dir     string
	id      string
	meta    partMeta
	created int64
	file    vfs.File
	w       *segment.Writer
	named   bool // it has its final name
}

// newPartWriter creates the file. What o says of the part itself is overwritten.
func newPartWriter(fsys vfs.FS, dir string, meta partMeta, created int64, o segment.WriterOptions) (*partWriter, error) {
	id := uuid.New()
	data, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("encode meta of the part: %w", err)
	}
	p := &partWriter{fsys: fsys, dir: dir, id: hex.EncodeToString(id[:]), meta: meta, created: created}
	if p.file, err = fsys.Create(p.temp()); err != nil {
		return nil, fmt.Errorf("create part: %w", err)
	}
	o.ID, o.Created, o.Meta = id, created, data
	p.w = segment.NewWriter(p.file, o)
	return p, nil
}

func partPath(dir, id string) string { return filepath.Join(dir, id+partSuffix) }

func (p *partWriter) temp() string { return filepath.Join(p.dir, p.id+tempSuffix) }

// finish makes the part durable under its final name and describes it. The
// names in the directory are not synced.
func (p *partWriter) finish() (catalog.Segment, segment.Summary, error) {
	sum, err := p.w.Finish()
	if err != nil {
		return catalog.Segment{}, sum, err
	}
	err = p.file.Close()
	p.file = nil
	if err != nil {
		return catalog.Segment{}, sum, fmt.Errorf("close part: %w", err)
	}
	if err := p.fsys.Rename(p.temp(), partPath(p.dir, p.id)); err != nil {
		return catalog.Segment{}, sum, fmt.Errorf("name part: %w", err)
	}
	p.named = true
	return describe(p.id, p.meta, &sum, p.created), sum, nil
}

// describe makes the manifest row of a part.
func describe(id string, meta partMeta, sum *segment.Summary, created int64) catalog.Segment {
	return catalog.Segment{
		ID: id, Level: meta.Level, Class: meta.Class, Day: meta.Day,
		GroupLow: sum.Groups[0].Group, GroupHigh: sum.Groups[len(sum.Groups)-1].Group, Groups: int64(len(sum.Groups)),
		MinTime: sum.MinTimestamp, MaxTime: sum.MaxTimestamp,
		Rows: sum.Rows, RawBytes: sum.RawBytes, FileBytes: sum.FileBytes,
		MaxLSN: sum.MaxSeq.Batch(), Tombstones: meta.Tombstones, Created: created,
	}
}

// abandon removes what was written.
func (p *partWriter) abandon() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
		p.file = nil
	}
	name := p.temp()
	if p.named {
		name = partPath(p.dir, p.id)
	}
	if rerr := p.fsys.Remove(name); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// slicer cuts the rows of a group, which come in order of (timestamp, seq),
// into time slices of about one block each, so that blocks are narrow in time,
// and hands them to a pipe, which sorts each by stream, so that streams are
// contiguous in it.
type slicer struct {
	pipe  *blockPipe
	limit int  // bytes of messages of a block
	copy  bool // messages do not outlive add

	group logs.GroupID
	dense bool       // the group has rows enough to cut at gaps
	block *blockTask // being filled; nil: none
}

// gap in time that ends a block, so that one late event does not widen it.
const (
	sliceGap  = 60 * 60 * 1000
	denseRows = 1024
)

// begin starts a group with about that many rows.
func (s *slicer) begin(group logs.GroupID, rows int64) {
	s.group, s.dense = group, rows >= denseRows
}

func (s *slicer) add(r *segment.Row) error {
	if b := s.block; b != nil {
		last := &b.rows[len(b.rows)-1]
		if len(b.rows) >= maxBlockRows || b.bytes+len(r.Message) > s.limit ||
			dayOf(r.Key.Timestamp) != dayOf(last.Key.Timestamp) ||
			s.dense && r.Key.Timestamp-last.Key.Timestamp > sliceGap {
			s.flush()
		} else if r.Stream != last.Stream {
			b.mixed = true
		}
	}
	if s.block == nil {
		b, err := s.pipe.take()
		if err != nil {
			return err
		}
		b.group = s.group
		s.block = b
	}
	b := s.block
	b.bytes += len(r.Message)
	if n := len(b.rows); n == cap(b.rows) {
		b.rows = slices.Grow(b.rows, max(16, n)) // twice as many, as append gives little when they are many
	}
	b.rows = append(b.rows, *r)
	if s.copy {
		from := len(b.arena)
		b.arena = append(b.arena, r.Message...) // rows of an arena that moves keep the old one alive
		b.rows[len(b.rows)-1].Message = b.arena[from:len(b.arena):len(b.arena)]
	}
	return nil
}

// flush hands over the rows collected so far as one block.
func (s *slicer) flush() {
	if b := s.block; b != nil {
		s.block = nil
		s.pipe.submit(b)
	}
}

// tombstoneSet answers which groups and streams are deleted.
type tombstoneSet struct {
	list    []catalog.Tombstone
	last    int64 // highest Seq
	groups  map[logs.GroupID]bool
	streams map[logs.GroupID][]logs.StreamID // sorted
}

func (s *Store) tombstones(ctx context.Context) (*tombstoneSet, error) {
	list, err := s.o.Manifest.Tombstones(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tombstones: %w", err)
	}
	return newTombstoneSet(list), nil
}

func newTombstoneSet(list []catalog.Tombstone) *tombstoneSet {
	t := &tombstoneSet{list: list, groups: make(map[logs.GroupID]bool), streams: make(map[logs.GroupID][]logs.StreamID)}
	for _, x := range list {
		t.last = max(t.last, x.Seq)
		if x.Stream == 0 {
			t.groups[x.Group] = true
		} else {
			t.streams[x.Group] = append(t.streams[x.Group], x.Stream)
		}
	}
	for _, ids := range t.streams {
		slices.Sort(ids)
	}
	return t
}

// dead reports whether the rows of a stream are deleted.
func (t *tombstoneSet) dead(group logs.GroupID, stream logs.StreamID) bool {
	if t.groups[group] {
		return true
	}
	_, ok := slices.BinarySearch(t.streams[group], stream)
	return ok
}

// touches reports whether a deleted stream of the group may have rows in a
// block of the streams [first, last].
func (t *tombstoneSet) touches(group logs.GroupID, first, last logs.StreamID) bool {
	if t.groups[group] {
		return true
	}
	ids := t.streams[group]
	i, _ := slices.BinarySearch(ids, first)
	return i < len(ids) && ids[i] <= last
}
