package alarms

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/actions"
)

// maxSubject is how long a subject may be, in characters.
const maxSubject = 100

// notification is the message to a target about a change of the state of an alarm: from the value before to that of a.
// old is the state before the last change.
func notification(a *Alarm, old *State, before, target string, now int64) (catalog.Message, error) {
	var body any = topicMessage(a, before, now)
	if strings.HasPrefix(target, "arn:") && strings.HasPrefix(afterColons(target, 2), "lambda:") {
		body = functionEvent(a, old, now)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return catalog.Message{}, fmt.Errorf("encode action of %s: %w", a.Name, err)
	}
	r := actions.Request{
		Account: a.Scope.Account, Region: a.Scope.Region, Owner: a.Name, OwnerType: a.Type(), Target: target,
		AtMS: a.State.TransitionedMS, Name: uuid.NewString(),
		Subject: subject(a), Text: mailText(a, before), Body: string(text),
	}
	return r.Message(now)
}

// afterColons returns what follows the nth colon.
func afterColons(text string, n int) string {
	for range n {
		_, text, _ = strings.Cut(text, ":")
	}
	return text
}

// subject returns the subject of a notification, with a name that is cut so that it fits.
func subject(a *Alarm) string {
	head, tail := a.State.Value+": \"", "\" in "+regionName(a.Scope.Region)
	name := []rune(a.Name)
	if room := maxSubject - len([]rune(head)) - len([]rune(tail)); len(name) > room {
		name = append(name[:max(room-3, 0)], '.', '.', '.')
	}
	return head + string(name) + tail
}

// mailText tells people of a change.
func mailText(a *Alarm, before string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The alarm %q in the region %s has entered the %s state, because %q at %q.\n\n",
		a.Name, regionName(a.Scope.Region), a.State.Value, a.State.Reason, longTime(a.State.TransitionedMS))
	fmt.Fprintf(&b, "Alarm details:\n- Name:         %s\n- Description:  %s\n- State change: %s -> %s\n- Timestamp:    %s\n- Account:      %s\n- Alarm ARN:    %s\n",
		a.Name, a.Description, before, a.State.Value, longTime(a.State.TransitionedMS), a.Scope.Account, a.ARN())
	if m := a.Metric; m != nil {
		fmt.Fprintf(&b, "\nThreshold:\n- The alarm is in the ALARM state when %d of the last %d datapoints of %d seconds are %s %s.\n",
			m.needed(), m.EvaluationPeriods, m.period(), comparisons[m.Comparison].text, number(m.Threshold))
		if m.MetricName != "" {
			fmt.Fprintf(&b, "\nMonitored metric:\n- Namespace:  %s\n- Name:       %s\n- Statistic:  %s\n", m.Namespace, m.MetricName, m.statistic())
			for _, d := range m.Dimensions {
				fmt.Fprintf(&b, "- Dimension:  %s = %s\n", d.Name, d.Value)
			}
		}
	} else {
		fmt.Fprintf(&b, "\nAlarm rule:\n- %s\n", a.Composite.Rule)
	}
	return b.String()
}

// topicAlarm is what a topic gets, member for member.
type topicAlarm struct {
	Name         string          `json:"AlarmName"`
	Description  *string         `json:"AlarmDescription"`
	Account      string          `json:"AWSAccountId"`
	Configured   string          `json:"AlarmConfigurationUpdatedTimestamp"`
	New          string          `json:"NewStateValue"`
	Reason       string          `json:"NewStateReason"`
	Changed      string          `json:"StateChangeTime"`
	Region       string          `json:"Region"`
	ARN          string          `json:"AlarmArn"`
	Old          string          `json:"OldStateValue"`
	OK           []string        `json:"OKActions"`
	Alarm        []string        `json:"AlarmActions"`
	Insufficient []string        `json:"InsufficientDataActions"`
	Trigger      *topicTrigger   `json:"Trigger,omitempty"`
	Rule         string          `json:"AlarmRule,omitempty"`
	Children     json.RawMessage `json:"TriggeringChildren,omitempty"`
}

