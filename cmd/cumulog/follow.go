package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

const (
	pollEvery = 400 * time.Millisecond
	// overlap is how far behind the newest event following looks again, for events that arrive late. Most polls look back less.
	overlap      = time.Minute
	shortOverlap = 5 * time.Second
	// slowEvery is how many polls pass between looks at the whole overlap and at the list of groups.
	slowEvery = 10
	// maxKnown bounds the event ids that are remembered for a group: beyond it the overlap shrinks.
	maxKnown = 200_000
)

// wanted is a group of the command line.
type wanted struct {
	name   string
	prefix bool
}

// tailer reads groups, merges their events by time, and follows them. It is used by one goroutine.
type tailer struct {
	remote       *remote
	client       *cloudwatchlogs.Client
	now          func() time.Time
	warn         io.Writer // tells of a server that does not answer
	print        *linePrinter
	around       *surroundings // nil without --context
	wanted       []wanted
	streams      []string
	streamPrefix string
	filter       string
	from, until  int64 // ms; 0: without a bound
	lines        int
	limited      bool // only the newest lines
	follow       bool

	groups []*tailed
	live   *live // nil: events are polled
	noLive bool  // and there is no use in asking again
}

// tailed is a group that is read.
type tailed struct {
	name   string
	prefix bool // not named itself: it may go
	seen   known
}

func (t *tailer) run(ctx context.Context) error {
	if err := t.list(ctx); err != nil {
		return err
	}
	if len(t.groups) == 0 {
		if !t.follow {
			return hinted(fmt.Errorf("no log group begins with %q", t.wanted[0].name), "`aws logs describe-log-groups` lists them")
		}
		fmt.Fprintf(t.warn, "cumulog: no log group begins with %q yet\n", t.wanted[0].name)
	}
	start := t.now().UnixMilli()
	if t.follow {
		t.beginLive(ctx)
		defer t.endLive()
	}
	if t.follow { // what lies in the overlap is old news: know it before following
		for _, g := range t.groups {
			if err := t.learn(ctx, g, start); err != nil {
				return err
			}
		}
	}
	if err := t.history(ctx); err != nil || !t.follow {
		return err
	}
	if err := t.print.out.Flush(); err != nil {
		return err
	}
	return t.followAll(ctx, start)
}

