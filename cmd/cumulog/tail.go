package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/service/patterns"
)

// Bounds of the flags.
const (
	maxLines      = 10_000
	maxStreams    = 100
	maxTailGroups = 100
	maxContext    = 500
	maxHighlights = 50
)

// tailFlags are the flags of `cumulog tail` as they were given.
type tailFlags struct {
	remote
	groups                   []string
	prefix, follow           bool
	lines                    int
	linesGiven               bool
	since, until             string
	filter                   string
	streams                  []string
	streamPrefix             string
	highlights               []string
	context                  int
	color, json, output      string
	fields                   []string
	plain, utc, local, isTTY bool
}

func newTail() *cobra.Command {
	var t tailFlags
	cmd := &cobra.Command{
		Use:   "tail GROUP...",
		Short: "Print the newest events of log groups and follow them",
		Long: `Prints the newest events of one or more groups, merged by time, oldest first, and with --follow goes on with those that arrive.
With --since everything from then on is read, with --filter alone that of the last hour; otherwise, and with --lines, the newest --lines events.
GROUP* and --prefix mean every group that begins so; while following, new groups and streams are picked up.

On a terminal events are coloured by their level, JSON is printed in one line with coloured names, and what the filter or --highlight
finds is marked; control characters of messages are made visible. Elsewhere messages are printed as they are.`,
		Example: `  cumulog tail /host/journal -f
  cumulog tail app --since 2h --filter '"connection refused" -debug' --stream web-1
  cumulog tail '/aws/lambda/*' -f --filter '{ $.status >= 500 }' --json pretty
  cumulog tail api worker -f --highlight 'order-[0-9]+' --fields level,msg,http.status
  cumulog tail app --since 1d --filter '?ERROR ?FATAL' --context 5
  cumulog tail app --since 2026-01-31T08:00:00Z --until 2026-01-31T09:00:00Z --output json | jq .message`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("%s needs a log group", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t.groups = args
			t.linesGiven = cmd.Flags().Changed("lines")
			t.isTTY = isTerminal(cmd.OutOrStdout())
			return t.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	t.bind(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&t.prefix, "prefix", false, "every group whose name begins with GROUP")
	f.BoolVarP(&t.follow, "follow", "f", false, "go on with events that arrive")
	f.IntVarP(&t.lines, "lines", "n", 20, "how many of the newest events to print")
	f.StringVar(&t.since, "since", "", "read from then on: 10m, 2h or 1d ago, or a time such as 2026-01-31T08:00:00Z")
	f.StringVar(&t.until, "until", "", "read up to then, written like --since")
	f.StringVar(&t.filter, "filter", "", "filter pattern: terms, \"phrases\", ?any, -not, %regex%, { $.json = 1 }, [fields, of, lines]")
	f.StringArrayVar(&t.streams, "stream", nil, "only this log stream; may be repeated")
	f.StringVar(&t.streamPrefix, "stream-prefix", "", "only log streams whose name begins so")
	f.StringArrayVar(&t.highlights, "highlight", nil, "mark what this regular expression finds; may be repeated")
	f.IntVarP(&t.context, "context", "C", 0, "print so many events of the stream before and after each match of --filter")
	f.StringVar(&t.color, "color", "auto", "auto, always or never; auto heeds NO_COLOR")
	f.StringVar(&t.json, "json", "", "print JSON messages raw, compact or pretty [compact on a terminal, else raw]")
	f.StringSliceVar(&t.fields, "fields", nil, "of JSON messages print only these fields, such as level,http.status")
	f.BoolVar(&t.plain, "plain", false, "print messages only, without time and stream")
	f.BoolVar(&t.utc, "utc", false, "print times in UTC (the default)")
	f.BoolVar(&t.local, "local", false, "print times in the local time zone")
	f.StringVarP(&t.output, "output", "o", "text", "text, or json: one object an event with all its members")
	return cmd
}

// check refuses flags that make no sense.
func (t *tailFlags) check() error {
	low := 1
	if t.follow {
		low = 0 // following may begin with what comes next
	}
	switch {
	case t.lines < low || t.lines > maxLines:
		return usageError("--lines %d is outside %d to %d", t.lines, low, maxLines)
	case len(t.streams) > maxStreams:
		return usageError("at most %d streams can be named, not %d", maxStreams, len(t.streams))
	case len(t.streams) > 0 && t.streamPrefix != "":
		return usageError("--stream and --stream-prefix exclude each other")
	case t.follow && t.until != "":
		return usageError("--follow and --until exclude each other")
	case t.context < 0 || t.context > maxContext:
		return usageError("--context %d is outside 0 to %d", t.context, maxContext)
	case t.context > 0 && t.filter == "":
		return usageError("--context needs --filter: without one every event is printed")
	case len(t.groups) > maxTailGroups:
		return usageError("at most %d groups can be read at once, not %d", maxTailGroups, len(t.groups))
	case len(t.highlights) > maxHighlights:
		return usageError("at most %d expressions can be highlighted, not %d", maxHighlights, len(t.highlights))
	case t.color != "auto" && t.color != "always" && t.color != "never":
		return usageError("--color is auto, always or never, not %q", t.color)
	case t.json != "" && t.json != "raw" && t.json != "compact" && t.json != "pretty":
		return usageError("--json is raw, compact or pretty, not %q", t.json)
	case t.output != "text" && t.output != "json":
		return usageError("--output is text or json, not %q", t.output)
	case t.utc && t.local:
		return usageError("--utc and --local exclude each other")
	}
	return nil
}

func (t *tailFlags) run(ctx context.Context, out, warn io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 64<<10)
	p, err := t.printer(w)
	if err != nil {
		return err
	}
	client, err := t.logs(ctx)
	if err != nil {
		return err
	}
	tl := &tailer{
		remote: &t.remote, client: client, now: time.Now, warn: warn, print: p, lines: t.lines, follow: t.follow,
		streams: t.streams, streamPrefix: t.streamPrefix, filter: t.filter, limited: t.linesGiven || t.since == "" && t.filter == "",
	}
	if err := tl.window(t.since, t.until); err != nil {
		return err
	}
	if t.context > 0 {
		tl.around = &surroundings{print: p, before: t.context, after: t.context, read: tl.neighbours}
	}
	for _, g := range t.groups {
		name, star := strings.CutSuffix(g, "*")
		tl.wanted = append(tl.wanted, wanted{name, star || t.prefix})
		p.withGroup = p.withGroup || star || t.prefix || len(t.groups) > 1
	}
	err = tl.run(ctx)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) {
		return nil // Ctrl-C is how following ends, and `head` has seen enough
	}
	return err
}

