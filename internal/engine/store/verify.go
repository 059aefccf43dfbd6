package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func sortSegments(list []catalog.Segment) {
	slices.SortFunc(list, func(a, b catalog.Segment) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Class, b.Class), strings.Compare(a.ID, b.ID))
	})
}

// PartReport is what Verify found out about one part.
type PartReport struct {
	File    string
	Size    int64
	Missing bool // the manifest lists it and there is no such file
	Orphan  bool // the manifest does not list it: the next start removes it
	segment.Report
	// Mismatch says how the part and its manifest row differ; empty when they
	// agree.
	Mismatch string
}

// OK reports whether the part is as it was written and as the manifest says.
func (r *PartReport) OK() bool { return !r.Missing && r.Mismatch == "" && r.Report.OK() }

// Verify reads every byte of every part below dir, the directory of a store,
// and compares the parts with the manifest. report is called once for each; an
// error of it ends Verify. The store may be open meanwhile, but a part that it
// merges away during the run is then reported missing.
func Verify(ctx context.Context, fsys vfs.FS, dir string, m Manifest, report func(PartReport) error) error {
	segs, err := m.Segments(ctx)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	sortSegments(segs)
	parts := filepath.Join(dir, "parts")
	names, err := fsys.List(parts)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	files := make(map[string]bool)
	for _, n := range names {
		if strings.HasSuffix(n, partSuffix) {
			files[n] = true
		}
	}
	for i := range segs {
		g := &segs[i]
		name := g.ID + partSuffix
		r := PartReport{File: filepath.Join(parts, name), Missing: !files[name]}
		delete(files, name)
		if !r.Missing {
			if err := verifyPart(ctx, fsys, &r, g); err != nil {
				return fmt.Errorf("verify: %w", err)
			}
		}
		if err := report(r); err != nil {
			return err
		}
	}
	for _, name := range names {
		if !files[name] {
			continue
		}
		r := PartReport{File: filepath.Join(parts, name), Orphan: true}
		if err := verifyPart(ctx, fsys, &r, nil); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		if err := report(r); err != nil {
			return err
		}
	}
	return nil
}

