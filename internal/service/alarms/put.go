package alarms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// initialReason is the reason of the state of a new alarm.
const initialReason = "Unchecked: Initial alarm creation"

// Put creates an alarm, or replaces the configuration of one; its state stays. Tags
// are set on creation only. *ParameterError, ErrTooMany, ErrUnavailable.
//
// The history line is a transaction of its own, after that of the alarm.
func (s *Service) Put(ctx context.Context, scope logs.Scope, name string, c Config, tags map[string]string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	if err := groups.CheckTags(tags); err != nil {
		return parameterf("%s", err)
	}
	if len(tags) > groups.MaxTags {
		return parameterf("An alarm has at most %d tags.", groups.MaxTags)
	}
	if c.Metric != nil {
		if err := s.o.Metrics.Check(ctx, scope, c.Metric.queries()); err != nil {
			return parameterf("%s", err)
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	now := s.o.Now().UnixMilli()
	a := &Alarm{Scope: scope, Name: name, Config: c, ConfiguredMS: now}
	old := s.get(scope, name)
	version := int64(1)
	if old == nil {
		a.State = State{Value: Insufficient, Reason: initialReason, UpdatedMS: now, TransitionedMS: now}
	} else {
		if old.alarm.Type() != a.Type() {
			return parameterf("An alarm of another type has the name %s.", name) // (ours)
		}
		a.State = old.alarm.State
		version = old.version + 1
	}
	e, err := newEntry(a, version)
	if err != nil {
		if bad, ok := errors.AsType[*RuleError](err); ok {
			return parameterf("Error in AlarmRule: %s.", bad)
		}
		return err
	}
	if err := s.checkReferences(e); err != nil {
		return err
	}
	d, err := document(a, now)
	if err != nil {
		return err
	}
	if _, err := s.o.Catalog.PutDocument(ctx, d, MaxAlarms, a.ARN(), tags); err != nil {
		return translate(err)
	}
	s.hold(e)
	s.rouse()
	if old == nil {
		return s.journalConfiguration(ctx, a, "Create", now)
	}
	return s.journalConfiguration(ctx, a, "Update", now)
}

// checkReferences refuses a composite alarm that names alarms that do not exist, or
// itself by any way. The caller holds change.
func (s *Service) checkReferences(e *entry) error {
	if e.rule == nil {
		return nil
	}
	a := e.alarm
	var absent []string
	for _, child := range e.children {
		if child != a.Name && s.get(a.Scope, child) == nil {
			absent = append(absent, child)
		}
	}
	if len(absent) > 0 {
		return parameterf("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(absent, ", "))
	}
	if path := s.cycle(e); path != nil { // (ours)
		return parameterf("Could not save the composite alarm as its rule makes a cycle: %s", strings.Join(path, " -> "))
	}
	switch e.suppressor {
	case "":
	case a.Name:
		return parameterf("Could not save the composite alarm as it is its own actions suppressor")
	default:
		if s.get(a.Scope, e.suppressor) == nil {
			return parameterf("Could not save the composite alarm as its actions suppressor %s does not exist", e.suppressor)
		}
	}
	for _, child := range e.children {
		n := 1
		for _, p := range s.parents(a.Scope, child) {
			if p.alarm.Name != a.Name && slices.Contains(p.children, child) {
				n++
			}
		}
		if n > MaxParents {
			return parameterf("The alarm %s would be in the rules of more than %d composite alarms.", child, MaxParents)
		}
	}
	return nil
}

// cycle returns the way from an alarm back to itself through rules, or nil.
func (s *Service) cycle(e *entry) []string {
	scope, name := e.alarm.Scope, e.alarm.Name
	seen := map[string]bool{}
	var walk func(e *entry) []string
	walk = func(e *entry) []string {
		for _, child := range e.children {
			if child == name {
				return []string{e.alarm.Name, name}
			}
			if seen[child] {
				continue
			}
			seen[child] = true
			if c := s.get(scope, child); c != nil {
				if path := walk(c); path != nil {
					return append([]string{e.alarm.Name}, path...)
				}
			}
		}
		return nil
	}
	return walk(e)
}

// parents returns the composite alarms that need an alarm for their rule or as their suppressor, by
// name.
func (s *Service) parents(scope logs.Scope, name string) []*entry {
	var out []*entry
	for _, e := range s.sorted(scope) {
		if _, found := slices.BinarySearch(e.children, name); found || e.rule != nil && e.suppressor == name {
			out = append(out, e)
		}
	}
	return out
}

// Limits of the calls that take names.
const (
	MaxNames     = 100
	maxComposite = 1 // composite alarms that Delete takes
)

// Delete removes alarms. When some do not exist the others are removed, and the error
// is ErrNotFound. An alarm that a composite alarm needs which stays is not removed, and
// neither is any other: a *ParameterError. ErrUnavailable. History stays.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, names []string) error {
	if err := checkNames(names); err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	var found []*entry
	var missing []string
	composite := 0
	for _, name := range names {
		e := s.get(scope, name)
		switch {
		case e == nil:
			missing = append(missing, name)
			continue
		case slices.Contains(found, e):
			continue
		case e.rule != nil:
			composite++
		}
		found = append(found, e)
	}
	if composite > maxComposite {
		return parameterf("DeleteAlarms cannot delete more than %d composite alarm.", maxComposite)
	}
	var needed []string
	for _, e := range found {
		for _, p := range s.parents(scope, e.alarm.Name) {
			if !slices.Contains(found, p) {
				needed = append(needed, e.alarm.Name)
				break
			}
		}
	}
	switch len(needed) {
	case 0:
	case 1:
		return parameterf("Cannot delete %s as there are composite alarm(s) depending on it.", needed[0])
	default:
		return parameterf("Cannot delete %s as there are composite alarm(s) depending on them.", strings.Join(needed, ","))
	}
	// Parents first, so that a crash leaves no rule without its alarms.
	slices.SortStableFunc(found, func(a, b *entry) int {
		switch {
		case a.rule != nil && b.rule == nil:
			return -1
		case a.rule == nil && b.rule != nil:
			return 1
		}
		return 0
	})
	now := s.o.Now().UnixMilli()
	for _, e := range found {
		err := s.o.Catalog.DeleteDocument(ctx, key(e.alarm), e.alarm.ARN())
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return translate(err)
		}
		s.drop(scope, e.alarm.Name)
		if err := s.journalConfiguration(ctx, e.alarm, "Delete", now); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s", ErrNotFound, strings.Join(missing, ", "))
	}
	return nil
}

func checkNames(names []string) error {
	if len(names) > MaxNames {
		return parameterf("At most %d alarms can be named.", MaxNames)
	}
	return nil
}

// SetActionsEnabled lets alarms do their actions, or not. Names of no alarm are
// ignored. *ParameterError, ErrUnavailable.
func (s *Service) SetActionsEnabled(ctx context.Context, scope logs.Scope, names []string, enabled bool) error {
	if err := checkNames(names); err != nil {
		return err
	}
	s.change.Lock()
	defer s.change.Unlock()
	now := s.o.Now().UnixMilli()
	var c catalog.Changes
	var next []*entry
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		e := s.get(scope, name)
		if e == nil || e.alarm.ActionsEnabled == enabled {
			continue
		}
		a := *e.alarm
		a.ActionsEnabled, a.ConfiguredMS = enabled, now
		d, err := document(&a, now)
		if err != nil {
			return err
		}
		line, err := configurationEntry(&a, "Update", now)
		if err != nil {
			return err
		}
		c.Put, c.Journal = append(c.Put, d), append(c.Journal, line)
		next = append(next, &entry{alarm: &a, version: e.version, rule: e.rule, children: e.children, suppressor: e.suppressor})
	}
	if len(next) == 0 {
		return nil
	}
	if err := s.o.Catalog.Apply(ctx, c); err != nil {
		return translate(err)
	}
	for _, e := range next {
		s.hold(e)
	}
	return nil
}

// Limits of SetState.
const (
	MaxReason     = 1023 // characters
	MaxReasonData = 4000
)

// SetState sets the state of an alarm, for tests of its actions: they are done when it
// differs. The next evaluation sets it again. *ParameterError, ErrNotFound, ErrReasonData,
// ErrUnavailable.
func (s *Service) SetState(ctx context.Context, scope logs.Scope, name, value, reason, reasonData string) error {
	switch {
	case value != OK && value != Alarming && value != Insufficient:
		return parameterf("Unknown StateValue: %s", value)
	case len([]rune(reason)) > MaxReason:
		return parameterf("StateReason has more than %d characters.", MaxReason)
	case len([]rune(reasonData)) > MaxReasonData:
		return parameterf("StateReasonData has more than %d characters.", MaxReasonData)
	case reasonData != "" && !json.Valid([]byte(reasonData)):
		return ErrReasonData
	}
	s.change.Lock()
	defer s.change.Unlock()
	e := s.get(scope, name)
	if e == nil {
		return ErrNotFound
	}
	_, err := s.transit(ctx, []transition{{from: e, value: value, reason: reason, data: reasonData}}) // nothing is left out: change is held
	return err
}
