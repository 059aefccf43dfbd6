package alarms

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
)

// compositeData is the reason data of a composite alarm.
type compositeData struct {
	Alarms []triggering `json:"triggeringAlarms"`
}

type triggering struct {
	ARN   string          `json:"arn"`
	State triggeringState `json:"state"`
}

type triggeringState struct {
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
}

// weigh evaluates a composite alarm if a child, the suppressor or the configuration has changed, or a period that holds
// back its actions has ended, and says whether its state changes, and what it was evaluated for.
func (s *Service) weigh(e *entry) (transition, mark, bool) {
	a := e.alarm
	h := fnv.New64a()
	var latest *Alarm
	for _, name := range e.children {
		child := s.get(a.Scope, name)
		if child == nil {
			continue
		}
		h.Write([]byte(name))
		h.Write(strconv.AppendInt([]byte{0}, child.alarm.State.TransitionedMS, 10))
		h.Write([]byte(child.alarm.State.Value))
		if latest == nil || child.alarm.State.TransitionedMS > latest.State.TransitionedMS {
			latest = child.alarm
		}
	}
	is := mark{version: e.version, cause: h.Sum64()}
	t := transition{from: e, value: a.State.Value, reason: a.State.Reason, data: a.State.ReasonData}
	if s.marks[e.key()] != is {
		t.value = OK
		if e.rule.Holds(func(name string) string {
			if child := s.get(a.Scope, resolve(a.Scope, name)); child != nil {
				return child.alarm.State.Value
			}
			return ""
		}) {
			t.value = Alarming
		}
	}
	if t.value != a.State.Value {
		t.reason, t.data = compositeReason(t.value, latest)
		return t, is, true
	}
	was := suppression{a.State.SuppressedBy, a.State.SuppressedUntilMS}
	next, act := was.next(false, s.suppressing(e), e.suppressor != "", a.Composite, s.o.Now().UnixMilli())
	return t, is, act || next != was
}

// suppressing says whether the suppressor of an alarm is in ALARM.
func (s *Service) suppressing(e *entry) bool {
	if e.suppressor == "" {
		return false
	}
	by := s.get(e.alarm.Scope, e.suppressor)
	return by != nil && by.alarm.State.Value == Alarming
}

// compositeReason says why a composite alarm has a value: because of the child that changed last, if there is one.
func compositeReason(value string, child *Alarm) (reason, data string) {
	if child == nil {
		if value == Alarming {
			return "The alarm rule is TRUE.", "" // (ours)
		}
		return "The alarm rule is FALSE.", ""
	}
	at := child.State.TransitionedMS
	b, err := json.Marshal(&compositeData{[]triggering{{child.ARN(), triggeringState{child.State.Value, stamp(at)}}}})
	if err == nil { // strings only
		data = string(b)
	}
	return child.ARN() + " transitioned to " + child.State.Value + " at " + longTime(at), data
}
