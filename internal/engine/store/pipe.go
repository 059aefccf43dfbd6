package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// blockPipe encodes blocks on goroutines of its own and writes them in the
// order in which they came. Its methods are called by one goroutine, which fills
// the blocks and also writes them; close ends the others and waits for them.
//
// At most workers+1 blocks are in flight: being filled, encoded, or waiting for
// their turn to be written. The first error stops everything: blocks that wait
// are not encoded any more, and every later call returns it.
type blockPipe struct {
	ctx     context.Context
	encs    *encoders
	workers int
	// limit says how many blocks may be encoded at once just now, 1 to workers;
	// nil: workers. It is asked for every block.
	limit func() int
	// write takes blocks in order; it does not keep them.
	write func(*segment.Encoded) error
	// check is called for the rows of every block before they are encoded, by
	// several goroutines at once; nil: nothing is.
	check func(logs.GroupID, []segment.Row)

	work    chan *blockTask
	wg      sync.WaitGroup
	started int
	stopped atomic.Pointer[error] // why nothing is encoded any more; nil: it is
	inline  *segment.BlockEncoder
	sort    streamSorter // of blocks encoded inline
	queue   []*blockTask // submitted and not yet written, in order
	free    []*blockTask
	err     error
}

// blockTask is one block on its way, or a step that has its place between
// blocks.
type blockTask struct {
	group logs.GroupID
	rows  []segment.Row // in order of (timestamp, seq)
	mixed bool          // rows are of more than one stream
	bytes int           // of messages
	arena []byte        // what copied messages live in

	step func() error // not nil: to be called instead

	out  *segment.Encoded
	err  error
	done chan struct{}
}

// inlineBytes is the size of blocks that are encoded where they are made:
// handing them to another goroutine costs more.
const inlineBytes = 32 << 10

func newBlockPipe(ctx context.Context, encs *encoders, workers int, write func(*segment.Encoded) error) *blockPipe {
	return &blockPipe{ctx: ctx, encs: encs, workers: workers, write: write, work: make(chan *blockTask, workers+1)}
}

// take returns an empty block, after blocks in flight were written to make room
// for it.
func (p *blockPipe) take() (*blockTask, error) {
	most := p.workers
	if p.limit != nil {
		if n := p.limit(); n < p.workers {
			most = max(n, 1) - 1
		}
	}
	if p.err == nil {
		p.err = p.ctx.Err()
	}
	for p.err == nil && len(p.queue) > most {
		p.pop()
	}
	if p.err != nil {
		return nil, p.err
	}
	if n := len(p.free); n > 0 {
		t := p.free[n-1]
		p.free = p.free[:n-1]
		return t, nil
	}
	return &blockTask{done: make(chan struct{}, 1)}, nil
}

// submit hands in a block that take returned.
func (p *blockPipe) submit(t *blockTask) {
	p.queue = append(p.queue, t)
	if t.bytes+8*len(t.rows) < inlineBytes {
		if p.inline == nil {
			p.inline = p.encs.take()
		}
		p.encode(t, p.inline, &p.sort)
		return
	}
	if p.started < p.workers && p.started < len(p.queue) {
		p.started++
		p.wg.Go(p.run)
	}
	p.work <- t // never blocks: it has room for all that may be in flight
}

// then calls step once everything that was submitted is written.
func (p *blockPipe) then(step func() error) error {
	if len(p.queue) == 0 && p.err == nil {
		p.err = step()
		return p.err
	}
	t, err := p.take()
	if err != nil {
		return err
	}
	t.step = step
	t.done <- struct{}{}
	p.queue = append(p.queue, t)
	return nil
}

// drain writes everything that was submitted.
func (p *blockPipe) drain() error {
	for p.err == nil && len(p.queue) > 0 {
		p.pop()
	}
	return p.err
}

// pop waits for the first block in flight and writes it.
func (p *blockPipe) pop() {
	t := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	<-t.done
	switch {
	case t.err != nil:
		p.err = t.err
	case t.step != nil:
		p.err = t.step()
	default:
		p.err = p.write(t.out)
	}
	if t.out != nil {
		t.out.Release()
	}
	p.recycle(t)
}