type topicTrigger struct {
	MetricName string           `json:"MetricName,omitempty"`
	Namespace  string           `json:"Namespace,omitempty"`
	Kind       string           `json:"StatisticType,omitempty"`
	Statistic  string           `json:"Statistic,omitempty"`
	Extended   string           `json:"ExtendedStatistic,omitempty"`
	Unit       *string          `json:"Unit,omitempty"`
	Dimensions []topicDimension `json:"Dimensions,omitempty"`
	Period     int64            `json:"Period"`
	Periods    int              `json:"EvaluationPeriods"`
	Needed     int              `json:"DatapointsToAlarm"`
	Comparison string           `json:"ComparisonOperator"`
	Threshold  json.RawMessage  `json:"Threshold"`
	Missing    string           `json:"TreatMissingData"`
	LowSamples string           `json:"EvaluateLowSampleCountPercentile"`
	Metrics    []topicQuery     `json:"Metrics,omitempty"`
}

type topicDimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

type topicQuery struct {
	Expression string     `json:"Expression,omitempty"`
	ID         string     `json:"Id"`
	Label      string     `json:"Label,omitempty"`
	Stat       *topicStat `json:"MetricStat,omitempty"`
	Period     int64      `json:"Period,omitempty"`
	ReturnData bool       `json:"ReturnData"`
}

type topicStat struct {
	Metric topicMetric `json:"Metric"`
	Period int64       `json:"Period"`
	Stat   string      `json:"Stat"`
	Unit   string      `json:"Unit,omitempty"`
}

type topicMetric struct {
	Dimensions []topicDimension `json:"Dimensions"`
	Name       string           `json:"MetricName"`
	Namespace  string           `json:"Namespace"`
}

func topicDimensions(list []Dimension) []topicDimension {
	out := make([]topicDimension, len(list))
	for i, d := range list {
		out[i] = topicDimension{d.Value, d.Name}
	}
	return out
}

// topicStatistic spells a statistic as topics get it.
func topicStatistic(s string) string {
	if s == "SampleCount" {
		return "SAMPLE_COUNT"
	}
	return strings.ToUpper(s)
}

func topicMessage(a *Alarm, before string, now int64) *topicAlarm {
	m := &topicAlarm{
		Name: a.Name, Account: a.Scope.Account, Configured: stamp(a.ConfiguredMS),
		New: a.State.Value, Reason: a.State.Reason, Changed: stamp(now),
		Region: regionName(a.Scope.Region), ARN: a.ARN(), Old: before,
		OK: some(a.OKActions), Alarm: some(a.AlarmActions), Insufficient: some(a.InsufficientActions),
	}
	if a.Description != "" {
		m.Description = &a.Description
	}
	if c := a.Composite; c != nil {
		m.Rule = c.Rule
		m.Children = triggeringChildren(a.State.ReasonData)
		return m
	}
	x := a.Metric
	t := &topicTrigger{
		MetricName: x.MetricName, Namespace: x.Namespace, Period: x.period(), Periods: x.EvaluationPeriods, Needed: x.needed(),
		Comparison: x.Comparison, Threshold: json.RawMessage(number(x.Threshold)), Missing: x.treatMissing(), LowSamples: x.LowSamples,
	}
	if x.MetricName != "" {
		t.Dimensions = topicDimensions(x.Dimensions)
		if t.Kind, t.Statistic = "Statistic", topicStatistic(x.Statistic); x.ExtendedStatistic != "" {
			t.Kind, t.Statistic, t.Extended = "ExtendedStatistic", "", x.ExtendedStatistic
		}
		if x.Unit != "" {
			t.Unit = &x.Unit
		}
	}
	for i := range x.Queries {
		q := &x.Queries[i]
		out := topicQuery{Expression: q.Expression, ID: q.ID, Label: q.Label, Period: q.Period, ReturnData: q.ReturnData}
		if s := q.Stat; s != nil {
			out.Stat = &topicStat{
				Metric: topicMetric{Dimensions: topicDimensions(s.Dimensions), Name: s.MetricName, Namespace: s.Namespace},
				Period: s.Period, Stat: s.Stat, Unit: s.Unit,
			}
		}
		t.Metrics = append(t.Metrics, out)
	}
	m.Trigger = t
	return m
}

