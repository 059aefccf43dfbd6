package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// eventOverhead is roughly what the JSON of an event has beside its message.
const eventOverhead = 100

// span are events that make one message: of one stream, unless the target takes events.
type span struct {
	head   *head
	events []*event
}

// send hands a batch to the target and returns what the target refuses for good. An error leaves the batch to be sent again;
// messages that were taken are not repeated.
func (s *Service) send(ctx context.Context, d *delivery, to sink.Sink, target sink.Target, b *batch) ([]deadEvents, error) {
	if len(b.events) == 0 {
		return nil, nil
	}
	x := sending{s: s, ctx: ctx, d: d, to: to, target: target, b: b}
	if err := x.resolve(); err != nil {
		return nil, err
	}
	if err := x.run(x.spans()); err != nil {
		return nil, err
	}
	return x.dead, nil
}

// sending is one send.
type sending struct {
	s      *Service
	ctx    context.Context
	d      *delivery
	to     sink.Sink
	target sink.Target
	b      *batch

	heads map[streamKey]*head
	alive bool // the target took a test message after it had refused one
	dead  []deadEvents
	ready []sink.Message
	of    []span // of ready
	bytes int    // of ready

	letters map[deadKey]int // where in dead
	reasons map[string]bool // of dead
}

type streamKey struct {
	group  logs.GroupID
	stream logs.StreamID
}