// list finds the groups that are wanted and not read yet.
func (t *tailer) list(ctx context.Context, options ...func(*cloudwatchlogs.Options)) error {
	add := func(name string, prefix bool) error {
		if slices.ContainsFunc(t.groups, func(g *tailed) bool { return g.name == name }) {
			return nil
		}
		if len(t.groups) == maxTailGroups {
			return hinted(fmt.Errorf("more than %d groups are meant", maxTailGroups), "give a longer prefix")
		}
		t.groups = append(t.groups, &tailed{name: name, prefix: prefix, seen: known{now: t.now, ids: map[string]int64{}}})
		return nil
	}
	for _, w := range t.wanted {
		if !w.prefix {
			if err := add(w.name, false); err != nil {
				return err
			}
			continue
		}
		in := &cloudwatchlogs.DescribeLogGroupsInput{}
		if w.name != "" {
			in.LogGroupNamePrefix = &w.name
		}
		for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(t.client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx, options...)
			if err != nil {
				return err
			}
			for _, g := range page.LogGroups {
				if err := add(aws.ToString(g.LogGroupName), true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// input asks for events of a group from a time on.
func (t *tailer) input(g *tailed, from int64) *cloudwatchlogs.FilterLogEventsInput {
	in := &cloudwatchlogs.FilterLogEventsInput{LogStreamNames: t.streams}
	if strings.HasPrefix(g.name, "arn:") {
		in.LogGroupIdentifier = &g.name
	} else {
		in.LogGroupName = &g.name
	}
	if from > 0 {
		in.StartTime = &from
	}
	if t.until > 0 {
		in.EndTime = &t.until
	}
	if t.filter != "" {
		in.FilterPattern = &t.filter
	}
	if t.streamPrefix != "" {
		in.LogStreamNamePrefix = &t.streamPrefix
	}
	return in
}

// learn notes the events of the overlap before following begins.
func (t *tailer) learn(ctx context.Context, g *tailed, start int64) error {
	newest, err := t.newest(ctx, g, 1)
	if err != nil {
		return err
	}
	g.seen.newest = start
	if len(newest) > 0 {
		g.seen.newest = min(start, newest[0].Timestamp)
	}
	return t.merge(ctx, []*tailed{g}, func(*tailed) int64 { return g.seen.low(overlap) }, func(g *tailed, e event) error {
		g.seen.add(e)
		return nil
	})
}

// newest returns the newest events of a group, newest first.
func (t *tailer) newest(ctx context.Context, g *tailed, count int) ([]event, error) {
	in := t.input(g, t.from)
	in.StartFromHead, in.Limit = aws.Bool(false), aws.Int32(int32(min(count, maxLines)))
	var events []event
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(t.client, in); len(events) < count && pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			events = append(events, eventOf(g.name, e))
		}
	}
	return events[:min(count, len(events))], nil
}

// history prints what was there before following.
func (t *tailer) history(ctx context.Context) error {
	if !t.limited {
		return t.merge(ctx, t.groups, func(*tailed) int64 { return t.from }, func(g *tailed, e event) error {
			if t.follow {
				g.seen.add(e)
			}
			return t.show(ctx, e)
		})
	}
	if t.lines == 0 {
		return nil
	}
	var all []event
	for _, g := range t.groups {
		events, err := t.newest(ctx, g, t.lines)
		if err != nil {
			return err
		}
		slices.Reverse(events)
		all = append(all, events...)
		if t.follow {
			for _, e := range events {
				g.seen.add(e)
			}
		}
		slices.SortStableFunc(all, byTime)
		all = append(all[:0], all[max(0, len(all)-t.lines):]...)
	}
	for _, e := range all {
		if err := t.show(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func byTime(a, b event) int {
	switch {
	case a.Timestamp < b.Timestamp:
		return -1
	case a.Timestamp > b.Timestamp:
		return 1
	}
	return 0
}

func (t *tailer) show(ctx context.Context, e event) error {
	if t.around != nil {
		return t.around.show(ctx, e)
	}
	return t.print.print(e)
}

// cursor is where a merge stands in one group.
type cursor struct {
	group *tailed
	pages *cloudwatchlogs.FilterLogEventsPaginator
	page  []types.FilteredLogEvent
}

// merge visits the events of groups, oldest first; it holds one page of each.
func (t *tailer) merge(ctx context.Context, groups []*tailed, from func(*tailed) int64, visit func(*tailed, event) error, options ...func(*cloudwatchlogs.Options)) error {
	var open []*cursor
	fill := func(c *cursor) (more bool, err error) {
		for len(c.page) == 0 && c.pages.HasMorePages() {
			page, err := c.pages.NextPage(ctx, options...)
			if gone(err) && c.group.prefix {
				t.drop(c.group)
				return false, nil
			}
			if err != nil {
				return false, err
			}
			c.page = page.Events
		}
		return len(c.page) > 0, nil
	}
	for _, g := range groups {
		c := &cursor{group: g, pages: cloudwatchlogs.NewFilterLogEventsPaginator(t.client, t.input(g, from(g)))}
		more, err := fill(c)
		if err != nil {
			return err
		}
		if more {
			open = append(open, c)
		}
	}
	for len(open) > 0 {
		first := 0
		for i, c := range open {
			if aws.ToInt64(c.page[0].Timestamp) < aws.ToInt64(open[first].page[0].Timestamp) {
				first = i
			}
		}
		c := open[first]
		e := eventOf(c.group.name, c.page[0])
		c.page = c.page[1:]
		if err := visit(c.group, e); err != nil {
			return err
		}
		more, err := fill(c)
		if err != nil {
			return err
		}
		if !more {
			open = slices.Delete(open, first, first+1)
		}
	}
	return nil
}

func eventOf(group string, e types.FilteredLogEvent) event {
	return event{
		Group: group, Stream: aws.ToString(e.LogStreamName), Timestamp: aws.ToInt64(e.Timestamp), Ingestion: aws.ToInt64(e.IngestionTime),
		ID: aws.ToString(e.EventId), Message: aws.ToString(e.Message),
	}
}

func gone(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// drop forgets a group that was meant by a prefix and is deleted.
func (t *tailer) drop(g *tailed) {
	t.groups = slices.DeleteFunc(slices.Clone(t.groups), func(o *tailed) bool { return o == g })
}

// beginLive opens the tails, so that events need not be polled.
func (t *tailer) beginLive(ctx context.Context) {
	if t.live != nil || t.noLive {
		return
	}
	var err error
	t.live, err = t.openLive(ctx)
	t.noLive = errors.Is(err, errNoLive) && len(t.groups) > 0
}

func (t *tailer) endLive() {
	if t.live != nil {
		t.live.close()
		t.live = nil
	}
}

// followAll prints events as they arrive. A server that is a cumulog sends them; otherwise, and for what it left out or could not
// send, they are polled: that reads behind the newest one of each group again and leaves out what was printed, by event id, so
// that events which arrive late or share a millisecond appear once. A server that is away ends it as little as silence does.
func (t *tailer) followAll(ctx context.Context, start int64) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	once := func(o *cloudwatchlogs.Options) { o.Retryer = aws.NopRetryer{} } // the next poll is the retry
	warned := false
	for n := 1; ; {
		var updates <-chan liveUpdate
		if t.live != nil {
			updates = t.live.updates
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case u := <-updates:
			if u.err != nil {
				t.live.ended()
				t.endLive()
				continue
			}
			err := t.showLive(ctx, u)
			if flushed := t.print.out.Flush(); flushed != nil {
				return flushed
			}
			if err != nil {
				return err
			}
			if !u.Sampled {
				continue
			}
		case <-tick.C:
			n++
			if t.live != nil && n%slowEvery != 0 {
				continue // a look now and then: at the list of groups, and at groups that were made anew
			}
		}
		groups := len(t.groups)
		err := t.poll(ctx, n%slowEvery == 0, start, once)
		if err == nil && (t.live == nil || len(t.groups) != groups) {
			// The second poll sees what came between the first and the tails.
			t.endLive()
			if t.beginLive(ctx); t.live != nil {
				err = t.poll(ctx, false, start, once)
			}
		}
		if flushed := t.print.out.Flush(); flushed != nil {
			return flushed
		}
		switch {
		case err != nil && ctx.Err() == nil && (isAway(err) || throttled(err)):
			if !warned {
				fmt.Fprintf(t.warn, "cumulog: %s\n  following goes on when it is back\n", describe(err))
			}
			warned = true
		case err != nil:
			return err
		default:
			warned = false
		}
	}
}

// prefixed reports whether groups may come and go.
func (t *tailer) prefixed() bool {
	return slices.ContainsFunc(t.wanted, func(w wanted) bool { return w.prefix })
}

func (t *tailer) poll(ctx context.Context, slow bool, start int64, options ...func(*cloudwatchlogs.Options)) error {
	back := shortOverlap
	if slow {
		if t.live == nil { // else what comes late is sent, too
			back = overlap
		}
		if t.prefixed() {
			before := len(t.groups)
			if err := t.list(ctx, options...); err != nil {
				return err
			}
			for _, g := range t.groups[before:] { // it is younger than this run: nothing of it is old news
				g.seen.newest = start
			}
		}
	}
	err := t.merge(ctx, t.groups, func(g *tailed) int64 { return g.seen.low(back) }, func(g *tailed, e event) error {
		if !g.seen.add(e) {
			return nil
		}
		err := t.show(ctx, e)
		if err != nil { // the next poll shows it
			delete(g.seen.ids, e.ID)
		}
		return err
	}, options...)
	if err != nil || t.around == nil {
		return err
	}
	return t.around.catchUp(ctx, t.now())
}

func throttled(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "ThrottlingException" || api.ErrorCode() == "ServiceUnavailableException")
}

// known remembers the events of the last minute before the newest one. Events that are dated in the future do not count as the
// newest, or those of clocks that are right would lie too far behind them.
type known struct {
	now    func() time.Time
	ids    map[string]int64 // event id → timestamp
	newest int64
	floor  int64 // nothing before it is looked at again
	pruned int64
	limit  int // 0: maxKnown
}

// low is where the next look begins.
func (k *known) low(back time.Duration) int64 {
	return max(k.newest-back.Milliseconds(), k.floor, 1)
}

// add notes e and says whether it is new.
func (k *known) add(e event) bool {
	if _, is := k.ids[e.ID]; is || e.Timestamp < k.floor {
		return false
	}
	k.ids[e.ID] = e.Timestamp
	k.newest = max(k.newest, min(e.Timestamp, k.now().UnixMilli()))
	if low := k.newest - overlap.Milliseconds(); low > k.pruned+overlap.Milliseconds()/4 {
		k.prune(low)
	}
	limit := k.limit
	if limit == 0 {
		limit = maxKnown
	}
	if len(k.ids) > limit && k.floor < k.newest { // look back less far: the older half is left behind
		times := make([]int64, 0, len(k.ids))
		for _, at := range k.ids {
			times = append(times, at)
		}
		slices.Sort(times)
		k.floor = min(times[len(times)/2], k.newest)
		k.prune(k.floor)
		if len(k.ids) > limit/4*3 {
			k.limit = 2 * len(k.ids) // one millisecond, or the future, holds them all
		}
	}
	return true
}

func (k *known) prune(low int64) {
	for id, at := range k.ids {
		if at < low {
			delete(k.ids, id)
		}
	}
	k.pruned = low
}
