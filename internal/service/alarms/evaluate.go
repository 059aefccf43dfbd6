package alarms

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// extraPeriods is how many windows are read beside those of the evaluation periods (ours; the documented examples have
// two of a period of five minutes).
const extraPeriods = 2

// verdict is what the datapoints of a metric alarm say.
type verdict struct {
	value  string      // the new state; "" = the present one stays
	used   []Datapoint // those that were evaluated, the newest first
	filled int         // windows without data that had to be treated as the alarm says
}

// judge evaluates the windows of an alarm, the newest first: nil where there is no data.
//
// The newest datapoints, as many as there are evaluation periods (N), are evaluated, wherever in the windows they are. When
// there are fewer, all of them are, and the rest is filled:
//
//   - breaching, notBreaching: with such datapoints;
//   - ignore: the state stays, unless the datapoints there are enough for ALARM, or one of them is not breaching, which is OK;
//   - missing: likewise, but instead of staying the state is ALARM when the oldest datapoint is at least as old as the
//     datapoints to alarm (M) — all are breaching then, so that this is as much of an alarm as there can be — and
//     INSUFFICIENT_DATA when it is younger, or there is none.
//
// The tables of the user guide are in testdata/missing.
func judge(m *MetricSpec, windows []*Datapoint) verdict {
	breaches := comparisons[m.Comparison].breach
	n, needed := m.EvaluationPeriods, m.needed()
	var v verdict
	breaching, oldest := 0, 0
	for i, p := range windows {
		if p == nil {
			continue
		}
		v.used = append(v.used, *p)
		if breaches(p.Value, m.Threshold) {
			breaching++
		}
		if oldest = i + 1; len(v.used) == n {
			break
		}
	}
	v.filled = n - len(v.used)
	treat := m.treatMissing()
	if v.filled > 0 && treat == Breaching {
		breaching += v.filled
	}
	switch {
	case breaching >= needed:
		v.value = Alarming
	case v.filled == 0 || treat == Breaching || treat == NotBreaching || breaching < len(v.used):
		v.value = OK
	case treat == Ignore:
	case len(v.used) > 0 && oldest >= needed:
		v.value = Alarming
	default:
		v.value = Insufficient
	}
	return v
}

// enoughSamples returns how many samples a percentile needs to mean something; 0 for other statistics.
func enoughSamples(statistic string) float64 {
	digits, ok := strings.CutPrefix(statistic, "p")
	if !ok {
		return 0
	}
	p, err := strconv.ParseFloat(digits, 64)
	if err != nil || p <= 0 || p >= 100 {
		return 0
	}
	if p /= 100; p >= 0.5 {
		return 10 / (1 - p)
	}
	return 10 / p
}

// maxShown is how many datapoints a reason shows, and maxEvaluated how many its data do.
const (
	maxShown     = 10
	maxEvaluated = 30
)

// reason says why an alarm is in a state, as the real service says it.
func (v *verdict) reason(m *MetricSpec) string {
	n, needed := m.EvaluationPeriods, m.needed()
	if v.value == Insufficient {
		return "Insufficient Data: " + plural(n, "datapoint was", "datapoints were") + " unknown."
	}
	treated := "[Breaching]"
	if m.treatMissing() == NotBreaching {
		treated = "[NonBreaching]"
	}
	if len(v.used) == 0 {
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as %s.",
			plural(n, "period", "periods"), plural(n, "missing datapoint was", "missing datapoints were"), treated)
	}
	c := comparisons[m.Comparison]
	var shown []string
	count := 0
	for _, p := range v.used {
		if c.breach(p.Value, m.Threshold) != (v.value == Alarming) {
			continue
		}
		if count++; len(shown) < maxShown {
			shown = append(shown, number(p.Value)+" ("+time.UnixMilli(p.StartMS).UTC().Format("02/01/06 15:04:05")+")")
		}
	}
	if count > len(shown) {
		shown = append(shown, "...")
	}
	was, how, transition := "were", c.text, "OK -> ALARM"
	if count == 1 {
		was = "was"
	}
	least := needed
	if v.value == OK {
		how, transition, least = "not "+c.text, "ALARM -> OK", n-needed+1
	}
	text := fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%s)", count, n, strings.Join(shown, ", "), was, how, number(m.Threshold))
	if treat := m.treatMissing(); v.filled > 0 && (treat == Breaching || treat == NotBreaching) {
		text += " and " + plural(v.filled, "missing datapoint was", "missing datapoints were") + " treated as " + treated
	}
	return text + " (minimum " + plural(least, "datapoint", "datapoints") + " for " + transition + " transition)."
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// reasonData are the data of a reason.
type reasonData struct {
	Version   string            `json:"version"`
	Query     string            `json:"queryDate"`
	Start     string            `json:"startDate,omitempty"`
	Unit      string            `json:"unit,omitempty"`
	Statistic string            `json:"statistic,omitempty"`
	Period    int64             `json:"period"`
	Recent    []json.RawMessage `json:"recentDatapoints"`
	Threshold json.RawMessage   `json:"threshold"`
	Evaluated []evaluatedPoint  `json:"evaluatedDatapoints,omitempty"`
}

type evaluatedPoint struct {
	Timestamp string          `json:"timestamp"`
	Samples   json.RawMessage `json:"sampleCount,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
}

// data returns the reason data. samples has the number of samples by the start of the window, as far as it is known.
func (v *verdict) data(m *MetricSpec, now time.Time, samples map[int64]float64) (string, error) {
	d := reasonData{
		Version: "1.0", Query: stamp(now.UnixMilli()), Unit: m.Unit, Statistic: m.statistic(), Period: m.period(),
		Recent: []json.RawMessage{}, Threshold: json.RawMessage(number(m.Threshold)),
	}
	used := v.used[:min(len(v.used), maxEvaluated)]
	for _, p := range used {
		e := evaluatedPoint{Timestamp: stamp(p.StartMS), Value: rawNumber(p.Value)}
		if n, ok := samples[p.StartMS]; ok {
			e.Samples = rawNumber(n)
		}
		d.Evaluated = append(d.Evaluated, e)
	}
	for _, p := range slices.Backward(used) {
		d.Recent = append(d.Recent, rawNumber(p.Value))
	}
	if len(used) > 0 {
		d.Start = stamp(used[len(used)-1].StartMS)
	}
	b, err := json.Marshal(&d)
	if err != nil {
		return "", fmt.Errorf("encode reason: %w", err)
	}
	if len(b) > MaxReasonData {
		return "", nil
	}
	return string(b), nil
}

// rawNumber is a number as JSON: null for those that JSON does not have.
func rawNumber(x float64) json.RawMessage {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return json.RawMessage("null")
	}
	return json.RawMessage(number(x))
}