// resolve finds the names of groups and streams. Events without either were deleted; those beyond retention count as dead.
func (x *sending) resolve() error {
	s, d := x.s, x.d
	ids := map[logs.GroupID][]logs.StreamID{}
	for i := range x.b.events {
		id := &x.b.events[i].id
		if of := ids[id.Group]; len(of) == 0 || of[len(of)-1] != id.Stream {
			ids[id.Group] = append(of, id.Stream)
		}
	}
	x.heads = map[streamKey]*head{}
	began := map[logs.GroupID]int64{}
	for id, streams := range ids {
		g, err := s.o.Directory.GroupByID(x.ctx, d.key.Scope, id)
		if errors.Is(err, groups.ErrGroupNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if g.RetentionDays > 0 {
			began[id] = s.nowMS() - int64(g.RetentionDays)*(24*time.Hour).Milliseconds()
		}
		slices.Sort(streams)
		names, err := s.o.Directory.StreamNames(x.ctx, id, slices.Compact(streams))
		if err != nil {
			return err
		}
		for stream, name := range names {
			x.heads[streamKey{id, stream}] = &head{scope: d.key.Scope, group: g.Name, stream: name, filter: d.name, policy: d.key.Kind == kindPolicy}
		}
	}
	kept := x.b.events[:0]
	for _, e := range x.b.events {
		switch h := x.heads[streamKey{e.id.Group, e.id.Stream}]; {
		case h == nil:
		case e.id.Timestamp < began[e.id.Group]:
			x.bury("expired", h, &e)
		default:
			kept = append(kept, e)
		}
	}
	x.b.events = kept
	return nil
}

// spans cuts the batch into messages: by stream, in the order in which the streams come, and below the limits of the target.
func (x *sending) spans() []span {
	if x.target.Events {
		all := make([]*event, len(x.b.events))
		for i := range x.b.events {
			all[i] = &x.b.events[i]
		}
		if len(all) == 0 {
			return nil
		}
		return []span{{nil, all}}
	}
	limit := x.s.o.tune.record
	if x.target.MaxBody > 0 {
		limit = min(limit, x.target.MaxBody)
	}
	var out []span
	at := map[streamKey]int{}
	size := map[streamKey]int{}
	for i := range x.b.events {
		e := &x.b.events[i]
		k := streamKey{e.id.Group, e.id.Stream}
		n := e.to - e.from + eventOverhead
		j, known := at[k]
		if !known || size[k]+n > limit {
			j = len(out)
			out = append(out, span{head: x.heads[k]})
			at[k], size[k] = j, 0
		}
		out[j].events = append(out[j].events, e)
		size[k] += n
	}
	return out
}

// run sends messages in order.
func (x *sending) run(todo []span) error {
	for len(todo) > 0 {
		sp := todo[0]
		todo = todo[1:]
		name := x.name(&sp)
		if x.d.taken[name] {
			continue
		}
		m := x.message(&sp, name)
		size := len(m.Body)
		if x.target.MaxBody > 0 && size > x.target.MaxBody {
			todo = append(x.split(sp, fmt.Sprintf("compressed to %d bytes, more than the %d that the target takes", size, x.target.MaxBody)), todo...)
			continue
		}
		full := x.target.MaxMessages > 0 && len(x.ready) >= x.target.MaxMessages || x.target.MaxBytes > 0 && x.bytes+size > x.target.MaxBytes
		if full && len(x.ready) > 0 {
			rest, err := x.flush()
			if err != nil {
				return err
			}
			if len(rest) > 0 { // before this one
				todo = append(append(rest, sp), todo...)
				continue
			}
		}
		x.ready, x.of, x.bytes = append(x.ready, m), append(x.of, sp), x.bytes+size
		if len(todo) == 0 {
			rest, err := x.flush()
			if err != nil {
				return err
			}
			todo = rest
		}
	}
	rest, err := x.flush()
	if err != nil || len(rest) == 0 {
		return err
	}
	return x.run(rest)
}

// flush sends what is ready. rest is what to send next instead of what the target refused, and what was behind it.
func (x *sending) flush() (rest []span, err error) {
	if len(x.ready) == 0 {
		return nil, nil
	}
	ready, of := x.ready, x.of
	x.ready, x.of, x.bytes = nil, nil, 0
	err = x.to.Send(x.ctx, ready)
	if err == nil {
		x.took(ready, of)
		return nil, nil
	}
	if x.ctx.Err() != nil {
		return nil, x.ctx.Err()
	}
	e := sink.Failure(err)
	n := min(max(e.Sent, 0), len(ready)-1)
	x.took(ready[:n], of[:n])
	if e.Retry {
		return nil, err
	}
	// The target refuses this message. It could refuse everything, as one that is set up wrongly does: then nothing is dead.
	if !x.alive {
		v, _ := vendorOf(x.d.spec.Destination)
		if check := x.to.Check(x.ctx, controlMessage(v, x.s.nowMS())); check != nil {
			if x.ctx.Err() != nil {
				return nil, x.ctx.Err()
			}
			return nil, &sink.Error{Retry: true, Err: fmt.Errorf("the target takes no message at all: %w", err)}
		}
		x.alive = true
	}
	x.d.mu.Lock()
	x.d.sums.Errors++
	x.d.mu.Unlock()
	return append(x.split(of[n], err.Error()), of[n+1:]...), nil
}

// took notes messages that the target has.
func (x *sending) took(ready []sink.Message, of []span) {
	d := x.d
	var bytes, events int64
	for i := range ready {
		if d.taken == nil {
			d.taken = map[string]bool{}
		}
		d.taken[ready[i].Name] = true
		events += int64(len(of[i].events))
		bytes += int64(len(ready[i].Body))
		for j := range ready[i].Events {
			bytes += int64(len(ready[i].Events[j].Message))
		}
	}
	d.mu.Lock()
	d.sums.Bytes += bytes
	d.sums.Events += events
	d.status.Delivered += events
	d.mu.Unlock()
}

// split returns what to send instead of a message that is refused: its halves, nothing when it is one event, which is dead.
func (x *sending) split(sp span, reason string) []span {
	if len(sp.events) == 1 {
		e := sp.events[0]
		x.bury(reason, x.heads[streamKey{e.id.Group, e.id.Stream}], e)
		return nil
	}
	half := len(sp.events) / 2
	return []span{{sp.head, sp.events[:half]}, {sp.head, sp.events[half:]}}
}

// name tells a message from every other, and is the same when it is made again of the same events.
func (x *sending) name(sp *span) string {
	first, last := sp.events[0], sp.events[len(sp.events)-1]
	if x.target.Events {
		return fmt.Sprintf("%016x-%016x-%016x-%d", x.d.hash(), uint64(first.id.Seq), uint64(last.id.Seq), len(sp.events))
	}
	return fmt.Sprintf("%016x-%d-%016x-%016x-%d", x.d.hash(), first.id.Stream, uint64(first.id.Seq), uint64(last.id.Seq), len(sp.events))
}

// message makes the message of a span.
func (x *sending) message(sp *span, name string) sink.Message {
	d := x.d
	if x.target.Events {
		return sink.Message{Name: name, Events: x.plain(sp)}
	}
	b := sp.head.appendHead(d.json[:0])
	for i, e := range sp.events {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.append(b, x.b.arena)
	}
	b = sp.head.appendTail(b)
	d.json = b[:0]
	key := sp.head.stream
	if d.spec.Distribution == Random {
		key = name
	}
	return sink.Message{
		Body: d.zipper.zip(b), ContentType: contentType, Encoding: sink.EncodingGzip, Key: key, Name: name,
		Attributes: map[string]string{"Message-Type": "DATA_MESSAGE"},
	}
}

// plain returns the events of a span for targets that take events.
func (x *sending) plain(sp *span) []sink.Event {
	out := make([]sink.Event, len(sp.events))
	for i, e := range sp.events {
		h := x.heads[streamKey{e.id.Group, e.id.Stream}]
		out[i] = sink.Event{
			ID: e.id.String(), Account: h.scope.Account, Region: h.scope.Region, Group: h.group, Stream: h.stream,
			Timestamp: e.id.Timestamp, Ingestion: e.ingest, Message: x.b.arena[e.from:e.to:e.to], Fields: e.fields,
		}
	}
	return out
}
