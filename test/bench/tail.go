package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
	"github.com/cumulog/cumulog/test/process"
)

const (
	tailSessions = 50
	tailRounds   = 4 // without and with sessions, in turn
	tailSingles  = 300
)

// tail measures what fifty live tail sessions with patterns of their own cost ingest, and how soon an event is in the console's
// channel after its PutLogEvents was answered.
func (s *settings) tail(ctx context.Context, r *report, kind corpus.Kind) error {
	group, scenario := "bench-"+string(kind), "tail "+string(kind)
	clk := newClock(tailRounds*s.size, time.Now())
	bodies, err := prepare(kind, s.seed, min(s.size, poolBytes), s.batch, group, corpusStreams, clk)
	if err != nil {
		return err
	}
	dir, remove, err := s.directory("tail-" + string(kind))
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
	if err := latency(ctx, r, c, scenario, group); err != nil {
		return err
	}
	var wall, cpu [2]float64
	for i := range tailRounds {
		end := func() {}
		if i%2 == 1 {
			if end, err = watchAll(ctx, r, c, scenario, group, i == tailRounds-1); err != nil {
				return err
			}
		}
		seconds, busy, sent, err := s.round(ctx, p, c, bodies, clk)
		end()
		if err != nil {
			return err
		}
		wall[i%2] += float64(sent) / 1e6 / seconds / (tailRounds / 2)
		cpu[i%2] += busy / (float64(sent) / 1e9) / (tailRounds / 2)
	}
	r.add(scenario, "ingest without sessions", wall[0], "MB/s")
	r.add(scenario, fmt.Sprintf("ingest with %d sessions", tailSessions), wall[1], "MB/s")
	r.add(scenario, "server CPU without", cpu[0], "s/GB")
	r.add(scenario, fmt.Sprintf("server CPU with %d", tailSessions), cpu[1], "s/GB")
	return p.Stop()
}

// round sends the corpus once, and waits until the server rests.
func (s *settings) round(ctx context.Context, p *process.Server, c *caller, bodies []*prepared, clk *clock) (seconds, cpu float64, sent int64, err error) {
	before, err := cpuTime(p.PID())
	if err != nil {
		return 0, 0, 0, err
	}
	begin := time.Now()
	if _, sent, _, err = s.sendAll(ctx, c, bodies, clk); err != nil {
		return 0, 0, 0, err
	}
	took := time.Since(begin)
	after, err := cpuTime(p.PID())
	if err != nil {
		return 0, 0, 0, err
	}
	_, err = settle(ctx, p.PID(), 5*time.Second)
	return took.Seconds(), (after - before).Seconds(), sent, err
}

// tailPattern is the pattern of a session: terms, JSON and delimited ones, some of which match often.
func tailPattern(i int) string {
	switch i % 5 {
	case 0:
		return []string{"ERROR", "error -debug", "timeout", "?WARN ?FATAL", `"connection refused"`, "POST", "GET 404", "%order-[0-9]+%", "Exception", "retry"}[i/5]
	case 1, 2:
		return fmt.Sprintf(`"request %d failed"`, i)
	case 3:
		return fmt.Sprintf(`{ $.status >= 500 && $.latency_ms > %d }`, i)
	}
	return fmt.Sprintf(`[ip, id, user, ts, req, status = 5*, size > %d, ...]`, i)
}

// watchAll opens the sessions; end closes them and, for the last round, reports what they got.
func watchAll(ctx context.Context, r *report, c *caller, scenario, group string, last bool) (end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var bytes, sampled atomic.Int64
	end = func() {
		cancel()
		wg.Wait()
		if last {
			r.add(scenario, "sent to sessions", float64(bytes.Load())/1e6, "MB")
			r.add(scenario, "updates that were sampled", float64(sampled.Load()), "")
		}
	}
	for i := range tailSessions {
		body, err := json.Marshal(map[string]any{
			"logGroupIdentifiers":   []string{"arn:aws:logs:us-east-1:000000000000:log-group:" + group},
			"logEventFilterPattern": tailPattern(i),
		})
		if err != nil {
			end()
			return nil, err
		}
		stream, err := c.open(ctx, "/", "Logs_20140328.StartLiveTail", body)
		if err != nil {
			end()
			return nil, err
		}
		wg.Go(func() {
			defer stream.Close()
			lines := bufio.NewReaderSize(stream, 64<<10)
			for {
				// Frames are no lines, but few contain a line break, and each update says whether it is a sample near its beginning.
				line, err := lines.ReadSlice('}')
				bytes.Add(int64(len(line)))
				if strings.HasSuffix(string(line), `"sampled":true}`) {
					sampled.Add(1)
				}
				if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // as bufio documents it
					return
				}
			}
		})
	}
	return end, nil
}

// latency sends single events and measures how long after its answer each is in the console's channel.
func latency(ctx context.Context, r *report, c *caller, scenario, group string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.open(ctx, "/_/api/Tail", "", fmt.Appendf(nil, `{"logGroupIdentifiers":[%q],"filterPattern":"marker"}`, group))
	if err != nil {
		return err
	}
	defer stream.Close()
	lines := bufio.NewReader(stream)
	var took []time.Duration
	for i := range tailSingles {
		message := fmt.Sprintf("marker %d of the latency", i)
		body := fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"logEvents":[{"timestamp":%d,"message":%q}]}`, group, streamName(0), time.Now().UnixMilli(), message)
		if _, _, err := c.do(ctx, "PutLogEvents", body); err != nil {
			return err
		}
		answered := time.Now()
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return fmt.Errorf("reading the tail: %w", err)
			}
			if bytes.Contains(line, []byte(message)) {
				break
			}
		}
		took = append(took, time.Since(answered))
		time.Sleep(time.Duration(i%7) * 20 * time.Millisecond)
	}
	r.add(scenario, "answer to console, p50", quantile(took, 0.5), "ms")
	r.add(scenario, "answer to console, p99", quantile(took, 0.99), "ms")
	return nil
}

// open sends a call whose answer goes on.
func (c *caller) open(ctx context.Context, path, target string, body []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	if err := c.signer.SignHTTP(ctx, c.key, req, hashOf(body), "logs", "us-east-1", time.Now()); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("%s%s: HTTP %d: %w", path, target, resp.StatusCode, err)
		}
		return nil, fmt.Errorf("%s%s: HTTP %d: %s", path, target, resp.StatusCode, text)
	}
	return resp.Body, nil
}
