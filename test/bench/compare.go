package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// warmRepeats is how often a question is asked after it was asked once; the median counts.
const warmRepeats = 5

// comparison holds the figures of several systems, side by side.
type comparison struct {
	title   string
	systems []string
	rows    []string
	cells   map[[2]string]float64 // row, system
}

func newComparison(title string) *comparison {
	return &comparison{title: title, cells: map[[2]string]float64{}}
}

func (c *comparison) add(system, row string, value float64) {
	c.systems = appendNew(c.systems, system)
	c.rows = appendNew(c.rows, row)
	c.cells[[2]string{row, system}] = value
	fmt.Fprintf(os.Stderr, "%-10s %-22s %-48s %12.3f\n", c.title, system, row, value)
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// writeMarkdown prints a table: the first system is ours, and behind the figures of the others stands how many times ours they are.
func (c *comparison) writeMarkdown(w io.Writer) {
	fmt.Fprintf(w, "\n**%s**\n\n| |", c.title)
	for _, s := range c.systems {
		fmt.Fprintf(w, " %s |", s)
	}
	fmt.Fprint(w, "\n|---|")
	for range c.systems {
		fmt.Fprint(w, "---:|")
	}
	fmt.Fprintln(w)
	for _, row := range c.rows {
		fmt.Fprintf(w, "| %s |", row)
		ours := c.cells[[2]string{row, c.systems[0]}]
		for i, s := range c.systems {
			v, ok := c.cells[[2]string{row, s}]
			switch {
			case !ok:
				fmt.Fprint(w, " – |")
			case i == 0 || ours == 0:
				fmt.Fprintf(w, " %s |", compact(v))
			default:
				fmt.Fprintf(w, " %s (×%s) |", compact(v), compact(v/ours))
			}
		}
		fmt.Fprintln(w)
	}
}

// compare runs the same load and the same questions against this server and a VictoriaLogs binary, one after the other.
func (s *settings) compare(ctx context.Context, r *report, w io.Writer) error {
	var tables []*comparison
	for _, kind := range s.kinds {
		c := newComparison(string(kind))
		tables = append(tables, c)
		answers := map[string]int64{}
		if err := s.compareOurs(ctx, c, kind, answers); err != nil {
			return fmt.Errorf("corpus %s: %w", kind, err)
		}
		for _, mode := range peerModes(kind) {
			if err := s.comparePeer(ctx, c, kind, mode, answers); err != nil {
				return fmt.Errorf("corpus %s, peer: %w", kind, err)
			}
		}
	}
	fmt.Fprintf(w, "%s, %d cores, %s, %s, %.2f GB a corpus; ×: how many times our figure\n", r.Machine, r.Cores, r.Go, r.When.Format("2006-01-02"), float64(s.size)/1e9)
	for _, c := range tables {
		c.writeMarkdown(w)
	}
	return nil
}

const (
	rowWall    = "ingest, seconds per GB"
	rowCPU     = "server CPU, settled, s/GB"
	rowPeak    = "peak memory while ingesting, MB"
	rowDisk    = "disk per byte of messages"
	oursSystem = "Cumulog"
)

func (s *settings) compareOurs(ctx context.Context, c *comparison, kind corpus.Kind, answers map[string]int64) error {
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
	p, call, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := makeStreams(ctx, call, group, corpusStreams); err != nil {
		return err
	}
	own := newReport(*s)
	sent, err := s.ingest(ctx, own, p, call, "ingest "+string(kind), bodies, clk)
	if err != nil {
		return err
	}
	for _, f := range own.Figures {
		switch f.Name {
		case "wall":
			c.add(oursSystem, rowWall, 1000/f.Value)
		case "server CPU, settled":
			c.add(oursSystem, rowCPU, f.Value)
		case "server memory, peak":
			c.add(oursSystem, rowPeak, f.Value)
		}
	}
	if err := p.Stop(); err != nil {
		return err
	}
	disk, err := diskUsage(dir + "/parts")
	if err != nil {
		return err
	}
	c.add(oursSystem, rowDisk, float64(disk)/float64(sent))
	for _, cold := range []bool{true, false} {
		if cold && !dropCaches() {
			continue
		}
		if err := s.askOurs(ctx, c, kind, dir, group, cold, answers); err != nil {
			return err
		}
	}
	return nil
}

// askOurs asks over the wire, and what has no query language of the engine in this process.
func (s *settings) askOurs(ctx context.Context, c *comparison, kind corpus.Kind, dir, group string, cold bool, answers map[string]int64) error {
	p, call, err := s.serveOn(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Kill()
	list := questions()
	for i := range list {
		q := &list[i]
		if !q.about(kind) || q.pattern == "" && q.insights == "" {
			continue
		}
		if err := askTimed(c, oursSystem, q.name, cold, answers, func() (int64, time.Duration, error) {
			begin := time.Now()
			if q.insights != "" {
				rows, err := insights(ctx, call, group, q.insights)
				took := time.Since(begin)
				if err != nil {
					return 0, 0, err
				}
				n, err := q.sum(rows)
				return n, took, err
			}
			pages := math.MaxInt
			if q.first {
				pages = 1
			}
			f, err := filterPages(ctx, call, group, q.pattern, pages)
			return f.hits, f.took, err
		}); err != nil {
			return err
		}
	}
	if err := p.Stop(); err != nil {
		return err
	}
	e, err := openEngine(ctx, dir, group)
	if err != nil {
		return err
	}
	defer e.close()
	for i := range list {
		q := &list[i]
		if !q.about(kind) || q.engine == "" {
			continue
		}
		if err := ask(c, oursSystem, q.name, cold, answers, func() (int64, error) { return e.ask(ctx, q) }); err != nil {
			return err
		}
	}
	return nil
}

// ask times a question and checks that every system and every time answers the same. A cold question is asked once, right after
// the caches were dropped and the system was started: later ones find the pages that earlier ones read.
func ask(c *comparison, system, name string, cold bool, answers map[string]int64, get func() (int64, error)) error {
	return askTimed(c, system, name, cold, answers, func() (int64, time.Duration, error) {
		begin := time.Now()
		n, err := get()
		return n, time.Since(begin), err
	})
}

// askTimed is ask for a question that knows itself how long the system took.
func askTimed(c *comparison, system, name string, cold bool, answers map[string]int64, get func() (int64, time.Duration, error)) error {
	repeats := warmRepeats
	row := name + ", ms"
	if cold {
		repeats, row = 0, name+", cold, ms"
	}
	var took []time.Duration
	for i := range repeats + 1 {
		n, t, err := get()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i > 0 || cold {
			took = append(took, t)
		}
		if want, asked := answers[name]; asked && n != want {
			return fmt.Errorf("%s: %s answers %d, want %d", name, system, n, want)
		}
		answers[name] = n
	}
	c.add(system, row, quantile(took, 0.5))
	return nil
}

func (s *settings) comparePeer(ctx context.Context, c *comparison, kind corpus.Kind, mode peerMode, answers map[string]int64) error {
	system := "VictoriaLogs, " + string(mode)
	bodies, err := peerLines(kind, mode, s, newClock(s.size, time.Now()))
	if err != nil {
		return err
	}
	dir, remove, err := s.directory("peer-" + string(kind) + "-" + string(mode))
	if err != nil {
		return err
	}
	defer remove()
	v, err := startVictoriaLogs(ctx, s.peer, dir)
	if err != nil {
		return err
	}
	defer func() { v.stop() }()
	begin := time.Now()
	sent, err := v.load(ctx, bodies, mode, s.connections)
	if err != nil {
		return err
	}
	gb := float64(sent) / 1e9
	c.add(system, rowWall, time.Since(begin).Seconds()/gb)
	settled, err := settle(ctx, v.cmd.Process.Pid, s.settle)
	if err != nil {
		return err
	}
	c.add(system, rowCPU, settled.Seconds()/gb)
	_, peak, err := memory(v.cmd.Process.Pid)
	if err != nil {
		return err
	}
	c.add(system, rowPeak, float64(peak)/1e6)
	if err := v.stop(); err != nil {
		return err
	}
	disk, err := diskUsage(dir)
	if err != nil {
		return err
	}
	c.add(system, rowDisk, float64(disk)/float64(sent))
	for _, cold := range []bool{true, false} {
		if cold && !dropCaches() {
			continue
		}
		if err := v.start(ctx); err != nil {
			return err
		}
		for _, q := range questions() {
			text := strings.ReplaceAll(q.peer[mode], "{answer}", strconv.FormatInt(answers[q.name], 10))
			if !q.about(kind) || text == "" {
				continue
			}
			if err := ask(c, system, q.name, cold, answers, func() (int64, error) {
				rows, err := v.query(ctx, text)
				if err != nil {
					return 0, err
				}
				return q.sum(rows)
			}); err != nil {
				return err
			}
		}
		if err := v.stop(); err != nil {
			return err
		}
	}
	return nil
}

// filtered is what pages of FilterLogEvents were.
type filtered struct {
	hits  int64
	calls int
	took  time.Duration // from the first byte sent to the last one received; not what reading the JSON takes here
}

// filterAll follows the pages of FilterLogEvents to their end.
func filterAll(ctx context.Context, c *caller, group, pattern string) (filtered, error) {
	return filterPages(ctx, c, group, pattern, math.MaxInt)
}

// filterPages follows at most some pages.
func filterPages(ctx context.Context, c *caller, group, pattern string, pages int) (f filtered, err error) {
	request := map[string]any{"logGroupName": group, "filterPattern": pattern}
	for {
		body, err := json.Marshal(request)
		if err != nil {
			return f, err
		}
		answer, took, err := c.do(ctx, "FilterLogEvents", string(body))
		if err != nil {
			return f, err
		}
		f.calls++
		f.took += took
		var page struct {
			Events    []json.RawMessage
			NextToken string
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return f, err
		}
		f.hits += int64(len(page.Events))
		if page.NextToken == "" || f.calls == pages {
			return f, nil
		}
		request["nextToken"] = page.NextToken
	}
}