// triggeringChildren returns the alarms in the reason data of a composite alarm as topics get them.
func triggeringChildren(data string) json.RawMessage {
	var d compositeData
	if json.Unmarshal([]byte(data), &d) != nil || len(d.Alarms) == 0 {
		return nil // set by SetState
	}
	type state struct{ Value, Timestamp string }
	type child struct {
		Arn   string
		State state
	}
	out := make([]child, len(d.Alarms))
	for i, c := range d.Alarms {
		out[i] = child{c.ARN, state{c.State.Value, c.State.Timestamp}}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil // strings only
	}
	return b
}

// functionEvent is what a function gets.
func functionEvent(a *Alarm, old *State, now int64) any {
	type state struct {
		Value        string `json:"value"`
		Reason       string `json:"reason"`
		ReasonData   string `json:"reasonData,omitempty"`
		Timestamp    string `json:"timestamp"`
		SuppressedBy string `json:"actionsSuppressedBy,omitempty"`
		Suppressed   string `json:"actionsSuppressedReason,omitempty"`
	}
	of := func(s *State) state {
		return state{s.Value, s.Reason, s.ReasonData, stamp(s.UpdatedMS), s.SuppressedBy, s.SuppressedReason}
	}
	configuration := map[string]any{}
	if a.Description != "" {
		configuration["description"] = a.Description
	}
	if c := a.Composite; c != nil {
		configuration["alarmRule"] = c.Rule
		if c.Suppressor != "" {
			configuration["actionsSuppressor"] = c.Suppressor
			configuration["actionsSuppressorWaitPeriod"] = c.WaitPeriod
			configuration["actionsSuppressorExtensionPeriod"] = c.ExtensionPeriod
		}
	} else {
		configuration["metrics"] = functionMetrics(a.Metric)
	}
	return map[string]any{
		"source": "aws.cloudwatch", "alarmArn": a.ARN(), "accountId": a.Scope.Account, "time": stamp(now), "region": a.Scope.Region,
		"alarmData": map[string]any{"alarmName": a.Name, "state": of(&a.State), "previousState": of(old), "configuration": configuration},
	}
}

func functionMetrics(m *MetricSpec) []map[string]any {
	metric := func(s *Stat) map[string]any {
		dimensions := map[string]string{}
		for _, d := range s.Dimensions {
			dimensions[d.Name] = d.Value
		}
		out := map[string]any{
			"metric": map[string]any{"namespace": s.Namespace, "name": s.MetricName, "dimensions": dimensions},
			"period": s.Period, "stat": s.Stat,
		}
		if s.Unit != "" {
			out["unit"] = s.Unit
		}
		return out
	}
	var out []map[string]any
	for _, q := range m.queries() {
		x := map[string]any{"id": q.ID, "returnData": q.ReturnData}
		if q.Stat != nil {
			x["metricStat"] = metric(q.Stat)
		} else {
			x["expression"] = q.Expression
		}
		if q.Label != "" {
			x["label"] = q.Label
		}
		out = append(out, x)
	}
	return out
}

// queries returns what an alarm watches as queries.
func (m *MetricSpec) queries() []Query {
	if len(m.Queries) > 0 {
		return m.Queries
	}
	return []Query{{ID: "m1", ReturnData: true, Stat: &Stat{
		Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions, Period: m.Period, Stat: m.statistic(), Unit: m.Unit,
	}}}
}

// stamp formats a time as alarms do.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000-0700") }

// longTime formats a time for people.
func longTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("Monday 02 January, 2006 15:04:05 MST")
}

// number formats a number as alarms do: with a fraction, and with an exponent outside [0.001, 10⁷).
func number(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-3 || a >= 1e7) {
		s := strconv.FormatFloat(x, 'E', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return s // infinite
		}
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") && s != "NaN" {
		s += ".0"
	}
	return s
}
