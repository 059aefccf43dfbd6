package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// neighbours returns an event of a stream with up to so many before and after it, oldest first.
type neighbours func(ctx context.Context, e event, before, after int) ([]event, error)

// neighbours reads around an event in both directions. Events of its millisecond may stand on both sides of it, so each direction is
// read until the event itself and enough beyond it have come by.
func (t *tailer) neighbours(ctx context.Context, e event, before, after int) ([]event, error) {
	back, err := t.beyond(ctx, e, before, false)
	if err != nil {
		return nil, err
	}
	slices.Reverse(back)
	forward, err := t.beyond(ctx, e, after, true)
	if err != nil {
		return nil, err
	}
	return slices.Concat(back, []event{e}, forward), nil
}

// beyond returns up to count events of the stream of e that stand after it, or before it, nearest first.
func (t *tailer) beyond(ctx context.Context, e event, count int, forward bool) ([]event, error) {
	if count == 0 {
		return nil, nil
	}
	in := &cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{e.Stream}, StartFromHead: &forward, Limit: aws.Int32(int32(count + 1))}
	if strings.HasPrefix(e.Group, "arn:") {
		in.LogGroupIdentifier = &e.Group
	} else {
		in.LogGroupName = &e.Group
	}
	if forward {
		in.StartTime = &e.Timestamp
	} else {
		in.EndTime = &e.Timestamp
	}
	var found []event
	passed := false
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(t.client, in); len(found) < count && pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Events {
			if passed && len(found) < count {
				found = append(found, eventOf(e.Group, f))
			}
			passed = passed || aws.ToString(f.EventId) == e.ID
		}
	}
	return found, nil
}

const (
	// maxShown is how many printed events are remembered, so that contexts that overlap print them once.
	maxShown = 50_000
	// maxWaiting is how many matches wait for the events after them.
	maxWaiting = 100
)

// surroundings prints matches with their neighbours in the stream, as grep -C does lines. It is used by one goroutine.
type surroundings struct {
	print         *linePrinter
	read          neighbours
	before, after int

	shown   map[string]bool
	order   []string // the ids of shown, oldest first
	last    string   // the event printed last
	waiting []waiting
}

// waiting is a match whose stream had fewer events after it than wanted.
type waiting struct {
	match event
	until time.Time
}

// show prints a match and its neighbours, as far as they were not printed.
func (s *surroundings) show(ctx context.Context, match event) error {
	return s.block(ctx, match, time.Time{})
}

// catchUp looks for events after the matches that had too few of them.
func (s *surroundings) catchUp(ctx context.Context, now time.Time) error {
	due := s.waiting
	s.waiting = nil
	for i, w := range due {
		if w.until.IsZero() {
			w.until = now.Add(overlap)
		}
		if now.After(w.until) {
			continue
		}
		if err := s.block(ctx, w.match, w.until); err != nil {
			s.waiting = append(s.waiting, due[i:]...)
			return err
		}
	}
	return nil
}

// block prints the neighbourhood of a match. Matches themselves come in turn, so one that is printed as a neighbour first stays one.
func (s *surroundings) block(ctx context.Context, match event, until time.Time) error {
	// One event more says whether the block continues the one before it.
	events, err := s.read(ctx, match, s.before+1, s.after)
	if gone(err) { // the stream was deleted since
		return s.one(match, "")
	}
	if err != nil {
		return err
	}
	at := slices.IndexFunc(events, func(e event) bool { return e.ID == match.ID })
	for i := max(0, at-s.before); i < len(events); i++ {
		e := events[i]
		e.near = i != at && !s.print.matches(e.Message)
		previous := ""
		if i > 0 {
			previous = events[i-1].ID
		}
		if err := s.one(e, previous); err != nil {
			return err
		}
	}
	if len(events)-at-1 < s.after {
		if s.waiting = append(s.waiting, waiting{match, until}); len(s.waiting) > maxWaiting {
			s.waiting = s.waiting[1:]
		}
	}
	return nil
}

// one prints an event once; previous is its predecessor in the stream.
func (s *surroundings) one(e event, previous string) error {
	if s.shown[e.ID] {
		return nil
	}
	if s.last != "" && s.last != previous {
		if err := s.print.gap(); err != nil {
			return err
		}
	}
	if s.shown == nil {
		s.shown = map[string]bool{}
	}
	s.shown[e.ID], s.last = true, e.ID
	if s.order = append(s.order, e.ID); len(s.order) > maxShown {
		for _, id := range s.order[:maxShown/2] {
			delete(s.shown, id)
		}
		s.order = append([]string(nil), s.order[maxShown/2:]...)
	}
	return s.print.print(e)
}

// matches reports whether the filter finds a message, which then is no mere neighbour.
func (p *linePrinter) matches(message string) bool {
	if p.tester == nil {
		return false
	}
	_, ok := p.tester.Values([]byte(message))
	return ok
}
