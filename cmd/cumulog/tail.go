package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/spf13/cobra"
)

const (
	pollEvery = 500 * time.Millisecond
	// overlap is how far behind the newest event following looks again, for events that arrive late.
	overlap = time.Minute
	// newestStreams bounds how many streams are asked for the newest events of a group.
	newestStreams = 50
)

func newTail() *cobra.Command {
	t := &tailer{now: time.Now}
	var r remote
	cmd := &cobra.Command{
		Use:   "tail GROUP",
		Short: "Print the newest events of a log group and follow it",
		Long: `Prints the newest events of a group, oldest first, and with --follow goes on with those that arrive.
With --since or --filter everything since then is read; without them the newest --lines events of the 50 most recently used streams.`,
		Example: `  cumulog tail /host/journal -f
  cumulog tail app --since 2h --filter '"connection refused" -debug' --stream web-1`,
		Args: exactly("a log group"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := r.logs(cmd.Context())
			if err != nil {
				return err
			}
			t.client, t.group = client, args[0]
			t.linesGiven = cmd.Flags().Changed("lines")
			if low := t.fewest(); t.lines < low || t.lines > 10_000 {
				return usageError("--lines %d is outside %d to 10000", t.lines, low)
			}
			if len(t.streams) > 100 {
				return usageError("at most 100 streams can be named, not %d", len(t.streams))
			}
			t.warn = cmd.ErrOrStderr()
			err = t.run(cmd.Context(), cmd.OutOrStdout())
			if errors.Is(err, context.Canceled) {
				return nil // Ctrl-C is how following ends
			}
			return err
		},
	}
	r.bind(cmd.Flags())
	f := cmd.Flags()
	f.BoolVarP(&t.follow, "follow", "f", false, "go on with events that arrive")
	f.IntVarP(&t.lines, "lines", "n", 20, "how many of the newest events to print")
	f.DurationVar(&t.since, "since", 0, "read from this long ago, such as 10m or 24h")
	f.StringVar(&t.filter, "filter", "", "filter pattern: terms, \"phrases\", ?any, -not")
	f.StringArrayVar(&t.streams, "stream", nil, "only this log stream; may be repeated")
	f.BoolVar(&t.plain, "plain", false, "print messages only, without time and stream")
	return cmd
}

type tailer struct {
	client     *cloudwatchlogs.Client
	now        func() time.Time
	group      string
	streams    []string
	filter     string
	since      time.Duration
	lines      int
	linesGiven bool
	follow     bool
	plain      bool
	warn       io.Writer // tells of a server that does not answer
}

// fewest is the smallest --lines that makes sense: following may begin with what comes next.
func (t *tailer) fewest() int {
	if t.follow {
		return 0
	}
	return 1
}

