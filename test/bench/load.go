package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
	"github.com/cumulog/cumulog/test/process"
)

// poolBytes bounds the bodies held in memory; a larger corpus sends them again with fresh timestamps.
const poolBytes = 1 << 30

// corpusStreams is how many streams of one group a corpus is spread over.
const corpusStreams = 16

// corpus measures everything that one corpus is for: ingest, then reads and export on what was stored.
func (s *settings) corpus(ctx context.Context, r *report, kind corpus.Kind) error {
	group := "bench-" + string(kind)
	clk := newClock(s.size, time.Now())
	bodies, err := prepare(kind, s.seed, min(s.size, poolBytes), s.batch, group, corpusStreams, clk)
	if err != nil {
		return err
	}
	dir, remove, err := s.directory(string(kind))
	if err != nil {
		return err
	}
	defer remove()
	p, c, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := makeStreams(ctx, c, group, corpusStreams); err != nil {
		return err
	}
	if err := shortEvents(ctx, c, group); err != nil {
		return err
	}
	sent, err := s.ingest(ctx, r, p, c, "ingest "+string(kind), bodies, clk)
	if err != nil {
		return err
	}
	if s.wants("read") {
		if err := reads(ctx, r, c, "read "+string(kind), kind, group); err != nil {
			return err
		}
	}
	if s.wants("export") {
		if err := export(ctx, r, p, c, "export "+string(kind), group, sent); err != nil {
			return err
		}
	}
	if err := p.Stop(); err != nil {
		return err
	}
	disk, err := diskUsage(dir + "/parts")
	if err != nil {
		return err
	}
	r.add("ingest "+string(kind), "disk, parts, per message byte", float64(disk)/float64(sent), "")
	if !s.wants("start") {
		return nil
	}
	again, _, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer again.Kill()
	r.add("start "+string(kind), fmt.Sprintf("ready on %.2f GB of messages", float64(sent)/1e9), float64(again.Ready().Microseconds())/1e3, "ms")
	return again.Stop()
}

func makeStreams(ctx context.Context, c *caller, group string, streams int) error {
	if _, _, err := c.do(ctx, "CreateLogGroup", fmt.Sprintf(`{"logGroupName":%q}`, group)); err != nil {
		return err
	}
	for i := range streams {
		if _, _, err := c.do(ctx, "CreateLogStream", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q}`, group, streamName(i))); err != nil {
			return err
		}
	}
	return nil
}

// shortStream holds 10,000 events that fit one page of GetLogEvents.
const shortStream = "short"

func shortEvents(ctx context.Context, c *caller, group string) error {
	if _, _, err := c.do(ctx, "CreateLogStream", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q}`, group, shortStream)); err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"logGroupName":%q,"logStreamName":%q,"logEvents":[`, group, shortStream)
	from := time.Now().Add(-time.Minute).UnixMilli()
	for i := range 10_000 {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"timestamp":%d,"message":"short event %05d of ten thousand in one page"}`, from+int64(i), i)
	}
	_, _, err := c.do(ctx, "PutLogEvents", string(append(body, "]}"...)))
	return err
}

// ingest sends a corpus and returns the message bytes sent.
func (s *settings) ingest(ctx context.Context, r *report, p *process.Server, c *caller, scenario string, bodies []*prepared, clk *clock) (int64, error) {
	cpu, err := cpuTime(p.PID())
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	took, sent, events, err := s.sendAll(ctx, c, bodies, clk)
	if err != nil {
		return sent, err
	}
	wall := time.Since(begin)
	atEnd, err := cpuTime(p.PID())
	if err != nil {
		return sent, err
	}
	settled, err := settle(ctx, p.PID(), s.settle)
	if err != nil {
		return sent, err
	}
	_, peak, err := memory(p.PID())
	if err != nil {
		return sent, err
	}
	gb := float64(sent) / 1e9
	r.add(scenario, "messages", gb, "GB")
	r.add(scenario, "events", float64(events)/1e6, "million")
	r.add(scenario, "wall", float64(sent)/1e6/wall.Seconds(), "MB/s")
	r.add(scenario, "server CPU until the last answer", (atEnd-cpu).Seconds()/gb, "s/GB")
	r.add(scenario, "server CPU, settled", (settled-cpu).Seconds()/gb, "s/GB")
	r.add(scenario, "answer p50", quantile(took, 0.5), "ms")
	r.add(scenario, "answer p99", quantile(took, 0.99), "ms")
	r.add(scenario, "server memory, peak", float64(peak)/1e6, "MB")
	return sent, nil
}

// sendAll sends bodies over the connections: each once when they are the whole corpus, in turns until size is reached otherwise.
func (s *settings) sendAll(ctx context.Context, c *caller, bodies []*prepared, clk *clock) (took []time.Duration, sent, events int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, total, count atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range s.connections {
		wg.Go(func() {
			var answer bytes.Buffer
			var mine []time.Duration
			defer func() {
				mu.Lock()
				took = append(took, mine...)
				mu.Unlock()
			}()
			// A worker has its own bodies, so that none is stamped while another sends it.
			own := (len(bodies) - w + s.connections - 1) / s.connections
			for i := 0; own > 0; i++ {
				p := bodies[w+i%own*s.connections]
				if i >= own && (s.size <= poolBytes || next.Load()+p.messages > s.size) || ctx.Err() != nil {
					return
				}
				next.Add(p.messages)
				if p.used {
					p.restamp(clk)
				}
				p.used = true
				d, err := c.call(ctx, "PutLogEvents", p.json, p.hash, &answer)
				if err == nil && bytes.Contains(answer.Bytes(), []byte("rejectedLogEventsInfo")) {
					err = fmt.Errorf("events were rejected: %s", answer.Bytes())
				}
				if err != nil {
					cancel(err)
					return
				}
				mine = append(mine, d)
				total.Add(p.messages)
				count.Add(int64(p.events))
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, 0, 0, err
	}
	return took, total.Load(), count.Load(), nil
}

// settle waits until the server has nothing left to do: at least for a time, then until three seconds pass with less than 30 ms of
// CPU, but no more than two minutes. It returns the CPU time used until then.
func settle(ctx context.Context, pid int, atLeast time.Duration) (time.Duration, error) {
	const quiet, window, patience = 30 * time.Millisecond, 3 * time.Second, 2 * time.Minute
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(atLeast):
	}
	for end := time.Now().Add(patience); ; {
		before, err := cpuTime(pid)
		if err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(window):
		}
		after, err := cpuTime(pid)
		if err != nil {
			return 0, err
		}
		if after-before < quiet || time.Now().After(end) {
			return after, nil
		}
	}
}
