package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

// lane is what one target gets, one after the other.
type lane struct {
	arn   string
	busy  bool
	aside bool      // messages were moved aside while it was busy: they are due when it is not, till there are none
	until time.Time // end of the pause after a failure; zero = none. Of the goroutine while busy.
}

// item is a message of the outbox.
type item struct {
	catalog.Message
	request *Request
}

// look begins what is due and returns how long there is nothing more to do.
//
// The outbox is listed by the time that messages are due. A target is due with its first message; then
// all of its messages are, in the order in which they came up, so that a pause does not reorder them. Where the list is full, messages
// that wait for their target are moved out of the way of others.
func (r *runner) look(ctx context.Context) (time.Duration, error) {
	t := &r.s.o.tune
	for {
		messages, err := r.s.o.Catalog.Outbox(ctx, Kind, t.list)
		if err != nil {
			return 0, err
		}
		now := r.s.o.Now()
		wait := t.look
		var aside []catalog.Message
		byTarget, order, err := r.sort(ctx, messages)
		if err != nil {
			return 0, err
		}
		for _, arn := range order {
			items := byTarget[arn]
			l := r.lanes[arn]
			if l != nil && l.busy {
				// Half of the time, so that a message is not moved again and again.
				if moved := postponed(items, now.Add(asideFor/2), now.Add(asideFor)); len(moved) > 0 {
					aside, l.aside = append(aside, moved...), true
				}
				continue
			}
			due := time.UnixMilli(slices.MinFunc(items, func(a, b item) int { return cmp.Compare(a.DueMS, b.DueMS) }).DueMS)
			if l != nil && l.aside {
				due = now
			}
			if l != nil && l.until.After(due) {
				due = l.until
			}
			if pause := due.Sub(now); pause > 0 && pause <= t.retryMax { // longer: the clock was set back
				wait = min(wait, pause)
				aside = append(aside, postponed(items, due, due)...)
				continue
			}
			if r.running >= t.parallel {
				break // the next that ends wakes us
			}
			r.begin(ctx, arn, items)
		}
		for arn, l := range r.lanes {
			if byTarget[arn] == nil && !l.busy && !l.until.After(now) {
				delete(r.lanes, arn)
			}
		}
		if len(messages) < t.list || len(aside) == 0 {
			return wait, nil
		}
		if err := r.s.o.Catalog.Apply(ctx, catalog.Changes{Retry: aside}); err != nil {
			return 0, err
		}
	}
}

// asideFor is how long messages of a busy target are moved out of the way.
const asideFor = time.Minute

// postponed returns messages that are due before a time with another time.
func postponed(items []item, before, until time.Time) []catalog.Message {
	var out []catalog.Message
	for _, i := range items {
		if i.DueMS < before.UnixMilli() {
			m := i.Message
			m.DueMS = until.UnixMilli()
			out = append(out, m)
		}
	}
	return out
}