func (t *tailer) run(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	limited := t.linesGiven || t.since == 0 && t.filter == ""
	from, err := t.start(ctx)
	if err != nil {
		return err
	}
	keep := t.lines
	var first []types.FilteredLogEvent
	seen := printed{now: t.now, ids: map[string]int64{}}
	visit := func(e types.FilteredLogEvent) error {
		seen.add(e)
		if aws.ToInt64(e.Timestamp) < from {
			return nil
		}
		if !limited {
			return t.print(out, e)
		}
		if keep == 0 {
			return nil
		}
		if first = append(first, e); len(first) >= 2*keep {
			first = append(first[:0], first[len(first)-keep:]...)
		}
		return nil
	}
	low := from
	if t.follow { // what lies in the overlap is old news: know it before following
		low = min(from, t.now().UnixMilli()) - overlap.Milliseconds()
	}
	if err := t.scan(ctx, low, visit); err != nil {
		return err
	}
	for _, e := range first[max(0, len(first)-keep):] {
		if err := t.print(out, e); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil || !t.follow {
		return err
	}
	seen.newest = max(seen.newest, min(from, t.now().UnixMilli()))
	return t.followFrom(ctx, out, seen)
}

// start finds the time to read from.
func (t *tailer) start(ctx context.Context) (from int64, err error) {
	switch {
	case t.since > 0:
		return t.now().Add(-t.since).UnixMilli(), nil
	case t.filter != "":
		return t.now().Add(-time.Hour).UnixMilli(), nil
	case t.lines == 0:
		return t.now().UnixMilli(), nil
	}
	streams := t.streams
	if len(streams) == 0 {
		page, err := t.client.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
			LogGroupName: &t.group, OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true), Limit: aws.Int32(newestStreams),
		})
		if err != nil {
			return 0, err
		}
		for _, s := range page.LogStreams {
			if s.LastEventTimestamp != nil {
				streams = append(streams, aws.ToString(s.LogStreamName))
			}
		}
	}
	var times []int64
	for _, s := range streams {
		page, err := t.client.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: &t.group, LogStreamName: aws.String(s), StartFromHead: aws.Bool(false), Limit: aws.Int32(int32(t.lines)),
		})
		if err != nil {
			return 0, err
		}
		for _, e := range page.Events {
			times = append(times, aws.ToInt64(e.Timestamp))
		}
	}
	if len(times) == 0 {
		return t.now().UnixMilli(), nil
	}
	sort.Slice(times, func(i, j int) bool { return times[i] > times[j] })
	return times[min(t.lines, len(times))-1], nil
}

// scan visits every matching event from a time on, oldest first.
func (t *tailer) scan(ctx context.Context, from int64, visit func(types.FilteredLogEvent) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &t.group, StartTime: aws.Int64(max(0, from)), LogStreamNames: t.streams}
	if t.filter != "" {
		in.FilterPattern = &t.filter
	}
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(t.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := visit(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// followFrom polls for events. It reads a minute behind the newest one again and leaves out what was printed, by event id, so
// that events which arrive late or share a millisecond appear once. A server that is away ends it as little as silence does.
func (t *tailer) followFrom(ctx context.Context, out *bufio.Writer, seen printed) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	warned := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := t.scan(ctx, seen.newest-overlap.Milliseconds(), func(e types.FilteredLogEvent) error {
			if !seen.add(e) {
				return nil
			}
			return t.print(out, e)
		})
		switch {
		case err != nil && ctx.Err() == nil && isAway(err):
			if !warned {
				fmt.Fprintf(t.warn, "cumulog: %s\n  following goes on when it is back\n", describe(err))
			}
			warned = true
		case err != nil:
			return err
		default:
			warned = false
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// printed remembers the events of the last minute before the newest one. Events that are dated in the future do not count as the
// newest, or those of clocks that are right would lie too far behind them.
type printed struct {
	now    func() time.Time
	ids    map[string]int64 // event id → timestamp
	newest int64
	pruned int64
}

// add notes e and says whether it is new.
func (p *printed) add(e types.FilteredLogEvent) bool {
	id, at := aws.ToString(e.EventId), aws.ToInt64(e.Timestamp)
	if _, known := p.ids[id]; known {
		return false
	}
	p.ids[id] = at
	p.newest = max(p.newest, min(at, p.now().UnixMilli()))
	if low := p.newest - overlap.Milliseconds(); low > p.pruned+overlap.Milliseconds()/4 {
		for id, at := range p.ids {
			if at < low {
				delete(p.ids, id)
			}
		}
		p.pruned = low
	}
	return true
}

func (t *tailer) print(w io.Writer, e types.FilteredLogEvent) error {
	var err error
	if t.plain {
		_, err = fmt.Fprintln(w, aws.ToString(e.Message))
	} else {
		at := time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC().Format("2006-01-02T15:04:05.000Z")
		_, err = fmt.Fprintf(w, "%s %s %s\n", at, aws.ToString(e.LogStreamName), aws.ToString(e.Message))
	}
	return err
}
