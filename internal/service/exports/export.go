package exports

import (
	"context"
	"fmt"
	"math"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// export is the work on one task.
type export struct {
	s      *Service
	id     string
	scope  logs.Scope
	stored string // state in the catalog
	spec   spec
	p      progress

	shared map[string][]groups.Stream // streams of folders that have several, by name
	gather int                        // small streams to scan together; adapts
	out    *objectWriter              // reused from object to object
	small  *smallWriter
	lines  lineWriter
}

// run does the task from where its progress says to the end.
func (e *export) run(ctx context.Context) error {
	if _, err := e.s.o.Directory.GroupByID(ctx, e.scope, e.spec.GroupID); err != nil {
		return err
	}
	if err := e.plan(ctx); err != nil {
		return err
	}
	if err := e.save(ctx); err != nil {
		return err
	}
	e.gather = e.s.o.tune.gather
	if e.out == nil {
		e.out = newObjectWriter(e.s.o.Objects)
		e.small = newSmallWriter(e.s.o.Objects, e.s.o.tune.writers)
	}
	if e.p.Now != nil {
		if err := e.resume(ctx); err != nil {
			return err
		}
	}
	err := e.streams(ctx, e.p.After, func(page []groups.Stream) error { return e.page(ctx, page) })
	if err != nil {
		return err
	}
	// The streams of a group deleted meanwhile are none.
	_, err = e.s.o.Directory.GroupByID(ctx, e.scope, e.spec.GroupID)
	return err
}

// save stores the progress. catalog.ErrConflict means that the task was
// cancelled.
func (e *export) save(ctx context.Context) error {
	e.p.Message = e.p.status()
	if err := e.s.o.Catalog.UpdateTask(ctx, e.id, []string{e.stored}, Running, e.p.encode()); err != nil {
		return err
	}
	e.stored = Running
	e.s.show(e.id, e.p.Message)
	return nil
}

// show makes a status visible to Describe before it is stored.
func (s *Service) show(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.id == id {
		s.current.status = status
	}
}

// page exports a page of streams: runs of ordinary streams together, shared
// folders each on its own.
func (e *export) page(ctx context.Context, page []groups.Stream) error {
	from := 0
	for i, st := range page {
		folder := folderOf(st.Name)
		_, done := e.p.Skip[folder]
		members := e.shared[folder]
		if members == nil && !done {
			continue
		}
		if err := e.ordinary(ctx, page[from:i]); err != nil {
			return err
		}
		from = i + 1
		if done {
			e.skipped(folder, st.Name)
			continue
		}
		if err := e.folder(ctx, members, folderMark{Folder: folder, Leader: st.Name}); err != nil {
			return err
		}
	}
	return e.ordinary(ctx, page[from:])
}

// skipped passes over a stream whose folder was written with its first stream.
func (e *export) skipped(folder, stream string) {
	e.p.After = stream
	if stream >= e.p.Skip[folder] {
		delete(e.p.Skip, folder)
	}
}

// ordinary exports streams with folders of their own, small ones together.
func (e *export) ordinary(ctx context.Context, streams []groups.Stream) error {
	t := &e.s.o.tune
	for len(streams) > 0 {
		n := min(e.gather, len(streams))
		bytes := 0
		if n > 1 {
			fits, size, err := e.together(ctx, streams[:n])
			if err != nil {
				return err
			}
			if !fits {
				e.gather = max(1, n/8)
				continue
			}
			bytes = size
		} else {
			st := streams[0]
			before := e.p.Bytes
			if err := e.folder(ctx, streams[:1], folderMark{Folder: folderOf(st.Name), Leader: st.Name}); err != nil {
				return err
			}
			bytes = int(min(e.p.Bytes-before, math.MaxInt32))
		}
		if bytes < t.gatherBytes/4 {
			e.gather = min(e.gather*4, t.gather)
		}
		streams = streams[n:]
	}
	return nil
}

// query returns the scan of streams, behind key.
func (e *export) query(streams []groups.Stream, after *logs.Key) store.Query {
	q := store.Query{Group: e.spec.GroupID, Start: max(e.spec.From, e.spec.Floor, 0), End: math.MaxInt64, After: after}
	if e.spec.To < math.MaxInt64 {
		q.End = e.spec.To + 1
	}
	q.Streams = make([]logs.StreamID, len(streams))
	for i, s := range streams {
		q.Streams[i] = s.ID
	}
	return q
}

func damaged(st store.Stats) error {
	if st.DamagedBlocks > 0 {
		return fmt.Errorf("%d blocks: %w", st.DamagedBlocks, errDamaged)
	}
	return nil
}

// resume finishes the folder that was being written.
func (e *export) resume(ctx context.Context) error {
	mark := *e.p.Now
	members := e.shared[mark.Folder]
	if members == nil {
		// Alone in its folder, or deleted meanwhile.
		first, err := e.s.o.Directory.Streams(ctx, e.spec.GroupID, mark.Stream, "", 1)
		if err != nil {
			return err
		}
		if len(first) == 1 && first[0].ID == mark.ID {
			members = first
		}
	}
	return e.folder(ctx, members, mark)
}

// folder writes the streams of one folder, one after another, from mark on.
func (e *export) folder(ctx context.Context, members []groups.Stream, mark folderMark) error {
	for _, st := range members {
		if st.Name < mark.Stream {
			continue
		}
		if st.Name != mark.Stream {
			mark.Stream, mark.ID, mark.Key = st.Name, st.ID, nil
		}
		if err := e.stream(ctx, st, &mark); err != nil {
			return err
		}
	}
	e.p.After, e.p.Now = mark.Leader, nil
	e.p.Streams += int64(len(members))
	if len(members) > 1 {
		if e.p.Skip == nil {
			e.p.Skip = map[string]string{}
		}
		e.p.Skip[mark.Folder] = members[len(members)-1].Name
	}
	return e.save(ctx)
}

// stream writes the events of one stream behind mark, and moves mark.
func (e *export) stream(ctx context.Context, st groups.Stream, mark *folderMark) error {
	w := e.out
	defer w.abort()
	var failed error
	var events int64
	finish := func(key logs.Key) error {
		if err := w.finish(); err != nil {
			return err
		}
		e.p.Events += events
		e.p.Bytes += w.raw
		e.p.Objects++
		events = 0
		mark.Key = &key
		mark.Part++
		now := *mark
		e.p.Now = &now
		return e.save(ctx)
	}
	var last logs.Key
	stats, err := e.s.o.Store.Scan(ctx, e.query([]groups.Stream{st}, mark.Key), func(ev logs.Event) bool {
		if ev.Ingestion > e.spec.Snapshot {
			return true
		}
		if !w.open() {
			w.start(ctx, e.scope, e.spec.Bucket, objectKey(&e.spec, e.id, mark.Folder, mark.Part))
		}
		w.buf = e.lines.appendLine(w.buf, ev.Timestamp, ev.Message)
		events++
		last = ev.Key
		switch {
		case w.raw+int64(len(w.buf)) >= int64(e.s.o.tune.partBytes):
			failed = finish(last)
		case len(w.buf) >= lineBuffer:
			failed = w.flush()
		}
		return failed == nil
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("read stream %s: %w", st.Name, err)
	}
	if err := damaged(stats); err != nil {
		return err
	}
	if w.open() {
		return finish(last)
	}
	return nil
}
