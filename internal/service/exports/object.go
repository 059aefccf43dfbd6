package exports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

const (
	lineBuffer = 128 << 10 // lines collected before they are compressed
	pipeBuffer = 64 << 10  // compressed bytes handed to the object store at once
)

const contentType = "application/x-gzip"

func newGzip() *gzip.Writer {
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic("exports: " + err.Error()) // the level is a constant
	}
	return z
}

// objectWriter streams one object after another to the object store: lines are
// compressed here, hashed and written there by a goroutine that lives as long
// as the object. Its memory does not depend on the size of an object.
type objectWriter struct {
	objects Objects
	z       *gzip.Writer
	buf     []byte // lines to be compressed
	raw     int64  // bytes of lines of this object
	out     bytes.Buffer
	pipe    *io.PipeWriter
	done    chan error // of the goroutine; nil when no object is open
	key     string
}

func newObjectWriter(o Objects) *objectWriter {
	return &objectWriter{objects: o, z: newGzip(), buf: make([]byte, 0, 2*lineBuffer)}
}

func (w *objectWriter) open() bool { return w.done != nil }

// start opens an object, which appears when finish returns nil.
func (w *objectWriter) start(ctx context.Context, scope logs.Scope, bucket, key string) {
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := w.objects.PutObject(ctx, scope, bucket, key, r, -1, contentType)
		r.CloseWithError(errStopped) // nobody reads any more
		done <- err
	}()
	w.pipe, w.done, w.key = pipe, done, key
	w.out.Reset()
	w.z.Reset(&w.out)
	w.buf, w.raw = w.buf[:0], 0
}

var errStopped = errors.New("object is not read any more")

// flush compresses the lines in buf.
func (w *objectWriter) flush() error {
	w.raw += int64(len(w.buf))
	w.z.Write(w.buf) // into memory: no error
	w.buf = w.buf[:0]
	if w.out.Len() < pipeBuffer {
		return nil
	}
	return w.push()
}

func (w *objectWriter) push() error {
	_, err := w.pipe.Write(w.out.Bytes())
	w.out.Reset()
	if err != nil {
		return w.close(err)
	}
	return nil
}

// finish writes the rest and waits until the object is durable.
func (w *objectWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	w.z.Close() // into memory: no error
	if err := w.push(); err != nil {
		return err
	}
	return w.close(nil)
}

// close ends the object: whole when cause is nil, else not at all.
func (w *objectWriter) close(cause error) error {
	w.pipe.CloseWithError(cause) // nil is io.EOF
	err := <-w.done
	w.done = nil
	if err == nil && cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("write object %s: %w", w.key, err)
	}
	return nil
}

// abort drops an open object; without one it does nothing.
func (w *objectWriter) abort() {
	if w.open() {
		w.close(errStopped)
	}
}

// smallWriter holds what exporting many small streams at once needs.
type smallWriter struct {
	objects Objects
	writers int
	free    chan *smallObject
	arena   []byte // lines in the order of the scan
	rows    []smallRow
	index   map[logs.StreamID]int32
	counts  []int32
	sorted  []smallRow
}

// smallObject compresses one small object.
type smallObject struct {
	z   *gzip.Writer
	out bytes.Buffer
}

// smallRow is a line in the arena.
type smallRow struct {
	stream   int32 // place among the streams of the scan
	from, to uint32
}

func newSmallWriter(o Objects, writers int) *smallWriter {
	w := &smallWriter{objects: o, writers: writers, free: make(chan *smallObject, writers), index: map[logs.StreamID]int32{}}
	for range writers {
		w.free <- &smallObject{z: newGzip()}
	}
	return w
}

// together exports small streams, each to one object, with one scan. It gives
// up, with nothing written, when their lines are more than may be held in
// memory.
func (e *export) together(ctx context.Context, streams []groups.Stream) (fits bool, size int, err error) {
	w := e.small
	w.arena, w.rows = w.arena[:0], w.rows[:0]
	clear(w.index)
	for i, s := range streams {
		w.index[s.ID] = int32(i)
	}
	// An object must not be larger than those of a stream exported alone.
	budget := min(e.s.o.tune.gatherBytes, e.s.o.tune.partBytes)
	fits = true
	stats, err := e.s.o.Store.Scan(ctx, e.query(streams, nil), func(ev logs.Event) bool {
		if ev.Ingestion > e.spec.Snapshot {
			return true
		}
		from := len(w.arena)
		w.arena = e.lines.appendLine(w.arena, ev.Timestamp, ev.Message)
		w.rows = append(w.rows, smallRow{stream: w.index[ev.Stream], from: uint32(from), to: uint32(len(w.arena))})
		fits = len(w.arena) <= budget
		return fits
	})
	if err != nil {
		return false, 0, fmt.Errorf("read %d streams from %s on: %w", len(streams), streams[0].Name, err)
	}
	if err := damaged(stats); err != nil {
		return false, 0, err
	}
	if !fits {
		return false, 0, nil
	}
	objects, err := e.writeSmall(ctx, streams)
	if err != nil {
		return false, 0, err
	}
	e.p.After = streams[len(streams)-1].Name
	e.p.Streams += int64(len(streams))
	e.p.Events += int64(len(w.rows))
	e.p.Bytes += int64(len(w.arena))
	e.p.Objects += objects
	return true, len(w.arena), e.save(ctx)
}

// writeSmall writes the gathered lines of each stream, several objects at once.
func (e *export) writeSmall(ctx context.Context, streams []groups.Stream) (objects int64, err error) {
	w := e.small
	// Sort by stream, keeping the order within each.
	w.counts = append(w.counts[:0], make([]int32, len(streams)+1)...)
	for _, r := range w.rows {
		w.counts[r.stream+1]++
	}
	for i := range streams {
		w.counts[i+1] += w.counts[i]
	}
	w.sorted = append(w.sorted[:0], w.rows...)
	next := append([]int32(nil), w.counts...)
	for _, r := range w.rows {
		w.sorted[next[r.stream]] = r
		next[r.stream]++
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(w.writers)
	cut := false
	for i, st := range streams {
		rows := w.sorted[w.counts[i]:w.counts[i+1]]
		if len(rows) == 0 {
			continue
		}
		if gctx.Err() != nil {
			cut = true
			break
		}
		objects++
		g.Go(func() error { return e.writeRows(gctx, folderOf(st.Name), rows) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	if cut {
		return 0, ctx.Err()
	}
	return objects, nil
}

func (e *export) writeRows(ctx context.Context, folder string, rows []smallRow) error {
	o := <-e.small.free
	defer func() { e.small.free <- o }()
	o.out.Reset()
	o.z.Reset(&o.out)
	for _, r := range rows {
		o.z.Write(e.small.arena[r.from:r.to]) // into memory: no error
	}
	o.z.Close()
	key := objectKey(&e.spec, e.id, folder, 0)
	if err := e.small.objects.PutObject(ctx, e.scope, e.spec.Bucket, key, bytes.NewReader(o.out.Bytes()), int64(o.out.Len()), contentType); err != nil {
		return fmt.Errorf("write object %s: %w", key, err)
	}
	return nil
}