// sort returns the messages of each target by Seq, and the targets in the order in which they are due. Messages that cannot be
// read leave the outbox.
func (r *runner) sort(ctx context.Context, messages []catalog.Message) (map[string][]item, []string, error) {
	byTarget := map[string][]item{}
	var order []string
	var broken []int64
	for _, m := range messages {
		request, err := decode(m.Body)
		if err != nil {
			r.s.o.Logger.Error("an action cannot be read and is given up", "error", err)
			broken = append(broken, m.Seq)
			continue
		}
		if byTarget[request.Target] == nil {
			order = append(order, request.Target)
		}
		byTarget[request.Target] = append(byTarget[request.Target], item{m, request})
	}
	for _, items := range byTarget {
		slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	if len(broken) > 0 {
		if err := r.s.o.Catalog.Apply(ctx, catalog.Changes{Sent: broken}); err != nil {
			return nil, nil, err
		}
	}
	return byTarget, order, nil
}

// begin sends messages to a target on a goroutine of their own.
func (r *runner) begin(ctx context.Context, arn string, items []item) {
	l := r.lanes[arn]
	if l == nil {
		l = &lane{arn: arn}
		r.lanes[arn] = l
	}
	l.busy, l.until = true, time.Time{}
	r.running++
	r.work.Go(func() {
		r.s.send(ctx, l, items)
		r.ended <- l
	})
}

// send hands messages to a target until one fails.
func (s *Service) send(ctx context.Context, l *lane, items []item) {
	target, _, found := s.o.Targets.Find(l.arn)
	for n := range items {
		if n == s.o.tune.batch || ctx.Err() != nil {
			return
		}
		i := &items[n]
		var failure *sink.Error
		if !found {
			failure = &sink.Error{Err: ErrNoTarget}
		} else if err := target.Send(ctx, []sink.Message{i.request.message()}); err != nil {
			if ctx.Err() != nil {
				return // it will be sent again
			}
			failure = sink.Failure(err)
		}
		now := s.o.Now()
		var c catalog.Changes
		switch {
		case failure == nil:
			s.done.Add(1)
			c = s.settled(i, nil, now)
		case !failure.Retry:
			s.refused.Add(1)
			c = s.settled(i, failure, now)
		case now.UnixMilli()-i.CreatedMS >= s.o.tune.lifetime.Milliseconds() && i.Attempts >= s.o.tune.tries:
			s.dead.Add(1)
			c = s.settled(i, fmt.Errorf("given up after %v: %w", s.o.tune.lifetime, failure), now)
		default:
			s.failed.Add(1)
			l.until = now.Add(s.pause(i.Attempts, failure.After))
			i.Attempts++
			c.Retry = postponed(items[n:], l.until, l.until)
			if s.apply(ctx, c); i.Attempts == 1 {
				s.o.Logger.Warn("an action failed and will be tried again", "owner", i.request.Owner, "target", i.request.Target, "error", failure)
			}
			return
		}
		if !s.apply(ctx, c) {
			return
		}
	}
}

// message returns what the target gets.
func (r *Request) message() sink.Message {
	return sink.Message{
		Body: []byte(r.Body), ContentType: "application/json", Subject: r.Subject, Text: r.Text, ARN: r.Target, Name: r.Name, Key: r.Owner,
		Attributes: map[string]string{"Message-Id": r.Name, "Target": r.Target},
	}
}

// pause returns how long to wait after a failure.
func (s *Service) pause(attempts int64, asked time.Duration) time.Duration {
	p := s.o.tune.retryMax
	if attempts < 30 {
		p = min(p, s.o.tune.retryMin<<attempts)
	}
	return min(max(p, asked), s.o.tune.retryMax)
}

// settled returns the changes that take a message out of the outbox.
func (s *Service) settled(i *item, failure error, now time.Time) catalog.Changes {
	c := catalog.Changes{Sent: []int64{i.Seq}}
	if failure != nil {
		s.o.Logger.Error("an action is given up", "owner", i.request.Owner, "target", i.request.Target, "attempts", i.Attempts+1, "error", failure)
	}
	if s.o.History != nil {
		e, err := s.o.History(i.request, failure, now.UnixMilli())
		if err != nil {
			s.o.Logger.Error("history of an action", "owner", i.request.Owner, "error", err)
		} else {
			c.Journal = []catalog.Entry{e}
		}
	}
	return c
}

// apply writes changes, and again until the catalog takes them, so that a full disk does not make a target get the same message
// again and again; false when ctx ended first.
func (s *Service) apply(ctx context.Context, c catalog.Changes) bool {
	for {
		err := s.o.Catalog.Apply(ctx, c)
		if err == nil {
			return true
		}
		if ctx.Err() != nil || errors.Is(err, context.Canceled) {
			return false
		}
		s.o.Logger.Error("record what became of an action", "error", err)
		timer := time.NewTimer(s.o.tune.trouble)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}
