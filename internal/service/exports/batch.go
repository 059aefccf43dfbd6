package exports

import (
	"context"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Bounds of the pieces of lines that are compressed at once.
const (
	minPiece = 32 << 10
	maxPiece = 256 << 10
)

// batch is the export of some streams with one scan, each to its own objects.
// Everything but the writing of objects is done on the goroutine of the scan.
type batch struct {
	e      *export
	ctx    context.Context
	note   func(logs.StreamID, mark) // puts the mark of a stream into the progress
	live   []*object                 // in the order of the streams
	byID   map[logs.StreamID]*object
	recent *object // of the last event
	piece  int

	held    int  // memory of the objects in live
	crowded bool // held has been more than a quarter of what it may be

	flying  int // bytes of objects that are being written
	writing int // number of these
	written chan written
}

// written is the outcome of writing an object.
type written struct {
	o             *object
	at            mark // behind it
	events, lines int64
	size          int
	err           error
}

// batch exports the events of streams behind their marks, and returns how many
// of the streams, from the first on, are done, and whether there is room for
// more at once. Their marks, and those of the streams left out, stand in the
// progress then, which may not be saved.
func (e *export) batch(ctx context.Context, streams []groups.Stream, at func(groups.Stream) mark, note func(logs.StreamID, mark)) (done int, roomy bool, err error) {
	t := &e.s.o.tune
	ctx, cancel := context.WithCancel(ctx)
	b := &batch{
		e: e, ctx: ctx, note: note, byID: make(map[logs.StreamID]*object, len(streams)), written: make(chan written, t.writers),
		piece: min(max(t.gatherBytes/4/len(streams), minPiece), maxPiece),
	}
	defer func() { // without an error nothing is being written any more
		cancel()
		for ; b.writing > 0; b.writing-- {
			<-b.written
		}
	}()
	objects := make([]object, len(streams))
	after := logs.MaxKey
	for i, st := range streams {
		o := &objects[i]
		o.st, o.folder, o.at = st, folderOf(st.Name), at(st)
		b.live = append(b.live, o)
		b.byID[st.ID] = o
		if o.at.Key == nil {
			after = logs.MinKey
		} else if o.at.Key.Less(after) {
			after = *o.at.Key
		}
	}
	q := e.query(streams)
	if after != logs.MinKey {
		q.After = &after
	}
	var failed error
	stats, err := e.s.o.Store.Scan(ctx, q, func(ev logs.Event) bool {
		failed = b.add(&ev)
		return failed == nil
	})
	switch {
	case failed != nil:
		return 0, false, failed
	case err != nil:
		return 0, false, fmt.Errorf("read %d streams from %s on: %w", len(streams), streams[0].Name, err)
	case stats.DamagedBlocks > 0:
		return 0, false, fmt.Errorf("%d blocks: %w", stats.DamagedBlocks, errDamaged)
	}
	if err := b.finish(); err != nil {
		return 0, false, err
	}
	return len(b.live), !b.crowded, nil
}

// add adds an event to the object of its stream.
func (b *batch) add(ev *logs.Event) error {
	o := b.recent
	if o == nil || o.st.ID != ev.Stream {
		if o = b.byID[ev.Stream]; o == nil {
			return nil // left out
		}
		b.recent = o
	}
	if ev.Ingestion > b.e.spec.Snapshot || o.at.Key != nil && !o.at.Key.Less(ev.Key) {
		return nil
	}
	t := &b.e.s.o.tune
	before, n := o.held(), len(o.raw)
	o.raw = b.e.lines.appendLine(o.raw, ev.Timestamp, ev.Message)
	o.lines += int64(len(o.raw) - n)
	o.events++
	o.last = ev.Key
	if len(o.raw) >= b.piece {
		b.e.z.compress(o, false)
		if cap(o.raw) > 2*b.piece {
			o.raw = nil
		}
	}
	b.held += o.held() - before
	if o.lines >= int64(t.partBytes) {
		if err := b.cut(o); err != nil {
			return err
		}
	}
	b.crowded = b.crowded || b.held > t.gatherBytes/4
	for b.held > t.gatherBytes {
		if len(b.live) > t.share {
			b.leaveOut(max(len(b.live)/2, t.share))
			continue
		}
		largest := b.live[0]
		for _, o := range b.live {
			if o.held() > largest.held() {
				largest = o
			}
		}
		if err := b.cut(largest); err != nil {
			return err
		}
	}
	if t.watch != nil {
		t.watch(b.held+b.flying, len(b.live))
	}
	return nil
}

// leaveOut goes on with the first n streams only. What was written of the
// others stands in their marks.
func (b *batch) leaveOut(n int) {
	for _, o := range b.live[n:] {
		b.held -= o.held()
		o.clear()
		delete(b.byID, o.st.ID)
	}
	b.live, b.recent = b.live[:n], nil
}

// cut ends an object and starts writing it. The mark of the object before is
// saved first: so a restart finds at most one object of a stream that its mark
// does not cover, and writes that one anew whatever its length was, since it
// holds the first event behind the mark.
func (b *batch) cut(o *object) error {
	for o.flying {
		if err := b.reap(); err != nil {
			return err
		}
	}
	if o.unsaved {
		if err := b.save(); err != nil {
			return err
		}
	}
	b.held -= o.held()
	b.e.z.compress(o, true)
	t := &b.e.s.o.tune
	for b.writing >= t.writers || b.flying > 0 && b.flying+o.packed > t.gatherBytes/2 {
		if err := b.reap(); err != nil {
			return err
		}
	}
	last := o.last
	w := written{o: o, at: mark{Key: &last, Part: o.at.Part + 1}, events: o.events, lines: o.lines, size: o.packed}
	key, body := objectKey(&b.e.spec, b.e.id, o.folder, o.at.Part), o.body()
	o.clear()
	o.flying = true
	b.writing++
	b.flying += w.size
	go func() {
		w.err = b.e.s.o.Objects.PutObject(b.ctx, b.e.scope, b.e.spec.Bucket, key, body, int64(w.size), contentType)
		if w.err != nil {
			w.err = fmt.Errorf("write object %s: %w", key, w.err)
		}
		b.written <- w
	}()
	return nil
}

// reap waits until one object is written, and notes it.
func (b *batch) reap() error {
	w := <-b.written
	b.writing--
	b.flying -= w.size
	if w.err != nil {
		return w.err
	}
	e := b.e
	w.o.flying, w.o.unsaved, w.o.at = false, true, w.at
	b.note(w.o.st.ID, w.at)
	e.p.Events += w.events
	e.p.Bytes += w.lines
	e.p.Objects++
	e.s.show(e.id, e.p.status())
	return nil
}

func (b *batch) save() error {
	if err := b.e.save(b.ctx); err != nil {
		return err
	}
	for _, o := range b.live {
		o.unsaved = false
	}
	return nil
}

// drain waits until everything is written.
func (b *batch) drain() error {
	var errs error
	for b.writing > 0 {
		errs = errors.Join(errs, b.reap())
	}
	return errs
}

// finish writes what is left of each stream.
func (b *batch) finish() error {
	if err := b.drain(); err != nil {
		return err
	}
	for _, o := range b.live {
		if o.unsaved { // one save for all
			if err := b.save(); err != nil {
				return err
			}
			break
		}
	}
	for _, o := range b.live {
		if o.events > 0 {
			if err := b.cut(o); err != nil {
				return err
			}
		}
	}
	return b.drain()
}
