package alarms

import (
	"context"

	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// transition is a new state of an alarm, also one with the same value.
type transition struct {
	from       *entry // as it was when the state was found
	value      string
	reason     string
	data       string // JSON, or ""
	evaluation string
}

// transit gives alarms new states and asks for their actions, in one transaction.
// Alarms that have changed meanwhile are left out and returned: they are to be evaluated again. The caller holds change.
func (s *Service) transit(ctx context.Context, list []transition) (left []*entry, err error) {
	now := s.o.Now().UnixMilli()
	var c catalog.Changes
	var next []*entry
	for i := range list {
		t := &list[i]
		from := t.from.alarm
		if s.get(from.Scope, from.Name) != t.from {
			left = append(left, t.from)
			continue
		}
		old := from.State
		a := *from
		changed := t.value != old.Value
		a.State.Value, a.State.Reason, a.State.ReasonData, a.State.Evaluation = t.value, t.reason, t.data, t.evaluation
		a.State.UpdatedMS = now
		if changed {
			a.State.TransitionedMS = now
		}
		act := changed
		before := old.Value
		if a.Composite != nil {
			before = s.suppress(t.from, &a, &act, now)
		}
		d, err := document(&a, now)
		if err != nil {
			return nil, err
		}
		c.Put = append(c.Put, d)
		if changed {
			line, err := stateEntry(&a, &old, now)
			if err != nil {
				return nil, err
			}
			c.Journal = append(c.Journal, line)
		}
		if act && a.ActionsEnabled {
			for _, target := range a.actions(a.State.Value) {
				m, err := notification(&a, &old, before, target, now)
				if err != nil {
					return nil, err
				}
				c.Outbox = append(c.Outbox, m)
			}
		}
		e := *t.from
		e.alarm = &a
		next = append(next, &e)
	}
	if len(next) == 0 {
		return left, nil
	}
	if err := s.o.Catalog.Apply(ctx, c); err != nil {
		return nil, translate(err)
	}
	for _, e := range next {
		s.hold(e)
	}
	s.rouse() // composite alarms may follow
	if len(c.Outbox) > 0 && s.o.Sent != nil {
		s.o.Sent()
	}
	return left, nil
}

// suppress decides whether the actions of a composite alarm are held back: it gets in act whether
// the value has changed and gives whether to act now. It returns the value before the change
// that the actions tell of.
func (s *Service) suppress(from *entry, a *Alarm, act *bool, now int64) (before string) {
	changed := *act
	old := from.alarm.State
	before = old.SuppressedFrom
	if before == "" {
		before = old.Value
	}
	was := suppression{old.SuppressedBy, old.SuppressedUntilMS}
	var is suppression
	is, *act = was.next(changed, s.suppressing(from), from.suppressor != "", a.Composite, now)
	a.State.SuppressedBy, a.State.SuppressedUntilMS = is.by, is.untilMS
	a.State.SuppressedReason, a.State.SuppressedFrom = "", ""
	if is.by != "" {
		a.State.SuppressedReason, a.State.SuppressedFrom = "Actions suppressed by "+is.by, before
	}
	return before
}

// suppression says what holds back the actions of a composite alarm.
type suppression struct {
	by      string // "" = nothing
	untilMS int64  // end of a period
}

// next returns what holds back the actions at a time, and whether they are to be done now.
// changed: the value of the alarm has just changed. suppressing: the suppressor is in ALARM.
// suppressed: there is a suppressor.
func (p suppression) next(changed, suppressing, suppressed bool, c *CompositeSpec, nowMS int64) (suppression, bool) {
	period := func(by string, seconds int64) (suppression, bool) {
		if seconds == 0 {
			return suppression{}, true
		}
		return suppression{by, nowMS + seconds*1000}, false
	}
	// over says whether a period has ended. One that would take longer than it is long was set by another clock.
	over := func(seconds int64) bool { return nowMS >= p.untilMS || p.untilMS-nowMS > seconds*1000 }
	switch {
	case !suppressed:
		return suppression{}, changed || p.by != ""
	case suppressing && (changed || p.by != ""):
		return suppression{by: ByAlarm}, false
	case changed:
		return period(ByWaitPeriod, c.WaitPeriod)
	case p.by == ByAlarm:
		return period(ByExtensionPeriod, c.ExtensionPeriod)
	case p.by == ByWaitPeriod && over(c.WaitPeriod), p.by == ByExtensionPeriod && over(c.ExtensionPeriod):
		return suppression{}, true
	}
	return p, false
}
