package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// start measures an empty server: how soon it answers and what it occupies when idle.
func (s *settings) start(ctx context.Context, r *report) error {
	var took []time.Duration
	var idle []float64
	for i := range 5 {
		dir, remove, err := s.directory(fmt.Sprintf("empty-%d", i))
		if err != nil {
			return err
		}
		defer remove()
		p, _, err := s.serveOn(ctx, dir)
		if err != nil {
			return err
		}
		defer p.Kill()
		took = append(took, p.Ready())
		if _, err := settle(ctx, p.PID(), 0); err != nil {
			return err
		}
		now, _, err := memory(p.PID())
		if err != nil {
			return err
		}
		idle = append(idle, float64(now)/1e6)
		if err := p.Stop(); err != nil {
			return err
		}
	}
	slices.Sort(idle)
	r.add("start", "exec to ready, empty directory", quantile(took, 0.5), "ms")
	r.add("start", "server memory, idle", idle[len(idle)/2], "MB")
	return nil
}

// single measures calls with one event each from 32 clients.
func (s *settings) single(ctx context.Context, r *report) error {
	const clients = 32
	dir, remove, err := s.directory("single")
	if err != nil {
		return err
	}
	defer remove()
	p, c, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := makeStreams(ctx, c, "bench-single", clients); err != nil {
		return err
	}
	cpu, err := cpuTime(p.PID())
	if err != nil {
		return err
	}
	took := make([]time.Duration, s.singles)
	begin := time.Now()
	err = inParallel(ctx, clients, s.singles, func(ctx context.Context, worker, i int, answer *bytes.Buffer) error {
		body := fmt.Appendf(nil, `{"logGroupName":"bench-single","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"event %d of a client that sends one at a time, as programs without a buffer do"}]}`,
			streamName(worker), time.Now().UnixMilli(), i)
		d, err := c.call(ctx, "PutLogEvents", body, hashOf(body), answer)
		took[i] = d
		return err
	})
	if err != nil {
		return err
	}
	wall := time.Since(begin)
	after, err := cpuTime(p.PID())
	if err != nil {
		return err
	}
	r.add("single", fmt.Sprintf("calls from %d clients", clients), float64(s.singles)/wall.Seconds(), "/s")
	r.add("single", "answer p50", quantile(took, 0.5), "ms")
	r.add("single", "answer p99", quantile(took, 0.99), "ms")
	r.add("single", "server CPU a call", (after-cpu).Seconds()*1e6/float64(s.singles), "µs")
	return p.Stop()
}

// manyStreams measures the memory of a group with very many streams that all hold an event.
func (s *settings) manyStreams(ctx context.Context, r *report) error {
	dir, remove, err := s.directory("streams")
	if err != nil {
		return err
	}
	defer remove()
	p, c, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := makeStreams(ctx, c, "bench-streams", 0); err != nil {
		return err
	}
	begin := time.Now()
	err = inParallel(ctx, 32, s.streams, func(ctx context.Context, _, i int, answer *bytes.Buffer) error {
		stream := fmt.Sprintf("host-%05d/container-%d", i/10, i%10)
		body := fmt.Appendf(nil, `{"logGroupName":"bench-streams","logStreamName":%q}`, stream)
		if _, err := c.call(ctx, "CreateLogStream", body, hashOf(body), answer); err != nil {
			return err
		}
		body = fmt.Appendf(body[:0], `{"logGroupName":"bench-streams","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"first event"}]}`, stream, time.Now().UnixMilli())
		_, err := c.call(ctx, "PutLogEvents", body, hashOf(body), answer)
		return err
	})
	if err != nil {
		return err
	}
	wall := time.Since(begin)
	if _, err := settle(ctx, p.PID(), s.settle); err != nil {
		return err
	}
	now, peak, err := memory(p.PID())
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d streams", s.streams)
	r.add("streams", name+": created and written", float64(s.streams)/wall.Seconds(), "/s")
	r.add("streams", name+": server memory, settled", float64(now)/1e6, "MB")
	r.add("streams", name+": server memory, peak", float64(peak)/1e6, "MB")
	return p.Stop()
}

// inParallel runs fn for 0 to n-1 on workers, and stops at the first error.
func inParallel(ctx context.Context, workers, n int, fn func(ctx context.Context, worker, i int, answer *bytes.Buffer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var answer bytes.Buffer
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := fn(ctx, w, i, &answer); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
