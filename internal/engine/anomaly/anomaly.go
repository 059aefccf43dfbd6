package anomaly

import (
	"slices"
	"strings"
)

// Kind is why something is unusual.
type Kind string

// The kinds of anomalies.
const (
	NewPattern   Kind = "new-pattern"   // messages as there were none before
	Increase     Kind = "increase"      // far more messages of a pattern than usual
	Decrease     Kind = "decrease"      // far fewer
	NewValue     Kind = "new-value"     // a value that a token did not have before
	ClientErrors Kind = "client-errors" // far more HTTP statuses 4xx
	ServerErrors Kind = "server-errors" // far more HTTP statuses 5xx
)

// Priorities, which follow from the severity of a pattern.
const (
	High   = "HIGH"
	Medium = "MEDIUM"
	Low    = "LOW"
)

// Bounds of what is kept of an anomaly.
const (
	maxBars    = 288 // of a histogram, the newest
	maxSamples = 10
	maxSample  = 1500 // bytes of a message
)

// Bar is how often an anomaly was seen in one evaluation.
type Bar struct {
	At    int64 `json:"at"` // ms; begin of the evaluated range
	Count int64 `json:"count"`
}

// Sample is a message that belongs to an anomaly, cut at 1,500 bytes; valid UTF-8.
type Sample struct {
	At      int64  `json:"at"`
	Message string `json:"message"`
}

// Token is a part of a pattern.
type Token struct {
	Text   string           `json:"text"`           // <*> when it is dynamic
	Name   string           `json:"name,omitempty"` // of a dynamic one, such as IPAddress-3
	Values map[string]int64 `json:"values,omitempty"`
}

// Dynamic reports whether the token varies from message to message.
func (t *Token) Dynamic() bool { return t.Name != "" }

// Suppression says for how long something is not reported.
type Suppression struct {
	At    int64 `json:"at"`              // ms; when it began
	Until int64 `json:"until,omitempty"` // ms; 0: for ever
}

func (s *Suppression) holds(now int64) bool { return s != nil && (s.Until == 0 || now < s.Until) }

// Anomaly is something unusual. All times are in ms since the Unix epoch.
type Anomaly struct {
	ID          string       `json:"id"`      // a UUID
	PatternID   string       `json:"pattern"` // 32 hexadecimal digits
	Kind        Kind         `json:"kind"`
	Value       string       `json:"value,omitempty"` // of NewValue
	Tokens      []Token      `json:"tokens"`
	Priority    string       `json:"priority"`
	Description string       `json:"description"`
	First       int64        `json:"first"`
	Last        int64        `json:"last"` // end of the newest evaluation that saw it
	Bars        []Bar        `json:"bars"`
	Samples     []Sample     `json:"samples,omitempty"` // oldest first
	Suppressed  *Suppression `json:"suppressed,omitempty"`
	Baseline    bool         `json:"baseline,omitempty"` // now taken for normal

}

// PatternText returns the pattern with <*> for what varies.
func (a *Anomaly) PatternText() string {
	var b strings.Builder
	for i := range a.Tokens {
		b.WriteString(a.Tokens[i].Text)
	}
	return b.String()
}

// PatternRegex returns the pattern as a regular expression.
func (a *Anomaly) PatternRegex() string {
	var b strings.Builder
	b.WriteByte('^')
	for i := range a.Tokens {
		if t := &a.Tokens[i]; t.Dynamic() {
			b.WriteString(".*")
		} else {
			for _, r := range t.Text {
				if strings.ContainsRune(`\.+*?()|[]{}^$/-`, r) {
					b.WriteByte('\\')
				}
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// add counts the anomaly in one more evaluation. Clones of its Book may be read
// meanwhile: Bars and Samples are made anew.
func (a *Anomaly) add(start, end, count int64, samples []Sample) {
	a.Last = max(a.Last, end)
	bars := a.Bars
	if n := len(bars); n > 0 && bars[n-1].At == start {
		count += bars[n-1].Count
		bars = bars[:n-1]
	}
	a.Bars = slices.Concat(bars[max(len(bars)+1-maxBars, 0):], []Bar{{start, count}})
	if len(samples) == 0 {
		return
	}
	a.Samples = slices.Concat(a.Samples, samples)
	if extra := len(a.Samples) - maxSamples; extra > 0 {
		// The first ones show how it began.
		a.Samples = slices.Delete(a.Samples, maxSamples/2, maxSamples/2+extra)
	}
}
