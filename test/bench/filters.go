package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// filters measures what a hundred metric filters on the group cost: ingest of the same corpus without them
// is the scenario ingest.
func (s *settings) filters(ctx context.Context, r *report, kind corpus.Kind) error {
	group := "bench-" + string(kind)
	clk := newClock(s.size, time.Now())
	bodies, err := prepare(kind, s.seed, min(s.size, poolBytes), s.batch, group, corpusStreams, clk)
	if err != nil {
		return err
	}
	dir, remove, err := s.directory("filters-" + string(kind))
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
	for i, f := range hundredFilters() {
		f["logGroupName"], f["filterName"] = group, fmt.Sprintf("filter-%02d", i)
		body, err := json.Marshal(f)
		if err != nil {
			return err
		}
		if _, _, err := c.do(ctx, "PutMetricFilter", string(body)); err != nil {
			return fmt.Errorf("metric filter %s: %w", body, err)
		}
	}
	if _, err := s.ingest(ctx, r, p, c, fmt.Sprintf("ingest %s, 100 metric filters", kind), bodies, clk); err != nil {
		return err
	}
	return p.Stop()
}

// hundredFilters are requests of metric filters of all families, as they stand on one group: some match often,
// most never.
func hundredFilters() []map[string]any {
	var list []map[string]any
	add := func(pattern, value string, more ...map[string]any) {
		t := map[string]any{"metricName": fmt.Sprintf("m%d", len(list)), "metricNamespace": "Bench", "metricValue": value}
		for _, m := range more {
			for k, v := range m {
				t[k] = v
			}
		}
		list = append(list, map[string]any{"filterPattern": pattern, "metricTransformations": []any{t}})
	}
	zero := map[string]any{"defaultValue": 0}
	for _, text := range []string{"", "ERROR", "error", "?ERROR ?WARN ?FATAL", `"connection refused"`, `"upstream timeout"`, "timeout -retry", "Exception", "OutOfMemoryError", "POST"} {
		add(text, "1", zero)
	}
	add("{ $.latency_ms = * }", "$.latency_ms", map[string]any{"unit": "Milliseconds"})
	add("{ $.latency_ms = * && $.service = * }", "$.latency_ms", map[string]any{"dimensions": map[string]string{"Service": "$.service"}})
	add("{ $.http.status >= 500 }", "1", zero)
	add("{ $.latency_ms > 200 }", "1")
	add(`{ $.level = "error" }`, "1", zero)
	add(`{ $.level = "warn" && $.service = "checkout" }`, "1")
	add("[ip, id, user, ts, req, status = 5*, size]", "1", zero)
	add("[ip, id, user, ts, req, status = 4*, size]", "1", map[string]any{"dimensions": map[string]string{"Status": "$status"}})
	add("[ip, id, user, ts, req = \"GET *\", status, size, ...]", "$size", map[string]any{"unit": "Bytes"})
	add("%orders/[0-9]+%", "1")
	for i := range 20 {
		add(fmt.Sprintf(`"task %d failed"`, i), "1")
		add(fmt.Sprintf(`{ $.eventName = "Update%dTrail" }`, i), "1")
		add(fmt.Sprintf(`{ $.user.id = %d && $.action = "login%d" }`, i, i), "1")
		add(fmt.Sprintf(`[time, level = FATAL%d, ..., unit]`, i), "1")
	}
	return list
}