// printer makes the printer that the flags ask for.
func (t *tailFlags) printer(w *bufio.Writer) (*linePrinter, error) {
	p := &linePrinter{
		out: w, safe: t.isTTY, utc: !t.local, plain: t.plain, object: t.output == "json", json: t.json, fields: t.fields,
		color: t.color == "always" || t.color == "auto" && t.isTTY && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
	if p.json == "" {
		if p.json = "raw"; t.isTTY {
			p.json = "compact"
		}
	}
	for _, h := range t.highlights {
		re, err := regexp.Compile(h)
		if err != nil {
			return nil, usageError("--highlight: %w", err)
		}
		p.highlights = append(p.highlights, re)
	}
	if t.filter != "" {
		tester, err := patterns.NewTester(t.filter)
		if err != nil {
			return nil, filterError(t.filter, err)
		}
		p.tester = tester
	}
	return p, nil
}

// filterError shows what is wrong with a filter pattern, where, and how to write it instead.
func filterError(text string, err error) error {
	bad, ok := errors.AsType[*patterns.Error](err)
	if !ok {
		return err
	}
	start := min(max(bad.Start, 0), len(text))
	end := min(max(bad.End, start), len(text))
	visible := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	indent, carets := len([]rune(text[:start])), max(1, len([]rune(text[start:end])))
	said := fmt.Errorf("InvalidParameterException: %w\n%s\n%s%s %s", bad, visible, strings.Repeat(" ", indent), strings.Repeat("^", carets), bad.Reason)
	hint := bad.Hint
	if hint == "" {
		hint = "try it on lines with `cumulog test-pattern`"
	}
	return &failure{err: said, hint: hint, code: 2}
}

// window sets the times to read between.
func (t *tailer) window(since, until string) (err error) {
	now := t.now()
	switch {
	case since != "":
		if t.from, err = moment(since, now); err != nil {
			return usageError("--since: %w", err)
		}
	case t.filter != "" && !t.limited:
		t.from = now.Add(-time.Hour).UnixMilli()
	}
	if until != "" {
		if t.until, err = moment(until, now); err != nil {
			return usageError("--until: %w", err)
		}
		if t.until < t.from {
			return usageError("--until lies before --since")
		}
	}
	return nil
}

// moment reads how long ago something was, in days (1d), weeks (2w) or as Go writes it (1h30m), or a time. The answer is in ms.
func moment(text string, now time.Time) (int64, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, time.UTC); err == nil {
			return max(0, at.UnixMilli()), nil
		}
	}
	ago, err := time.ParseDuration(text)
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			var count float64
			if count, err = strconv.ParseFloat(n, 64); err == nil && count > 0 && count < 36_500 {
				ago = time.Duration(count * float64(unit))
			}
		}
	}
	if err != nil || ago <= 0 {
		return 0, fmt.Errorf("%q is neither a time such as 2026-01-31T08:00:00Z nor how long ago, such as 10m, 2h or 1d", text)
	}
	return max(0, now.Add(-ago).UnixMilli()), nil
}
