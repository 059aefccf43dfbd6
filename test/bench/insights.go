package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

const (
	// A query is asked for at once and then ever less often.
	firstWait, lastWait = time.Millisecond, 20 * time.Millisecond
	smallBytes          = 3_300_000 // about 10,000 events
	smallRepeats        = 200
)

// insights runs a Logs Insights query over everything in a group, as clients do: StartQuery, then GetQueryResults until it has ended.
func insights(ctx context.Context, c *caller, group, text string) ([]map[string]string, error) {
	now := time.Now()
	request, err := json.Marshal(map[string]any{
		"logGroupName": group, "queryString": text, "startTime": now.Add(-30 * 24 * time.Hour).Unix(), "endTime": now.Add(24 * time.Hour).Unix(),
	})
	if err != nil {
		return nil, err
	}
	answer, _, err := c.do(ctx, "StartQuery", string(request))
	if err != nil {
		return nil, err
	}
	var started struct{ QueryID string }
	if err := json.Unmarshal(answer, &started); err != nil {
		return nil, fmt.Errorf("StartQuery answered %s: %w", answer, err)
	}
	body := fmt.Appendf(nil, `{"queryId":%q}`, started.QueryID)
	hash := hashOf(body)
	var out bytes.Buffer
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		if _, err := c.call(ctx, "GetQueryResults", body, hash, &out); err != nil {
			return nil, err
		}
		var page struct {
			Status  string
			Results [][]struct{ Field, Value string }
		}
		if err := json.Unmarshal(out.Bytes(), &page); err != nil {
			return nil, fmt.Errorf("GetQueryResults answered %s: %w", out.Bytes(), err)
		}
		switch page.Status {
		case "Complete":
			rows := make([]map[string]string, len(page.Results))
			for i, r := range page.Results {
				rows[i] = make(map[string]string, len(r))
				for _, f := range r {
					rows[i][f.Field] = f.Value
				}
			}
			return rows, nil
		case "Scheduled", "Running":
		default:
			return nil, fmt.Errorf("the query %s ended %s", text, page.Status)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// smallQueries are asked of a group with few events, where the way to the engine and back is what takes time.
var smallQueries = []struct{ name, text string }{
	{"newest 20 events", "fields @timestamp, @message | sort @timestamp desc | limit 20"},
	{"count by level and minute", "stats count(*) as n by level, bin(1m)"},
	{"parse and filter", `parse @message '"latency_ms":*,' as ms | filter ms > 100 | stats count(*) as n, pct(ms, 99) by level`},
	{"patterns", "pattern @message | limit 20"},
}

// small measures queries about 10,000 events, from StartQuery to the rows.
func (s *settings) small(ctx context.Context, r *report) error {
	const group = "bench-small"
	dir, remove, err := s.directory("small")
	if err != nil {
		return err
	}
	defer remove()
	p, c, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := makeStreams(ctx, c, group, 1); err != nil {
		return err
	}
	bodies, err := prepare(corpus.JSON, s.seed, smallBytes, s.batch, group, 1, newClock(smallBytes, time.Now()))
	if err != nil {
		return err
	}
	events := 0
	var out bytes.Buffer
	for _, b := range bodies {
		if _, err := c.call(ctx, "PutLogEvents", b.json, b.hash, &out); err != nil {
			return err
		}
		events += b.events
	}
	for _, q := range smallQueries {
		var took []time.Duration
		cpu, err := cpuTime(p.PID())
		if err != nil {
			return err
		}
		for i := range smallRepeats + 1 {
			begin := time.Now()
			rows, err := insights(ctx, c, group, q.text)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return fmt.Errorf("%s has no rows", q.text)
			}
			if i > 0 {
				took = append(took, time.Since(begin))
			}
		}
		after, err := cpuTime(p.PID())
		if err != nil {
			return err
		}
		r.add("insights", q.name+", server CPU a query", (after-cpu).Seconds()*1e3/(smallRepeats+1), "ms")
		r.add("insights", fmt.Sprintf("%s of %d events, p50", q.name, events), quantile(took, 0.5), "ms")
		r.add("insights", fmt.Sprintf("%s of %d events, p99", q.name, events), quantile(took, 0.99), "ms")
	}
	return p.Stop()
}
