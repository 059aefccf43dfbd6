// Command bench measures a server process on this machine: ingest, reads, export, start and memory.
//
//	go run ./test/bench -size 1GB                      every scenario, the three corpora
//	go run ./test/bench -scenarios ingest -kinds json  one of them
//	go run ./test/bench -peer PATH                     side by side with a VictoriaLogs binary
//
// It starts the server itself, with signatures required, sends a seeded corpus over HTTP with SigV4, and reads the server's CPU
// time and memory from /proc. Request bodies are made and hashed before the clock runs. The report goes to standard output as a
// Markdown table and, with -json, to a file. Figures are comparable between runs on one machine only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/test/bench/corpus"
	"github.com/cumulog/cumulog/test/process"
)

// settings are the flags.
type settings struct {
	binary      string
	size        int64 // message bytes of each corpus
	batch       int   // message bytes of a PutLogEvents call
	connections int
	seed        uint64
	kinds       []corpus.Kind
	scenarios   []string
	singles     int // single-event calls
	streams     int
	serve       []string // further flags of the server
	keep        string   // data directory of the corpora; empty = temporary
	settle      time.Duration
	peer        string // VictoriaLogs binary to compare with; empty: none
}

var scenarioNames = []string{"start", "ingest", "read", "export", "single", "insights", "streams", "spread", "scale", "filters", "tail"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	size := flags.String("size", "1GB", "message bytes of each corpus")
	kinds := flags.String("kinds", "json,text,access", "corpora")
	scenarios := flags.String("scenarios", strings.Join(scenarioNames, ","), "what to measure; read and export need ingest")
	jsonFile := flags.String("json", "", "write the report as JSON to this file too")
	serve := flags.String("serve", "", "further flags of the server, separated by spaces")
	flags.StringVar(&s.binary, "server", "bin/cumulog", "server binary")
	flags.IntVar(&s.batch, "batch", 1_000_000, "bytes of a batch, counted as PutLogEvents does (26 more per event)")
	flags.IntVar(&s.connections, "connections", 4, "connections that send batches")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the corpora")
	flags.IntVar(&s.singles, "singles", 20_000, "calls of the scenario single")
	flags.IntVar(&s.streams, "streams", 100_000, "streams of the scenario streams")
	flags.DurationVar(&s.settle, "settle", 70*time.Second, "how long after the load the server still gets, at least; its write buffers are flushed after a minute")
	flags.StringVar(&s.keep, "keep", "", "keep the data directories below this one")
	flags.StringVar(&s.peer, "peer", "", "compare with this VictoriaLogs binary instead: the same load and the same questions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	n, err := config.ParseSize(*size)
	if err != nil {
		return err
	}
	s.size = int64(n)
	s.serve = strings.Fields(*serve)
	for k := range strings.SplitSeq(*kinds, ",") {
		s.kinds = append(s.kinds, corpus.Kind(k))
	}
	s.scenarios = strings.Split(*scenarios, ",")
	for _, name := range s.scenarios {
		if !slices.Contains(scenarioNames, name) {
			return fmt.Errorf("there is no scenario %q; there are %v", name, scenarioNames)
		}
	}
	if s.batch < 1000 || s.batch > 1<<20 {
		return fmt.Errorf("-batch %d is outside 1000 to %d", s.batch, 1<<20)
	}
	if s.connections < 1 || s.connections > 256 {
		return fmt.Errorf("-connections %d is outside 1 to 256", s.connections)
	}
	report := newReport(s)
	if s.peer != "" {
		return s.compare(ctx, report, os.Stdout)
	}
	if err := s.measure(ctx, report); err != nil {
		return err
	}
	if *jsonFile != "" {
		if err := report.writeJSON(*jsonFile); err != nil {
			return err
		}
	}
	return report.writeMarkdown(os.Stdout)
}

// wants says whether a scenario was asked for.
func (s *settings) wants(name string) bool { return slices.Contains(s.scenarios, name) }

func (s *settings) measure(ctx context.Context, r *report) error {
	if s.wants("start") {
		if err := s.start(ctx, r); err != nil {
			return fmt.Errorf("scenario start: %w", err)
		}
	}
	if s.wants("ingest") {
		for _, kind := range s.kinds {
			if err := s.corpus(ctx, r, kind); err != nil {
				return fmt.Errorf("corpus %s: %w", kind, err)
			}
		}
	}
	if s.wants("single") {
		if err := s.single(ctx, r); err != nil {
			return fmt.Errorf("scenario single: %w", err)
		}
	}
	if s.wants("insights") {
		if err := s.small(ctx, r); err != nil {
			return fmt.Errorf("scenario insights: %w", err)
		}
	}
	if s.wants("streams") {
		if err := s.manyStreams(ctx, r); err != nil {
			return fmt.Errorf("scenario streams: %w", err)
		}
	}
	if s.wants("spread") {
		if err := s.spread(ctx, r); err != nil {
			return fmt.Errorf("scenario spread: %w", err)
		}
	}
	if s.wants("filters") {
		for _, kind := range s.kinds {
			if err := s.filters(ctx, r, kind); err != nil {
				return fmt.Errorf("scenario filters, corpus %s: %w", kind, err)
			}
		}
	}
	if s.wants("tail") {
		for _, kind := range s.kinds {
			if err := s.tail(ctx, r, kind); err != nil {
				return fmt.Errorf("scenario tail, corpus %s: %w", kind, err)
			}
		}
	}
	if s.wants("scale") {
		if err := s.scale(ctx, r); err != nil {
			return fmt.Errorf("scenario scale: %w", err)
		}
	}
	return nil
}

// directory makes a data directory for a scenario; remove deletes it unless it is to be kept.
func (s *settings) directory(name string) (dir string, remove func(), err error) {
	if s.keep != "" {
		dir = s.keep + "/" + name
		return dir, func() {}, os.MkdirAll(dir, 0o755)
	}
	dir, err = os.MkdirTemp("", "cumulog-bench-"+name+"-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// serveOn starts a server that demands signatures, and a caller with a key of it.
func (s *settings) serveOn(ctx context.Context, dir string) (*process.Server, *caller, error) {
	key, err := createKey(ctx, s.binary, dir)
	if err != nil {
		return nil, nil, err
	}
	p, err := process.Start(ctx, process.Options{Binary: s.binary, Data: dir, Args: append([]string{"--auth", "required", "--log-level", "warn"}, s.serve...)})
	if err != nil {
		return nil, nil, err
	}
	return p, newCaller(p.URL, key, s.connections+32), nil
}
