package alarms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

const (
	// look is the time between two looks at the clock.
	look = time.Second
	// settleLong and settleShort are how long after the end of a window it is evaluated, for periods from a minute and
	// below.
	settleLong  = 5 * time.Second
	settleShort = 2 * time.Second
	// patience is how much longer metrics of events are waited for when they are behind.
	patience = 30 * time.Second

	shortStep = 10 * time.Second
	longStep  = time.Minute

	forgetEvery = time.Hour
	// transitBatch is how many alarms change in one transaction.
	transitBatch = 100
)

// mark says what an alarm was last evaluated for.
type mark struct {
	version int64
	slot    int64  // end of the newest window, ms; of a metric alarm
	cause   uint64 // states of the children; of a composite alarm
}

type alarmKey struct {
	scope logs.Scope
	name  string
}

func (e *entry) key() alarmKey { return alarmKey{e.alarm.Scope, e.alarm.Name} }

// Run evaluates alarms when they are due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var said string
	for {
		err := s.Tick(ctx)
		if ctx.Err() != nil {
			return
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != "" && text != said {
			s.o.Logger.Error("evaluate alarms", "error", err)
		}
		said = text
		timer := time.NewTimer(look)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Tick evaluates the alarms that are due now: those that were not evaluated for the newest window or since their
// configuration changed, and the composite alarms that depend on them. What fails is due again. Run calls it.
func (s *Service) Tick(ctx context.Context) error {
	s.ticking.Lock()
	defer s.ticking.Unlock()
	now := s.o.Now()
	if now.Sub(s.forgotten) >= forgetEvery || now.Before(s.forgotten) {
		if err := s.forget(ctx, now); err != nil {
			return fmt.Errorf("forget history: %w", err)
		}
		s.forgotten = now
	}
	slots := [2]int64{s.clocks[0].slot(s, now, longStep, settleLong), s.clocks[1].slot(s, now, shortStep, settleShort)}
	entries, edition := s.all()
	if slots == s.slots && edition == s.edition && !s.pending {
		return nil
	}
	err := s.tickMetrics(ctx, entries, slots, now)
	err = errors.Join(err, s.tickComposites(ctx))
	s.prune(entries)
	if err == nil {
		s.slots, s.edition = slots, edition // what changed meanwhile is looked at again
	}
	return err
}

func floor(t time.Time, step time.Duration) int64 {
	ms := t.UnixMilli()
	return ms - ms%step.Milliseconds()
}

// clock says which windows of one length are to be evaluated. Tick owns it.
type clock struct {
	end     int64  // ms; end of the newest window
	need    uint64 // events accepted by then
	open    int64  // end of the newest window that may be evaluated; 0 = none yet
	waiting time.Time
}

// slot returns the end (ms) of the newest window that may be evaluated, 0 when there is none yet: settle after its end, and
// when the metrics of the events that were accepted by then are made, for which it has patience.
func (c *clock) slot(s *Service, now time.Time, step, settle time.Duration) int64 {
	accepted, counted := uint64(0), uint64(0)
	if s.o.Progress != nil {
		accepted, counted = s.o.Progress()
	}
	if end := floor(now, step); end != c.end {
		c.end, c.need = end, accepted
	}
	newest := floor(now.Add(-settle), step)
	if newest == c.open {
		return c.open
	}
	if counted < c.need {
		if c.waiting.IsZero() {
			c.waiting = now
		}
		if waited := now.Sub(c.waiting); waited >= 0 && waited < patience {
			return c.open
		}
		s.o.Logger.Warn("alarms are evaluated though metrics of events are behind", "accepted", c.need, "counted", counted)
	}
	c.open, c.waiting = newest, time.Time{}
	return c.open
}

// all returns all alarms, and a number that is another one after each change.
func (s *Service) all() ([]*entry, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*entry
	for _, m := range s.alarms {
		for _, e := range m {
			out = append(out, e)
		}
	}
	return out, s.changes
}

// prune forgets marks of alarms that are deleted.
func (s *Service) prune(entries []*entry) {
	if len(s.marks) <= len(entries)+1000 {
		return
	}
	live := map[alarmKey]bool{}
	for _, e := range entries {
		live[e.key()] = true
	}
	for k := range s.marks {
		if !live[k] {
			delete(s.marks, k)
		}
	}
}

func (s *Service) tickMetrics(ctx context.Context, entries []*entry, slots [2]int64, now time.Time) error {
	type due struct {
		e *entry
		m mark
	}
	var list []transition
	var marks []due
	var first error
	commit := func() {
		left, err := s.commit(ctx, list)
		if err != nil && first == nil {
			first = err
		}
		if err == nil {
			for _, d := range marks {
				if !slices.Contains(left, d.e) {
					s.marks[d.e.key()] = d.m
				}
			}
		}
		list, marks = list[:0], marks[:0]
	}
	for _, e := range entries {
		m := e.alarm.Metric
		if m == nil {
			continue
		}
		is := mark{version: e.version, slot: slots[0]}
		if m.period() < 60 {
			is.slot = slots[1]
		}
		if s.marks[e.key()] == is || is.slot == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		t, changed, err := s.evaluate(ctx, e, is.slot, now)
		if err != nil {
			if first == nil {
				first = fmt.Errorf("alarm %s: %w", e.alarm.Name, err)
			}
			continue
		}
		marks = append(marks, due{e, is})
		if changed {
			if list = append(list, t); len(list) == transitBatch {
				commit()
			}
		}
	}
	commit()
	return first
}

// commit does what transit does, for those that do not hold change.
func (s *Service) commit(ctx context.Context, list []transition) (left []*entry, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	s.change.Lock()
	defer s.change.Unlock()
	return s.transit(ctx, list)
}

// evaluate evaluates a metric alarm for the windows up to end, and says whether its state changes.
func (s *Service) evaluate(ctx context.Context, e *entry, end int64, now time.Time) (transition, bool, error) {
	a, m := e.alarm, e.alarm.Metric
	period := m.period() * 1000
	windows := m.EvaluationPeriods + extraPeriods
	from := end - int64(windows)*period
	points, err := s.o.Metrics.Datapoints(ctx, a.Scope, m.queries(), m.period(), from, end)
	if bad, ok := errors.AsType[*ConfigurationError](err); ok {
		reason := []rune(bad.Message)
		t := transition{from: e, value: Insufficient, reason: string(reason[:min(len(reason), MaxReason)]), evaluation: EvaluationError}
		return t, a.State.Value != t.value || a.State.Reason != t.reason || a.State.Evaluation != t.evaluation, nil
	}
	if err != nil {
		return transition{}, false, err
	}
	v := judge(m, inWindows(points, windows, from, period))
	if v.value == "" || v.value == a.State.Value && a.State.Evaluation == "" {
		return transition{}, false, nil
	}
	// Now that it matters: how many samples there are.
	samples, err := s.samples(ctx, a, from, end)
	if err != nil {
		return transition{}, false, err
	}
	if enough := enoughSamples(m.ExtendedStatistic); enough > 0 && m.LowSamples == "ignore" && v.value != Insufficient {
		total := 0.0
		for _, p := range v.used {
			total += samples[p.StartMS]
		}
		if len(v.used) > 0 && total < enough-1e-9*enough {
			return transition{}, false, nil
		}
	}
	t := transition{from: e, value: v.value, reason: v.reason(m)}
	if t.data, err = v.data(m, now, samples); err != nil {
		return transition{}, false, err
	}
	return t, true, nil
}

// inWindows sorts datapoints into windows, the newest first.
func inWindows(points []Datapoint, windows int, from, period int64) []*Datapoint {
	out := make([]*Datapoint, windows)
	for i := range points {
		if n := (points[i].StartMS - from) / period; points[i].StartMS >= from && n < int64(windows) {
			out[int64(windows)-1-n] = &points[i]
		}
	}
	return out
}

// samples returns the number of samples of each window of an alarm on one metric, by its start; nil for other alarms.
func (s *Service) samples(ctx context.Context, a *Alarm, from, end int64) (map[int64]float64, error) {
	if len(a.Metric.Queries) > 0 {
		return nil, nil
	}
	queries := a.Metric.queries()
	queries[0].Stat.Stat = "SampleCount"
	points, err := s.o.Metrics.Datapoints(ctx, a.Scope, queries, a.Metric.period(), from, end)
	if err != nil {
		return nil, err
	}
	out := map[int64]float64{}
	for _, p := range points {
		out[p.StartMS] = p.Value
	}
	return out, nil
}

// tickComposites evaluates composite alarms until nothing changes any more: those that depend on others follow them.
func (s *Service) tickComposites(ctx context.Context) error {
	for range MaxAlarms {
		entries, _ := s.all()
		var list []transition
		marks := map[alarmKey]mark{}
		s.pending = false
		for _, e := range entries {
			if e.rule == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			t, is, changed := s.weigh(e)
			s.pending = s.pending || e.alarm.State.SuppressedBy != ""
			if changed {
				list = append(list, t)
			}
			marks[e.key()] = is
		}
		for batch := range slices.Chunk(list, transitBatch) {
			left, err := s.commit(ctx, batch)
			if err != nil {
				return err
			}
			for _, e := range left {
				delete(marks, e.key()) // again, as it is now
			}
		}
		for k, m := range marks {
			s.marks[k] = m
		}
		if len(list) == 0 {
			return nil
		}
	}
	return errors.New("composite alarms do not come to rest")
}
