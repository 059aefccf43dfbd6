package anomaly

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The states of an anomaly.
const (
	Active     = "Active"
	Suppressed = "Suppressed"
	Baseline   = "Baseline"
)

// maxAnomalies bounds the anomalies that a Book keeps; the ones seen longest ago
// go first.
const maxAnomalies = 500

// Book are the anomalies that a detector found, and which of them are not to be
// reported. It belongs to whoever holds its Detector.
type Book struct {
	Anomalies []*Anomaly              `json:"anomalies,omitempty"`
	Patterns  map[string]*Suppression `json:"patterns,omitempty"` // by the id of a pattern
}

// Find returns the anomaly of an id, nil when there is none.
func (b *Book) Find(id string) *Anomaly {
	for _, a := range b.Anomalies {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// OfPattern returns the anomalies of a pattern.
func (b *Book) OfPattern(id string) []*Anomaly {
	var out []*Anomaly
	for _, a := range b.Anomalies {
		if a.PatternID == id {
			out = append(out, a)
		}
	}
	return out
}

// Suppression returns what keeps an anomaly from being reported at a time, nil
// when nothing does, and whether that holds for its whole pattern.
func (b *Book) Suppression(a *Anomaly, now int64) (s *Suppression, pattern bool) {
	if s := b.Patterns[a.PatternID]; s.holds(now) {
		return s, true
	}
	if a.Suppressed.holds(now) {
		return a.Suppressed, false
	}
	return nil, false
}

// State returns the state of an anomaly at a time.
func (b *Book) State(a *Anomaly, now int64) string {
	if s, _ := b.Suppression(a, now); s != nil {
		return Suppressed
	}
	if a.Baseline {
		return Baseline
	}
	return Active
}

// SuppressPattern begins a suppression of all anomalies of a pattern, or with nil
// ends it.
func (b *Book) SuppressPattern(id string, s *Suppression) {
	if s == nil {
		delete(b.Patterns, id)
		return
	}
	if b.Patterns == nil {
		b.Patterns = map[string]*Suppression{}
	}
	b.Patterns[id] = s
}

// expire makes anomalies normal that are visible no more, removes them when they
// have not been seen for as long again, and forgets suppressions that are over.
func (b *Book) expire(now int64, visible time.Duration) {
	for _, a := range b.Anomalies {
		if now-a.First > visible.Milliseconds() {
			a.Baseline = true
		}
		if !a.Suppressed.holds(now) {
			a.Suppressed = nil
		}
	}
	b.Anomalies = slices.DeleteFunc(b.Anomalies, func(a *Anomaly) bool { return now-a.Last > 2*visible.Milliseconds() })
	kept := map[string]bool{}
	for _, a := range b.Anomalies {
		kept[a.PatternID] = true
	}
	for id, s := range b.Patterns {
		if !s.holds(now) || !kept[id] {
			delete(b.Patterns, id)
		}
	}
	if extra := len(b.Anomalies) - maxAnomalies; extra > 0 {
		slices.SortStableFunc(b.Anomalies, func(x, y *Anomaly) int { return cmp.Compare(x.Last, y.Last) })
		b.Anomalies = slices.Delete(b.Anomalies, 0, extra)
	}
}

// Clone returns a copy that shares nothing with b that its Detector or
// SuppressPattern change. What anomalies point to is shared, and replaced as a
// whole when it changes.
func (b *Book) Clone() Book {
	n := Book{Anomalies: slices.Clone(b.Anomalies), Patterns: maps.Clone(b.Patterns)}
	for i, a := range n.Anomalies {
		c := *a
		n.Anomalies[i] = &c
	}
	return n
}
