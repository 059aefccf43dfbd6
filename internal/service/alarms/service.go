package alarms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Errors that callers tell apart, beside *ParameterError.
var (
	ErrNotFound = errors.New("alarm does not exist")
	ErrTooMany  = errors.New("too many alarms")
	ErrBadToken = errors.New("bad paging token")
	// ErrReasonData: the reason data of SetState is not JSON.
	ErrReasonData = errors.New("state reason data is not JSON")
	// ErrUnavailable: the disk is full or failed; the same call may succeed
	// later.
	ErrUnavailable = errors.New("alarms: storage unavailable")
)

// MaxAlarms is how many alarms an (account, region) may have: the default quota of
// the real service.
const MaxAlarms = 5000

// documentKind is the kind of the documents and of the lines of history.
const documentKind = "alarm"

// Options configure a Service.
type Options struct {
	Catalog *catalog.DB // required
	Metrics Metrics     // required

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now; the clock of the alarms
	// Progress tells how far the metrics of events are: how many were accepted, in any unit, and how many of these are counted.
	// Alarms wait for those that were accepted in their window. nil: no metric is ever behind.
	Progress func() (accepted, counted uint64)
	Sent     func() // called when there are new messages in the outbox; nil: nobody is told. It must not block.
}

// Service is the entry to alarms. Its methods are safe for concurrent use. Alarms are
// evaluated only while Run runs.
type Service struct {
	o    Options
	wake chan struct{}

	// change is held by whoever writes alarms, over the transaction and the change of
	// the map. It is locked before mu.
	change sync.Mutex

	mu      sync.RWMutex // guards alarms and changes; never held over I/O
	alarms  map[logs.Scope]map[string]*entry
	changes int64 // of alarms

	ticking   sync.Mutex // held by Tick, which owns the rest
	marks     map[alarmKey]mark
	forgotten time.Time
	clocks    [2]clock // of long and short periods
	slots     [2]int64 // for which Tick has done everything
	edition   int64    // of alarms, likewise
	pending   bool     // the actions of some composite alarm are held back
}

// entry is an alarm as it is held. It is immutable.
type entry struct {
	alarm *Alarm
	// version changes when the configuration does, not with the state.
	version int64

	rule       *Rule    // of a composite alarm
	children   []string // names, sorted
	suppressor string   // name; "" = none
}

// New returns a Service with the alarms of the catalog. The caller runs Run.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Catalog == nil || o.Metrics == nil {
		return nil, errors.New("alarms: options Catalog and Metrics are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{o: o, wake: make(chan struct{}, 1), alarms: map[logs.Scope]map[string]*entry{}, marks: map[alarmKey]mark{}}
	documents, err := o.Catalog.Documents(ctx, catalog.DocumentQuery{Kind: documentKind})
	if err != nil {
		return nil, err
	}
	for i := range documents {
		e, err := decode(&documents[i])
		if err != nil {
			return nil, fmt.Errorf("decode alarm %s: %w", documents[i].Name, err)
		}
		s.hold(e)
	}
	return s, nil
}

// record is the JSON of an alarm.
type record struct {
	Config       Config `json:"config"`
	ConfiguredMS int64  `json:"configuredMs"`
	State        State  `json:"state"`
}

func decode(d *catalog.Document) (*entry, error) {
	var r record
	j := json.NewDecoder(bytes.NewReader(d.Body))
	j.DisallowUnknownFields()
	if err := j.Decode(&r); err != nil {
		return nil, err
	}
	return newEntry(&Alarm{Scope: d.Scope, Name: d.Name, Config: r.Config, ConfiguredMS: r.ConfiguredMS, State: r.State}, 1)
}

// newEntry parses the rule of a composite alarm.
func newEntry(a *Alarm, version int64) (*entry, error) {
	e := &entry{alarm: a, version: version}
	if a.Composite == nil {
		return e, nil
	}
	rule, err := ParseRule(a.Composite.Rule)
	if err != nil {
		return nil, err
	}
	e.rule = rule
	for _, child := range rule.Children() {
		e.children = append(e.children, resolve(a.Scope, child))
	}
	slices.Sort(e.children)
	e.children = slices.Compact(e.children)
	if a.Composite.Suppressor != "" {
		e.suppressor = resolve(a.Scope, a.Composite.Suppressor)
	}
	return e, nil
}

// resolve returns the name of an alarm that is given by name or ARN. The ARN of
// another scope stays as it is: it names no alarm here.
func resolve(scope logs.Scope, nameOrARN string) string {
	if name, ok := scope.AlarmOfARN(nameOrARN); ok {
		return name
	}
	return nameOrARN
}

func key(a *Alarm) catalog.DocumentKey {
	return catalog.DocumentKey{Kind: documentKind, Scope: a.Scope, Name: a.Name}
}

func document(a *Alarm, now int64) (catalog.Document, error) {
	body, err := json.Marshal(&record{Config: a.Config, ConfiguredMS: a.ConfiguredMS, State: a.State})
	if err != nil {
		return catalog.Document{}, fmt.Errorf("encode alarm %s: %w", a.Name, err)
	}
	return catalog.Document{DocumentKey: key(a), CreatedMS: now, UpdatedMS: now, Body: body}, nil
}

func (s *Service) hold(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.alarms[e.alarm.Scope]
	if m == nil {
		m = map[string]*entry{}
		s.alarms[e.alarm.Scope] = m
	}
	m[e.alarm.Name] = e
	s.changes++
}

func (s *Service) drop(scope logs.Scope, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alarms[scope], name)
	s.changes++
}

// get returns an alarm, or nil.
func (s *Service) get(scope logs.Scope, name string) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.alarms[scope][name]
}

// sorted returns the alarms of a scope by name.
func (s *Service) sorted(scope logs.Scope) []*entry {
	s.mu.RLock()
	out := slices.Collect(maps.Values(s.alarms[scope]))
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b *entry) int { return strings.Compare(a.alarm.Name, b.alarm.Name) })
	return out
}

// rouse makes Run look at the alarms again.
func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func translate(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, catalog.ErrTooMany):
		return ErrTooMany
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