func (p *blockPipe) recycle(t *blockTask) {
	clear(t.rows)
	*t = blockTask{rows: t.rows[:0], arena: t.arena[:0], done: t.done}
	p.free = append(p.free, t)
}

// close ends the goroutines and waits for them. What was not drained is lost.
func (p *blockPipe) close() {
	p.stop(context.Canceled)
	close(p.work)
	p.wg.Wait()
	if p.inline != nil {
		p.encs.give(p.inline)
	}
}

// run encodes blocks until the pipe is closed.
func (p *blockPipe) run() {
	enc := p.encs.take()
	defer p.encs.give(enc)
	var sort streamSorter
	for t := range p.work {
		p.encode(t, enc, &sort)
	}
}

func (p *blockPipe) encode(t *blockTask, enc *segment.BlockEncoder, sort *streamSorter) {
	defer func() { t.done <- struct{}{} }()
	if err := p.stopped.Load(); err != nil {
		t.err = *err
		return
	}
	rows := t.rows
	if t.mixed {
		rows = sort.byStream(rows)
	}
	if p.check != nil {
		p.check(t.group, rows)
	}
	t.out, t.err = enc.Encode(t.group, rows)
	if t.mixed {
		clear(rows) // scratch of the sorter, which must not keep messages alive
	}
	if t.err != nil {
		p.stop(t.err)
	}
}

// stop lets blocks that wait go unencoded; the first error counts.
func (p *blockPipe) stop(err error) { p.stopped.CompareAndSwap(nil, &err) }

// encoders keeps block encoders, whose scratch is large, from one flush or
// merge to the next; the garbage collector may take those that are not in use.
type encoders struct {
	opts segment.WriterOptions
	pool sync.Pool
}

func (e *encoders) take() *segment.BlockEncoder {
	if enc, ok := e.pool.Get().(*segment.BlockEncoder); ok {
		return enc
	}
	return segment.NewBlockEncoder(e.opts)
}

func (e *encoders) give(enc *segment.BlockEncoder) { e.pool.Put(enc) }

// streamSorter puts the rows of a block in the order of (stream, timestamp,
// seq). Its result is valid until the next call.
type streamSorter struct {
	sorted  []segment.Row
	slots   map[logs.StreamID]uint32
	streams []streamSlot
	slotOf  []uint32
	place   []int
}

// streamSlot is a stream of a block, numbered by first appearance.
type streamSlot struct {
	stream logs.StreamID
	slot   uint32
	rows   int
}

// byStream is a counting sort, as the rows of each stream are in order already.
func (s *streamSorter) byStream(rows []segment.Row) []segment.Row {
	if s.slots == nil {
		s.slots = make(map[logs.StreamID]uint32)
	}
	clear(s.slots)
	s.streams, s.slotOf = s.streams[:0], s.slotOf[:0]
	last, slot := logs.StreamID(-1), uint32(0)
	for i := range rows {
		if id := rows[i].Stream; id != last {
			known := false
			if slot, known = s.slots[id]; !known {
				slot = uint32(len(s.streams))
				s.slots[id] = slot
				s.streams = append(s.streams, streamSlot{stream: id, slot: slot})
			}
			last = id
		}
		s.streams[slot].rows++
		s.slotOf = append(s.slotOf, slot)
	}
	slices.SortFunc(s.streams, func(a, b streamSlot) int { return cmp.Compare(a.stream, b.stream) })
	s.place = slices.Grow(s.place[:0], len(s.streams))[:len(s.streams)]
	at := 0
	for _, st := range s.streams {
		s.place[st.slot] = at
		at += st.rows
	}
	s.sorted = slices.Grow(s.sorted[:0], len(rows))[:len(rows)]
	for i := range rows {
		p := &s.place[s.slotOf[i]]
		s.sorted[*p] = rows[i]
		*p++
	}
	return s.sorted
}
