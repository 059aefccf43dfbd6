package exports

import (
	"context"
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
	gather int                        // streams to scan together; adapts
	z      *compressor
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
	if e.z == nil {
		e.z = newCompressor()
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

// ordinary exports streams with folders of their own, many together.
func (e *export) ordinary(ctx context.Context, streams []groups.Stream) error {
	at := func(st groups.Stream) mark { return e.p.Marks[st.ID] }
	note := func(id logs.StreamID, m mark) {
		if e.p.Marks == nil {
			e.p.Marks = map[logs.StreamID]mark{}
		}
		e.p.Marks[id] = m
	}
	for len(streams) > 0 {
		n := min(e.gather, len(streams))
		done, roomy, err := e.batch(ctx, streams[:n], at, note)
		if err != nil {
			return err
		}
		switch {
		case done < n:
			e.gather = done
		case roomy:
			e.gather = min(4*e.gather, e.s.o.tune.gather)
		}
		for _, st := range streams[:done] {
			delete(e.p.Marks, st.ID)
		}
		e.p.After = streams[done-1].Name
		e.p.Streams += int64(done)
		if err := e.save(ctx); err != nil {
			return err
		}
		streams = streams[done:]
	}
	return nil
}

// query returns the scan of streams.
func (e *export) query(streams []groups.Stream) store.Query {
	q := store.Query{Group: e.spec.GroupID, Start: max(e.spec.From, e.spec.Floor, 0), End: math.MaxInt64}
	if e.spec.To < math.MaxInt64 {
		q.End = e.spec.To + 1
	}
	q.Streams = make([]logs.StreamID, len(streams))
	for i, s := range streams {
		q.Streams[i] = s.ID
	}
	return q
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

// folder writes the streams of one folder, one after another, from now on.
func (e *export) folder(ctx context.Context, members []groups.Stream, now folderMark) error {
	at := func(groups.Stream) mark { return now.mark }
	note := func(_ logs.StreamID, m mark) {
		now.mark = m
		stored := now
		e.p.Now = &stored
	}
	for _, st := range members {
		if st.Name < now.Stream {
			continue
		}
		if st.Name != now.Stream {
			now.Stream, now.ID, now.Key = st.Name, st.ID, nil
		}
		if _, _, err := e.batch(ctx, []groups.Stream{st}, at, note); err != nil {
			return err
		}
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	e.p.After, e.p.Now = now.Leader, nil
	e.p.Streams += int64(len(members))
	if len(members) > 1 {
		if e.p.Skip == nil {
			e.p.Skip = map[string]string{}
		}
		e.p.Skip[now.Folder] = members[len(members)-1].Name
	}
	return e.save(ctx)
}
