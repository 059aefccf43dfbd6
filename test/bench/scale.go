package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// needles are searches that find little or nothing, and so show what a search costs that has to look everywhere.
var needles = []struct {
	name, pattern string
	hits          int64
}{
	{"rare token", rareToken, 5},
	{"substring inside a token", rareToken[1 : len(rareToken)-1], 5},
	{"absent identifier", "00c0ffee00c0ffee00c0ffee00c0ffee", 0},
	{"absent words", `"OutOfMemoryKiller struck"`, 0},
}

// search measures the needles in a group.
func search(ctx context.Context, r *report, c *caller, scenario, where, group string) error {
	for _, n := range needles {
		var took []time.Duration
		for i := range warmRepeats + 1 {
			f, err := filterAll(ctx, c, group, n.pattern)
			if err != nil {
				return err
			}
			if f.hits != n.hits {
				return fmt.Errorf("%s, %s: %d hits, want %d", where, n.name, f.hits, n.hits)
			}
			if i > 0 {
				took = append(took, f.took)
			}
		}
		r.add(scenario, where+": "+n.name, quantile(took, 0.5), "ms")
	}
	return nil
}

// scale searches a corpus, and then one that is eight times as large and holds the same hits.
func (s *settings) scale(ctx context.Context, r *report) error {
	const times = 8
	large := *s
	large.size = times * s.size
	group := "bench-scale"
	clk := newClock(large.size, time.Now())
	bodies, err := prepare(corpus.JSON, s.seed, min(s.size, poolBytes), s.batch, group, corpusStreams, clk)
	if err != nil {
		return err
	}
	dir, remove, err := s.directory("scale")
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
	if _, _, _, err := s.sendAll(ctx, c, bodies, clk); err != nil {
		return err
	}
	if _, err := settle(ctx, p.PID(), s.settle); err != nil {
		return err
	}
	if err := search(ctx, r, c, "scale", "1×", group); err != nil {
		return err
	}
	// The hits must not grow with the corpus.
	for _, b := range bodies {
		if at := bytes.Index(b.json, []byte(rareToken)); at >= 0 {
			copy(b.json[at:], bytes.Repeat([]byte("x"), len(rareToken)))
		}
	}
	for range times - 1 {
		if _, _, _, err := s.sendAll(ctx, c, bodies, clk); err != nil {
			return err
		}
	}
	if _, err := settle(ctx, p.PID(), s.settle); err != nil {
		return err
	}
	if err := search(ctx, r, c, "scale", "8×", group); err != nil {
		return err
	}
	return p.Stop()
}

const (
	spreadStreams = 50_000
	spreadEvents  = 20
)

// spread stores the same events in one stream and in 50,000, and compares disk and searches.
func (s *settings) spread(ctx context.Context, r *report) error {
	var disk [2]int64
	for i, streams := range []int{1, spreadStreams} {
		where := fmt.Sprintf("%d streams", streams)
		used, err := s.spreadOver(ctx, r, streams, where)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		disk[i] = used
	}
	r.add("spread", "disk of 50,000 streams per disk of one", float64(disk[1])/float64(disk[0]), "")
	return nil
}

func (s *settings) spreadOver(ctx context.Context, r *report, streams int, where string) (disk int64, err error) {
	dir, remove, err := s.directory(fmt.Sprintf("spread-%d", streams))
	if err != nil {
		return 0, err
	}
	defer remove()
	p, c, err := s.serveOn(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer p.Kill()
	group := "bench-spread"
	if err := makeStreams(ctx, c, group, 0); err != nil {
		return 0, err
	}
	if err := inParallel(ctx, 32, streams, func(ctx context.Context, _, i int, answer *bytes.Buffer) error {
		body := fmt.Appendf(nil, `{"logGroupName":%q,"logStreamName":%q}`, group, fmt.Sprintf("instance/%06d", i))
		_, err := c.call(ctx, "CreateLogStream", body, hashOf(body), answer)
		return err
	}); err != nil {
		return 0, err
	}
	g, err := corpus.New(corpus.JSON, s.seed)
	if err != nil {
		return 0, err
	}
	clk := newClock(spreadStreams*spreadEvents*minMessageBytes, time.Now())
	bodies := make([][]byte, spreadStreams)
	var message []byte
	for i := range bodies {
		b := bytes.NewBuffer(nil)
		fmt.Fprintf(b, `{"logGroupName":%q,"logStreamName":%q,"logEvents":[`, group, fmt.Sprintf("instance/%06d", i%streams))
		for e := range spreadEvents {
			ms := clk.take(1)
			message = g.Append(message[:0], ms)
			if e == 0 && i%(spreadStreams/5) == 0 {
				message = append(message[:len(message)-1], `,"note":"`+rareToken+`"}`...)
			}
			if e > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{"timestamp":%d,"message":`, ms)
			writeJSONString(b, message)
			b.WriteByte('}')
		}
		b.WriteString("]}")
		bodies[i] = b.Bytes()
	}
	begin := time.Now()
	if err := inParallel(ctx, 8, len(bodies), func(ctx context.Context, _, i int, answer *bytes.Buffer) error {
		_, err := c.call(ctx, "PutLogEvents", bodies[i], hashOf(bodies[i]), answer)
		return err
	}); err != nil {
		return 0, err
	}
	r.add("spread", where+": calls of 20 events", spreadStreams/time.Since(begin).Seconds(), "/s")
	if _, err := settle(ctx, p.PID(), s.settle); err != nil {
		return 0, err
	}
	if err := search(ctx, r, c, "spread", where, group); err != nil {
		return 0, err
	}
	if err := p.Stop(); err != nil {
		return 0, err
	}
	return diskUsage(dir + "/parts")
}