func verifyPart(ctx context.Context, fsys vfs.FS, r *PartReport, g *catalog.Segment) (err error) {
	f, err := fsys.Open(r.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r.Size, err = f.Size(); err != nil {
		return err
	}
	if r.Report, err = segment.Verify(ctx, f, r.File); err != nil || g == nil {
		return err
	}
	switch {
	case r.Size != g.FileBytes:
		r.Mismatch = fmt.Sprintf("the file has %d bytes, the manifest says %d", r.Size, g.FileBytes)
	case r.Report.OK() && r.Rows != g.Rows:
		r.Mismatch = fmt.Sprintf("the file has %d events, the manifest says %d", r.Rows, g.Rows)
	}
	return nil
}

// Rebuilt is a manifest made from the parts alone.
type Rebuilt struct {
	// Publication, applied to an empty manifest, makes it list the parts. It
	// carries statistics of streams and bytes of groups, too; what groups and
	// streams are called stands in the catalog only.
	Publication catalog.Publication
	Superseded  []string // parts left out because a merge has replaced them
	Unreadable  []string // ids of parts left out because they are damaged; see SalvagePart
	// Logged are the streams of the log, whose events the next start replays.
	Logged []catalog.StreamStats
	// Released says, when it is above 0, that records up to it are neither in parts
	// nor in the log: their events were deleted, or they are lost.
	Released uint64
}

// RebuildManifest makes the manifest of the store in dir from the parts' own
// footers and keys, and reads which streams the log holds. The store is closed.
// checkpoint is that of the manifest which is replaced, 0 when it is lost.
//
// A merge names its inputs in what it writes. When all inputs of a merge are
// still there, they are used and the outputs are left out, as if the merge had
// not happened; when one is gone, the merge was published, and the inputs that
// remain are left out. Events that were deleted but not yet removed from disk
// come back as events of groups and streams that do not resolve.
func RebuildManifest(ctx context.Context, fsys vfs.FS, dir string, checkpoint uint64) (Rebuilt, error) {
	out := Rebuilt{Publication: catalog.Publication{Checkpoint: checkpoint}}
	parts := filepath.Join(dir, "parts")
	names, err := fsys.List(parts)
	if err != nil {
		return out, fmt.Errorf("rebuild manifest: %w", err)
	}
	found := make(map[string]*rebuiltPart)
	for _, name := range names {
		id, ok := strings.CutSuffix(name, partSuffix)
		if !ok {
			continue
		}
		p, err := rebuildPart(ctx, fsys, partPath(parts, id), id)
		if err != nil {
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if !isDamage(err) {
				return out, fmt.Errorf("rebuild manifest: %w", err)
			}
			out.Unreadable = append(out.Unreadable, id)
			continue
		}
		found[id] = p
	}
	out.Superseded = superseded(found)
	for _, id := range out.Superseded {
		delete(found, id)
	}
	streams := make(map[logs.StreamID]catalog.StreamStats)
	bytes := make(map[logs.GroupID]int64)
	for _, p := range found {
		out.Publication.Add = append(out.Publication.Add, p.seg)
		out.Publication.Checkpoint = max(out.Publication.Checkpoint, p.seg.MaxLSN)
		for _, s := range p.streams {
			widen(streams, s)
		}
		for id, n := range p.bytes {
			bytes[id] += n
		}
	}
	if err := out.readLog(ctx, fsys, dir); err != nil {
		return out, fmt.Errorf("rebuild manifest: %w", err)
	}
	sortSegments(out.Publication.Add)
	out.Publication.Streams = sortedStats(streams)
	for id, n := range bytes {
		out.Publication.GroupBytes = append(out.Publication.GroupBytes, catalog.GroupBytes{Group: id, Delta: n})
	}
	slices.SortFunc(out.Publication.GroupBytes, func(a, b catalog.GroupBytes) int { return cmp.Compare(a.Group, b.Group) })
	return out, nil
}

// widen merges the statistics of a stream into all.
func widen(all map[logs.StreamID]catalog.StreamStats, s catalog.StreamStats) {
	if have, ok := all[s.Stream]; ok {
		s.First, s.Last = min(s.First, have.First), max(s.Last, have.Last)
		s.LastIngestion = max(s.LastIngestion, have.LastIngestion)
	}
	all[s.Stream] = s
}

func sortedStats(all map[logs.StreamID]catalog.StreamStats) []catalog.StreamStats {
	return slices.SortedFunc(maps.Values(all), func(a, b catalog.StreamStats) int { return cmp.Compare(a.Stream, b.Stream) })
}

// readLog notes the streams of the log, and where it begins.
func (out *Rebuilt) readLog(ctx context.Context, fsys vfs.FS, dir string) error {
	streams := make(map[logs.StreamID]catalog.StreamStats)
	checkpoint := out.Publication.Checkpoint
	log, err := wal.Read(ctx, fsys, filepath.Join(dir, "wal"), checkpoint, func(lsn uint64, typ byte, payload []byte) error {
		if typ != recordPut {
			return fmt.Errorf("record %d has the unknown type %d", lsn, typ)
		}
		c, err := decodePut(lsn, payload)
		if err != nil {
			return fmt.Errorf("record %d: %w", lsn, err)
		}
		widen(streams, catalog.StreamStats{
			Group: c.group, Stream: c.stream, LastIngestion: c.ingestion,
			First: c.timestamps[0], Last: c.timestamps[len(c.timestamps)-1],
		})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	out.Logged = sortedStats(streams)
	// The log begins above the newest event of any part: what is between was
	// flushed, or the log would not have been released, and then removed.
	if len(log.Lost) > 0 {
		if l := log.Lost[0]; l.From == checkpoint+1 && l.To == log.Begins {
			out.Publication.Checkpoint, out.Released = l.To, l.To
		}
	}
	return nil
}

type rebuiltPart struct {
	seg     catalog.Segment
	inputs  []string
	streams map[logs.StreamID]catalog.StreamStats
	bytes   map[logs.GroupID]int64
}

// superseded returns the parts that do not belong beside the others, sorted.
func superseded(found map[string]*rebuiltPart) []string {
	out := make(map[string]bool)
	for id, p := range found {
		if len(p.inputs) == 0 {
			continue
		}
		complete := true
		for _, in := range p.inputs {
			complete = complete && found[in] != nil
		}
		if complete {
			out[id] = true
			continue
		}
		for _, in := range p.inputs {
			if found[in] != nil {
				out[in] = true
			}
		}
	}
	list := make([]string, 0, len(out))
	for id := range out {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// rebuildPart describes one part, reading the keys of its blocks.
func rebuildPart(ctx context.Context, fsys vfs.FS, path, id string) (_ *rebuiltPart, err error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := segment.Open(f, path)
	if err != nil {
		return nil, err
	}
	meta, err := decodeMeta(r.Meta())
	if err != nil {
		return nil, &segment.CorruptionError{File: path, Section: "meta", Detail: err.Error()}
	}
	sum := r.Summary()
	sum.Groups = r.Groups()
	if len(sum.Groups) == 0 {
		return nil, &segment.CorruptionError{File: path, Section: "groups", Detail: "no events"}
	}
	p := &rebuiltPart{
		seg: describe(id, meta, &sum, sum.Created), inputs: meta.Inputs,
		streams: make(map[logs.StreamID]catalog.StreamStats), bytes: make(map[logs.GroupID]int64),
	}
	var buf segment.Buffer
	for info := range r.All() {
		p.bytes[info.Group] += info.RawBytes
		b, err := r.Read(ctx, info, &buf)
		if err != nil {
			if isDamage(err) {
				continue // its events are left out of answers, too
			}
			return nil, err
		}
		for _, run := range b.Streams() {
			s, ok := p.streams[run.Stream]
			if !ok {
				s = catalog.StreamStats{Group: info.Group, Stream: run.Stream, First: b.Key(run.From).Timestamp}
			}
			s.First = min(s.First, b.Key(run.From).Timestamp)
			s.Last = max(s.Last, b.Key(run.To-1).Timestamp)
			for i := run.From; i < run.To; i++ {
				s.LastIngestion = max(s.LastIngestion, b.Ingestion(i))
			}
			p.streams[run.Stream] = s
		}
	}
	return p, nil
}
