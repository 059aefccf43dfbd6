package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// How far history reaches back, and how many lines of an alarm are kept at most, roughly:
// one whose state changes every ten seconds would write 40 MB a day.
const (
	keepHistory = 30 * 24 * time.Hour
	keepLines   = 10_000
)

// Items of history.
const (
	ItemConfiguration = "ConfigurationUpdate"
	ItemState         = "StateUpdate"
	ItemAction        = "Action"
)

// Limits of a line of history, in characters.
const (
	maxSummary = 255
	maxData    = 4095
)

// line is the JSON of a line of history.
type line struct {
	Type    string `json:"type"`
	Item    string `json:"item"`
	Summary string `json:"summary"`
	Data    string `json:"data"`
}

func historyEntry(a *Alarm, item, summary, data string, now int64) (catalog.Entry, error) {
	if r := []rune(summary); len(r) > maxSummary {
		summary = string(r[:maxSummary-3]) + "..."
	}
	body, err := json.Marshal(&line{Type: a.Type(), Item: item, Summary: summary, Data: data})
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("encode history of %s: %w", a.Name, err)
	}
	return catalog.Entry{Kind: documentKind, Scope: a.Scope, Name: a.Name, AtMS: now, Body: body, Keep: keepLines}, nil
}

// fitting returns the first of the data that the limit of a line allows, as JSON; the last has no choice.
func fitting(data ...any) (string, error) {
	for i, d := range data {
		b, err := json.Marshal(d)
		if err != nil {
			return "", fmt.Errorf("encode history: %w", err)
		}
		if utf8.RuneCount(b) <= maxData || i == len(data)-1 {
			return string(b), nil
		}
	}
	return "", nil
}

// configurationData is the data of a ConfigurationUpdate: one of the alarms, or none when it is
// too long.
type configurationData struct {
	Version string      `json:"version"`
	Type    string      `json:"type"`
	Created *wireConfig `json:"createdAlarm,omitempty"`
	Updated *wireConfig `json:"updatedAlarm,omitempty"`
	Deleted *wireConfig `json:"deletedAlarm,omitempty"`
}

// wireConfig is an alarm as history shows it.
type wireConfig struct {
	Name           string         `json:"alarmName"`
	ARN            string         `json:"alarmArn"`
	Description    string         `json:"alarmDescription"`
	ActionsEnabled bool           `json:"actionsEnabled"`
	OK             []string       `json:"okActions"`
	Alarm          []string       `json:"alarmActions"`
	Insufficient   []string       `json:"insufficientDataActions"`
	State          string         `json:"stateValue"`
	Metric         *MetricSpec    `json:"metric,omitempty"`
	Composite      *CompositeSpec `json:"composite,omitempty"`
}

// past are the words of the summaries.
var past = map[string]string{"Create": "created", "Update": "updated", "Delete": "deleted"}

func configurationEntry(a *Alarm, change string, now int64) (catalog.Entry, error) {
	w := &wireConfig{
		Name: a.Name, ARN: a.ARN(), Description: a.Description, ActionsEnabled: a.ActionsEnabled,
		OK: some(a.OKActions), Alarm: some(a.AlarmActions), Insufficient: some(a.InsufficientActions),
		State: a.State.Value, Metric: a.Metric, Composite: a.Composite,
	}
	d := configurationData{Version: "1.0", Type: change}
	switch change {
	case "Create":
		d.Created = w
	case "Update":
		d.Updated = w
	default:
		d.Deleted = w
	}
	data, err := fitting(&d, &configurationData{Version: "1.0", Type: change})
	if err != nil {
		return catalog.Entry{}, err
	}
	return historyEntry(a, ItemConfiguration, "Alarm "+strconv.Quote(a.Name)+" "+past[change], data, now)
}

// some returns a list that is not null in JSON.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Service) journalConfiguration(ctx context.Context, a *Alarm, change string, now int64) error {
	e, err := configurationEntry(a, change, now)
	if err != nil {
		return err
	}
	return translate(s.o.Catalog.Apply(ctx, catalog.Changes{Journal: []catalog.Entry{e}}))
}

// stateData is the data of a StateUpdate.
type stateData struct {
	Version string    `json:"version"`
	Old     stateLine `json:"oldState"`
	New     stateLine `json:"newState"`
}

type stateLine struct {
	Value        string          `json:"stateValue"`
	Reason       string          `json:"stateReason"`
	ReasonData   json.RawMessage `json:"stateReasonData,omitempty"`
	SuppressedBy string          `json:"actionsSuppressedBy,omitempty"`
}

func stateLineOf(s *State, data bool) stateLine {
	l := stateLine{Value: s.Value, Reason: s.Reason, SuppressedBy: s.SuppressedBy}
	if data && s.ReasonData != "" {
		l.ReasonData = json.RawMessage(s.ReasonData)
	}
	return l
}

// stateEntry is the line of a change of the state from old.
func stateEntry(a *Alarm, old *State, now int64) (catalog.Entry, error) {
	d := func(oldData, newData bool) *stateData {
		return &stateData{Version: "1.0", Old: stateLineOf(old, oldData), New: stateLineOf(&a.State, newData)}
	}
	data, err := fitting(d(true, true), d(false, true), d(false, false))
	if err != nil {
		return catalog.Entry{}, err
	}
	return historyEntry(a, ItemState, "Alarm updated from "+old.Value+" to "+a.State.Value, data, now)
}

// forget removes history that is too old.
func (s *Service) forget(ctx context.Context, now time.Time) error {
	const batch = 1000
	for {
		more, err := s.o.Catalog.ForgetJournal(ctx, documentKind, now.Add(-keepHistory).UnixMilli(), batch)
		if err != nil || !more {
			return err
		}
	}
}
