package alarms

import (
	"slices"

	"github.com/cumulog/cumulog/internal/logs"
)

// Types of alarms.
const (
	TypeMetric    = "MetricAlarm"
	TypeComposite = "CompositeAlarm"
)

// States of an alarm.
const (
	OK           = "OK"
	Alarming     = "ALARM"
	Insufficient = "INSUFFICIENT_DATA"
)

// Ways to treat missing data.
const (
	Breaching    = "breaching"
	NotBreaching = "notBreaching"
	Ignore       = "ignore"
	Missing      = "missing"
)

// What holds back the actions of a composite alarm.
const (
	ByWaitPeriod      = "WaitPeriod"
	ByExtensionPeriod = "ExtensionPeriod"
	ByAlarm           = "Alarm"
)

// Evaluation states beside "".
const (
	// EvaluationError: the alarm cannot be evaluated as it is configured.
	EvaluationError = "EVALUATION_ERROR"
)

// Dimension is a name and a value of a metric.
type Dimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stat is a statistic of a metric.
type Stat struct {
	Namespace  string      `json:"namespace"`
	MetricName string      `json:"metricName"`
	Dimensions []Dimension `json:"dimensions,omitempty"`
	Period     int64       `json:"period"` // s
	Stat       string      `json:"stat"`   // such as Average or p99
	Unit       string      `json:"unit,omitempty"`
}

// Query is a metric or an expression of a math alarm.
type Query struct {
	ID         string `json:"id"`
	Stat       *Stat  `json:"metricStat,omitempty"` // this or Expression
	Expression string `json:"expression,omitempty"`
	Label      string `json:"label,omitempty"`
	Period     int64  `json:"period,omitempty"` // s; of an expression
	// ReturnData is set on the one that the alarm watches.
	ReturnData bool `json:"returnData,omitempty"`
}

// MetricSpec says what a metric alarm watches.
type MetricSpec struct {
	// A metric, or Queries and none of these.
	Namespace         string      `json:"namespace,omitempty"`
	MetricName        string      `json:"metricName,omitempty"`
	Dimensions        []Dimension `json:"dimensions,omitempty"`
	Statistic         string      `json:"statistic,omitempty"`         // such as Average
	ExtendedStatistic string      `json:"extendedStatistic,omitempty"` // such as p99
	Period            int64       `json:"period,omitempty"`            // s
	Unit              string      `json:"unit,omitempty"`

	Queries []Query `json:"metrics,omitempty"`

	EvaluationPeriods int     `json:"evaluationPeriods"`           // N
	DatapointsToAlarm int     `json:"datapointsToAlarm,omitempty"` // M; 0 = N
	Threshold         float64 `json:"threshold"`
	Comparison        string  `json:"comparisonOperator"`
	TreatMissing      string  `json:"treatMissingData,omitempty"`                 // "" = Missing
	LowSamples        string  `json:"evaluateLowSampleCountPercentile,omitempty"` // "" = evaluate
}

// CompositeSpec says what a composite alarm watches.
type CompositeSpec struct {
	Rule string `json:"alarmRule"`
	// Suppressor is the name or ARN of an alarm that holds back the actions while it
	// is in ALARM; "" = none.
	Suppressor      string `json:"actionsSuppressor,omitempty"`
	WaitPeriod      int64  `json:"actionsSuppressorWaitPeriod,omitempty"`      // s
	ExtensionPeriod int64  `json:"actionsSuppressorExtensionPeriod,omitempty"` // s
}

// Config is what Put sets. Exactly one of Metric and Composite is given.
type Config struct {
	Description         string   `json:"description,omitempty"`
	ActionsEnabled      bool     `json:"actionsEnabled"`
	OKActions           []string `json:"okActions,omitempty"` // ARNs
	AlarmActions        []string `json:"alarmActions,omitempty"`
	InsufficientActions []string `json:"insufficientDataActions,omitempty"`

	Metric    *MetricSpec    `json:"metric,omitempty"`
	Composite *CompositeSpec `json:"composite,omitempty"`
}

// State is what became of an alarm.
type State struct {
	Value          string `json:"value"`
	Reason         string `json:"reason"`
	ReasonData     string `json:"reasonData,omitempty"` // JSON, or ""
	UpdatedMS      int64  `json:"updatedMs"`
	TransitionedMS int64  `json:"transitionedMs"` // of Value
	Evaluation     string `json:"evaluation,omitempty"`

	SuppressedBy      string `json:"suppressedBy,omitempty"` // of a composite alarm; "" = nothing
	SuppressedReason  string `json:"suppressedReason,omitempty"`
	SuppressedUntilMS int64  `json:"suppressedUntilMs,omitempty"` // end of a period
	SuppressedFrom    string `json:"suppressedFrom,omitempty"`    // Value before the change whose actions are held back
}

// Alarm is an alarm. Callers must not change what it points to.
type Alarm struct {
	Scope logs.Scope
	Name  string
	Config
	ConfiguredMS int64 // last change of Config
	State
}

// ARN returns the ARN of the alarm.
func (a *Alarm) ARN() string { return a.Scope.AlarmARN(a.Name) }

// Type returns TypeMetric or TypeComposite.
func (a *Alarm) Type() string {
	if a.Composite != nil {
		return TypeComposite
	}
	return TypeMetric
}

// actions returns the actions of a state.
func (c *Config) actions(state string) []string {
	switch state {
	case OK:
		return c.OKActions
	case Alarming:
		return c.AlarmActions
	}
	return c.InsufficientActions
}

func (c *Config) allActions() []string {
	return slices.Concat(c.OKActions, c.AlarmActions, c.InsufficientActions)
}

// needed returns M, the breaching datapoints that make an alarm.
func (m *MetricSpec) needed() int {
	if m.DatapointsToAlarm > 0 {
		return m.DatapointsToAlarm
	}
	return m.EvaluationPeriods
}

// statistic returns the statistic of an alarm on one metric.
func (m *MetricSpec) statistic() string {
	if m.ExtendedStatistic != "" {
		return m.ExtendedStatistic
	}
	return m.Statistic
}

// treatMissing returns how missing data are treated.
func (m *MetricSpec) treatMissing() string {
	switch {
	case m.Namespace == "AWS/DynamoDB":
		return Ignore // whatever the alarm says, as documented
	case m.TreatMissing == "":
		return Missing
	}
	return m.TreatMissing
}

// period returns the length of a datapoint in seconds.
func (m *MetricSpec) period() int64 {
	if m.Period > 0 {
		return m.Period
	}
	for i := range m.Queries {
		if q := &m.Queries[i]; q.Stat != nil {
			return q.Stat.Period
		}
	}
	for i := range m.Queries {
		if m.Queries[i].ReturnData {
			return m.Queries[i].Period
		}
	}
	return 0
}
